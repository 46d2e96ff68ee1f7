//! Leaving a message, and finding one's own again.

use axum::response::Response;
use http::StatusCode;
use liuyan_proto::liuyan::intake::v1::{LookUpMessageRequest, SubmitMessageRequest};

use super::{
    ask::{Ask, KEY_FIELD, Key},
    body::Body,
    keep::private,
    problem::{Fault, Problem},
    types::messages::{LookUp, LookedUp, NewMessage, Submitted},
};

/// Leaves a message. The answer comes only when it is safe; the same key gets the same answer, byte
/// for byte, for 24 hours.
#[utoipa::path(
    post, path = "/api/v1/messages", tag = "messages", security((), ("bearer" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller.")),
    request_body = NewMessage,
    responses((status = 201, body = Submitted), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn submit(
    ask: Ask,
    Key(request_id): Key,
    Body(message): Body<NewMessage>,
) -> Result<Response, Fault> {
    ask.spend()?;
    let message = Some(message.into_proto(ask.locale));
    let submission = SubmitMessageRequest { request_id, message, historical: None };
    let request = ask.call_from(submission);
    let answer = ask.app.backend.intake().submit_message(request).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::CREATED, &Submitted::from(answer))
}

/// Finds a message by its number and access code; gives a token to act for its author.
#[utoipa::path(
    post, path = "/api/v1/messages/lookup", tag = "messages", request_body = LookUp,
    responses((status = 200, body = LookedUp), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn look_up(ask: Ask, Body(held): Body<LookUp>) -> Result<Response, Fault> {
    ask.spend_own()?;
    let LookUp { number, access_code } = held;
    // Number and code say all that is needed; whoever guesses is limited by the address.
    let request = ask.call_own_from(LookUpMessageRequest { number, access_code });
    let answer = ask.app.backend.intake().look_up_message(request).await?.into_inner();
    private(StatusCode::OK, &LookedUp::from(answer))
}

/// How the API calls a field of a submission.
pub(super) fn name(field: &str) -> String {
    match field.strip_prefix("message.").unwrap_or(field) {
        "request_id" => KEY_FIELD.to_owned(),
        "place.location.latitude" => "place.latitude".to_owned(),
        "place.location.longitude" => "place.longitude".to_owned(),
        other => other.to_owned(),
    }
}
