//! What is done with cases beside answering them.

use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::routing::v1 as routing;

use super::{
    super::{Checks, convert},
    Grpc,
    working::{REASON_LENGTHS, historical, text, told},
};
use crate::{
    app::casework::{Deed, Order},
    domain::{
        handling::{Ground, MAX_EXTENSION},
        page,
    },
    error::Error,
};

/// How long what an author is asked is, in characters.
const QUESTION_LENGTHS: (usize, usize) = (2, 500);
/// How many acts a page has, if the caller does not say, and at most.
const ACTS: (usize, usize) = (50, 200);

impl Grpc {
    pub(super) async fn give_back(
        &self,
        caller: Caller,
        request: routing::ReturnCaseRequest,
    ) -> Result<routing::ReturnCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "ReturnCase", &request.request_id, &request);
        text(&mut checks, ("rule", "RULE_LENGTH"), &request.rule, REASON_LENGTHS);
        if request.office_id.is_empty() {
            checks.wrong("office_id", "FIELD_REQUIRED");
        }
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Return { office_id: request.office_id, rule: request.rule },
            request: named,
            encode: told::<routing::ReturnCaseResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn pause(
        &self,
        caller: Caller,
        request: routing::PauseCaseRequest,
    ) -> Result<routing::PauseCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "PauseCase", &request.request_id, &request);
        let question = ("question", "QUESTION_LENGTH");
        text(&mut checks, question, &request.question, QUESTION_LENGTHS);
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Pause(request.question),
            request: named,
            encode: told::<routing::PauseCaseResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn resume(
        &self,
        caller: Caller,
        request: routing::ResumeCaseRequest,
    ) -> Result<routing::ResumeCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "ResumeCase", &request.request_id, &request);
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Resume,
            request: named,
            encode: told::<routing::ResumeCaseResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn extend(
        &self,
        caller: Caller,
        request: routing::ExtendDeadlineRequest,
    ) -> Result<routing::ExtendDeadlineResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "ExtendDeadline", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        if !(1..=MAX_EXTENSION).contains(&request.days) {
            checks.wrong("days", "DAYS_RANGE");
        }
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Extend { days: request.days, reason: request.reason },
            request: named,
            encode: told::<routing::ExtendDeadlineResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn invite(
        &self,
        caller: Caller,
        request: routing::InviteHelperRequest,
    ) -> Result<routing::InviteHelperResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "InviteHelper", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        if request.office_id.is_empty() {
            checks.wrong("office_id", "FIELD_REQUIRED");
        }
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Invite { office_id: request.office_id, reason: request.reason },
            request: named,
            encode: told::<routing::InviteHelperResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn correct(
        &self,
        caller: Caller,
        request: routing::CorrectReplyRequest,
    ) -> Result<routing::CorrectReplyResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "CorrectReply", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        let lengths = (self.app.config().reply_least, self.app.config().reply_most);
        text(&mut checks, ("body", "BODY_LENGTH"), &request.body, lengths);
        let reply_id = checks.id("reply_id", &request.reply_id);
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Correct { reply_id, body: request.body, reason: request.reason },
            request: named,
            encode: told::<routing::CorrectReplyResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn reopen(
        &self,
        caller: Caller,
        request: routing::ReopenCaseRequest,
    ) -> Result<routing::ReopenCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "ReopenCase", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Reopen(request.reason),
            request: named,
            encode: told::<routing::ReopenCaseResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn ask_on(
        &self,
        caller: Caller,
        request: routing::AskFollowUpRequest,
    ) -> Result<routing::AskFollowUpResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "AskFollowUp", &request.request_id, &request);
        let reply_id = checks.id("reply_id", &request.reply_id);
        let ground = Ground::of_code(&request.ground);
        if ground.is_none() {
            let reason = if request.ground.is_empty() { "FIELD_REQUIRED" } else { "VALUE_UNKNOWN" };
            checks.wrong("ground", reason);
        }
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::AskOn { reply_id, ground: ground.unwrap_or(Ground::NotAnswered) },
            request: named,
            encode: told::<routing::AskFollowUpResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn supervise(
        &self,
        caller: Caller,
        request: routing::SuperviseCaseRequest,
    ) -> Result<routing::SuperviseCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "SuperviseCase", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: None,
            etag: request.etag,
            deed: Deed::Supervise(request.reason),
            request: named,
            encode: told::<routing::SuperviseCaseResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn keep(
        &self,
        caller: Caller,
        request: routing::KeepPromiseRequest,
    ) -> Result<routing::KeepPromiseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "KeepPromise", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        let promise_id = checks.id("promise_id", &request.promise_id);
        let order = Order {
            case_id: checks.id("case_id", &request.case_id),
            occurred_at: historical(&mut checks, request.historical.as_ref()),
            etag: request.etag,
            deed: Deed::Keep { promise_id, reason: request.reason },
            request: named,
            encode: told::<routing::KeepPromiseResponse>,
        };
        self.order(caller, checks, order).await
    }

    pub(super) async fn check(
        &self,
        caller: &Caller,
        request: routing::CheckReplyRequest,
    ) -> Result<routing::CheckReplyResponse, Error> {
        let mut checks = Checks::default();
        let case_id = checks.id("case_id", &request.case_id);
        let lengths = (self.app.config().reply_least, self.app.config().reply_most);
        text(&mut checks, ("body", "BODY_LENGTH"), &request.body, lengths);
        checks.done()?;
        let judged = self.app.check_reply(caller, case_id, &request.body).await?;
        Ok(routing::CheckReplyResponse {
            verdict: judged.verdict.code().to_owned(),
            stopped: judged.stops,
            likeness: judged.measured.likeness,
            as_near: judged.measured.as_near,
            compared: judged.measured.others.try_into().unwrap_or(u32::MAX),
        })
    }

    pub(super) async fn figures(
        &self,
        request: routing::GetReplyFiguresRequest,
    ) -> Result<routing::GetReplyFiguresResponse, Error> {
        let figures = self.app.figures(&request.office_id).await?;
        Ok(routing::GetReplyFiguresResponse {
            replies: figures.replies.unsigned_abs(),
            gate_overridden: figures.overridden.unsigned_abs(),
            promises: figures.promises.unsigned_abs(),
            kept: figures.kept.unsigned_abs(),
            broken: figures.broken.unsigned_abs(),
        })
    }

    pub(super) async fn acts(
        &self,
        caller: &Caller,
        request: routing::ListActsRequest,
    ) -> Result<routing::ListActsResponse, Error> {
        let mut checks = Checks::default();
        let case_id = checks.id("case_id", &request.case_id);
        let size = page::size(request.page_size, ACTS.0, ACTS.1);
        if size.is_none() {
            checks.wrong("page_size", "SIZE_NEGATIVE");
        }
        let bound = format!("acts {case_id}");
        let after = match request.page_token.as_str() {
            "" => Some(0),
            token => page::key(&bound, token).and_then(|key| key.parse::<i32>().ok()),
        };
        if after.is_none() {
            checks.wrong("page_token", "PAGE_TOKEN_INVALID");
        }
        checks.done()?;
        let size = size.unwrap_or(ACTS.0);
        let mut acts = self.app.acts(caller, case_id, after.unwrap_or(0), size + 1).await?;
        let more = acts.len() > size;
        acts.truncate(size);
        let next_page_token = match acts.last().filter(|_| more) {
            Some(last) => page::token(&bound, &last.position.to_string()),
            None => String::new(),
        };
        let acts = acts.into_iter().map(convert::act).collect();
        Ok(routing::ListActsResponse { acts, next_page_token })
    }
}
