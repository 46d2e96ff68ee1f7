//! What an office has to answer, what is due first, first.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{extract::Query, response::Response};
use jiff::SignedDuration;
use liuyan_kit::clock;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, PublicCase, Visibility},
    identity::v1::Role,
    routing::v1::{Case, CaseOrder, ListCasesRequest},
};
use serde::Deserialize;

use super::ROLES;
use crate::{
    app::App,
    directory::Names,
    error::Error,
    format::When,
    page::page,
    pages::{
        cards::{Heading, State, heading, state_of},
        deadline::{self, Deadline},
        message::is_paused,
    },
    visit::Visit,
};

/// How many cases are shown at a time.
const PAGE: i32 = 30;
/// What is due within this time is due soon.
const SOON: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A part of what the office has.
struct Part {
    code: &'static str,
    word: &'static str,
    /// The name of what is said where there is nothing.
    none: &'static str,
    state: CaseState,
    order: CaseOrder,
    unanswered: bool,
    /// Whether only what is watched is in it.
    supervised: bool,
}

const PARTS: [Part; 6] = [
    part("open", "desk-open", "desk-none-open", CaseState::Unspecified, CaseOrder::Deadline, true),
    part("accept", "desk-accept", "desk-none", CaseState::Assigned, CaseOrder::Deadline, true),
    part("progress", "desk-progress", "desk-none", CaseState::Accepted, CaseOrder::Deadline, true),
    part("answered", "desk-answered", "desk-none", CaseState::Replied, CaseOrder::Replied, false),
    Part {
        supervised: true,
        ..part(
            "watched",
            "desk-watched",
            "desk-none-watched",
            CaseState::Unspecified,
            CaseOrder::Newest,
            false,
        )
    },
    part("all", "desk-all", "desk-none", CaseState::Unspecified, CaseOrder::Newest, false),
];

const fn part(
    code: &'static str,
    word: &'static str,
    none: &'static str,
    state: CaseState,
    order: CaseOrder,
    unanswered: bool,
) -> Part {
    Part { code, word, none, state, order, unanswered, supervised: false }
}

/// A case in the list.
#[derive(Debug)]
struct Item {
    id: String,
    number: String,
    heading: Heading,
    office: String,
    kind: String,
    domain: String,
    state: State,
    submitted: Option<When>,
    deadline: Option<Deadline>,
    soon: bool,
    private: bool,
    /// Further marks, the names of their texts.
    marks: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "desk.html")]
struct Desk {
    v: Visit,
    /// Code, name and whether it is this one.
    parts: Vec<(&'static str, &'static str, bool)>,
    none: &'static str,
    items: Vec<Item>,
    several: bool,
    /// Whether the person may ask the public.
    asks: bool,
    supervises: bool,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    tab: String,
    page: String,
}

pub(super) async fn inbox(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let chosen = PARTS.iter().find(|part| part.code == ask.tab).unwrap_or(&PARTS[0]);
    let request = ListCasesRequest {
        state: chosen.state.into(),
        order: chosen.order.into(),
        unanswered: chosen.unanswered,
        own: true,
        supervised: chosen.supervised,
        page_size: PAGE,
        page_token: ask.page,
        ..ListCasesRequest::default()
    };
    let app = Arc::clone(v.app());
    let answer = app.backend.cases().list_cases(v.call(request)).await?.into_inner();
    let items = items(&v, &app, answer.cases).await;
    let offices: BTreeSet<&str> = items.iter().map(|item| item.office.as_str()).collect();
    let next = answer.next_page_token;
    page(&Desk {
        parts: PARTS.iter().map(|it| (it.code, it.word, it.code == chosen.code)).collect(),
        none: chosen.none,
        several: offices.len() > 1,
        supervises: v.session().is_some_and(|session| session.has(Role::Supervisor)),
        asks: v.session().is_some_and(|session| session.has(Role::Clerk)),
        next: (!next.is_empty()).then(|| {
            let page = url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
            format!("/desk?tab={}&page={page}", chosen.code)
        }),
        items,
        v,
    })
}

async fn items(v: &Visit, app: &App, cases: Vec<Case>) -> Vec<Item> {
    let offices = cases.iter().filter_map(|case| Some(case.view.as_ref()?.office_id.as_str()));
    let names = app.directory.names(offices, []).await;
    cases.into_iter().filter_map(|case| item(v, &names, case)).collect()
}

fn item(v: &Visit, names: &Names, mut case: Case) -> Option<Item> {
    let view = case.view.take()?;
    let private = case.visibility() == Visibility::Private;
    let due = view.deadline_at.as_ref().and_then(clock::from_proto);
    let left = due.map(|due| due.duration_since(v.now()));
    let waits = view.replies.is_empty() && view.closed_at.is_none();
    let deadline = deadline::of_case(v, &view);
    // The last day has a word of its own, and while the author is waited for no day counts.
    let told = deadline.as_ref().is_some_and(|deadline| deadline.class == "awaiting");
    let soon = waits && !told && !is_paused(&view);
    Some(Item {
        office: names.office(&view.office_id),
        kind: names.kind(v.locale(), &view.kind),
        domain: names.domain(v.locale(), &view.domain),
        state: state_of(&view),
        submitted: v.day(view.submitted_at.as_ref()),
        deadline,
        soon: soon && left.is_some_and(|left| !left.is_negative() && left <= SOON),
        heading: heading(v, &view.title, &view.number, private),
        private,
        marks: marks(v, &case, &view),
        id: view.case_id,
        number: view.number,
    })
}

/// What else there is to know of a case before it is opened.
fn marks(v: &Visit, case: &Case, view: &PublicCase) -> Vec<&'static str> {
    let own = v.session().map_or(&[][..], |session| &session.office_ids);
    let helps = view.helper_office_ids.iter().any(|it| own.contains(it));
    let open = view.state() != CaseState::Closed;
    [
        (open && case.referred, "desk-mark-referred"),
        (case.supervised_at.is_some(), "desk-mark-watched"),
        (helps && !own.contains(&view.office_id), "desk-mark-helps"),
    ]
    .into_iter()
    .filter_map(|(is, word)| is.then_some(word))
    .collect()
}
