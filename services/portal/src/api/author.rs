//! What an author may do with their own message, by the token of the look-up.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::{
    intake::v1::{
        GetMessageRequest, GetReceiptRequest, ResubmitMessageRequest, WithdrawMessageRequest,
    },
    moderation::v1::{AppealDecisionRequest, GetDecisionRequest},
    routing::v1::RateReplyRequest,
};

use super::{
    ask::{Ask, Key},
    body::Body,
    keep::private,
    messages::name,
    problem::{Fault, Problem},
    types::{
        cases::{NewRating, Rated},
        decisions::{Appeal, Decision, NewAppeal},
        messages::{Mended, Message, Receipt},
    },
};
use crate::error::Error;

/// One's own message with its text.
#[utoipa::path(
    get, path = "/api/v1/messages/{message_id}", tag = "author", security(("bearer" = [])),
    params(("message_id" = Uuid, Path)),
    responses((status = 200, body = Message), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn message(ask: Ask, Path(message_id): Path<String>) -> Result<Response, Fault> {
    let request = ask.call_as(GetMessageRequest { message_id })?;
    let answer = ask.app.backend.intake().get_message(request).await?.into_inner();
    let message = answer.message.ok_or(Error::NotFound)?;
    private(StatusCode::OK, &Message::from(message))
}

/// Its signed receipt, as it was given.
#[utoipa::path(
    get, path = "/api/v1/messages/{message_id}/receipt", tag = "author", security(("bearer" = [])),
    params(("message_id" = Uuid, Path)),
    responses((status = 200, body = Receipt), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn receipt(ask: Ask, Path(message_id): Path<String>) -> Result<Response, Fault> {
    let request = ask.call_as(GetReceiptRequest { message_id })?;
    let answer = ask.app.backend.intake().get_receipt(request).await?.into_inner();
    let receipt = answer.receipt.ok_or(Error::NotFound)?;
    private(StatusCode::OK, &Receipt::from(receipt))
}

/// What was decided about it, once something was.
#[utoipa::path(
    get, path = "/api/v1/messages/{message_id}/decision", tag = "author", security(("bearer" = [])),
    params(("message_id" = Uuid, Path)),
    responses((status = 200, body = Decision), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn decision(ask: Ask, Path(message_id): Path<String>) -> Result<Response, Fault> {
    let request = ask.call_as(GetDecisionRequest { message_id })?;
    let answer = ask.app.backend.reviews().get_decision(request).await?.into_inner();
    private(StatusCode::OK, &Decision::from(answer))
}

/// Appeals against the decision not to publish it; another moderator decides again. Once for each decision.
#[utoipa::path(
    post, path = "/api/v1/messages/{message_id}/appeal", tag = "author",
    security(("bearer" = [])),
    params(
        ("message_id" = Uuid, Path),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = NewAppeal,
    responses((status = 200, body = Appeal), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn appeal(
    ask: Ask,
    Key(request_id): Key,
    Path(message_id): Path<String>,
    Body(appeal): Body<NewAppeal>,
) -> Result<Response, Fault> {
    let request = AppealDecisionRequest { message_id, reason: appeal.reason, request_id };
    let answer = ask.app.backend.reviews().appeal_decision(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::OK, &Appeal::from(answer.appeal.unwrap_or_default()))
}

/// Asks that it be withdrawn; granted only before the first reply.
#[utoipa::path(
    post, path = "/api/v1/messages/{message_id}/withdraw", tag = "author",
    security(("bearer" = [])),
    params(
        ("message_id" = Uuid, Path),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    responses((status = 200, body = Message), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn withdraw(
    ask: Ask,
    Key(request_id): Key,
    Path(message_id): Path<String>,
) -> Result<Response, Fault> {
    let request = ask.call_as(WithdrawMessageRequest { message_id, request_id })?;
    let answer = ask.app.backend.intake().withdraw_message(request).await?.into_inner();
    private(StatusCode::OK, &Message::from(answer.message.unwrap_or_default()))
}

/// Submits a returned message again with a mended text; it keeps its place in the queue.
#[utoipa::path(
    post, path = "/api/v1/messages/{message_id}/resubmit", tag = "author",
    security(("bearer" = [])),
    params(
        ("message_id" = Uuid, Path),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Mended,
    responses((status = 200, body = Message), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn resubmit(
    ask: Ask,
    Key(request_id): Key,
    Path(message_id): Path<String>,
    Body(text): Body<Mended>,
) -> Result<Response, Fault> {
    let Mended { title, body, demand, details } = text;
    let request = ResubmitMessageRequest { message_id, request_id, title, body, demand, details };
    let answer = ask.app.backend.intake().resubmit_message(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::OK, &Message::from(answer.message.unwrap_or_default()))
}

/// Rates a reply; may be changed for 14 days.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/replies/{reply_id}/rating", tag = "author",
    security(("bearer" = [])),
    params(
        ("case" = Uuid, Path, description = "The case's id."), ("reply_id" = Uuid, Path),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = NewRating,
    responses((status = 200, body = Rated), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn rate(
    ask: Ask,
    Key(request_id): Key,
    Path((case_id, reply_id)): Path<(String, String)>,
    Body(rating): Body<NewRating>,
) -> Result<Response, Fault> {
    let NewRating { resolution, attitude, speed } = rating;
    let request = RateReplyRequest {
        case_id,
        reply_id,
        request_id,
        resolution,
        attitude,
        speed,
        historical: None,
    };
    let answer = ask.app.backend.cases().rate_reply(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::OK, &Rated::from(answer))
}
