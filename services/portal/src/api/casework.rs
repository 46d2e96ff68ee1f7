//! What else is done with a case, and what was done with it: by officials, agencies and authors.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{
    AskFollowUpRequest, CheckReplyRequest, CorrectReplyRequest, ExtendDeadlineRequest,
    InviteHelperRequest, KeepPromiseRequest, ListActsRequest, PauseCaseRequest, ReopenCaseRequest,
    ResumeCaseRequest, ReturnCaseRequest, SuperviseCaseRequest,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ask::{Ask, Key},
    body::{Body, Query},
    directory::paging,
    keep::private,
    messages::name,
    params::{Values, text},
    problem::{Fault, Problem},
    types::{
        Page,
        cases::Case,
        casework::{
            Act, Because, Checked, Correction, DraftReply, Extend, Invite, NewFollowUp, NewPause,
            Resume, Return,
        },
    },
};

/// The case as it is after an act, or why the act was refused.
fn case_after(
    answer: Result<Option<liuyan_proto::liuyan::routing::v1::Case>, tonic::Status>,
) -> Result<Response, Fault> {
    let case = answer.map_err(|status| Fault::from(status).renamed(name))?;
    private(StatusCode::OK, &Case::from(case.unwrap_or_default()))
}

/// Gives a case back by naming the office that is competent and the rule. The first return goes to that office; the second to the common superior of both, whose decision routes the next of its kind.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/return", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Return,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn give_back(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Return>,
) -> Result<Response, Fault> {
    let Return { office_id, rule, etag } = wish;
    let request =
        ReturnCaseRequest { case_id, etag, request_id, office_id, rule, historical: None };
    let answer = ask.app.backend.cases().return_case(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Waits for more information from the author: the clock stands until it is resumed.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/pause", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = NewPause,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn pause(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<NewPause>,
) -> Result<Response, Fault> {
    let NewPause { question, etag } = wish;
    let request = PauseCaseRequest { case_id, etag, request_id, question, historical: None };
    let answer = ask.app.backend.cases().pause_case(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Ends the wait: the author has told more, or the office goes on without it.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/resume", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Resume,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn resume(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Resume>,
) -> Result<Response, Fault> {
    let Resume { etag } = wish;
    let request = ResumeCaseRequest { case_id, etag, request_id, historical: None };
    let answer = ask.app.backend.cases().resume_case(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Extends the deadline, once, before it has passed, with a reason.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/extend", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Extend,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn extend(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Extend>,
) -> Result<Response, Fault> {
    let Extend { days, reason, etag } = wish;
    let request =
        ExtendDeadlineRequest { case_id, etag, request_id, days, reason, historical: None };
    let answer = ask.app.backend.cases().extend_deadline(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Asks another office to help. It sees the case whole; the office that leads answers.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/helpers", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Invite,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn invite(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Invite>,
) -> Result<Response, Fault> {
    let Invite { office_id, reason, etag } = wish;
    let request =
        InviteHelperRequest { case_id, etag, request_id, office_id, reason, historical: None };
    let answer = ask.app.backend.cases().invite_helper(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Corrects the text of a reply. What it said before is kept for officials.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/replies/{reply_id}/correction", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("reply_id" = Uuid, Path),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Correction,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn correct(
    ask: Ask,
    Key(request_id): Key,
    Path((case_id, reply_id)): Path<(String, String)>,
    Body(wish): Body<Correction>,
) -> Result<Response, Fault> {
    let Correction { body, reason, etag } = wish;
    let request =
        CorrectReplyRequest { case_id, etag, request_id, reply_id, body, reason, historical: None };
    let answer = ask.app.backend.cases().correct_reply(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Works again on what was answered or closed.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/reopen", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Because,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn reopen(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Because>,
) -> Result<Response, Fault> {
    let Because { reason, etag } = wish;
    let request = ReopenCaseRequest { case_id, etag, request_id, reason, historical: None };
    let answer = ask.app.backend.cases().reopen_case(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Puts a case onto the list of those that are watched; for supervisors.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/supervise", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Because,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn supervise(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Because>,
) -> Result<Response, Fault> {
    let Because { reason, etag } = wish;
    let request = SuperviseCaseRequest { case_id, etag, request_id, reason };
    let answer = ask.app.backend.cases().supervise_case(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Says that what a reply promised is done.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/promises/{promise_id}/kept", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("promise_id" = Uuid, Path),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Because,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn keep(
    ask: Ask,
    Key(request_id): Key,
    Path((case_id, promise_id)): Path<(String, String)>,
    Body(wish): Body<Because>,
) -> Result<Response, Fault> {
    let Because { reason, etag } = wish;
    let request =
        KeepPromiseRequest { case_id, etag, request_id, promise_id, reason, historical: None };
    let answer = ask.app.backend.cases().keep_promise(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Asks on because of a reply: the office has to answer again.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/replies/{reply_id}/follow-up", tag = "author", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("reply_id" = Uuid, Path),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = NewFollowUp,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn ask_on(
    ask: Ask,
    Key(request_id): Key,
    Path((case_id, reply_id)): Path<(String, String)>,
    Body(wish): Body<NewFollowUp>,
) -> Result<Response, Fault> {
    let NewFollowUp { ground, etag } = wish;
    let ground = ground.ok_or_else(|| Fault::invalid("ground", "FIELD_REQUIRED"))?;
    let ground = ground.code().to_owned();
    let request =
        AskFollowUpRequest { case_id, etag, request_id, reply_id, ground, historical: None };
    let answer = ask.app.backend.cases().ask_follow_up(ask.call_as(request)?).await;
    case_after(answer.map(|answer| answer.into_inner().case))
}

/// Asks what the gate would say of a reply, before it is sent.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/reply/check", tag = "office", security(("bearer" = [])),
    params(("case" = Uuid, Path, description = "The case's id.")),
    request_body = DraftReply,
    responses((status = 200, body = Checked), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn check(
    ask: Ask,
    Path(case_id): Path<String>,
    Body(draft): Body<DraftReply>,
) -> Result<Response, Fault> {
    let request = CheckReplyRequest { case_id, body: draft.body };
    let answer = ask.app.backend.cases().check_reply(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::OK, &Checked { verdict: answer.verdict, stopped: answer.stopped })
}

/// Which acts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfActs {
    /// Up to 200; 50 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before.
    cursor: Option<String>,
}

/// Everything that was done with a case, oldest first, for officials who see it whole. Each act carries the hash of the one before it.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}/acts", tag = "office", security(("bearer" = [])),
    params(("case" = Uuid, Path, description = "The case's id."), OfActs),
    responses((status = 200, body = Page<Act>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn acts(
    ask: Ask,
    Path(case_id): Path<String>,
    Query(of): Query<OfActs>,
) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    values.end()?;
    let request = ListActsRequest { case_id, page_size, page_token: text(of.cursor) };
    let answer = ask.app.backend.cases().list_acts(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    private(StatusCode::OK, &Page::<Act>::new(answer.acts, answer.next_page_token))
}
