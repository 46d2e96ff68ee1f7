use std::{sync::Arc, time::Duration};

use liuyan_feed::worker;
use liuyan_kit::messaging::Envelope;
use liuyan_proto::liuyan::common::v1::PublicCase;
use uuid::Uuid;

use crate::helpers::{Case, SOON, house, house_with, now, titles};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn positions_have_no_gaps_with_four_appenders() {
    let house = Arc::new(house_with(|config| config.append_batch = 7).await);
    let mut cases: Vec<Case> = (0..40).map(|_| Case::new()).collect();
    let mut batches = Vec::new();
    for _ in 0..5 {
        batches.extend(
            cases
                .chunks_mut(8)
                .map(|some| some.iter_mut().map(|case| case.accepted()).collect::<Vec<_>>()),
        );
    }
    cases.iter().for_each(|case| house.routing.shows(case.view("t")));
    let appenders: Vec<_> = (0..4)
        .map(|_| {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                while house.count("select count(*) from log").await < 200 {
                    worker::append_some(&house.app, &house.views).await.unwrap();
                }
            })
        })
        .collect();
    for batch in &batches {
        house.hear(batch).await;
    }
    for appender in appenders {
        tokio::time::timeout(SOON * 6, appender).await.unwrap().unwrap();
    }
    assert_eq!(house.count("select count(*) from log where position between 1 and 200").await, 200);
    assert_eq!(house.count("select position from head").await, 200);
    assert_eq!(house.count("select count(*) from pending").await, 0);
    let disorder = house
        .count(
            "select count(*) from (
                 select version - lag(version, 1, 0) over of_case as step,
                        subject_revision - row_number() over of_case as off,
                        recorded_at <= lag(recorded_at) over (order by position) as back
                 from log window of_case as (partition by case_id order by position)
             ) as steps where step <> 1 or off <> 0 or back",
        )
        .await;
    assert_eq!(disorder, 0, "versions, revisions and times rise with the position");
}

#[tokio::test]
async fn events_of_a_case_keep_their_order_whatever_their_types() {
    let house = house_with(|config| config.append_batch = 1).await;
    let mut case = Case::new();
    let said = [case.opened(), case.replied(), case.accepted(), case.replied(), case.opened()];
    house.routing.shows(case.view("t"));
    house.hear(&said).await;
    house.append().await;
    let ids: Vec<Uuid> =
        house.all().await.events.iter().map(|event| event.id.parse().unwrap()).collect();
    assert_eq!(ids, said.map(|event| event.event_id));
}

#[tokio::test]
async fn an_event_that_comes_twice_is_in_the_log_once() {
    let house = house().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(case.view("t"));
    house.take(opened.clone()).await;
    house.take(opened).await;
    assert_eq!(house.all().await.events.len(), 1);
}

#[tokio::test]
async fn a_private_case_is_not_shown() {
    let house = house().await;
    let mut case = Case::new();
    house.take(case.opened_in_private()).await;
    house.take(case.withdrawn()).await;
    assert!(house.all().await.events.is_empty());
    assert_eq!(house.count("select count(*) from withheld where reason = 'not_public'").await, 2);
}

#[tokio::test]
async fn a_rating_is_not_in_the_feed() {
    let house = house().await;
    let mut case = Case::new();
    let said = [case.opened(), case.rated(), case.replied(), case.rated_for_good()];
    house.routing.shows(case.view("t"));
    house.hear(&said).await;
    house.append().await;
    let events = house.all().await.events;
    let revisions: Vec<_> = events.iter().map(|event| event.subject_revision).collect();
    assert_eq!(revisions, [1, 2]);
    assert!(events.iter().all(|event| !event.r#type.contains("rat")));
}

#[tokio::test]
async fn a_transferred_case_is_shown_with_its_new_office() {
    let house = house().await;
    let mut case = Case::new();
    house.hear(&[case.opened(), case.transferred("110101-police")]).await;
    let ends = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 };
    let view = PublicCase { accepted_at: Some(ends), closed_at: Some(ends), ..case.view("t") };
    house.routing.shows(view.clone());
    house.append().await;
    let event = house.all().await.events.pop().unwrap();
    assert_eq!(event.r#type, "liuyan.routing.v1.case-transferred");
    assert_eq!(event.case.unwrap(), view, "as routing gave it, with all that it tells");
    let changed = event.changed_fields.unwrap().paths;
    assert!(changed.contains(&"office_id".to_owned()), "{changed:?}");
}

#[tokio::test]
async fn an_event_keeps_the_trace_of_its_cause() {
    let house = house().await;
    let mut case = Case::new();
    let trace = |number: u8| Some(format!("00-{number:032x}-{number:016x}-01"));
    let said = [
        Envelope { traceparent: trace(1), ..case.opened() },
        Envelope { traceparent: trace(2), ..case.accepted() },
        case.replied(),
    ];
    house.routing.shows(case.view("t"));
    house.hear(&said).await;
    house.append().await;
    let events = house.all().await.events;
    let told: Vec<_> = events.iter().map(|event| event.traceparent.clone()).collect();
    assert_eq!(told, [trace(1).unwrap(), trace(2).unwrap(), String::new()]);
}

#[tokio::test]
async fn an_event_waits_for_a_view_that_is_not_older_than_itself() {
    let house = house().await;
    let (mut late, mut other) = (Case::new(), Case::new());
    house.routing.shows(late.view("old"));
    house.hear(&[late.opened(), late.accepted(), other.opened()]).await;
    house.routing.shows(other.view("other"));
    house.append().await;
    assert_eq!(titles(&house.all().await.events), ["other"]);
    house.routing.shows(late.view("new"));
    house.append().await;
    assert_eq!(titles(&house.all().await.events), ["other", "new", "new"]);
}

#[tokio::test]
async fn cases_that_wait_stand_in_nobodys_way_and_each_has_its_turn() {
    let house = house_with(|config| config.append_batch = 2).await;
    let mut late: Vec<Case> = (0..5).map(|_| Case::new()).collect();
    for case in &mut late {
        house.routing.shows(case.view("old"));
        house.hear(&[case.opened()]).await;
    }
    let mut shown = Case::new();
    let opened = shown.opened();
    house.routing.shows(shown.view("shown"));
    house.hear(&[opened]).await;
    house.append().await;
    assert_eq!(titles(&house.all().await.events), ["shown"]);
    assert_eq!(house.count("select count(*) from pending").await, 5);

    // What is taken back is taken back, and the last in line is not forgotten either.
    let withdrawn = shown.withdrawn();
    house.routing.hides(&shown);
    house.hear(&[withdrawn]).await;
    house.routing.shows(late[4].view("new"));
    for _ in 0..3 {
        house.append().await;
    }
    assert_eq!(titles(&house.all().await.events), ["", "", "new"]);
    for case in &late {
        house.routing.shows(case.view("new"));
    }
    house.append().await;
    assert_eq!(house.count("select count(*) from pending").await, 0);
    assert!(house.app.held.all().is_empty());
}

#[tokio::test]
async fn an_event_whose_case_is_no_longer_public_is_withheld() {
    let house = house().await;
    let mut case = Case::new();
    house.take(case.opened()).await;
    assert!(house.all().await.events.is_empty());
    assert_eq!(
        house.count("select count(*) from withheld where reason = 'no_longer_public'").await,
        1
    );
    assert_eq!(house.count("select withheld from subjects").await, 1);
}

#[tokio::test]
async fn what_waits_goes_on_waiting_while_routing_is_away() {
    let house = house().await;
    let mut case = Case::new();
    house.hear(&[case.opened()]).await;
    house.routing.shows(case.view("t"));
    house.routing.goes_away(true);
    let failed = worker::append_some(&house.app, &house.views).await;
    assert!(failed.is_err());
    assert_eq!(house.count("select count(*) from pending").await, 1);
    house.routing.goes_away(false);
    house.append().await;
    assert_eq!(house.all().await.events.len(), 1);
}

#[tokio::test]
async fn a_clock_that_goes_back_does_not_turn_recording_times_around() {
    let house = house().await;
    house.execute("update head set recorded_at = now() + interval '1 hour'").await;
    let mut case = Case::new();
    let said = [case.opened(), case.accepted()];
    house.routing.shows(case.view("t"));
    house.hear(&said).await;
    house.append().await;
    let times: Vec<_> = house
        .all()
        .await
        .events
        .iter()
        .map(|event| liuyan_kit::clock::from_proto(&event.recorded_time.unwrap()).unwrap())
        .collect();
    assert!(times[0] > now() + Duration::from_secs(3_000));
    assert_eq!(times[1].as_microsecond(), times[0].as_microsecond() + 1);
}

#[tokio::test]
async fn a_log_that_lost_its_head_is_not_begun_anew() {
    let house = house().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(case.view("t"));
    house.take(opened).await;
    house.execute("delete from head").await;
    liuyan_feed::app::found(&house.db, now()).await.unwrap();
    let opened = liuyan_feed::app::tail::Tail::open(
        house.db.clone(),
        std::sync::Arc::clone(&house.app.shelf),
        &house.app.config,
    )
    .await;
    assert!(matches!(opened, Err(liuyan_feed::error::Error::HeadMissing)));
}
