//! What a supervisor sees besides cases: how offices are rated, and the decisions by which messages go.

use askama::Template;
use axum::{body::Bytes, extract::Query, response::Response};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    identity::v1::Role,
    routing::v1::{
        GetRatingFiguresRequest, ListPrecedentsRequest, Precedent, RetirePrecedentRequest,
    },
};
use serde::Deserialize;
use url::form_urlencoded;

use super::theirs::own_offices;
use crate::{
    directory::Names,
    error::Error,
    format::When,
    page::{Keep, page_with, see},
    pages::{
        consultations::encoded,
        faults::Faults,
        office::{Rated, rated},
    },
    visit::Visit,
};

/// How many precedents a page has.
const PAGE: i32 = 20;
/// Of how many offices figures are shown.
const MOST: usize = 20;

/// How an office, with those below it, is rated.
#[derive(Debug)]
struct Line {
    office: String,
    office_id: String,
    figures: Option<Rated>,
}

/// A precedent as the page shows it.
#[derive(Debug)]
struct Row {
    id: String,
    from: String,
    to: String,
    kind: String,
    domain: String,
    topic: String,
    case_id: String,
    decided: Option<When>,
    retired: Option<When>,
    cases: u64,
}

#[derive(Template)]
#[template(path = "desk_supervision.html")]
struct Supervision {
    v: Visit,
    lines: Vec<Line>,
    rows: Vec<Row>,
    next: Option<String>,
    /// The precedent that could not be retired, and the reason as it was typed.
    refused: (String, String),
    f: Faults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    page: String,
}

pub(super) async fn supervision(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let refused = (String::new(), String::new());
    render(v, ask.page, refused, Faults::default(), StatusCode::OK).await
}

pub(super) async fn retire(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&[Role::Supervisor])?;
    let (mut request_id, mut precedent_id, mut reason) = Default::default();
    for (name, value) in form_urlencoded::parse(&form) {
        match name.as_ref() {
            "request_id" => request_id = value.into_owned(),
            "precedent_id" => precedent_id = value.into_owned(),
            "reason" => reason = value.replace("\r\n", "\n"),
            _ => {}
        }
    }
    let typed = (precedent_id.clone(), reason.clone());
    let request = RetirePrecedentRequest { request_id, precedent_id, reason };
    let answer = v.app().backend.cases().retire_precedent(v.call(request)).await;
    let Err(error) = answer.map_err(Error::from) else {
        v.notify("precedent-retired");
        return Ok(see("/desk/supervision"));
    };
    if error.class() == Class::Unauthenticated {
        return Err(error);
    }
    let status = match error.class() {
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    let f = Faults::of(&error, v.locale(), |_| format!("reason-{}", typed.0));
    render(v, String::new(), typed, f, status).await
}

async fn render(
    v: Visit,
    page_token: String,
    refused: (String, String),
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    v.with_role(&[Role::Supervisor])?;
    let offices = own_offices(&v).await?.into_iter().map(|office| office.office_id);
    let mut offices: Vec<String> = offices.collect();
    offices.truncate(MOST);
    let request = ListPrecedentsRequest {
        include_retired: true,
        page_size: PAGE,
        page_token,
        ..ListPrecedentsRequest::default()
    };
    let mut cases = v.app().backend.cases();
    let told = cases.list_precedents(v.call(request)).await?.into_inner();
    let named = told.precedents.iter().flat_map(|it| [&it.office_id, &it.to_office_id]);
    let named = named.chain(&offices).map(String::as_str);
    let names = v.app().directory.names(named, []).await;
    let mut lines = Vec::new();
    for office_id in offices {
        let ask = GetRatingFiguresRequest { office_id: office_id.clone(), include_below: true };
        let figures = cases.get_rating_figures(v.call_public(ask)).await;
        lines.push(Line {
            office: names.office(&office_id),
            figures: figures.ok().map(|told| rated(&v, &told.into_inner())),
            office_id,
        });
    }
    let next = told.next_page_token;
    let template = Supervision {
        rows: told.precedents.into_iter().map(|it| row(&v, &names, it)).collect(),
        next: (!next.is_empty()).then(|| format!("/desk/supervision?page={}", encoded(&next))),
        lines,
        refused,
        f,
        v,
    };
    page_with(&template, status, Keep::Never)
}

fn row(v: &Visit, names: &Names, it: Precedent) -> Row {
    Row {
        from: names.office(&it.office_id),
        to: names.office(&it.to_office_id),
        kind: names.kind(v.locale(), &it.kind),
        domain: names.domain(v.locale(), &it.domain),
        decided: v.day(it.decided_at.as_ref()),
        retired: v.day(it.retired_at.as_ref()),
        topic: it.topic,
        case_id: it.case_id,
        cases: it.cases,
        id: it.precedent_id,
    }
}
