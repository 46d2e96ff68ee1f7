//! What is done with cases: requests that are answered once.

use jiff::Timestamp;
use liuyan_kit::{
    auth::Caller,
    class::Violation,
    clock::{from_proto, to_proto},
};
use liuyan_proto::liuyan::{common::v1::Historical, routing::v1 as routing};
use prost::Message;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{
    super::{Checks, convert},
    Grpc,
};
use crate::{
    app::{
        casework::{Answer, Answering, Deed, Order},
        rating::{RatingAnswer, RatingOrder},
    },
    domain::{
        promise::{Draft, MOST_PROMISES},
        rating::Rating,
    },
    error::Error,
};

/// How long the reason of a transfer is, in characters.
pub(super) const REASON_LENGTHS: (usize, usize) = (2, 200);

impl Grpc {
    /// Does what is ordered, if nothing is wrong with it.
    pub(super) async fn order<R: Message + Default>(
        &self,
        caller: Caller,
        checks: Checks,
        order: Order,
    ) -> Result<R, Error> {
        checks.done()?;
        let response = self.app.work(caller, order).await?;
        Ok(R::decode(response.as_slice())?)
    }

    pub(super) async fn accept(
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
            encode: told::<routing::AcceptCaseResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn transfer(
        &self,
        caller: Caller,
        request: routing::TransferCaseRequest,
    ) -> Result<routing::TransferCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "TransferCase", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        if request.office_id.is_empty() {
            checks.wrong("office_id", "FIELD_REQUIRED");
        }
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Transfer { office_id: request.office_id, reason: request.reason },
            request: named,
            encode: told::<routing::TransferCaseResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn reply(
        &self,
        caller: Caller,
        request: routing::ReplyToCaseRequest,
    ) -> Result<routing::ReplyToCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "ReplyToCase", &request.request_id, &request);
        let lengths = (self.app.config().reply_least, self.app.config().reply_most);
        text(&mut checks, ("body", "BODY_LENGTH"), &request.body, lengths);
        let reason = ("override_reason", "REASON_LENGTH");
        if !request.override_reason.is_empty() {
            text(&mut checks, reason, &request.override_reason, REASON_LENGTHS);
        }
        let promises = promises(&mut checks, &request.promises);
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Reply(Answering {
                body: request.body,
                promises,
                override_reason: request.override_reason,
            }),
            request: named,
            encode: |answer| {
                let reply_id = answer.reply_id.map(|id| id.to_string()).unwrap_or_default();
                routing::ReplyToCaseResponse { case: Some(encoded(answer)), reply_id }
                    .encode_to_vec()
            },
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn close(
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
            encode: told::<routing::CloseCaseResponse>,
        };
        let response = self.app.work(caller, order).await?;
        Ok(routing::CloseCaseResponse::decode(response.as_slice())?)
    }

    pub(super) async fn rate(
        &self,
        caller: Caller,
        request: routing::RateReplyRequest,
    ) -> Result<routing::RateReplyResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "RateReply", &request.request_id, &request);
        let case_id = checks.id("case_id", &request.case_id);
        let reply_id = checks.id("reply_id", &request.reply_id);
        let occurred_at = historical(&mut checks, request.historical.as_ref());
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
        let order = RatingOrder { case_id, reply_id, rating, occurred_at, request: named, encode };
        let response = self.app.rate(caller, order).await?;
        Ok(routing::RateReplyResponse::decode(response.as_slice())?)
    }
}

/// What a reply is to promise. Whether the days can be promised is decided with the reply.
fn promises(checks: &mut Checks, drafts: &[routing::PromiseDraft]) -> Vec<Draft> {
    if drafts.len() > MOST_PROMISES {
        let violation = Violation::new("promises", "TOO_MANY_PROMISES");
        checks.0.push(violation.with("most", MOST_PROMISES));
        return Vec::new();
    }
    let mut promises = Vec::with_capacity(drafts.len());
    for draft in drafts {
        text(checks, ("promises.what", "PROMISE_LENGTH"), &draft.what, REASON_LENGTHS);
        match draft.due_on.parse() {
            Ok(due_on) => promises.push(Draft { due_on, what: draft.what.clone() }),
            Err(_) => checks.wrong("promises.due_on", "DATE_MALFORMED"),
        }
    }
    promises
}

/// An answer that is the case after a deed.
pub(super) trait TellsCase: Message {
    fn telling(case: routing::Case) -> Self;
}

macro_rules! tells_case {
    ($($answer:ident),+ $(,)?) => {$(
        impl TellsCase for routing::$answer {
            fn telling(case: routing::Case) -> Self {
                Self { case: Some(case) }
            }
        }
    )+};
}

tells_case!(
    AcceptCaseResponse,
    AskFollowUpResponse,
    CloseCaseResponse,
    CorrectReplyResponse,
    ExtendDeadlineResponse,
    InviteHelperResponse,
    KeepPromiseResponse,
    PauseCaseResponse,
    ReopenCaseResponse,
    ResumeCaseResponse,
    ReturnCaseResponse,
    SuperviseCaseResponse,
    TransferCaseResponse,
);

/// The answer to a deed, as it is written down.
pub(super) fn told<R: TellsCase>(answer: &Answer) -> Vec<u8> {
    R::telling(encoded(answer)).encode_to_vec()
}

/// The case after a deed, as its officials see it.
fn encoded(answer: &Answer) -> routing::Case {
    let whole = convert::Whole { question: answer.question.clone(), follow_ups: Vec::new() };
    convert::case(&answer.case, answer.view.clone(), &[], Some(whole))
}

pub(super) fn historical(
    checks: &mut Checks,
    historical: Option<&Historical>,
) -> Option<Timestamp> {
    let historical = historical?;
    let at = historical.occurred_at.as_ref().and_then(from_proto);
    if at.is_none() {
        let given = historical.occurred_at.is_some();
        let reason = if given { "TIME_MALFORMED" } else { "FIELD_REQUIRED" };
        checks.wrong("historical.occurred_at", reason);
    }
    at
}

/// Checks the length of a text, in characters. A text that only blanks make long enough is none;
/// one that blanks make too long is.
pub(in crate::grpc) fn text(
    checks: &mut Checks,
    (field, reason): (&str, &'static str),
    text: &str,
    (least, most): (usize, usize),
) {
    let has = text.trim().graphemes(true).count();
    if has < least || text.graphemes(true).count() > most {
        let violation = Violation::new(field, reason);
        checks.0.push(violation.with("least", least).with("most", most).with("has", has));
    } else if text.contains('\0') {
        // The database keeps no such character.
        checks.wrong(field, "TEXT_MALFORMED");
    }
}
