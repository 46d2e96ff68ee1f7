//! What an office does with a case, by a token of identity: a clerk's or an agency's.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{
    AcceptCaseRequest, CloseCaseRequest, PromiseDraft, ReplyToCaseRequest, TransferCaseRequest,
};

use super::{
    ask::{Ask, Key},
    body::Body,
    keep::private,
    messages::name,
    problem::{Fault, Problem},
    types::{
        cases::{Case, Replied},
        casework::{Accept, Close, NewReply, Transfer},
    },
};

/// Says that the office will act.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/accept", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Accept,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn accept(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Accept>,
) -> Result<Response, Fault> {
    let request = AcceptCaseRequest { case_id, etag: wish.etag, request_id, historical: None };
    let answer = ask.app.backend.cases().accept_case(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::OK, &Case::from(answer.case.unwrap_or_default()))
}

/// Answers in public.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/reply", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = NewReply,
    responses((status = 200, body = Replied), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn reply(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<NewReply>,
) -> Result<Response, Fault> {
    let NewReply { body, override_reason, promises, etag } = wish;
    let request = ReplyToCaseRequest {
        case_id,
        etag,
        request_id,
        body,
        historical: None,
        override_reason,
        promises: promises.into_iter().map(PromiseDraft::from).collect(),
    };
    let answer = ask.app.backend.cases().reply_to_case(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    let case = Case::from(answer.case.unwrap_or_default());
    private(StatusCode::OK, &Replied { case, reply_id: answer.reply_id })
}

/// Gives a case to the office that is competent for it. The deadline stays.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/transfer", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Transfer,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn transfer(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Transfer>,
) -> Result<Response, Fault> {
    let Transfer { office_id, reason, etag } = wish;
    let request =
        TransferCaseRequest { case_id, etag, request_id, office_id, reason, historical: None };
    let answer = ask.app.backend.cases().transfer_case(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::OK, &Case::from(answer.case.unwrap_or_default()))
}

/// Ends a case with an outcome.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/close", tag = "office", security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Close,
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn close(
    ask: Ask,
    Key(request_id): Key,
    Path(case_id): Path<String>,
    Body(wish): Body<Close>,
) -> Result<Response, Fault> {
    let outcome = wish.outcome.into();
    let request =
        CloseCaseRequest { case_id, etag: wish.etag, request_id, outcome, historical: None };
    let answer = ask.app.backend.cases().close_case(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::OK, &Case::from(answer.case.unwrap_or_default()))
}
