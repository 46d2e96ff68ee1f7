//! Old stretches of the log are objects, and nobody notices by their answers.

use liuyan_feed::domain::cursor::Cursor;
use liuyan_kit::clock::Clock as _;
use liuyan_proto::liuyan::{
    common::v1::{PublicCase, Reply},
    feed::v1::{
        Clause, Event, EventFilter, ListEventsRequest, WatchEventsRequest,
        watch_events_request::Start, watch_events_response::Frame,
    },
};
use tonic::Code;

use crate::{
    helpers::{Case, House, house_with, now, titles, told},
    redaction::{SECRET, rows_with, secret_view},
};

/// A feed whose stretches are of four events and become objects at once.
async fn small() -> House {
    house_with(|config| {
        config.stretch_events = 4;
        config.export_after_days = 0;
        config.recent_events = 0;
    })
    .await
}

/// So many events of so many cases, each in a division of its own kind.
async fn filled(house: &House, cases: usize) -> Vec<Case> {
    let mut said = Vec::new();
    for at in 0..cases {
        let division_code = if at % 2 == 0 { "110100" } else { "310100" };
        let mut case = Case { division_code, ..Case::new() };
        for event in [case.opened(), case.accepted(), case.replied()] {
            house.routing.shows(case.view(&format!("title of {at}")));
            house.take(event).await;
        }
        said.push(case);
    }
    said
}

async fn after(house: &House, position: i64, filter: Option<EventFilter>) -> Vec<Event> {
    let cursor = Cursor::at(&house.app.head(), position).to_string();
    let request = ListEventsRequest { cursor, filter, page_size: 500, ..Default::default() };
    house.list(request).await.unwrap().events
}

#[tokio::test]
async fn an_exported_stretch_is_served_by_the_same_cursors_and_is_the_same() {
    let house = small().await;
    filled(&house, 4).await;
    let shanghai = Clause {
        division_codes: vec!["310000".to_owned()],
        include_below: true,
        ..Clause::default()
    };
    let filter = Some(EventFilter { any_of: vec![shanghai] });
    let mut before = Vec::new();
    for position in 0..12 {
        before.push((
            after(&house, position, None).await,
            after(&house, position, filter.clone()).await,
        ));
    }
    house.export().await;
    assert_eq!(house.objects().await.len(), 3);
    assert_eq!(house.count("select count(*) from payloads").await, 0);
    assert_eq!(house.count("select count(*) from log").await, 12);
    for (position, (all, chosen)) in (0..12).zip(before) {
        assert_eq!(after(&house, position, None).await, all, "after {position}");
        assert_eq!(after(&house, position, filter.clone()).await, chosen, "after {position}");
    }
    let request = WatchEventsRequest { start: Some(Start::Earliest(true)), ..Default::default() };
    let mut stream = house.watch(request).await;
    let mut seen = 0;
    while seen < 12 {
        let frame = stream.until(|frame| matches!(frame, Frame::Batch(_))).await.frame;
        let Some(Frame::Batch(batch)) = frame else { panic!("until() gives a batch") };
        seen += batch.events.len();
    }
    assert_eq!(house.breaches().await, Vec::<&str>::new());
}

#[tokio::test]
async fn a_stretch_that_is_not_full_or_not_old_stays_in_rows() {
    let house = small().await;
    filled(&house, 1).await;
    house.export().await;
    assert!(house.objects().await.is_empty(), "three of four positions are taken");
    let young = house_with(|config| config.stretch_events = 2).await;
    filled(&young, 1).await;
    young.export().await;
    assert!(young.objects().await.is_empty(), "it is younger than export_after_days");
}

#[tokio::test]
async fn what_is_taken_back_is_in_no_row_and_no_object_afterwards() {
    let house = small().await;
    let mut case = Case::new();
    let said = [case.opened(), case.accepted()];
    house.routing.shows(secret_view(&case));
    house.hear(&said).await;
    house.append().await;
    filled(&house, 2).await;
    house.export().await;
    let holding = async |house: &House| {
        house.objects().await.values().filter(|it| it.contains(SECRET)).count()
    };
    assert_eq!(
        (holding(&house).await, rows_with(&house, SECRET).await),
        (1, 0),
        "the search finds it"
    );
    let others = after(&house, 2, None).await;
    assert!(after(&house, 0, None).await.iter().any(|it| format!("{it:?}").contains(SECRET)));

    house.routing.hides(&case);
    house.take(case.withdrawn()).await;
    // At once for every reader, though the object still has it.
    let from_the_start = after(&house, 0, None).await;
    assert!(!from_the_start.iter().any(|it| format!("{it:?}").contains(SECRET)));
    assert!(from_the_start[..2].iter().all(|it| it.redaction.is_some()));
    assert_eq!(holding(&house).await, 1);
    assert_eq!(house.breaches().await, ["what was taken back is in no object any more"]);

    house.export().await;
    assert_eq!((holding(&house).await, rows_with(&house, SECRET).await), (0, 0));
    assert_eq!(house.objects().await.len(), 2, "the older object is gone");
    assert_eq!(after(&house, 0, None).await, from_the_start);
    assert_eq!(after(&house, 2, None).await[..others.len()], others);
    assert_eq!(house.breaches().await, Vec::<&str>::new());
}

#[tokio::test]
async fn a_changed_text_is_put_into_objects_too_also_twice() {
    let house = small().await;
    let mut case = Case::new();
    let said = [case.opened(), case.replied()];
    house.routing.shows(secret_view(&case));
    house.hear(&said).await;
    house.append().await;
    filled(&house, 2).await;
    house.export().await;
    for text in ["mended-1", "mended-2"] {
        let changed = case.text_changed();
        let reply = Reply { reply_id: "r".to_owned(), body: text.to_owned(), ..Reply::default() };
        house.routing.shows(PublicCase { replies: vec![reply], ..case.view(text) });
        house.take(changed).await;
        assert_eq!(titles(&after(&house, 0, None).await)[..2], [text, text]);
    }
    house.export().await;
    let objects = house.objects().await;
    assert!(!objects.values().any(|it| it.contains(SECRET) || it.contains("mended-1")));
    assert!(objects.values().any(|it| it.contains("mended-2")));
    assert_eq!(titles(&after(&house, 0, None).await)[..2], ["mended-2", "mended-2"]);
}

#[tokio::test]
async fn an_object_that_was_overtaken_by_a_redaction_is_not_taken() {
    let house = small().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(secret_view(&case));
    house.take(opened).await;
    filled(&house, 1).await;
    let app = &house.app;
    let stretch = due(&house).await.unwrap();
    let object = app.begin_writing(&stretch).await.unwrap().unwrap();
    assert_eq!(due(&house).await, None, "nobody else writes it meanwhile");
    let manifest = app.write_object(&stretch, &object).await.unwrap();
    app.compare(&manifest, &stretch).await.unwrap();
    house.routing.hides(&case);
    house.take(case.withdrawn()).await;
    assert!(app.compare(&manifest, &stretch).await.is_err(), "it differs now");
    assert!(!app.settle_object(stretch, manifest).await.unwrap());
    assert_eq!(
        house.objects().await.len(),
        1,
        "it is there, and known as one that is being written"
    );
}

/// The stretch whose turn it is.
async fn due(house: &House) -> Option<liuyan_feed::domain::stretch::Stretch> {
    let mut connection = house.db.read().await.unwrap();
    liuyan_feed::store::stretches::due(&mut connection, now(), &[]).await.unwrap()
}

#[tokio::test]
async fn what_a_crash_leaves_is_found_and_finished() {
    // Its writer dies between the object and the row.
    let house = house_with(|config| {
        config.stretch_events = 4;
        config.export_after_days = 0;
        config.export_limit_s = 0;
    })
    .await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(secret_view(&case));
    house.take(opened).await;
    filled(&house, 1).await;
    let stretch = due(&house).await.unwrap();
    let object = house.app.begin_writing(&stretch).await.unwrap().unwrap();
    let manifest = house.app.write_object(&stretch, &object).await.unwrap();
    house.app.sweep().await.unwrap();
    assert!(house.objects().await.is_empty(), "its time is over");
    assert!(!house.app.settle_object(stretch, manifest).await.unwrap(), "the dead one comes late");
    assert_eq!(house.count("select count(*) from payloads").await, 4, "the rows are all there");

    // The one who wrote it anew dies between the row and the removal of the older object.
    let house = small().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(secret_view(&case));
    house.take(opened).await;
    filled(&house, 1).await;
    house.export().await;
    house.routing.hides(&case);
    house.take(case.withdrawn()).await;
    let stretch = due(&house).await.unwrap();
    let object = house.app.begin_writing(&stretch).await.unwrap().unwrap();
    let manifest = house.app.write_object(&stretch, &object).await.unwrap();
    assert!(house.app.settle_object(stretch, manifest).await.unwrap());
    assert_eq!(house.objects().await.len(), 2);
    assert_eq!(house.breaches().await, ["what was taken back is in no object any more"]);
    house.export().await;
    assert_eq!(house.objects().await.len(), 1);
    assert!(!house.objects().await.values().any(|it| it.contains(SECRET)));
    assert_eq!(house.breaches().await, Vec::<&str>::new());
}

#[tokio::test]
async fn what_is_kept_no_longer_is_named_by_the_error_and_its_objects_go() {
    let mut house = small().await;
    let cases = filled(&house, 3).await;
    house.export().await;
    let oldest = Cursor::at(&house.app.head(), 0);
    let request = |cursor: &Cursor| ListEventsRequest {
        cursor: cursor.to_string(),
        ..ListEventsRequest::default()
    };
    assert_eq!(house.list(request(&oldest)).await.unwrap().events[0].position, 1);

    // Three days later, when one day is kept. The last event has no full stretch and stays.
    let clock = liuyan_kit::clock::ManualClock::at(now());
    clock.advance(jiff::SignedDuration::from_hours(72));
    assert!(clock.now() > now());
    house.app.clock = clock;
    let mut config = (*house.app.config).clone();
    config.keep_days = 1;
    house.app.config = std::sync::Arc::new(config);
    house.export().await;

    assert!(house.objects().await.is_empty());
    let refused = house.list(request(&oldest)).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    let (reason, metadata) = told(&refused);
    assert_eq!(reason, "CURSOR_EXPIRED");
    let earliest = Cursor::parse(&metadata["earliest_cursor"]).unwrap();
    let page = house.list(request(&earliest)).await.unwrap();
    assert_eq!(page.events[0].position, 9);
    assert_eq!(house.count("select count(*) from log").await, 9, "what proves the count stays");
    assert_eq!(house.breaches().await, Vec::<&str>::new());

    // A case of which nothing is kept is taken back all the same.
    let mut case = cases[0].clone();
    house.routing.hides(&case);
    house.take(case.withdrawn()).await;
    assert_eq!(house.list(request(&earliest)).await.unwrap().events.len(), 2);
}

#[tokio::test]
async fn a_lost_row_of_a_stretch_is_noticed() {
    let house = small().await;
    filled(&house, 3).await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(secret_view(&case));
    house.take(opened).await;
    house.export().await;
    assert_eq!(house.breaches().await, Vec::<&str>::new());
    for (lose, mend) in [
        (
            "update stretches set hash = hash + 1 where first_position = 1",
            "update stretches set hash = hash - 1 where first_position = 1",
        ),
        ("delete from payloads where position = 9", ""),
        ("delete from stretches where first_position = 5", ""),
    ] {
        house.execute(lose).await;
        assert_ne!(house.breaches().await, Vec::<&str>::new(), "{lose}");
        if !mend.is_empty() {
            house.execute(mend).await;
            assert_eq!(house.breaches().await, Vec::<&str>::new());
        }
    }
}
