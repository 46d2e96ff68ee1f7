//! `CaseService`.

use std::time::Duration;

use jiff::civil::Date;
use liuyan_kit::{
    auth::{Caller, Claims, Signer},
    class::Violation,
    clock::to_proto,
};
use liuyan_proto::liuyan::routing::v1::{self as routing, case_service_server::CaseService};
use tonic::{Request, Response, Status};

use super::{Checks, answer, convert};
use crate::{
    app::{
        App,
        looking::who,
        reading::{Codes, Days, Wanted},
        searching::Sought,
    },
    domain::CaseId,
    error::Error,
    store::cases::{Name, Order},
    texts::Originals,
};

mod figures;
mod handling;
mod working;

pub(super) use working::text;

/// The most cases that are given at once.
const MOST_IDS: usize = 256;
/// What intake asks of who wants to see files; the subject says of which message.
const FILES: &str = "attachment:read";
/// How long a token for files is good.
const FILES_LIFETIME: Duration = Duration::from_secs(120);

/// Serves cases.
#[derive(Debug)]
pub struct Grpc {
    app: App,
    originals: Originals,
    signer: Signer,
}

impl Grpc {
    /// Serves what `app` does; officials see `originals`, where no text is kept here, and `signer`
    /// lets them see files at intake.
    pub fn new(app: App, originals: Originals, signer: Signer) -> Self {
        Self { app, originals, signer }
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
            Some(Wire::Number(number)) if number.contains('\0') => return Err(Error::CaseNotFound),
            Some(Wire::Number(number)) => Name::Number(number),
            None => return Err(Error::invalid("name", "FIELD_REQUIRED")),
        };
        checks.done()?;
        let seen = self.app.look(caller, &name, &self.originals).await?;
        Ok(routing::GetCaseResponse { case: Some(convert::seen(seen)) })
    }

    /// The look is recorded, and only then the token is there.
    async fn files(
        &self,
        caller: &Caller,
        request: routing::IssueAttachmentTokenRequest,
    ) -> Result<routing::IssueAttachmentTokenResponse, Error> {
        let mut checks = Checks::default();
        let case_id = checks.id("case_id", &request.case_id);
        checks.done()?;
        let message_id = self.app.look_at_files(caller, case_id).await?;
        let now = self.app.now();
        let attachment_token = self.signer.sign(&Claims {
            sub: format!("files/{message_id}/{}", who(caller)),
            scopes: vec![FILES.to_owned()],
            offices: Vec::new(),
            divisions: Vec::new(),
            lifetime: FILES_LIFETIME,
        });
        let expires_at = now.saturating_add(FILES_LIFETIME).unwrap_or(now);
        Ok(routing::IssueAttachmentTokenResponse {
            attachment_token,
            message_id: message_id.to_string(),
            expires_at: Some(to_proto(expires_at)),
        })
    }

    async fn list(
        &self,
        caller: &Caller,
        request: routing::ListCasesRequest,
    ) -> Result<routing::ListCasesResponse, Error> {
        let order = match routing::CaseOrder::try_from(request.order) {
            Ok(routing::CaseOrder::Unspecified | routing::CaseOrder::Newest) => Some(Order::Newest),
            Ok(routing::CaseOrder::Deadline) => Some(Order::Deadline),
            Ok(routing::CaseOrder::Replied) => Some(Order::Replied),
            Err(_) => None,
        };
        let mut checks = Checks::default();
        let days = days(&mut checks, &request.from_on, &request.until_on, request.day_of);
        let problem_id = match request.common_problem_id.as_str() {
            "" => None,
            id => Some(checks.id("common_problem_id", id)),
        };
        let codes = codes(&mut checks, request.state, request.domain, request.kind);
        let codes = Codes { days, ..codes };
        if order.is_none() {
            checks.wrong("order", "VALUE_UNKNOWN");
        }
        checks.done()?;
        let wanted = Wanted {
            office_id: some(request.office_id),
            division_code: some(request.division_code),
            codes,
            order: order.unwrap_or_default(),
            unanswered: request.unanswered,
            supervised: request.supervised,
            problem_id,
            // Who is watched is no business of everybody's.
            own: request.own || request.supervised,
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let page = self.app.cases(caller, &wanted).await?;
        let cases = page.cases.into_iter().map(convert::seen).collect();
        Ok(routing::ListCasesResponse { cases, next_page_token: page.next })
    }

    async fn search(
        &self,
        request: routing::SearchCasesRequest,
    ) -> Result<routing::SearchCasesResponse, Error> {
        let mut checks = Checks::default();
        let days = days(&mut checks, &request.from_on, &request.until_on, request.day_of);
        let codes = codes(&mut checks, request.state, request.domain, request.kind);
        let codes = Codes { days, ..codes };
        checks.done()?;
        let sought = Sought {
            query: request.query,
            division_code: some(request.division_code),
            office_id: some(request.office_id),
            codes,
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let found = self.app.search(&sought).await?;
        Ok(routing::SearchCasesResponse {
            hits: found.hits.into_iter().map(convert::hit).collect(),
            next_page_token: found.next,
            total: found.total.try_into().unwrap_or(u32::MAX),
        })
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
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// The codes that a caller named.
fn codes(checks: &mut Checks, state: i32, domain: String, kind: String) -> Codes {
    let state = convert::state_code(state);
    if state.is_none() {
        checks.wrong("state", "VALUE_UNKNOWN");
    }
    let days = Days::default();
    Codes { state: state.flatten(), domain: some(domain), kind: some(kind), days }
}

/// The days that a caller named.
fn days(checks: &mut Checks, from: &str, until: &str, of: i32) -> Days {
    let mut day = |field: &str, text: &str| match text {
        "" => None,
        text => {
            let day = text.parse::<Date>().ok();
            if day.is_none() {
                checks.wrong(field, "DATE_MALFORMED");
            }
            day
        }
    };
    let (from, until) = (day("from_on", from), day("until_on", until));
    if from.zip(until).is_some_and(|(from, until)| from > until) {
        checks.wrong("until_on", "DATES_ORDER");
    }
    let of_reply = match routing::DayOf::try_from(of) {
        Ok(routing::DayOf::Unspecified | routing::DayOf::Submission) => false,
        Ok(routing::DayOf::Reply) => true,
        Err(_) => {
            checks.wrong("day_of", "VALUE_UNKNOWN");
            false
        }
    };
    Days { from, until, of_reply }
}

#[tonic::async_trait]
impl CaseService for Grpc {
    async fn get_case(
        &self,
        request: Request<routing::GetCaseRequest>,
    ) -> Result<Response<routing::GetCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.get(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn issue_attachment_token(
        &self,
        request: Request<routing::IssueAttachmentTokenRequest>,
    ) -> Result<Response<routing::IssueAttachmentTokenResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.files(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_cases(
        &self,
        request: Request<routing::ListCasesRequest>,
    ) -> Result<Response<routing::ListCasesResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.list(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn search_cases(
        &self,
        request: Request<routing::SearchCasesRequest>,
    ) -> Result<Response<routing::SearchCasesResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.search(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn transfer_case(
        &self,
        request: Request<routing::TransferCaseRequest>,
    ) -> Result<Response<routing::TransferCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.transfer(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn batch_get_public_case(
        &self,
        request: Request<routing::BatchGetPublicCaseRequest>,
    ) -> Result<Response<routing::BatchGetPublicCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.batch_get(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn accept_case(
        &self,
        request: Request<routing::AcceptCaseRequest>,
    ) -> Result<Response<routing::AcceptCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.accept(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn reply_to_case(
        &self,
        request: Request<routing::ReplyToCaseRequest>,
    ) -> Result<Response<routing::ReplyToCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.reply(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn close_case(
        &self,
        request: Request<routing::CloseCaseRequest>,
    ) -> Result<Response<routing::CloseCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.close(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn rate_reply(
        &self,
        request: Request<routing::RateReplyRequest>,
    ) -> Result<Response<routing::RateReplyResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.rate(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn return_case(
        &self,
        request: Request<routing::ReturnCaseRequest>,
    ) -> Result<Response<routing::ReturnCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.give_back(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn pause_case(
        &self,
        request: Request<routing::PauseCaseRequest>,
    ) -> Result<Response<routing::PauseCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.pause(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn resume_case(
        &self,
        request: Request<routing::ResumeCaseRequest>,
    ) -> Result<Response<routing::ResumeCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.resume(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn extend_deadline(
        &self,
        request: Request<routing::ExtendDeadlineRequest>,
    ) -> Result<Response<routing::ExtendDeadlineResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.extend(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn invite_helper(
        &self,
        request: Request<routing::InviteHelperRequest>,
    ) -> Result<Response<routing::InviteHelperResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.invite(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn correct_reply(
        &self,
        request: Request<routing::CorrectReplyRequest>,
    ) -> Result<Response<routing::CorrectReplyResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.correct(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn reopen_case(
        &self,
        request: Request<routing::ReopenCaseRequest>,
    ) -> Result<Response<routing::ReopenCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.reopen(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn ask_follow_up(
        &self,
        request: Request<routing::AskFollowUpRequest>,
    ) -> Result<Response<routing::AskFollowUpResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.ask_on(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn supervise_case(
        &self,
        request: Request<routing::SuperviseCaseRequest>,
    ) -> Result<Response<routing::SuperviseCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.supervise(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_acts(
        &self,
        request: Request<routing::ListActsRequest>,
    ) -> Result<Response<routing::ListActsResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.acts(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn keep_promise(
        &self,
        request: Request<routing::KeepPromiseRequest>,
    ) -> Result<Response<routing::KeepPromiseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.keep(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn check_reply(
        &self,
        request: Request<routing::CheckReplyRequest>,
    ) -> Result<Response<routing::CheckReplyResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.check(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn get_reply_figures(
        &self,
        request: Request<routing::GetReplyFiguresRequest>,
    ) -> Result<Response<routing::GetReplyFiguresResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.figures(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn get_rating_figures(
        &self,
        request: Request<routing::GetRatingFiguresRequest>,
    ) -> Result<Response<routing::GetRatingFiguresResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.rating_figures(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_precedents(
        &self,
        request: Request<routing::ListPrecedentsRequest>,
    ) -> Result<Response<routing::ListPrecedentsResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.precedents(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn retire_precedent(
        &self,
        request: Request<routing::RetirePrecedentRequest>,
    ) -> Result<Response<routing::RetirePrecedentResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.retire_precedent(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }
}
