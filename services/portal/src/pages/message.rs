//! A public message with everything that happened to it.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::Path, response::Response, routing::get};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Promise, PromiseState, PublicCase, Reply},
    routing::v1::{GetCaseRequest, get_case_request::Name},
};

use super::{
    cards::{State, state_of},
    deadline::{self, Deadline},
    files::{self, Row},
    history::{self, Span, Step},
};
use crate::{
    app::App,
    directory::{Division, Names},
    error::Error,
    format::{When, beginning},
    page::{page, see},
    visit::Visit,
};

/// The longest number that is asked for.
const LONGEST_NUMBER: usize = 40;
/// The length of the description that other sites show.
const DESCRIPTION: usize = 120;

/// What a message says, as the public reads it.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) demand: String,
    pub(crate) details: String,
}

/// An office's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply_id: String,
    pub(crate) office: String,
    pub(crate) body: String,
    pub(crate) when: Option<When>,
    /// When its text was corrected last.
    pub(crate) corrected: Option<When>,
    /// Whether the office gave it although the gate stopped it.
    pub(crate) overridden: bool,
    pub(crate) promises: Vec<Promised>,
}

/// What an answer promises.
#[derive(Debug)]
pub(crate) struct Promised {
    pub(crate) promise_id: String,
    pub(crate) what: String,
    /// The last day.
    pub(crate) due: Option<When>,
    /// Where it stands, the name of a text.
    pub(crate) word: &'static str,
    /// Its class in the stylesheet.
    pub(crate) class: &'static str,
    /// Whether its day has not passed.
    pub(crate) open: bool,
    pub(crate) settled: Option<When>,
}

/// A public case, as its page and its author's page show it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) number: String,
    pub(crate) text: Text,
    pub(crate) office: String,
    pub(crate) kind: String,
    pub(crate) domain: String,
    pub(crate) topic: String,
    pub(crate) place: String,
    pub(crate) state: State,
    pub(crate) outcome: Option<&'static str>,
    /// Why this office has it, the name of a text.
    pub(crate) rule: Option<&'static str>,
    /// The consultation to which it belongs; empty if it belongs to none.
    pub(crate) consultation: String,
    /// The common problem in which it is; empty if it is in none.
    pub(crate) problem: String,
    pub(crate) submitted: Option<When>,
    pub(crate) deadline: Option<Deadline>,
    /// When more time was taken.
    pub(crate) extended: Option<When>,
    /// Whether the office waits for the author.
    pub(crate) paused: bool,
    /// The offices that help.
    pub(crate) helpers: Vec<String>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) steps: Vec<Step>,
    pub(crate) spans: Vec<Span>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    v: Visit,
    m: Shown,
    line: Vec<Division>,
    /// Its public files; `None` while they can't be asked for.
    files: Option<Vec<Row>>,
    canonical: String,
    description: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/m/{number}", get(message))
}

/// Whether the message is unknown, private or not yet approved is not told.
async fn message(v: Visit, Path(number): Path<String>) -> Result<Response, Error> {
    if number.len() > LONGEST_NUMBER {
        return Err(Error::NotFound);
    }
    let asked = GetCaseRequest { name: Some(Name::Number(number.clone())) };
    let answer = v.app().backend.cases().get_case(v.call_public(asked)).await;
    let case = match answer.map_err(Error::from) {
        Ok(answer) => answer.into_inner().case,
        Err(error) if matches!(error.class(), Class::NotFound | Class::Invalid | Class::Denied) => {
            None
        }
        Err(error) => return Err(error),
    };
    let case = case.filter(|case| case.public).ok_or(Error::NotFound)?;
    let rule = case.assigned_by;
    let case = case.view.ok_or(Error::NotFound)?;
    if case.number != number {
        return Ok(see(&format!("/m/{}", case.number)));
    }
    let names = names(&v, &case).await;
    let line = v.app().directory.line(&case.division_code).await.unwrap_or_default();
    let files = files::of_public(&v, &case.number, &case.message_id).await;
    let told = if case.body.is_empty() { &case.details } else { &case.body };
    page(&Message {
        canonical: v.app().config.url_of(&format!("/m/{}", case.number)),
        description: beginning(told, DESCRIPTION),
        m: shown(&v, case, &names, &rule),
        line,
        files,
        v,
    })
}

/// The names that a case needs.
pub(crate) async fn names(v: &Visit, case: &PublicCase) -> Names {
    let replied = case.replies.iter().map(|reply| reply.office_id.as_str());
    let held = case.custody.iter().map(|custody| custody.office_id.as_str());
    let helpers = case.helper_office_ids.iter().map(String::as_str);
    let offices = replied.chain(held).chain(helpers).chain([case.office_id.as_str()]);
    v.app().directory.names(offices, [case.division_code.as_str()]).await
}

/// Whether the office waits for the author.
pub(crate) fn is_paused(case: &PublicCase) -> bool {
    case.pauses.last().is_some_and(|pause| pause.until.is_none())
        && case.state() != CaseState::Closed
}

/// An answer as it is shown.
pub(crate) fn answer(v: &Visit, reply: &Reply, names: &Names) -> Answer {
    Answer {
        reply_id: reply.reply_id.clone(),
        office: names.office(&reply.office_id),
        body: reply.body.clone(),
        when: v.moment(reply.replied_at.as_ref()),
        corrected: v.moment(reply.corrected_at.as_ref()),
        overridden: reply.gate_overridden,
        promises: reply.promises.iter().map(|promise| promised(v, promise)).collect(),
    }
}

/// A promise as it is shown.
pub(crate) fn promised(v: &Visit, promise: &Promise) -> Promised {
    let (word, class) = match promise.state() {
        PromiseState::Kept => ("promise-kept", "replied"),
        PromiseState::Broken => ("promise-broken", "late"),
        PromiseState::Open | PromiseState::Unspecified => ("promise-open", "progress"),
    };
    Promised {
        promise_id: promise.promise_id.clone(),
        what: promise.what.clone(),
        due: deadline::last_day(v, promise.due_at.as_ref()),
        word,
        class,
        open: promise.state() == PromiseState::Open,
        settled: v.day(promise.settled_at.as_ref()),
    }
}

/// By which rules an office has a case, with the names of their texts.
const RULES: [(&str, &str); 16] = [
    ("office_chosen", "rule-office-chosen"),
    ("accused_office_passed_over", "rule-accused-office-passed-over"),
    ("closed_office_passed_over", "rule-closed-office-passed-over"),
    ("triage_accused", "rule-triage-accused"),
    ("triage_no_office", "rule-triage-no-office"),
    ("transferred", "rule-transferred"),
    ("returned", "rule-returned"),
    ("referred", "rule-referred"),
    ("decided", "rule-decided"),
    ("precedent", "rule-precedent"),
    ("suggestion", "rule-suggestion"),
    ("competence", "rule-competence"),
    ("successor_office", "rule-successor-office"),
    ("successor_division", "rule-successor-division"),
    ("division_without_office", "rule-division-without-office"),
    ("expired_office_passed_over", "rule-expired-office-passed-over"),
];

/// Why an office has a case, the name of a text.
pub(crate) fn rule_of(code: &str) -> Option<&'static str> {
    RULES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// A case as it is shown.
pub(crate) fn shown(v: &Visit, case: PublicCase, names: &Names, assigned_by: &str) -> Shown {
    Shown {
        rule: rule_of(assigned_by),
        consultation: case.consultation_id.clone(),
        problem: case.common_problem_id.clone(),
        office: names.office(&case.office_id),
        kind: names.kind(v.locale(), &case.kind),
        domain: names.domain(v.locale(), &case.domain),
        state: state_of(&case),
        outcome: history::outcome_word(case.outcome()),
        submitted: v.moment(case.submitted_at.as_ref()),
        deadline: deadline::of_case(v, &case),
        extended: v.day(case.extended_at.as_ref()),
        paused: is_paused(&case),
        helpers: case.helper_office_ids.iter().map(|id| names.office(id)).collect(),
        answers: case.replies.iter().map(|reply| answer(v, reply, names)).collect(),
        steps: history::steps(v, &case, names),
        spans: history::spans(v, &case, names),
        number: case.number,
        topic: case.topic,
        place: case.place,
        text: Text {
            title: case.title,
            body: case.body,
            demand: case.demand,
            details: case.details,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::WORDS;

    #[test]
    fn every_rule_has_its_words() {
        for (code, name) in RULES {
            for locale in ["zh-CN", "en"] {
                assert_ne!(WORDS.text(locale, name, &[]), name, "{code}");
            }
        }
    }
}
