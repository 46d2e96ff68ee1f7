use uuid::Uuid;

use super::*;
use crate::domain::{lists, view};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn an_opening() -> Opening {
    Opening {
        message_id: Uuid::from_u128(1).into(),
        number: "n1".to_owned(),
        office_id: "130102-g".to_owned(),
        kind: "help".to_owned(),
        domain: "7".to_owned(),
        topic: String::new(),
        visibility: Visibility::Public,
        submitted_at: at("2026-09-30T10:00:00+08"),
        occurred_at: None,
        accused: vec![],
        redactions: 0,
        traceparent: None,
        precedent: None,
        suggested: None,
        consultation_id: None,
    }
}

fn text() -> Text {
    Text { title: "t".to_owned(), ..Text::default() }
}

fn open(opening: &Opening, withdrawn: bool) -> (Case, Vec<Fact>) {
    let now = at("2026-09-30T10:01:00+08");
    let case_id = Uuid::from_u128(2).into();
    let triage = ["M35".to_owned()];
    Case::open(opening, case_id, Some(text()), withdrawn, lists::shared(), &triage, now).unwrap()
}

fn whats(facts: &[Fact]) -> Vec<(What, bool, i64)> {
    facts.iter().map(|fact| (fact.what.clone(), fact.public, fact.revision)).collect()
}

#[test]
fn a_public_message_becomes_a_public_case_with_one_clock() {
    let (case, facts) = open(&an_opening(), false);
    assert!(case.is_public());
    assert_eq!(whats(&facts), [(What::Opened, true, 1), (What::Assigned, true, 1)]);
    assert_eq!(case.deadline_at, at("2026-10-15T23:59:59.999999+08"));
    assert_eq!(case.opened_at, at("2026-09-30T10:01:00+08"));
    assert_eq!(case.place.city_code.as_deref(), Some("130100"));
}

#[test]
fn what_comes_from_another_system_keeps_its_time() {
    let written = at("2019-03-04T09:00:00+08");
    let (case, facts) = open(&Opening { occurred_at: Some(written), ..an_opening() }, false);
    assert_eq!((case.submitted_at, case.opened_at, facts[0].at), (written, written, written));
    assert_eq!(case.deadline_at, at("2019-03-13T23:59:59.999999+08"));
    let now = at("2026-01-01T00:00:00Z");
    assert_eq!(case.moment(Some(at("2019-03-05T09:00:00+08")), now).unwrap().as_second() % 60, 0);
    assert_eq!(
        case.moment(Some(at("2019-03-01T09:00:00+08")), now),
        Err(WrongTime::BeforeLastStep)
    );
    assert_eq!(case.moment(Some(at("2026-01-01T00:00:01Z")), now), Err(WrongTime::Future));
}

#[test]
fn private_accused_withdrawn_or_without_a_text_is_never_public() {
    let private = Opening { visibility: Visibility::Private, ..an_opening() };
    let accused = Opening { accused: vec!["130102-g".to_owned()], ..an_opening() };
    for opening in [&private, &accused] {
        let (case, facts) = open(opening, false);
        assert!(!case.is_public() && case.text.is_none());
        assert!(facts.iter().all(|fact| !fact.public));
    }
    let (case, facts) = open(&an_opening(), true);
    assert!(!case.is_public() && case.text.is_none());
    let closed = What::Closed(Outcome::Withdrawn);
    assert_eq!(whats(&facts), [(What::Opened, false, 1), (closed, false, 2)]);
    let (mut case, _) = open(&an_opening(), false);
    case.text = None;
    assert!(!case.is_public());
}

#[test]
fn a_reply_accepts_on_its_way_and_each_step_has_its_revision() {
    let (mut case, _) = open(&an_opening(), false);
    let reply_id = ReplyId::from(Uuid::from_u128(3));
    let facts = case.act(Act::Reply, at("2026-10-08T10:00:00+08"), Some(reply_id)).unwrap();
    assert_eq!(
        whats(&facts),
        [(What::Accepted, true, 2), (What::Replied(reply_id, false, None), true, 3)]
    );
    assert_eq!((case.reply_count, case.changes, case.etag().as_str()), (1, 2, "c2"));
    let before = case.clone();
    assert!(case.act(Act::Withdraw, at("2026-10-09T10:00:00+08"), None).is_err());
    assert_eq!(case, before, "a refused act changes nothing");
}

#[test]
fn a_withdrawn_case_keeps_no_text() {
    let (mut case, _) = open(&an_opening(), false);
    let facts = case.act(Act::Withdraw, at("2026-10-08T10:00:00+08"), None).unwrap();
    assert_eq!(whats(&facts), [(What::Closed(Outcome::Withdrawn), false, 2)]);
    assert_eq!(case.text, None);
    assert_eq!(case.change_text(text(), at("2026-10-08T10:00:00+08")), None);
}

#[test]
fn a_new_text_is_a_new_revision_and_the_same_text_is_none() {
    let (mut case, _) = open(&an_opening(), false);
    assert_eq!(case.change_text(text(), at("2026-10-08T10:00:00+08")), None);
    let fact = case.change_text(Text::default(), at("2026-10-08T10:00:00+08")).unwrap();
    assert_eq!((fact.what, fact.revision), (What::TextChanged, 2));
    let view = view::assemble(&case, vec![], vec![], vec![]);
    assert_eq!((view.text.title.as_str(), view.revision), ("", 2));
}

#[test]
fn a_transfer_changes_who_has_it_and_leaves_the_clock_alone() {
    let directory = lists::shared();
    let (mut case, _) = open(&an_opening(), false);
    case.act(Act::Accept, at("2026-10-08T10:00:00+08"), None).unwrap();
    let deadline = case.deadline_at;
    let to = directory.offices.get("130200-g").unwrap();
    let facts = case.transfer(to, directory, at("2026-10-08T11:00:00+08")).unwrap();
    assert_eq!(whats(&facts), [(What::Transferred("130102-g".to_owned()), true, 3)]);
    assert_eq!((case.state, case.office_id.as_str()), (State::Assigned, "130200-g"));
    assert_eq!(case.place, directory.place(Some("130200")));
    assert_eq!((case.deadline_at, case.assigned_by.as_str()), (deadline, "transferred"));
    assert_eq!((case.custody_count, case.changes), (2, 3));
    assert_eq!(case.accepted_at, Some(at("2026-10-08T10:00:00+08")), "when its first office did");
    case.act(Act::Reply, at("2026-10-08T12:00:00+08"), None).unwrap();
    let before = case.clone();
    let refused = case.transfer(to, directory, at("2026-10-08T13:00:00+08"));
    assert_eq!(refused, Err(Refusal::TransferTooLate));
    assert_eq!(case, before, "a refused act changes nothing");
}

#[test]
fn the_third_step_from_office_to_office_is_a_superior_s() {
    let directory = lists::shared();
    let (case, _) = open(&an_opening(), false);
    let step = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let down = step("130100-g", "130102-g");
    let hops = [step("130200-g", "130104-g"), down.clone(), step("130104-g", "130102-g")];
    assert_eq!(case.may_hop("130200-g", &hops, directory), Err(Refusal::HandedOnTwice));
    // What an office hands down to those below it is no step from office to office.
    let once = [down.clone(), down, hops[0].clone()];
    assert_eq!(case.may_hop("130200-g", &once, directory), Ok(()));
    let above = open(&Opening { office_id: "130100-g".to_owned(), ..an_opening() }, false).0;
    assert_eq!(above.may_hop("130104-g", &hops, directory), Ok(()));
}
