//! `CaseService`.

use jiff::Timestamp;
use liuyan_kit::{
    auth::Caller,
    class::Violation,
    clock::{from_proto, to_proto},
    locale::Words,
};
use liuyan_proto::liuyan::{
    common::v1::Historical,
    routing::v1::{self as routing, case_service_server::CaseService},
};
use prost::Message as _;
use tonic::{Request, Response, Status};
use unicode_segmentation::UnicodeSegmentation as _;

use super::{Checks, convert, status, words};
use crate::{
    app::{
        App,
        casework::{Answer, Deed, Order},
        rating::{RatingAnswer, RatingOrder},
        reading::Wanted,
    },
    domain::{CaseId, rating::Rating},
    error::Error,
    store::cases::Name,
};

/// The most cases that are given at once.
const MOST_IDS: usize = 256;

/// Serves cases.
#[derive(Debug)]
pub struct Grpc {
    app: App,
    words: Words,
}

impl Grpc {
    /// Serves what `app` does.
    pub fn new(app: App) -> Self {
        Self { app, words: words() }
    }

    fn answer<T>(&self, caller: &Caller, result: Result<T, Error>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| status(&self.words, &error, caller))
    }

    async fn get(
        &self,
        caller: &Caller,
        request: routing::GetCaseRequest,
    ) -> Result<routing::GetCaseResponse, Error> {
        use routing::get_case_request::Name as Wire;
        let mut checks = Checks::default();
        let name = match request.name {
            Some(Wire::CaseId(id)) => Name::Case(checks.id("case_id", &id)),
            Some(Wire::MessageId(id)) => Name::Message(checks.id("message_id", &id)),
            Some(Wire::Number(number)) => Name::Number(number),
            None => return Err(Error::invalid("name", "FIELD_REQUIRED")),
        };
        checks.done()?;
        let (case, view) = self.app.case(caller, &name).await?;
        Ok(routing::GetCaseResponse { case: Some(convert::case(&case, view)) })
    }

    async fn list(
        &self,
        caller: &Caller,
        request: routing::ListCasesRequest,
    ) -> Result<routing::ListCasesResponse, Error> {
        let state = convert::state_code(request.state)
            .ok_or_else(|| Error::invalid("state", "VALUE_UNKNOWN"))?;
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let wanted = Wanted {
            office_id: some(request.office_id),
            division_code: some(request.division_code),
            state,
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let page = self.app.cases(caller, &wanted).await?;
        let cases = page.cases.into_iter().map(|(case, view)| convert::case(&case, view));
        Ok(routing::ListCasesResponse { cases: cases.collect(), next_page_token: page.next })
    }

    async fn batch_get(
        &self,
        request: routing::BatchGetPublicCaseRequest,
    ) -> Result<routing::BatchGetPublicCaseResponse, Error> {
        let mut checks = Checks::default();
        if request.case_ids.len() > MOST_IDS {
            checks.0.push(Violation::new("case_ids", "TOO_MANY_IDS").with("most", MOST_IDS));
        }
        let ids: Vec<CaseId> =
            request.case_ids.iter().map(|id| checks.id("case_ids", id)).collect();
        checks.done()?;
        let views = self.app.public_cases(&ids).await?;
        let cases = views.into_iter().map(convert::public).collect();
        Ok(routing::BatchGetPublicCaseResponse { cases })
    }

    async fn accept(
        &self,
        caller: Caller,
        request: routing::AcceptCaseRequest,
    ) -> Result<routing::AcceptCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "AcceptCase", &request.request_id, &request);
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Accept,
            request: named,
            encode: |answer| {
                routing::AcceptCaseResponse { case: Some(encoded(answer)) }.encode_to_vec()
            },
        };
        checks.done()?;
        let response = self.app.work(caller, order).await?;
        Ok(routing::AcceptCaseResponse::decode(response.as_slice())?)
    }

    async fn reply(
        &self,
        caller: Caller,
        request: routing::ReplyToCaseRequest,
    ) -> Result<routing::ReplyToCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "ReplyToCase", &request.request_id, &request);
        let (least, most) = (self.app.config().reply_least, self.app.config().reply_most);
        let has = request.body.trim().graphemes(true).count();
        // A text that only blanks make long enough is none; one that blanks make too long is.
        if has < least || request.body.graphemes(true).count() > most {
            let violation = Violation::new("body", "BODY_LENGTH");
            checks.0.push(violation.with("least", least).with("most", most).with("has", has));
        }
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Reply(request.body),
            request: named,
            encode: |answer| {
                let reply_id = answer.reply_id.map(|id| id.to_string()).unwrap_or_default();
                routing::ReplyToCaseResponse { case: Some(encoded(answer)), reply_id }
                    .encode_to_vec()
            },
        };
        checks.done()?;
        let response = self.app.work(caller, order).await?;
        Ok(routing::ReplyToCaseResponse::decode(response.as_slice())?)
    }

    async fn close(
        &self,
        caller: Caller,
        request: routing::CloseCaseRequest,
    ) -> Result<routing::CloseCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "CloseCase", &request.request_id, &request);
        let outcome = convert::outcome(request.outcome);
        if outcome.is_none() {
            let reason = if request.outcome == 0 { "FIELD_REQUIRED" } else { "VALUE_UNKNOWN" };
            checks.wrong("outcome", reason);
        }
        let case_id = checks.id("case_id", &request.case_id);
        let occurred_at = historical(&mut checks, request.historical.as_ref());
        checks.done()?;
        let outcome = outcome.ok_or_else(|| Error::invalid("outcome", "FIELD_REQUIRED"))?;
        let order = Order {
            case_id,
            occurred_at,
            etag: request.etag,
            deed: Deed::Close(outcome),
            request: named,
            encode: |answer| {
                routing::CloseCaseResponse { case: Some(encoded(answer)) }.encode_to_vec()
            },
        };
        let response = self.app.work(caller, order).await?;
        Ok(routing::CloseCaseResponse::decode(response.as_slice())?)
    }

    async fn rate(
        &self,
        caller: Caller,
        request: routing::RateReplyRequest,
    ) -> Result<routing::RateReplyResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "RateReply", &request.request_id, &request);
        let case_id = checks.id("case_id", &request.case_id);
        let reply_id = checks.id("reply_id", &request.reply_id);
        let rating = Rating::new(request.resolution, request.attitude, request.speed);
        let rating = match rating {
            Ok(rating) => {
                checks.done()?;
                rating
            }
            Err(fields) => {
                for field in fields {
                    checks.wrong(field, "RATING_RANGE");
                }
                return Err(Error::Invalid(checks.0));
            }
        };
        let encode = |answer: &RatingAnswer| {
            routing::RateReplyResponse {
                label: answer.label.to_owned(),
                changeable_until: Some(to_proto(answer.changeable_until)),
            }
            .encode_to_vec()
        };
        let order = RatingOrder { case_id, reply_id, rating, request: named, encode };
        let response = self.app.rate(caller, order).await?;
        Ok(routing::RateReplyResponse::decode(response.as_slice())?)
    }
}

fn encoded(answer: &Answer) -> routing::Case {
    convert::case(&answer.case, answer.view.clone())
}

fn historical(checks: &mut Checks, historical: Option<&Historical>) -> Option<Timestamp> {
    let historical = historical?;
    let at = historical.occurred_at.as_ref().and_then(from_proto);
    if at.is_none() {
        let given = historical.occurred_at.is_some();
        let reason = if given { "TIME_MALFORMED" } else { "FIELD_REQUIRED" };
        checks.wrong("historical.occurred_at", reason);
    }
    at
}

#[tonic::async_trait]
impl CaseService for Grpc {
    async fn get_case(
        &self,
        request: Request<routing::GetCaseRequest>,
    ) -> Result<Response<routing::GetCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.get(&caller, request.into_inner()).await;
        self.answer(&caller, result)
    }

    async fn list_cases(
        &self,
        request: Request<routing::ListCasesRequest>,
    ) -> Result<Response<routing::ListCasesResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.list(&caller, request.into_inner()).await;
        self.answer(&caller, result)
    }

    async fn search_cases(
        &self,
        _: Request<routing::SearchCasesRequest>,
    ) -> Result<Response<routing::SearchCasesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn transfer_case(
        &self,
        _: Request<routing::TransferCaseRequest>,
    ) -> Result<Response<routing::TransferCaseResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn batch_get_public_case(
        &self,
        request: Request<routing::BatchGetPublicCaseRequest>,
    ) -> Result<Response<routing::BatchGetPublicCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.batch_get(request.into_inner()).await;
        self.answer(&caller, result)
    }

    async fn accept_case(
        &self,
        request: Request<routing::AcceptCaseRequest>,
    ) -> Result<Response<routing::AcceptCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.accept(caller.clone(), request.into_inner()).await;
        self.answer(&caller, result)
    }

    async fn reply_to_case(
        &self,
        request: Request<routing::ReplyToCaseRequest>,
    ) -> Result<Response<routing::ReplyToCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.reply(caller.clone(), request.into_inner()).await;
        self.answer(&caller, result)
    }

    async fn close_case(
        &self,
        request: Request<routing::CloseCaseRequest>,
    ) -> Result<Response<routing::CloseCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.close(caller.clone(), request.into_inner()).await;
        self.answer(&caller, result)
    }

    async fn rate_reply(
        &self,
        request: Request<routing::RateReplyRequest>,
    ) -> Result<Response<routing::RateReplyResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.rate(caller.clone(), request.into_inner()).await;
        self.answer(&caller, result)
    }
}
