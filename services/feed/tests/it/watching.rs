use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use liuyan_proto::liuyan::feed::v1::{
    BatchLimits, Clause, EventFilter, WatchEventsRequest, WatchEventsResponse,
    watch_events_request::Start, watch_events_response::Frame,
};
use tonic::Code;

use crate::helpers::{Case, House, SOON, house, house_with, titles, told};

async fn open_case(house: &House, title: &str) {
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(case.view(title));
    house.take(opened).await;
}

fn latest() -> WatchEventsRequest {
    WatchEventsRequest { start: Some(Start::Latest(true)), ..Default::default() }
}

fn from_cursor(cursor: &str) -> WatchEventsRequest {
    WatchEventsRequest { start: Some(Start::Cursor(cursor.to_owned())), ..Default::default() }
}

fn is_batch(frame: &Frame) -> bool {
    matches!(frame, Frame::Batch(_))
}

fn batch(response: WatchEventsResponse) -> Vec<liuyan_proto::liuyan::feed::v1::Event> {
    match response.frame {
        Some(Frame::Batch(batch)) => batch.events,
        other => panic!("events were to come, not {other:?}"),
    }
}

#[tokio::test]
async fn a_stream_opens_gives_what_there_is_and_says_that_it_is_live() {
    let house = house().await;
    open_case(&house, "a").await;
    open_case(&house, "b").await;
    let mut stream = house.watch(WatchEventsRequest::default()).await;
    let opened = stream.next().await.unwrap();
    let Some(Frame::Opened(told)) = &opened.frame else { panic!("the first frame opens") };
    assert_eq!(told.earliest_cursor, opened.cursor);
    assert_eq!(told.heartbeat_interval.unwrap().seconds, 15);
    assert_eq!(told.epoch, house.app.head().epoch.to_string());
    let events = stream.next().await.unwrap();
    assert_eq!(events.position, 2);
    assert_eq!(titles(&batch(events)), ["a", "b"]);
    assert!(matches!(stream.next().await.unwrap().frame, Some(Frame::CaughtUp(_))));
}

#[tokio::test]
async fn a_live_stream_sees_an_event_within_a_second() {
    let house = house().await;
    let mut stream = house.watch(latest()).await;
    stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;
    let begun = Instant::now();
    open_case(&house, "new").await;
    let events = batch(stream.until(is_batch).await);
    assert_eq!(titles(&events), ["new"]);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_event_that_another_process_appends_is_seen_at_the_next_look() {
    let house = house().await;
    let other = house.replica().await;
    let heads = other.tail.heads();
    open_case(&house, "new").await;
    other.tail.refresh().await.unwrap();
    assert!(heads.has_changed().unwrap());
    assert_eq!(other.head(), house.app.head());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_who_comes_again_and_again_misses_nothing_and_sees_nothing_twice() {
    for recent_events in [0, 4096] {
        let house = house_with(|config| config.recent_events = recent_events).await;
        let house = Arc::new(house);
        let writer = {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                let mut cases: Vec<Case> = (0..6).map(|_| Case::new()).collect();
                for _ in 0..10 {
                    let said: Vec<_> = cases.iter_mut().map(Case::accepted).collect();
                    cases.iter().for_each(|case| house.routing.shows(case.view("t")));
                    house.hear(&said).await;
                    house.append().await;
                }
            })
        };
        let mut cursor = String::new();
        let mut seen = Vec::new();
        for round in 0.. {
            let limits = BatchLimits { max_events: 1 + round % 7, max_bytes: 0 };
            let request = WatchEventsRequest { batch: Some(limits), ..from_cursor(&cursor) };
            let mut stream = house.watch(request).await;
            for _ in 0..3 {
                let response = stream.until(|frame| !matches!(frame, Frame::Opened(_))).await;
                cursor.clone_from(&response.cursor);
                if response.frame.as_ref().is_some_and(is_batch) {
                    let last = response.position;
                    seen.extend(batch(response).into_iter().map(|event| event.position));
                    assert_eq!(seen.last(), Some(&last));
                }
                if seen.len() >= 60 {
                    break;
                }
            }
            if seen.len() >= 60 {
                break;
            }
        }
        writer.await.unwrap();
        assert_eq!(seen, (1..=60).collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn a_quiet_stream_has_a_heartbeat() {
    let house = house().await;
    open_case(&house, "a").await;
    let heartbeat_interval = Some(prost_types::Duration { seconds: 0, nanos: 50_000_000 });
    let mut stream = house.watch(WatchEventsRequest { heartbeat_interval, ..latest() }).await;
    stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;
    for _ in 0..3 {
        let beat = stream.next().await.unwrap();
        let Some(Frame::Progress(progress)) = beat.frame else { panic!("a heartbeat is progress") };
        assert!(progress.live && progress.lag_events == 0);
        assert_eq!(beat.position, 1);
        assert!(beat.cursor_time.is_some());
    }
}

#[tokio::test]
async fn a_stream_whose_filter_chooses_nothing_has_a_fresh_cursor() {
    let house = house().await;
    let kinds = vec!["thanks".to_owned()];
    let any_of = vec![Clause { kinds, ..Clause::default() }];
    let request = WatchEventsRequest {
        filter: Some(EventFilter { any_of }),
        heartbeat_interval: Some(prost_types::Duration { seconds: 0, nanos: 50_000_000 }),
        ..latest()
    };
    let mut stream = house.watch(request).await;
    stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;
    open_case(&house, "a").await;
    open_case(&house, "b").await;
    loop {
        let beat = stream.until(|frame| matches!(frame, Frame::Progress(_))).await;
        if beat.position == 2 {
            break;
        }
    }
}

#[tokio::test]
async fn a_heartbeat_outside_the_bounds_is_refused() {
    let house = house_with(|config| config.heartbeat_min_ms = 5_000).await;
    for seconds in [4, 61] {
        let heartbeat_interval = Some(prost_types::Duration { seconds, nanos: 0 });
        let request = WatchEventsRequest { heartbeat_interval, ..latest() };
        let refused = house.client.clone().watch_events(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_stopping_process_says_goodbye_and_ends_well() {
    let house = house().await;
    open_case(&house, "a").await;
    let mut stream = house.watch(latest()).await;
    stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;
    house.app.stopping.cancel();
    let response = stream.next().await.unwrap();
    assert_eq!(response.position, 1);
    let Some(Frame::Goodbye(goodbye)) = response.frame else { panic!("the last frame parts") };
    assert_eq!(goodbye.reason, "SHUTDOWN");
    assert!(goodbye.reconnect_after.unwrap().seconds <= 10);
    assert!(stream.next().await.is_none(), "OK follows");
}

#[tokio::test]
async fn an_old_stream_says_goodbye() {
    let house = house_with(|config| config.stream_max_age_s = 0).await;
    let mut stream = house.watch(latest()).await;
    let response = stream.until(|frame| matches!(frame, Frame::Goodbye(_))).await;
    let Some(Frame::Goodbye(goodbye)) = response.frame else { panic!() };
    assert_eq!(goodbye.reason, "MAX_AGE");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stream_ends_at_its_end() {
    let house = house().await;
    for title in ["a", "b", "c"] {
        open_case(&house, title).await;
    }
    let end = liuyan_feed::domain::cursor::Cursor::at(&house.app.head(), 2);
    let request = WatchEventsRequest { end_cursor: end.to_string(), ..Default::default() };
    let mut stream = house.watch(request).await;
    let events = batch(stream.until(is_batch).await);
    assert_eq!(titles(&events), ["a", "b"]);
    let last = stream.next().await.unwrap();
    assert!(matches!(last.frame, Some(Frame::Goodbye(goodbye)) if goodbye.reason == "END_CURSOR"));
    assert_eq!(last.cursor, end.to_string());
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_frame_holds_no_more_than_was_asked() {
    let house = house().await;
    for title in ["a", "b", "c"] {
        open_case(&house, title).await;
    }
    for limits in
        [BatchLimits { max_events: 1, max_bytes: 0 }, BatchLimits { max_events: 0, max_bytes: 1 }]
    {
        let request = WatchEventsRequest { batch: Some(limits), ..Default::default() };
        let mut stream = house.watch(request).await;
        for title in ["a", "b", "c"] {
            assert_eq!(titles(&batch(stream.until(is_batch).await)), [title]);
        }
    }
}

#[tokio::test]
async fn too_many_streams_are_refused_until_one_ends() {
    let house = house_with(|config| config.streams_anonymous = 1).await;
    let first = house.watch(latest()).await;
    let refused = house.client.clone().watch_events(latest()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(told(&refused).0, "STREAM_LIMIT");
    drop(first);
    let free = async {
        while house.client.clone().watch_events(latest()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, free).await.expect("the place is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_stops_nobody_and_loses_nothing() {
    let house = house_with(|config| config.recent_events = 5).await;
    let mut slow = house.watch(WatchEventsRequest::default()).await;
    // Far more than frames and windows hold, while nobody reads.
    let long = "x".repeat(20_000);
    for _ in 0..10 {
        let mut cases: Vec<Case> = (0..20).map(|_| Case::new()).collect();
        let said: Vec<_> = cases.iter_mut().map(Case::opened).collect();
        cases.iter().for_each(|case| house.routing.shows(case.view(&long)));
        house.hear(&said).await;
        house.append().await;
    }
    let mut seen = Vec::new();
    while seen.len() < 200 {
        let events = batch(slow.until(is_batch).await);
        seen.extend(events.into_iter().map(|event| event.position));
    }
    assert_eq!(seen, (1..=200).collect::<Vec<u64>>());
}
