//! A public case as lists show it.

use liuyan_kit::locale;
use liuyan_proto::liuyan::common::v1::{CaseState, Outcome, PublicCase, PublicState};

use crate::{
    format::{When, beginning},
    visit::Visit,
};

/// How much of a text a list shows, in characters.
const EXCERPT: usize = 90;

/// What a message is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) text: String,
    /// The language of the text.
    pub(crate) lang: &'static str,
}

/// What a message is called: by its title, or by its number where there is no title to show.
pub(crate) fn heading(v: &Visit, title: &str, number: &str, private: bool) -> Heading {
    if !title.trim().is_empty() {
        return Heading { text: title.to_owned(), lang: locale::FIRST };
    }
    let name = if private { "message-private" } else { "message-untitled" };
    Heading { text: v.t1(name, "number", number), lang: v.locale() }
}

/// A state in the words of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// The name of its text.
    pub(crate) word: &'static str,
    /// Its class in the stylesheet.
    pub(crate) class: &'static str,
}

/// The word for a case's state, the same wherever it stands; what its author has withdrawn says so.
pub(crate) fn state_of(case: &PublicCase) -> State {
    if case.outcome() == Outcome::Withdrawn {
        return State { word: "outcome-withdrawn", class: "plain" };
    }
    if case.state() == CaseState::Closed {
        return State { word: "state-closed", class: "plain" };
    }
    match case.public_state() {
        PublicState::Replied => State { word: "state-replied", class: "replied" },
        PublicState::InProgress => State { word: "state-progress", class: "progress" },
        PublicState::AwaitingReply | PublicState::Unspecified => {
            State { word: "state-awaiting", class: "awaiting" }
        }
    }
}

/// A public case in a list.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) number: String,
    pub(crate) heading: Heading,
    pub(crate) excerpt: String,
    pub(crate) office: String,
    pub(crate) kind: String,
    pub(crate) domain: String,
    pub(crate) state: State,
    pub(crate) submitted: Option<When>,
    pub(crate) replied: Option<When>,
    /// The beginning of the last reply.
    pub(crate) reply: Option<String>,
}

/// Cards of cases, with the names that they need.
pub(crate) async fn cards(v: &Visit, cases: &[PublicCase]) -> Vec<Card> {
    let office_ids = cases.iter().map(|case| case.office_id.as_str());
    let names = v.app().directory.names(office_ids, []).await;
    let card = |case: &PublicCase| {
        let last = case.replies.last();
        Card {
            number: case.number.clone(),
            heading: heading(v, &case.title, &case.number, false),
            excerpt: beginning(text_of(case), EXCERPT),
            office: names.office(&case.office_id),
            kind: names.kind(v.locale(), &case.kind),
            domain: names.domain(v.locale(), &case.domain),
            state: state_of(case),
            submitted: v.day(case.submitted_at.as_ref()),
            replied: last.and_then(|reply| v.day(reply.replied_at.as_ref())),
            reply: last.map(|reply| beginning(&reply.body, EXCERPT)),
        }
    };
    cases.iter().map(card).collect()
}

/// The text that tells most: the body, or what a complaint asks for.
fn text_of(case: &PublicCase) -> &str {
    if case.body.is_empty() { &case.demand } else { &case.body }
}
