//! Everything that was done with a case, in words.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use jiff::Timestamp;
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    routing::v1::{Act, ListActsRequest},
};
use serde::Deserialize;

use super::theirs::own_case;
use crate::{
    directory::Names,
    error::Error,
    format::When,
    page::{Keep, page_with},
    pages::cards::{Heading, heading},
    visit::Visit,
};

/// How many acts are shown at a time.
const PAGE: i32 = 50;
/// Who does what happens by itself.
const ROUTING: &str = "routing";
/// Who lets authors in.
const AUTHORS: &str = "intake/";
/// How much of an account's id tells it from others here.
const TAIL: usize = 4;

/// Every action, with the name of its text.
const ACTIONS: [(&str, &str); 25] = [
    ("case-accepted", "act-accepted"),
    ("case-replied", "act-replied"),
    ("case-transferred", "act-transferred"),
    ("case-decided", "act-decided"),
    ("case-returned", "act-returned"),
    ("case-referred", "act-referred"),
    ("case-paused", "act-paused"),
    ("case-resumed", "act-resumed"),
    ("deadline-extended", "act-extended"),
    ("helper-invited", "act-helper-invited"),
    ("helpers-taken", "act-helpers-taken"),
    ("reply-corrected", "act-corrected"),
    ("reply-rated", "act-rated"),
    ("case-reopened", "act-reopened"),
    ("follow-up-asked", "act-follow-up"),
    ("case-supervised", "act-supervised"),
    ("case-closed", "act-closed"),
    ("case-withdrawn", "act-withdrawn"),
    ("case-escalated", "act-escalated"),
    ("case-opened", "act-opened"),
    ("deadline-neared", "act-neared"),
    ("deadline-missed", "act-missed"),
    ("promise-made", "act-promise-made"),
    ("promise-kept", "act-promise-kept"),
    ("promise-broken", "act-promise-broken"),
];

/// Something that was done.
struct Line {
    position: u32,
    when: Option<When>,
    /// What was done, in words; its code for what is not known here.
    what: String,
    who: String,
    office: String,
    /// What belongs to it, in words.
    facts: Vec<String>,
    /// What an official wrote.
    note: String,
    hash: String,
}

#[derive(Template)]
#[template(path = "desk_log.html")]
struct Log {
    v: Visit,
    case_id: String,
    number: String,
    heading: Heading,
    lines: Vec<Line>,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    page: String,
}

pub(super) async fn log(
    v: Visit,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, Error> {
    let own = own_case(&v, &id).await?;
    let asked = ListActsRequest { case_id: id, page_size: PAGE, page_token: ask.page };
    let answer = v.app().backend.cases().list_acts(v.call(asked)).await?.into_inner();
    let named: Vec<&str> = answer.acts.iter().flat_map(offices_of).collect();
    let names = v.app().directory.names(named, []).await;
    let (view, private) = (own.view, own.case.visibility() == Visibility::Private);
    let next = answer.next_page_token;
    let template = Log {
        heading: heading(&v, &view.title, &view.number, private),
        lines: answer.acts.iter().map(|act| line(&v, &names, act)).collect(),
        next: (!next.is_empty()).then(|| {
            let page = url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
            format!("/desk/cases/{}/acts?page={page}", view.case_id)
        }),
        case_id: view.case_id,
        number: view.number,
        v,
    };
    page_with(&template, StatusCode::OK, Keep::Never)
}

fn line(v: &Visit, names: &Names, act: &Act) -> Line {
    let known = ACTIONS.iter().find(|(action, _)| *action == act.action);
    Line {
        position: act.position,
        when: v.moment(act.at.as_ref()),
        what: known.map_or_else(|| act.action.clone(), |(_, name)| v.t(name)),
        who: who(v, &act.actor),
        office: names.office(&act.office_id),
        facts: pairs(&act.detail).filter_map(|(name, it)| fact(v, names, name, it)).collect(),
        note: act.note.clone(),
        hash: act.hash.clone(),
    }
}

/// Who it was. The log holds no names; an account is told from others by the end of its id.
fn who(v: &Visit, actor: &str) -> String {
    if actor == ROUTING {
        return v.t("act-by-itself");
    }
    if actor.starts_with(AUTHORS) {
        return v.t("act-by-author");
    }
    let subject = actor.rsplit('/').next().unwrap_or(actor);
    if v.session().is_some_and(|session| session.account_id == subject) {
        return v.t("act-by-you");
    }
    let from = subject.char_indices().rev().nth(TAIL - 1).map_or(0, |(index, _)| index);
    v.t1("act-by-account", "tail", &subject[from..])
}

/// What belongs to an act: names and values, with blanks between.
fn pairs(detail: &str) -> impl Iterator<Item = (&str, &str)> {
    detail.split(' ').filter_map(|pair| pair.split_once('='))
}

/// The offices that an act names.
fn offices_of(act: &Act) -> Vec<&str> {
    let is_office = |name: &str| matches!(name, "to" | "named" | "helper");
    let in_detail = pairs(&act.detail).filter(|(name, _)| is_office(name));
    in_detail.map(|(_, office)| office).chain([act.office_id.as_str()]).collect()
}

/// In words; `None` for ids, which tell people nothing.
fn fact(v: &Visit, names: &Names, name: &str, value: &str) -> Option<String> {
    let day = || Some(v.date(crate::format::day_of(last_moment(value)?)));
    Some(match name {
        "to" => v.t1("act-to", "office", names.office(value)),
        "named" => v.t1("act-named", "office", names.office(value)),
        "helper" => v.t1("act-helper", "office", names.office(value)),
        "days" => v.t1("act-days", "days", value),
        "deadline" => v.t1("act-deadline", "date", day()?),
        "gate" if value == "alike" => v.t("act-gate-alike"),
        "gate" => v.t("act-gate-unrelated"),
        "outcome" => v.t(&format!("outcome-{}", value.replace('_', "-"))),
        "ground" => v.t(&format!("follow-up-{}", value.replace('_', "-"))),
        _ => return None,
    })
}

/// A deadline is the end of its day: the moment itself belongs to the next.
fn last_moment(text: &str) -> Option<Timestamp> {
    let until: Timestamp = text.parse().ok()?;
    until.checked_sub(jiff::SignedDuration::from_micros(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::WORDS;

    #[test]
    fn every_action_has_its_words() {
        for (action, name) in ACTIONS {
            assert_ne!(WORDS.text("en", name, &[]), name, "{action}");
        }
    }

    #[test]
    fn what_belongs_to_an_act_is_read_pair_by_pair() {
        let found: Vec<_> = pairs("named=a to=b  gate=alike nothing").collect();
        assert_eq!(found, [("named", "a"), ("to", "b"), ("gate", "alike")]);
    }
}
