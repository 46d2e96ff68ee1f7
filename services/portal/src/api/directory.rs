//! Who there is to write to, and by which codes.

use axum::{extract::Path, response::Response};
use liuyan_proto::liuyan::routing::v1::{GetReplyFiguresRequest, ListOfficesRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ask::Ask,
    body::Query,
    keep::read,
    params::{Values, text},
    problem::{Fault, Problem},
    types::{
        All, Page,
        casework::ReplyFigures,
        directory::{Division, Domain, Kind, Office},
    },
};
use crate::error::Error;

/// The longest code or id that is asked for.
const LONGEST: usize = 64;

/// Which divisions.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfDivisions {
    /// Only those directly below this one; the provinces if left out.
    parent: Option<String>,
}

/// Divisions directly below one.
#[utoipa::path(
    get, path = "/api/v1/divisions", tag = "directory", params(OfDivisions),
    responses((status = 200, body = All<Division>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn divisions(ask: Ask, Query(of): Query<OfDivisions>) -> Result<Response, Fault> {
    let found = ask.app.directory.children(&short(text(of.parent))?).await?;
    let items = found.iter().cloned().map(Division::from).collect();
    read(&ask, ask.app.config.limits.fresh_seconds, &All { items })
}

/// One division.
#[utoipa::path(
    get, path = "/api/v1/divisions/{code}", tag = "directory",
    params(("code" = String, Path, description = "Its GB/T 2260 code.")),
    responses((status = 200, body = Division), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn division(ask: Ask, Path(code): Path<String>) -> Result<Response, Fault> {
    let found = ask.app.directory.division(&short(code)?).await?.ok_or(Error::NotFound)?;
    read(&ask, ask.app.config.limits.fresh_seconds, &Division::from(found))
}

/// Which offices.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfOffices {
    /// Only those of this division; the ministries if left out.
    division: Option<String>,
    /// Also those of all divisions below; without a division, all offices.
    #[param(value_type = Option<bool>)]
    include_below: Option<String>,
    /// Up to 1,000; 200 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before.
    cursor: Option<String>,
}

/// Offices by id.
#[utoipa::path(
    get, path = "/api/v1/offices", tag = "directory", params(OfOffices),
    responses((status = 200, body = Page<Office>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn offices(ask: Ask, Query(of): Query<OfOffices>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    let include_below = values.truth("include_below", of.include_below.as_ref());
    values.end()?;
    let request = ListOfficesRequest {
        division_code: text(of.division),
        include_below,
        page_size,
        page_token: text(of.cursor),
        ..ListOfficesRequest::default()
    };
    let answer = ask.app.backend.directory().list_offices(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    let page = Page::<Office>::new(answer.offices, answer.next_page_token);
    read(&ask, ask.app.config.limits.fresh_seconds, &page)
}

/// One office.
#[utoipa::path(
    get, path = "/api/v1/offices/{office_id}", tag = "directory",
    params(("office_id" = String, Path, description = "Its id.")),
    responses((status = 200, body = Office), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn office(ask: Ask, Path(office_id): Path<String>) -> Result<Response, Fault> {
    let found = ask.app.directory.office(&short(office_id)?).await?.ok_or(Error::NotFound)?;
    read(&ask, ask.app.config.limits.fresh_seconds, &Office::from(found))
}

/// How an office answers: its replies, those that the gate stopped, and its promises.
#[utoipa::path(
    get, path = "/api/v1/offices/{office_id}/figures", tag = "directory",
    params(("office_id" = String, Path, description = "Its id.")),
    responses((status = 200, body = ReplyFigures), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn figures(ask: Ask, Path(office_id): Path<String>) -> Result<Response, Fault> {
    let request = ask.call(GetReplyFiguresRequest { office_id: short(office_id)? });
    let figures = ask.app.backend.cases().get_reply_figures(request).await?.into_inner();
    read(&ask, ask.app.config.limits.lists_seconds, &ReplyFigures::from(figures))
}

/// The kinds of messages, in their order.
#[utoipa::path(
    get, path = "/api/v1/kinds", tag = "directory",
    responses((status = 200, body = All<Kind>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn kinds(ask: Ask) -> Result<Response, Fault> {
    let found = ask.app.directory.kinds().await?;
    let items = found.iter().cloned().map(Kind::from).collect();
    read(&ask, ask.app.config.limits.fresh_seconds, &All { items })
}

/// The domains with their topics, in their order.
#[utoipa::path(
    get, path = "/api/v1/domains", tag = "directory",
    responses((status = 200, body = All<Domain>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn domains(ask: Ask) -> Result<Response, Fault> {
    let found = ask.app.directory.domains().await?;
    let items = found.iter().cloned().map(Domain::from).collect();
    read(&ask, ask.app.config.limits.fresh_seconds, &All { items })
}

/// What is too long to be a code is none: answers are kept by it.
fn short(code: String) -> Result<String, Fault> {
    if code.len() > LONGEST { Err(Error::NotFound.into()) } else { Ok(code) }
}

/// Services call it a page token.
pub(super) fn paging(field: &str) -> String {
    match field {
        "page_token" => "cursor".to_owned(),
        "division_code" => "division".to_owned(),
        "office_id" => "office".to_owned(),
        "query" => "q".to_owned(),
        other => other.to_owned(),
    }
}
