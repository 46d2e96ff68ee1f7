//! All that is held on an author: to see it, and to have it erased.

use std::sync::Arc;

use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::intake::v1::{
    AuthorSelector, EraseAuthorDataRequest, author_selector::By,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ask::{Ask, Key},
    body::Body,
    keep::private,
    problem::{Fault, Problem},
};
use crate::{author_data::Export, error::Error};

/// What is to be erased.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Erasure {
    /// Whether the messages go, too: texts, places and remarks. Otherwise only name and phone.
    #[serde(default)]
    messages_too: bool,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Erased {
    /// Messages whose author can no longer be told.
    contacts: u32,
    /// Messages whose texts are gone.
    messages: u32,
}

/// All that is held on the author of one message, as a JSON document that explains its keys.
#[utoipa::path(
    get, path = "/api/v1/messages/{message_id}/author-data", tag = "author",
    security(("bearer" = [])), params(("message_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn of_message(
    ask: Ask,
    Path(message_id): Path<String>,
) -> Result<Response, Fault> {
    export(ask, By::MessageId(message_id)).await
}

/// All that is held on the account of the caller.
#[utoipa::path(
    get, path = "/api/v1/author-data", tag = "author", security(("bearer" = [])),
    responses((status = 200, body = Object), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn of_account(ask: Ask) -> Result<Response, Fault> {
    export(ask, By::OwnAccount(true)).await
}

async fn export(ask: Ask, by: By) -> Result<Response, Fault> {
    let token = ask.bearer().ok_or(Error::SignIn)?.to_owned();
    let export = Export { app: Arc::clone(&ask.app), locale: ask.locale, token, by };
    Ok(export.response().await?)
}

/// Erases name and phone of the author of one message, and the message if asked. It cannot be undone.
#[utoipa::path(
    post, path = "/api/v1/messages/{message_id}/erase", tag = "author",
    security(("bearer" = [])),
    params(
        ("message_id" = Uuid, Path),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Erasure,
    responses((status = 200, body = Erased), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn erase_message(
    ask: Ask,
    Key(request_id): Key,
    Path(message_id): Path<String>,
    Body(wish): Body<Erasure>,
) -> Result<Response, Fault> {
    erase(ask, By::MessageId(message_id), request_id, &wish).await
}

/// The same for every message of the caller's account.
#[utoipa::path(
    post, path = "/api/v1/author-data/erase", tag = "author", security(("bearer" = [])),
    params(("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller.")),
    request_body = Erasure,
    responses((status = 200, body = Erased), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn erase_account(
    ask: Ask,
    Key(request_id): Key,
    Body(wish): Body<Erasure>,
) -> Result<Response, Fault> {
    erase(ask, By::OwnAccount(true), request_id, &wish).await
}

async fn erase(ask: Ask, by: By, request_id: String, wish: &Erasure) -> Result<Response, Fault> {
    let request = ask.call_as(EraseAuthorDataRequest {
        author: Some(AuthorSelector { by: Some(by) }),
        request_id,
        messages_too: wish.messages_too,
        purpose: String::new(),
    })?;
    let answer = ask.app.backend.intake().erase_author_data(request).await?.into_inner();
    let erased = Erased { contacts: answer.contacts, messages: answer.messages };
    private(StatusCode::OK, &erased)
}
