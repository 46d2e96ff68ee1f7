//! What offices ask the public: the list, one of them with what people said, and what came out.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    response::Response,
    routing::get,
};
use liuyan_proto::liuyan::routing::v1::{
    Consultation, ConsultationState, GetConsultationRequest, ListConsultationMessagesRequest,
    ListConsultationsRequest, Statement, Uptake,
};
use serde::Deserialize;
use uuid::Uuid;

use super::cards::{Card, State, cards};
use crate::{
    app::App,
    directory::Names,
    error::Error,
    format::When,
    page::{Keep, page, page_with},
    visit::Visit,
};

/// How many a page of a list has.
const PAGE: i32 = 20;

/// A consultation as pages show it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) question: String,
    pub(crate) description: String,
    pub(crate) office: String,
    pub(crate) office_id: String,
    pub(crate) domain: String,
    /// From when to when, in words.
    pub(crate) days: String,
    pub(crate) state: State,
    /// Whether it takes messages now.
    pub(crate) takes: bool,
    pub(crate) messages: u32,
    pub(crate) summary: String,
    pub(crate) statements: Vec<Said>,
    pub(crate) published: Option<When>,
    pub(crate) corrected: Option<When>,
}

/// What became of some of the suggestions.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) state: State,
    pub(crate) what: String,
    pub(crate) taken_up_by: String,
    pub(crate) numbers: Vec<String>,
}

#[derive(Template)]
#[template(path = "consultations.html")]
struct List {
    v: Visit,
    /// Code, name and whether it is this one.
    parts: Vec<(&'static str, &'static str, bool)>,
    items: Vec<Asked>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "consultation.html")]
struct One {
    v: Visit,
    q: Asked,
    cards: Vec<Card>,
    next: Option<String>,
}

/// A part of the list: its code, its state, its name.
const PARTS: [(&str, ConsultationState, &str); 4] = [
    ("", ConsultationState::Unspecified, "consultations-all"),
    ("open", ConsultationState::Open, "consultations-open"),
    ("closed", ConsultationState::Closed, "consultations-closed"),
    ("published", ConsultationState::Published, "consultations-published"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    tab: String,
    page: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/consultations", get(list)).route("/consultations/{id}", get(one))
}

async fn list(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let chosen = PARTS.iter().find(|(code, ..)| *code == ask.tab).unwrap_or(&PARTS[0]);
    let request = ListConsultationsRequest {
        state: chosen.1.into(),
        page_size: PAGE,
        page_token: ask.page,
        ..ListConsultationsRequest::default()
    };
    let mut client = v.app().backend.consultations();
    let answer = client.list_consultations(v.call_public(request)).await?.into_inner();
    let items = all_shown(&v, answer.consultations).await;
    let next = answer.next_page_token;
    page(&List {
        parts: PARTS.iter().map(|(code, _, word)| (*code, *word, *code == chosen.0)).collect(),
        next: (!next.is_empty())
            .then(|| format!("/consultations?tab={}&page={}", chosen.0, encoded(&next))),
        items,
        v,
    })
}

async fn one(v: Visit, Path(id): Path<String>, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let found = asked(&v, &id).await?;
    let request = ListConsultationMessagesRequest {
        consultation_id: id.clone(),
        page_size: PAGE,
        page_token: ask.page,
    };
    let mut client = v.app().backend.consultations();
    let answer = client.list_consultation_messages(v.call_public(request)).await?.into_inner();
    let next = answer.next_page_token;
    let template = One {
        q: shown(&v, found).await,
        cards: cards(&v, &answer.cases).await,
        next: (!next.is_empty())
            .then(|| format!("/consultations/{id}?page={}#messages", encoded(&next))),
        v,
    };
    page_with(&template, http::StatusCode::OK, Keep::Private)
}

/// A text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A consultation, as everybody sees it.
///
/// # Errors
/// [`Error::NotFound`] if there is none with this id.
pub(crate) async fn asked(v: &Visit, id: &str) -> Result<Consultation, Error> {
    let id: Uuid = id.parse().map_err(|_| Error::NotFound)?;
    let request = GetConsultationRequest { consultation_id: id.to_string() };
    let answer = v.app().backend.consultations().get_consultation(v.call_public(request)).await;
    found(answer.map(|answer| answer.into_inner().consultation))
}

/// What was found, or that there is nothing.
pub(crate) fn found(
    answer: Result<Option<Consultation>, tonic::Status>,
) -> Result<Consultation, Error> {
    match answer.map_err(Error::from) {
        Ok(found) => found.ok_or(Error::NotFound),
        Err(error) if error.is("CONSULTATION_NOT_FOUND") => Err(Error::NotFound),
        Err(error) => Err(error),
    }
}

/// A consultation as it is shown.
pub(crate) async fn shown(v: &Visit, asked: Consultation) -> Asked {
    let names = v.app().directory.names([asked.office_id.as_str()], []).await;
    as_shown(v, asked, &names)
}

/// The same of many.
pub(crate) async fn all_shown(v: &Visit, all: Vec<Consultation>) -> Vec<Asked> {
    let offices: Vec<&str> = all.iter().map(|it| it.office_id.as_str()).collect();
    let names = v.app().directory.names(offices, []).await;
    all.into_iter().map(|it| as_shown(v, it, &names)).collect()
}

fn as_shown(v: &Visit, asked: Consultation, names: &Names) -> Asked {
    let days = [("from", v.date_of(&asked.from_on)), ("until", v.date_of(&asked.until_on))];
    Asked {
        state: state_of(&asked),
        office: names.office(&asked.office_id),
        domain: names.domain(v.locale(), &asked.domain),
        days: v.tn("consultation-days", &days),
        takes: asked.takes_messages,
        messages: asked.messages,
        published: v.day(asked.published_at.as_ref()),
        corrected: v.day(asked.corrected_at.as_ref()),
        statements: asked.statements.into_iter().map(said).collect(),
        id: asked.consultation_id,
        question: asked.question,
        description: asked.description,
        office_id: asked.office_id,
        summary: asked.summary,
    }
}

fn said(statement: Statement) -> Said {
    let state = match statement.uptake() {
        Uptake::Taken => State { word: "uptake-taken", class: "replied" },
        Uptake::Partly => State { word: "uptake-partly", class: "progress" },
        Uptake::Not | Uptake::Unspecified => State { word: "uptake-not", class: "plain" },
    };
    Said {
        state,
        what: statement.what,
        taken_up_by: statement.taken_up_by,
        numbers: statement.numbers,
    }
}

/// Where a consultation stands, in words.
pub(crate) fn state_of(asked: &Consultation) -> State {
    match asked.state() {
        ConsultationState::Draft => State { word: "consultation-draft", class: "plain" },
        ConsultationState::Open if asked.takes_messages => {
            State { word: "consultation-open", class: "progress" }
        }
        ConsultationState::Open => State { word: "consultation-soon", class: "awaiting" },
        ConsultationState::Closed | ConsultationState::Unspecified => {
            State { word: "consultation-closed", class: "awaiting" }
        }
        ConsultationState::Published => State { word: "consultation-published", class: "replied" },
    }
}
