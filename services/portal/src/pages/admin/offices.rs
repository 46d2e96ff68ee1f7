//! Offices: found by words, added, changed, closed, and ended with a successor.

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{GetOfficeRequest, Level, Office, PutOfficeRequest};
use serde::Deserialize;

use super::{Fields, ROLES, explain, last_part};
use crate::{
    error::Error,
    page::{Keep, page, page_with, see},
    pages::{
        consultations::encoded,
        faults::Faults,
        find_office::{Found, find},
        search::{Choice, choice},
    },
    visit::Visit,
};

/// The longest id that is asked for.
const LONGEST: usize = 64;
/// The levels, with the names of their texts.
pub(super) const LEVELS: [(&str, Level, &str); 4] = [
    ("state", Level::State, "level-state"),
    ("province", Level::Province, "level-province"),
    ("city", Level::City, "level-city"),
    ("county", Level::County, "level-county"),
];

#[derive(Template)]
#[template(path = "admin_offices.html")]
struct List {
    v: Visit,
    q: String,
    offices: Vec<Found>,
    more: bool,
}

#[derive(Template)]
#[template(path = "admin_office.html")]
struct One {
    v: Visit,
    /// Empty for a new one.
    id: String,
    title: String,
    levels: Vec<Choice>,
    typed: Fields,
    f: Faults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    q: String,
}

pub(super) async fn look_for(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let (offices, more) = match ask.q.trim() {
        "" => (Vec::new(), false),
        words => find(&v, words).await,
    };
    page(&List { q: ask.q, offices, more, v })
}

pub(super) async fn blank(v: Visit) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::of(&[("open", "yes".to_owned())]);
    render(v, String::new(), String::new(), typed, Faults::default(), StatusCode::OK)
}

pub(super) async fn one(v: Visit, Path(office_id): Path<String>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let office = known(&v, &office_id).await?.ok_or(Error::NotFound)?;
    let typed = Fields::of(&[
        ("division_code", office.division_code.clone()),
        ("level", level_code(office.level()).to_owned()),
        ("role", office.role.clone()),
        ("title", office.title.clone()),
        ("parent_office_id", office.parent_office_id.clone()),
        ("open", if office.open { "yes".to_owned() } else { String::new() }),
        ("valid_from", office.valid_from.clone()),
        ("valid_until", office.valid_until.clone()),
        ("successor_id", office.successor_id.clone()),
    ]);
    render(v, office.office_id, office.title, typed, Faults::default(), StatusCode::OK)
}

pub(super) async fn add(v: Visit, form: Bytes) -> Result<Response, Error> {
    change(v, String::new(), &form).await
}

pub(super) async fn put(
    v: Visit,
    Path(office_id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    change(v, office_id, &form).await
}

/// A new office if none is known.
async fn change(v: Visit, known: String, form: &[u8]) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::read(form);
    let id = if known.is_empty() { typed.text("office_id") } else { known.clone() };
    let office = Office {
        office_id: id.clone(),
        division_code: typed.text("division_code"),
        level: LEVELS
            .iter()
            .find(|(code, ..)| *code == typed.get("level"))
            .map_or(Level::Unspecified, |(_, level, _)| *level)
            .into(),
        role: typed.text("role"),
        title: typed.text("title"),
        parent_office_id: typed.text("parent_office_id"),
        open: !typed.get("open").is_empty(),
        valid_from: typed.text("valid_from"),
        valid_until: typed.text("valid_until"),
        successor_id: typed.text("successor_id"),
    };
    let request = PutOfficeRequest { office: Some(office) };
    let answer = v.app().backend.directory().put_office(v.call(request)).await;
    match answer.map_err(Error::from) {
        Ok(_) => {
            v.notify("admin-office-put");
            Ok(see(&format!("/admin/offices/{}", encoded(&id))))
        }
        Err(error) => {
            let (f, status) = explain(&v, error, last_part)?;
            let title = typed.text("title");
            render(v, known, title, typed, f, status)
        }
    }
}

/// The office as it is now: editors see their changes at once.
async fn known(v: &Visit, office_id: &str) -> Result<Option<Office>, Error> {
    if office_id.len() > LONGEST {
        return Ok(None);
    }
    let request = GetOfficeRequest { office_id: office_id.to_owned() };
    let answer = v.app().backend.directory().get_office(v.call_public(request)).await;
    match answer.map_err(Error::from) {
        Ok(answer) => Ok(answer.into_inner().office),
        Err(error) if error.is("OFFICE_NOT_FOUND") => Ok(None),
        Err(error) => Err(error),
    }
}

fn level_code(level: Level) -> &'static str {
    LEVELS.iter().find(|(_, known, _)| *known == level).map_or("", |(code, ..)| code)
}

fn render(
    v: Visit,
    id: String,
    title: String,
    typed: Fields,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let levels = LEVELS.iter().map(|(code, _, word)| choice(code, v.t(word), typed.get("level")));
    let template = One { levels: levels.collect(), id, title, typed, f, v };
    page_with(&template, status, Keep::Never)
}
