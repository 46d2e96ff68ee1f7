//! Cases: lists, one of them, and those with certain words.

use axum::{extract::Path, response::Response};
use liuyan_proto::liuyan::routing::v1::{
    GetCaseRequest, ListCasesRequest, ListCasesResponse, SearchCasesRequest, get_case_request::Name,
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    ask::Ask,
    body::Query,
    directory::paging,
    keep::read,
    params::{Values, text},
    problem::{Fault, Problem},
    types::{
        Page,
        cases::{Case, CaseOrder, CaseState, DayOf},
        found::Hits,
    },
};
use crate::error::Error;

/// The longest number that is asked for.
const LONGEST: usize = 40;

/// Which cases, in which order.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfCases {
    /// Only those of this division and the divisions below it.
    division: Option<String>,
    /// Only those of this office.
    office: Option<String>,
    /// Only those of this domain.
    domain: Option<String>,
    /// Only those of this kind.
    kind: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    state: Option<CaseState>,
    /// Only those from this day in China on, as YYYY-MM-DD.
    from_on: Option<String>,
    /// Only those up to this day in China and with it, as YYYY-MM-DD.
    until_on: Option<String>,
    /// Of what these days are; of the submission if left out.
    #[param(inline)]
    day_of: Option<DayOf>,
    /// The newest first if left out.
    #[param(inline)]
    order: Option<CaseOrder>,
    /// Only those that wait for a first answer.
    #[param(value_type = Option<bool>)]
    unanswered: Option<String>,
    /// Only those that the caller works on; needs a token.
    #[param(value_type = Option<bool>)]
    own: Option<String>,
    /// Only those of the caller's that are watched; needs a token.
    #[param(value_type = Option<bool>)]
    supervised: Option<String>,
    /// Up to 200; 50 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before; bound to the other parameters.
    cursor: Option<String>,
}

/// Cases that the caller may see: public ones, and those of the caller's offices.
#[utoipa::path(
    get, path = "/api/v1/cases", tag = "cases", params(OfCases), security((), ("bearer" = [])),
    responses((status = 200, body = Page<Case>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(ask: Ask, Query(of): Query<OfCases>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    let supervised = values.truth("supervised", of.supervised.as_ref());
    let own = values.truth("own", of.own.as_ref()) || supervised;
    let unanswered = values.truth("unanswered", of.unanswered.as_ref());
    values.end()?;
    if own && !ask.is_personal() {
        return Err(Error::SignIn.into());
    }
    let request = ListCasesRequest {
        office_id: text(of.office),
        division_code: text(of.division),
        state: of.state.map_or(0, i32::from),
        page_size,
        page_token: text(of.cursor),
        order: of.order.map_or(0, i32::from),
        unanswered,
        own,
        domain: text(of.domain),
        kind: text(of.kind),
        supervised,
        from_on: text(of.from_on),
        until_on: text(of.until_on),
        day_of: of.day_of.map_or(0, i32::from),
        ..ListCasesRequest::default()
    };
    let answer = ask.app.backend.cases().list_cases(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    read(&ask, ask.app.config.limits.lists_seconds, &page_of(&ask, answer))
}

/// A page of cases as the caller may see them.
pub(super) fn page_of(ask: &Ask, answer: ListCasesResponse) -> Page<Case> {
    let mut cases = answer.cases;
    if !ask.is_personal() {
        // What the portal itself might see is not for everybody.
        cases.retain(|case| case.public);
    }
    let mut page = Page::<Case>::new(cases, answer.next_page_token);
    if !ask.is_personal() {
        page.items = page.items.into_iter().map(Case::for_everybody).collect();
    }
    page
}

/// One case, by its public number or its id.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}", tag = "cases", security((), ("bearer" = [])),
    params(("case" = String, Path, description = "Its public number, or its id.")),
    responses((status = 200, body = Case), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn get(ask: Ask, Path(case): Path<String>) -> Result<Response, Fault> {
    if case.len() > LONGEST {
        return Err(Error::NotFound.into());
    }
    let name = match case.parse::<Uuid>() {
        Ok(id) => Name::CaseId(id.to_string()),
        Err(_) => Name::Number(case),
    };
    let request = ask.call(GetCaseRequest { name: Some(name) });
    let answer = ask.app.backend.cases().get_case(request).await?.into_inner();
    let seen = answer.case.filter(|case| case.public || ask.is_personal());
    let seen = Case::from(seen.ok_or(Error::NotFound)?);
    let seen = if ask.is_personal() { seen } else { seen.for_everybody() };
    read(&ask, ask.app.config.limits.lists_seconds, &seen)
}

/// What is looked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfSearch {
    /// Words, separated by blanks: 2 to 100 characters. Chinese needs no blanks.
    #[param(required = true)]
    q: Option<String>,
    /// Only those of this division and the divisions below it.
    division: Option<String>,
    /// Only those of this office.
    office: Option<String>,
    /// Only those of this domain.
    domain: Option<String>,
    /// Only those of this kind.
    kind: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    state: Option<CaseState>,
    /// Only those from this day in China on, as YYYY-MM-DD.
    from_on: Option<String>,
    /// Only those up to this day in China and with it, as YYYY-MM-DD.
    until_on: Option<String>,
    /// Of what these days are; of the submission if left out.
    #[param(inline)]
    day_of: Option<DayOf>,
    /// Up to 100; 20 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before; bound to the other parameters.
    cursor: Option<String>,
}

/// Public cases whose text has all the words, the newest first.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "cases", params(OfSearch),
    responses((status = 200, body = Hits), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn search(ask: Ask, Query(of): Query<OfSearch>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    values.end()?;
    let request = SearchCasesRequest {
        query: text(of.q),
        division_code: text(of.division),
        office_id: text(of.office),
        domain: text(of.domain),
        kind: text(of.kind),
        state: of.state.map_or(0, i32::from),
        page_size,
        page_token: text(of.cursor),
        from_on: text(of.from_on),
        until_on: text(of.until_on),
        day_of: of.day_of.map_or(0, i32::from),
    };
    let answer = ask.app.backend.cases().search_cases(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    read(&ask, ask.app.config.limits.lists_seconds, &Hits::from(answer))
}
