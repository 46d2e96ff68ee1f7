use jiff::civil::date;

use super::*;
use crate::domain::{directory::Division, lists, validity::Validity};

/// Ten o'clock on Wednesday, 3 June 2026, in China.
fn now() -> Timestamp {
    "2026-06-03T10:00:00+08".parse().unwrap()
}

fn a_plan() -> Plan {
    Plan {
        office_id: "130102-g".to_owned(),
        division_code: String::new(),
        domain: "6".to_owned(),
        question: "Where are trees to be planted?".to_owned(),
        description: "The city has room for a thousand trees.".to_owned(),
        from_on: "2026-06-04".to_owned(),
        until_on: "2026-06-10".to_owned(),
    }
}

fn planned(wish: Plan, known: Option<&Consultation>) -> Result<Consultation, Vec<String>> {
    planned_in(lists::shared(), wish, known)
}

fn planned_in(
    directory: &Directory,
    wish: Plan,
    known: Option<&Consultation>,
) -> Result<Consultation, Vec<String>> {
    plan(directory, wish, known, ConsultationId::from(uuid::Uuid::nil()), now())
        .map_err(|all| all.iter().map(|it| format!("{} {}", it.field, it.reason)).collect())
}

#[test]
fn a_consultation_takes_messages_from_its_first_day_to_the_end_of_its_last() {
    let mut asked = planned(a_plan(), None).unwrap();
    assert_eq!(asked.division_path, ["130000", "130100", "130102"]);
    assert!(!asked.takes(date(2026, 6, 5)), "it is planned only");
    asked.open(lists::shared(), date(2026, 6, 3)).unwrap();
    let days = [(3, false), (4, true), (10, true), (11, false)];
    for (day, takes) in days {
        assert_eq!(asked.takes(date(2026, 6, day)), takes, "{day}");
    }
    let (opens, closes) = asked.times().unwrap();
    assert_eq!(opens, "2026-06-04T00:00:00+08".parse().unwrap());
    assert_eq!(closes, "2026-06-11T00:00:00+08".parse().unwrap());
    assert_eq!(asked.stage_on(date(2026, 6, 10)), Stage::Open);
    assert_eq!(asked.stage_on(date(2026, 6, 11)), Stage::Closed);
}

#[test]
fn it_goes_from_planned_to_open_to_closed_to_published_and_never_back() {
    let (shared, today) = (lists::shared(), date(2026, 6, 3));
    let mut asked = planned(a_plan(), None).unwrap();
    assert_eq!(asked.publish("x".to_owned(), 1, now()), Err(Fault::NotOver));
    assert_eq!(asked.close(), Err(Fault::NotOpen));
    assert_eq!(asked.open(shared, date(2026, 6, 11)), Err(Fault::Over));
    asked.open(shared, today).unwrap();
    assert_eq!(asked.open(shared, today), Err(Fault::NotDraft));
    assert_eq!(asked.publish("x".to_owned(), 1, now()), Err(Fault::NotOver));
    let mut ran_out = asked.clone();
    let later = "2026-06-11T00:00:00+08".parse().unwrap();
    ran_out.publish("x".to_owned(), 1, later).unwrap();
    asked.close().unwrap();
    assert_eq!(asked.close(), Err(Fault::NotOpen));
    asked.publish("x".to_owned(), 1, now()).unwrap();
    assert_eq!((asked.stage, asked.corrected_at), (Stage::Published, None));
    asked.publish("y".to_owned(), 2, later).unwrap();
    assert_eq!((asked.published_at, asked.corrected_at), (Some(now()), Some(later)));
    assert_eq!(asked.open(shared, today), Err(Fault::NotDraft));
}

#[test]
fn a_plan_is_told_everything_that_is_wrong_with_it() {
    let wrong = Plan {
        division_code: "440000".to_owned(),
        domain: "99".to_owned(),
        question: "Why?".to_owned(),
        description: "  short  ".to_owned(),
        from_on: "2026-06-02".to_owned(),
        until_on: "2026-06-01".to_owned(),
        ..a_plan()
    };
    let told = planned(wrong, None).unwrap_err();
    let expected = [
        "question QUESTION_LENGTH",
        "description DESCRIPTION_LENGTH",
        "division_code DIVISION_NOT_OF_OFFICE",
        "domain DOMAIN_NOT_FOUND",
        "from_on DAY_PAST",
        "until_on DAY_PAST",
        "until_on SPAN_OF_CONSULTATION",
    ];
    assert_eq!(told, expected);
    let nowhere = Plan {
        office_id: "nowhere".to_owned(),
        from_on: "tomorrow".to_owned(),
        until_on: "2028-06-03".to_owned(),
        ..a_plan()
    };
    let told = planned(nowhere, None).unwrap_err();
    assert_eq!(told, ["office_id OFFICE_NOT_FOUND", "from_on DATE_MALFORMED"]);
    let longer = Plan { until_on: "2027-06-06".to_owned(), ..a_plan() };
    assert_eq!(planned(longer, None).unwrap_err(), ["until_on SPAN_OF_CONSULTATION"]);
    for near in ["130000", "130100", "130102"] {
        let near = Plan { division_code: near.to_owned(), ..a_plan() };
        planned(near, None).unwrap();
    }
}

#[test]
fn what_people_answer_stands_once_it_is_open() {
    let mut asked = planned(a_plan(), None).unwrap();
    let moved = Plan { question: "Where to plant bushes?".to_owned(), ..a_plan() };
    assert_eq!(planned(moved.clone(), Some(&asked)).unwrap().changes, 2);
    asked.open(lists::shared(), date(2026, 6, 3)).unwrap();
    let other = Plan {
        domain: "7".to_owned(),
        division_code: "130000".to_owned(),
        from_on: "2026-06-05".to_owned(),
        ..moved
    };
    let stands = ["question", "division_code", "domain", "from_on"]
        .map(|field| format!("{field} CONSULTATION_STANDS"));
    assert_eq!(planned(other, Some(&asked)).unwrap_err(), stands);
    let longer = Plan { until_on: "2026-06-20".to_owned(), ..a_plan() };
    let longer = planned(longer, Some(&asked)).unwrap();
    assert_eq!((longer.stage, longer.until_on), (Stage::Open, date(2026, 6, 20)));
}

#[test]
fn an_office_that_is_no_more_asks_nobody() {
    let (shared, today) = (lists::shared(), date(2026, 6, 3));
    let until = |day: i8| Validity { until: Some(date(2026, 6, day)), ..Validity::default() };
    let office = shared.offices.get("130102-g").unwrap().clone();
    let of_day = |day: i8| Office { valid: until(day), ..office.clone() };
    let on_its_last_day = shared.with_office(of_day(3)).unwrap();
    planned_in(&on_its_last_day, a_plan(), None).unwrap();
    let county = shared.division("130102").unwrap().clone();
    let closed = shared.with_office(Office { open: false, ..office.clone() }).unwrap();
    let draft = planned(a_plan(), None).unwrap();
    let mut open = draft.clone();
    open.open(shared, today).unwrap();
    let ended = [
        shared.with_office(of_day(2)).unwrap(),
        shared.with_office(Office { open: false, ..of_day(2) }).unwrap(),
        shared.with_division(Division { valid: until(2), ..county }).unwrap(),
    ];
    for directory in &ended {
        for known in [None, Some(&draft), Some(&open)] {
            let told = planned_in(directory, a_plan(), known).unwrap_err();
            assert_eq!(told, ["office_id OFFICE_EXPIRED"], "{known:?}");
        }
        assert_eq!(draft.clone().open(directory, today), Err(Fault::OfficeExpired));
        open.clone().close().unwrap();
    }
    let told = planned_in(&closed, a_plan(), None).unwrap_err();
    assert_eq!(told, ["office_id OFFICE_CLOSED"]);
    assert_eq!(draft.clone().open(&closed, today), Err(Fault::OfficeClosed));
    planned_in(&closed, a_plan(), Some(&open)).unwrap();
}

#[test]
fn a_result_speaks_of_messages_of_its_consultation_alone() {
    let case_id = CaseId::from(uuid::Uuid::from_u128(1));
    let known = BTreeMap::from([("N1".to_owned(), case_id)]);
    let said = |numbers: &[&str]| Said {
        uptake: Some(Uptake::Partly),
        what: "Trees along the river".to_owned(),
        taken_up_by: String::new(),
        numbers: numbers.iter().map(|it| (*it).to_owned()).collect(),
    };
    let of = |statements: Vec<Said>| {
        let outcome = Outcome { summary: "Many wish for trees.".to_owned(), statements };
        statements_of(&outcome, &known)
    };
    assert_eq!(of(vec![said(&["N1", "N1"]), said(&[])]).unwrap()[0].cases, [case_id]);
    let wrong = Said { uptake: None, what: "No".to_owned(), ..said(&["N1", "N2"]) };
    let told = of(vec![said(&[]), wrong]).unwrap_err();
    let expected = [
        "statements[1].what STATEMENT_LENGTH",
        "statements[1].numbers NUMBER_NOT_OF_CONSULTATION",
        "statements[1].uptake FIELD_REQUIRED",
    ];
    assert_eq!(told, expected);
    assert_eq!(of(vec![]).unwrap_err(), ["statements STATEMENTS_COUNT"]);
    assert_eq!(of(vec![said(&[]); 51]).unwrap_err(), ["statements STATEMENTS_COUNT"]);
}

#[test]
fn what_becomes_of_a_message_is_what_all_statements_say_of_it() {
    let (taken, partly, not) = (Uptake::Taken, Uptake::Partly, Uptake::Not);
    for (said, together) in [
        (vec![], None),
        (vec![taken], Some(taken)),
        (vec![not, not], Some(not)),
        (vec![taken, not], Some(partly)),
        (vec![partly, taken], Some(partly)),
    ] {
        assert_eq!(Uptake::together(&said), together, "{said:?}");
    }
}

fn statements_of(
    outcome: &Outcome,
    known: &BTreeMap<String, CaseId>,
) -> Result<Vec<Statement>, Vec<String>> {
    statements(outcome, known)
        .map_err(|all| all.iter().map(|it| format!("{} {}", it.field, it.reason)).collect())
}
