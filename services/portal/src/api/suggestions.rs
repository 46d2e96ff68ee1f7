//! What texts tell: where one belongs, what was answered to others, and what many write of.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{
    FindSimilarRequest, ListHotProblemsRequest, SuggestRouteRequest,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ask::Ask,
    body::{Body, Query},
    directory::paging,
    keep::{private, read},
    params::{Values, text},
    problem::{Fault, Problem},
    types::suggestions::{Draft, Hottest, Suggestion},
};

/// Tells of a text, before it is sent, where it belongs and what was answered to others who wrote of the
/// same. Nothing of it is kept.
#[utoipa::path(
    post, path = "/api/v1/suggestions", tag = "suggestions", security((), ("bearer" = [])),
    request_body = Draft,
    responses((status = 200, body = Suggestion), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn suggest(ask: Ask, Body(draft): Body<Draft>) -> Result<Response, Fault> {
    ask.spend()?;
    let Draft { title, body, kind, domain, topic, office_id, division } = draft;
    let like = FindSimilarRequest {
        title: title.clone(),
        body: body.clone(),
        division_code: division,
        without_case_id: String::new(),
    };
    let asked = SuggestRouteRequest { title, body, kind, domain, topic, office_id };
    let backend = &ask.app.backend;
    let (mut routes, mut likes) = (backend.suggestions(), backend.suggestions());
    let (route, similar) =
        futures::join!(routes.suggest_route(ask.call(asked)), likes.find_similar(ask.call(like)));
    // Whatever is wrong with the text, the first of the two tells.
    let suggestion = Suggestion::new(route?.into_inner(), similar?.into_inner());
    private(StatusCode::OK, &suggestion)
}

/// Of which days, and which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfHot {
    /// Over how many days up to now, 1 to 366; 30 if left out.
    #[param(value_type = Option<u32>)]
    days: Option<String>,
    /// Up to 50; 10 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before; bound to the other parameters.
    cursor: Option<String>,
}

/// What many people of a division and those below it write of lately, the most written of first.
#[utoipa::path(
    get, path = "/api/v1/divisions/{code}/hot-problems", tag = "common problems",
    params(("code" = String, Path, description = "The division's GB/T 2260 code."), OfHot),
    responses((status = 200, body = Hottest), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn hot(
    ask: Ask,
    Path(division_code): Path<String>,
    Query(of): Query<OfHot>,
) -> Result<Response, Fault> {
    let mut values = Values::default();
    let days = values.number("days", of.days.as_ref());
    let page_size = values.number("page_size", of.page_size.as_ref());
    values.end()?;
    let request =
        ListHotProblemsRequest { division_code, days, page_size, page_token: text(of.cursor) };
    let answer = ask.app.backend.suggestions().list_hot_problems(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    read(&ask, ask.app.config.limits.lists_seconds, &Hottest::from(answer))
}
