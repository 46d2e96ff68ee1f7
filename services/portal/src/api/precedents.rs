//! Decisions of superiors by which messages are routed, for those who supervise.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{ListPrecedentsRequest, RetirePrecedentRequest};
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
        precedents::{Precedent, Retire},
    },
};

/// Which precedents.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfPrecedents {
    /// Only those for what is written to this office.
    office: Option<String>,
    /// Also those that are not in force any more.
    #[param(value_type = Option<bool>)]
    include_retired: Option<String>,
    /// Up to 200; 50 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before; bound to the other parameters.
    cursor: Option<String>,
}

/// The precedents for what is written to offices that the caller supervises, the newest first.
#[utoipa::path(
    get, path = "/api/v1/precedents", tag = "office", params(OfPrecedents), security(("bearer" = [])),
    responses((status = 200, body = Page<Precedent>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(ask: Ask, Query(of): Query<OfPrecedents>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    let include_retired = values.truth("include_retired", of.include_retired.as_ref());
    values.end()?;
    let request = ListPrecedentsRequest {
        office_id: text(of.office),
        include_retired,
        page_size,
        page_token: text(of.cursor),
    };
    let answer = ask.app.backend.cases().list_precedents(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    let page = Page::<Precedent>::new(answer.precedents, answer.next_page_token);
    private(StatusCode::OK, &page)
}

/// Takes a precedent out of force. What was routed by it stays where it is.
#[utoipa::path(
    post, path = "/api/v1/precedents/{precedent_id}/retire", tag = "office", security(("bearer" = [])),
    params(
        ("precedent_id" = Uuid, Path, description = "Its id."),
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
    ),
    request_body = Retire,
    responses((status = 200, body = Precedent), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn retire(
    ask: Ask,
    Key(request_id): Key,
    Path(precedent_id): Path<String>,
    Body(wish): Body<Retire>,
) -> Result<Response, Fault> {
    let request = RetirePrecedentRequest { request_id, precedent_id, reason: wish.reason };
    let answer = ask.app.backend.cases().retire_precedent(ask.call_as(request)?).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    private(StatusCode::OK, &Precedent::from(answer.precedent.unwrap_or_default()))
}
