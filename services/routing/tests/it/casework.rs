use jiff::Timestamp;
use liuyan_kit::{
    clock::{Clock as _, from_proto, to_proto},
    id, testing,
};
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Historical, Outcome, PublicState},
    routing::v1 as routing,
};
use tonic_types::StatusExt as _;

use crate::helpers::{House, a_message, a_reply, an_acceptance, reason, view};

fn a_closing(case_id: &str, outcome: Outcome) -> routing::CloseCaseRequest {
    routing::CloseCaseRequest {
        case_id: case_id.to_owned(),
        request_id: id::v7(testing::now()).to_string(),
        outcome: outcome.into(),
        ..Default::default()
    }
}

fn historical(at: &str) -> Option<Historical> {
    Some(Historical { occurred_at: Some(to_proto(at.parse::<Timestamp>().unwrap())) })
}

#[tokio::test]
async fn a_case_is_accepted_answered_answered_again_and_closed() {
    let house = House::open().await;
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    let mut cases = house.cases(&clerk);
    house.advance_minutes(10);
    let acceptance = an_acceptance(&case_id);
    let request_id = acceptance.request_id.clone();
    let accepted = cases.accept_case(acceptance).await.unwrap().into_inner();
    let accepted = accepted.case.unwrap();
    assert_eq!(view(&accepted).public_state(), PublicState::InProgress);
    let opened = testing::said::<routing::CaseOpened>(house.db()).await;
    assert_eq!(opened[0].event.case.as_ref().unwrap().causation_id, "", "no office did it");
    let said = testing::said::<routing::CaseAccepted>(house.db()).await;
    assert_eq!(said[0].event.case.as_ref().unwrap().causation_id, request_id);
    assert_eq!(reason(cases.accept_case(an_acceptance(&case_id)).await), "CASE_ALREADY_ACCEPTED");
    let too_early = a_closing(&case_id, Outcome::Solved);
    assert_eq!(reason(cases.close_case(too_early).await), "REPLY_FIRST");
    house.advance_minutes(10);
    let first = house.reply(&clerk, &case_id, "we work on it").await.unwrap();
    house.advance_minutes(10);
    let second = house.reply(&clerk, &case_id, "done").await.unwrap().case.unwrap();
    let bodies: Vec<_> = view(&second).replies.iter().map(|reply| reply.body.as_str()).collect();
    assert_eq!(bodies, ["we work on it", "done"]);
    assert_eq!(view(&second).replies[0].reply_id, first.reply_id);
    house.advance_minutes(10);
    assert_eq!(
        reason(cases.close_case(a_closing(&case_id, Outcome::Withdrawn)).await),
        "OUTCOME_NOT_FOR_OFFICES"
    );
    let closed = cases.close_case(a_closing(&case_id, Outcome::Solved)).await.unwrap();
    let closed = closed.into_inner().case.unwrap();
    assert_eq!(
        (view(&closed).state(), view(&closed).outcome()),
        (CaseState::Closed, Outcome::Solved)
    );
    assert_eq!(house.get_in_public(message.message_id).await.unwrap(), closed);
    assert_eq!(reason(house.reply(&clerk, &case_id, "more").await), "CASE_ENDED");

    let held = &view(&closed).custody;
    assert_eq!(held.len(), 1);
    let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().unwrap().seconds;
    assert_eq!(seconds(&held[0].until) - seconds(&held[0].from), 4 * 600);
    assert_eq!(
        house.story(&case_id).await,
        [
            "case-opened r1 public",
            "case-assigned r1 public",
            "case-accepted r2 public",
            "case-replied r3 public",
            "case-replied r4 public",
            "case-closed r5 public",
        ]
    );
}

#[tokio::test]
async fn a_reply_accepts_on_its_way_and_a_duplicate_needs_one_too() {
    let house = House::open().await;
    let (one, other) = (house.a_case(&a_message()).await, house.a_case(&a_message()).await);
    let clerk = house.clerk("130102-s");
    house.reply(&clerk, &view(&one).case_id, "done").await.unwrap();
    let story = house.story(&view(&one).case_id).await;
    assert_eq!(story[2..], ["case-accepted r2 public", "case-replied r3 public"]);
    let closing = a_closing(&view(&other).case_id, Outcome::Duplicate);
    let closed = house.cases(&clerk).close_case(closing.clone()).await;
    assert_eq!(reason(closed), "REPLY_FIRST");
    house.reply(&clerk, &closing.case_id, "see the answer to the other one").await.unwrap();
    let closed = house.cases(&clerk).close_case(closing).await.unwrap().into_inner();
    let closed = closed.case.unwrap();
    assert_eq!(view(&closed).outcome(), Outcome::Duplicate);
    assert_eq!(view(&closed).public_state(), PublicState::Replied);
}

#[tokio::test]
async fn the_same_request_is_answered_the_same_and_done_once() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    let request = a_reply(&case_id, "done");
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (mut cases, request) = (house.cases(&clerk), request.clone());
        tasks.push(tokio::spawn(async move { cases.reply_to_case(request).await }));
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap().unwrap().into_inner());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    house.reply(&clerk, &case_id, "and more").await.unwrap();
    let later = house.cases(&clerk).reply_to_case(request.clone()).await.unwrap().into_inner();
    assert_eq!(later, answers[0], "as it was answered then");
    assert_eq!(house.count("select count(*) from replies").await, 2);

    let other_body = routing::ReplyToCaseRequest { body: "other".to_owned(), ..request.clone() };
    assert_eq!(reason(house.cases(&clerk).reply_to_case(other_body).await), "REQUEST_ID_REUSED");
    let other_case = view(&house.a_case(&a_message()).await).case_id.clone();
    let elsewhere = routing::ReplyToCaseRequest { case_id: other_case, ..request.clone() };
    assert_eq!(reason(house.cases(&clerk).reply_to_case(elsewhere).await), "REQUEST_ID_REUSED");
    let accept =
        routing::AcceptCaseRequest { request_id: request.request_id, ..an_acceptance(&case_id) };
    assert_eq!(reason(house.cases(&clerk).accept_case(accept).await), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn who_saw_an_older_case_looks_again_first() {
    let house = House::open().await;
    let case = house.a_case(&a_message()).await;
    let case_id = view(&case).case_id.clone();
    let clerk = house.clerk("130102-g");
    let with = |etag: &str| routing::ReplyToCaseRequest {
        etag: etag.to_owned(),
        ..a_reply(&case_id, "done")
    };
    let first = house.cases(&clerk).reply_to_case(with(&case.etag)).await.unwrap().into_inner();
    assert_eq!(reason(house.cases(&clerk).reply_to_case(with(&case.etag)).await), "ETAG_MISMATCH");
    let etag = first.case.unwrap().etag;
    house.cases(&clerk).reply_to_case(with(&etag)).await.unwrap();
}

#[tokio::test]
async fn only_the_offices_own_clerks_and_those_above_act() {
    let house = House::open().await;
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    for office in ["130103-g", "130200-g", "110000-g", "M35"] {
        let refused = house.reply(&house.clerk(office), &case_id, "done").await;
        assert_eq!(reason(refused), "CASE_NOT_YOURS", "{office}");
    }
    let reader = house.token(&["case:read"], &["130102-g"]);
    assert_eq!(reason(house.reply(&reader, &case_id, "done").await), "SCOPE_MISSING");
    let author = house.author(message.message_id);
    assert_eq!(reason(house.reply(&author, &case_id, "done").await), "SCOPE_MISSING");
    for token in [house.clerk("130102-g"), house.clerk("130000-g"), house.operator()] {
        house.reply(&token, &case_id, "done").await.unwrap();
    }
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    let wrong = routing::ReplyToCaseRequest {
        case_id: "x".to_owned(),
        body: " a ".to_owned(),
        ..Default::default()
    };
    let status = house.cases(&clerk).reply_to_case(wrong).await.unwrap_err();
    let told = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = told.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["request_id", "body", "case_id"]);
    let long = "字".repeat(20_001);
    assert_eq!(reason(house.reply(&clerk, &case_id, &long).await), "REQUEST_INVALID");
    house.reply(&clerk, &case_id, &long[..long.len() - '字'.len_utf8()]).await.unwrap();
}

#[tokio::test]
async fn an_import_tells_when_it_happened() {
    let house = House::open().await;
    let message = a_message().written_at("2019-03-04T09:00:00+08");
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let importer = house.operator();
    let at = |at: &str| routing::ReplyToCaseRequest {
        historical: historical(at),
        ..a_reply(&case_id, "done")
    };
    let mut cases = house.cases(&importer);
    assert_eq!(reason(cases.reply_to_case(at("2019-03-04T08:59:59+08")).await), "REQUEST_INVALID");
    assert_eq!(reason(cases.reply_to_case(at("2026-06-03T10:00:01+08")).await), "REQUEST_INVALID");
    let clerk = house.clerk("130102-g");
    let refused = house.cases(&clerk).reply_to_case(at("2019-03-08T09:00:00+08")).await;
    assert_eq!(reason(refused), "HISTORICAL_NOT_ALLOWED");
    let answer = cases.reply_to_case(at("2019-03-08T09:00:00+08")).await.unwrap().into_inner();
    let replied_at = view(answer.case.as_ref().unwrap()).replies[0].replied_at;
    assert_eq!(from_proto(&replied_at.unwrap()).unwrap(), "2019-03-08T01:00:00Z".parse().unwrap());
    let said = testing::said::<routing::CaseReplied>(house.db()).await;
    assert_eq!(said[0].event.case.as_ref().unwrap().occurred_at, replied_at);
    assert_eq!(said[0].at, house.clock.now());
    // Time does not go back within a case.
    assert_eq!(reason(cases.reply_to_case(at("2019-03-07T09:00:00+08")).await), "REQUEST_INVALID");
    let closing = routing::CloseCaseRequest {
        historical: historical("2019-04-01T09:00:00+08"),
        ..a_closing(&case_id, Outcome::Solved)
    };
    let closed = cases.close_case(closing).await.unwrap().into_inner().case.unwrap();
    assert_eq!(
        view(&closed).custody[0].until,
        historical("2019-04-01T09:00:00+08").unwrap().occurred_at
    );
}
