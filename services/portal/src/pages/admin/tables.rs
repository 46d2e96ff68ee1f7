//! How long offices have, and which of them is competent for what.

use askama::Template;
use axum::{body::Bytes, extract::Query, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{
    Competence, Level, ListCompetencesRequest, ListTermsRequest, PutCompetenceRequest,
    PutTermRequest, RemoveCompetenceRequest, RemoveTermRequest, Term,
};
use serde::Deserialize;

use super::{Fields, ROLES, explain, last_part, offices::LEVELS};
use crate::{
    directory::{Names, named},
    error::Error,
    page::{Keep, page_with, see},
    pages::{
        consultations::encoded,
        faults::Faults,
        search::{Choice, choice},
    },
    visit::Visit,
};

/// How many competences a page has.
const PAGE: i32 = 100;

/// A term as the page shows it.
#[derive(Debug)]
struct TermRow {
    kind: String,
    kind_name: String,
    level: &'static str,
    level_word: Option<&'static str>,
    office_id: String,
    office: String,
    days: u32,
    working: bool,
}

#[derive(Template)]
#[template(path = "admin_terms.html")]
struct Terms {
    v: Visit,
    rows: Vec<TermRow>,
    kinds: Vec<Choice>,
    levels: Vec<Choice>,
    typed: Fields,
    f: Faults,
}

/// A competence as the page shows it.
#[derive(Debug)]
struct CompetenceRow {
    division_code: String,
    division: String,
    domain: String,
    domain_name: String,
    topic: String,
    kind: String,
    kind_name: String,
    office: String,
}

#[derive(Template)]
#[template(path = "admin_competences.html")]
struct Competences {
    v: Visit,
    division: String,
    rows: Vec<CompetenceRow>,
    domains: Vec<Choice>,
    kinds: Vec<Choice>,
    typed: Fields,
    next: Option<String>,
    f: Faults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    division: String,
    page: String,
}

pub(super) async fn terms(v: Visit) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::of(&[("working_days", "yes".to_owned())]);
    render_terms(v, typed, Faults::default(), StatusCode::OK).await
}

pub(super) async fn put_term(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::read(&form);
    let term = Term {
        kind: typed.text("kind"),
        level: level_of(typed.get("level")),
        office_id: typed.text("office_id"),
        days: typed.number("days"),
        working_days: !typed.get("working_days").is_empty(),
    };
    let request = PutTermRequest { term: Some(term) };
    let answer = v.app().backend.directory().put_term(v.call(request)).await;
    after_term(v, typed, answer.map(drop), "admin-term-put").await
}

pub(super) async fn remove_term(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::read(&form);
    let request = RemoveTermRequest {
        kind: typed.text("kind"),
        level: level_of(typed.get("level")),
        office_id: typed.text("office_id"),
    };
    let answer = v.app().backend.directory().remove_term(v.call(request)).await;
    after_term(v, Fields::default(), answer.map(drop), "admin-removed").await
}

async fn after_term(
    v: Visit,
    typed: Fields,
    done: Result<(), tonic::Status>,
    notice: &str,
) -> Result<Response, Error> {
    let Err(error) = done.map_err(Error::from) else {
        v.notify(notice);
        return Ok(see("/admin/terms"));
    };
    let (f, status) = explain(&v, error, last_part)?;
    render_terms(v, typed, f, status).await
}

fn level_of(code: &str) -> i32 {
    let known = LEVELS.iter().find(|(known, ..)| *known == code);
    known.map_or(Level::Unspecified, |(_, level, _)| *level).into()
}

async fn render_terms(
    v: Visit,
    typed: Fields,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let mut directory = v.app().backend.directory();
    let told = directory.list_terms(v.call_public(ListTermsRequest {})).await?.into_inner();
    let offices: Vec<&str> = told.terms.iter().map(|term| term.office_id.as_str()).collect();
    let offices = offices.into_iter().filter(|id| !id.is_empty());
    let names = v.app().directory.names(offices, []).await;
    let row = |term: &Term| {
        let level = LEVELS.iter().find(|(_, level, _)| *level == term.level());
        TermRow {
            kind_name: names.kind(v.locale(), &term.kind),
            office: if term.office_id.is_empty() {
                String::new()
            } else {
                names.office(&term.office_id)
            },
            kind: term.kind.clone(),
            level: level.map_or("", |(code, ..)| code),
            level_word: level.map(|(.., word)| *word),
            office_id: term.office_id.clone(),
            days: term.days,
            working: term.working_days,
        }
    };
    let levels = LEVELS.iter().map(|(code, _, word)| choice(code, v.t(word), typed.get("level")));
    let template = Terms {
        rows: told.terms.iter().map(row).collect(),
        kinds: kinds(&v, typed.get("kind")).await,
        levels: levels.collect(),
        typed,
        f,
        v,
    };
    page_with(&template, status, Keep::Never)
}

async fn kinds(v: &Visit, chosen: &str) -> Vec<Choice> {
    let kinds = v.app().directory.kinds().await.unwrap_or_default();
    let name = |zh: &str, en: &str| named(v.locale(), zh, en);
    kinds.iter().map(|it| choice(&it.kind, name(&it.name_zh, &it.name_en), chosen)).collect()
}

pub(super) async fn competences(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::of(&[("division_code", ask.division.clone())]);
    render_competences(v, ask, typed, Faults::default(), StatusCode::OK).await
}

pub(super) async fn put_competence(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::read(&form);
    let competence = Competence {
        division_code: typed.text("division_code"),
        domain: typed.text("domain"),
        topic: typed.text("topic"),
        kind: typed.text("kind"),
        office_id: typed.text("office_id"),
    };
    let request = PutCompetenceRequest { competence: Some(competence) };
    let answer = v.app().backend.directory().put_competence(v.call(request)).await;
    after_competence(v, typed, answer.map(drop), "admin-competence-put").await
}

pub(super) async fn remove_competence(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::read(&form);
    let request = RemoveCompetenceRequest {
        division_code: typed.text("division_code"),
        domain: typed.text("domain"),
        topic: typed.text("topic"),
        kind: typed.text("kind"),
    };
    let answer = v.app().backend.directory().remove_competence(v.call(request)).await;
    after_competence(v, typed, answer.map(drop), "admin-removed").await
}

async fn after_competence(
    v: Visit,
    typed: Fields,
    done: Result<(), tonic::Status>,
    notice: &str,
) -> Result<Response, Error> {
    let division = typed.text("division_code");
    let Err(error) = done.map_err(Error::from) else {
        v.notify(notice);
        return Ok(see(&format!("/admin/competences?division={}", encoded(&division))));
    };
    let (f, status) = explain(&v, error, last_part)?;
    let ask = Ask { division: String::new(), page: String::new() };
    render_competences(v, ask, typed, f, status).await
}

async fn render_competences(
    v: Visit,
    ask: Ask,
    typed: Fields,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let request = ListCompetencesRequest {
        division_code: ask.division.clone(),
        page_size: PAGE,
        page_token: ask.page,
    };
    let mut directory = v.app().backend.directory();
    let told = directory.list_competences(v.call_public(request)).await?.into_inner();
    let offices = told.competences.iter().map(|it| it.office_id.as_str());
    let divisions = told.competences.iter().map(|it| it.division_code.as_str());
    let names = v.app().directory.names(offices, divisions).await;
    let domains = v.app().directory.domains().await.unwrap_or_default();
    let name = |zh: &str, en: &str| named(v.locale(), zh, en);
    let domains = domains
        .iter()
        .map(|it| choice(&it.domain, name(&it.name_zh, &it.name_en), typed.get("domain")));
    let next = told.next_page_token;
    let at = (encoded(&ask.division), encoded(&next));
    let template = Competences {
        rows: told.competences.into_iter().map(|it| competence(&v, &names, it)).collect(),
        domains: domains.collect(),
        kinds: kinds(&v, typed.get("kind")).await,
        next: (!next.is_empty())
            .then(|| format!("/admin/competences?division={}&page={}", at.0, at.1)),
        division: ask.division,
        typed,
        f,
        v,
    };
    page_with(&template, status, Keep::Never)
}

fn competence(v: &Visit, names: &Names, it: Competence) -> CompetenceRow {
    CompetenceRow {
        division: names.division(&it.division_code),
        domain_name: names.domain(v.locale(), &it.domain),
        kind_name: names.kind(v.locale(), &it.kind),
        office: names.office(&it.office_id),
        division_code: it.division_code,
        domain: it.domain,
        topic: it.topic,
        kind: it.kind,
    }
}
