//! The feed, page by page and as a stream.

use std::sync::{Arc, Mutex};

use http::header;
use liuyan_proto::liuyan::feed::v1 as feed;

use super::client::get;
use crate::{
    portal::Running,
    samples::{ago, answered},
};

fn event(position: u64) -> feed::Event {
    feed::Event {
        id: format!("e{position}"),
        r#type: "liuyan.routing.v1.case-replied".to_owned(),
        source: "routing".to_owned(),
        subject: format!("cases/{}", answered().case_id),
        time: ago(1),
        recorded_time: ago(1),
        position,
        subject_revision: 1,
        changed_fields: Some(prost_types::FieldMask { paths: vec!["state".to_owned()] }),
        case: Some(answered()),
        ..feed::Event::default()
    }
}

/// `ago` counts from now.
fn without_times(mut event: serde_json::Value) -> serde_json::Value {
    let fields = event.as_object_mut().unwrap();
    for field in ["time", "recordedTime", "case"] {
        assert!(fields.remove(field).is_some(), "{field}");
    }
    event
}

fn frame(cursor: &str, frame: feed::watch_events_response::Frame) -> feed::WatchEventsResponse {
    feed::WatchEventsResponse {
        cursor: cursor.to_owned(),
        frame: Some(frame),
        ..feed::WatchEventsResponse::default()
    }
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_event_that_was_read() {
    use feed::{watch_events_request::Start, watch_events_response::Frame};

    let portal = Running::start().await;
    let starts = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&starts);
    portal.fake.on_stream("FeedService/WatchEvents", move |ask: feed::WatchEventsRequest| {
        told.lock().unwrap().push((ask.start.clone(), ask.filter.clone()));
        let events = match &ask.start {
            Some(Start::Cursor(cursor)) if cursor == "c2" => vec![event(3)],
            _ => vec![event(1), event(2)],
        };
        let last = format!("c{}", events.len());
        Ok(vec![
            frame("c0", Frame::Opened(feed::Opened::default())),
            frame(&last, Frame::Batch(feed::EventBatch { events })),
            frame(&last, Frame::Progress(feed::Progress { lag_events: 0, live: true })),
        ])
    });
    let stream = |path: &str| get(&portal, path).header(header::ACCEPT, "text/event-stream");
    let answer = stream("/api/v1/events?division=330000&include_below=true").send().await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/event-stream");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let text = answer.text();
    let blocks: Vec<&str> = text.split_terminator("\n\n").collect();
    assert_eq!(blocks.len(), 5, "{text}");
    assert_eq!((blocks[0], blocks[1]), ("retry: 3000", "id: c0"));
    assert!(blocks[2].starts_with("event: liuyan.routing.v1.case-replied\ndata: {"), "{text}");
    assert!(blocks[3].starts_with("id: c2\nevent: "), "the cursor comes with the last: {text}");
    let (_, data) = blocks[3].split_once("data: ").unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data["id"], &data["position"]), (&"e2".into(), &"2".into()));
    assert_eq!(data["case"]["state"], "CASE_STATE_REPLIED");
    assert_eq!(data["changedFields"], "state");
    let canonical = liuyan_proto::json::event(&event(2)).unwrap();
    assert_eq!(without_times(data), without_times(serde_json::to_value(canonical).unwrap()));

    let again = stream("/api/v1/events?cursor=c0").header("last-event-id", "c2").send().await;
    assert!(again.text().contains("\"id\":\"e3\"") && !again.text().contains("\"id\":\"e1\""));
    stream("/api/v1/events?start=latest").send().await;
    stream("/api/v1/events?start=snapshot").send().await;
    let starts = starts.lock().unwrap();
    assert_eq!(starts[0].0, Some(Start::Earliest(true)));
    let clause = &starts[0].1.as_ref().unwrap().any_of[0];
    assert!(clause.include_below && clause.division_codes == ["330000"]);
    assert_eq!(starts[1], (Some(Start::Cursor("c2".to_owned())), None));
    assert_eq!(starts[2].0, Some(Start::Latest(true)));
    assert_eq!(starts[3].0, Some(Start::Snapshot(true)));
}

/// What the feed says of a cursor after which it no longer keeps all.
fn expired() -> tonic::Status {
    use tonic_types::{ErrorDetails, StatusExt as _};
    let mut details = ErrorDetails::new();
    let hints = [("earliest_cursor".to_owned(), "c9".to_owned())];
    details.set_error_info("CURSOR_EXPIRED", "liuyan", std::collections::HashMap::from(hints));
    tonic::Status::with_error_details(tonic::Code::OutOfRange, "", details)
}

#[tokio::test]
async fn a_cursor_that_is_too_old_is_a_problem_before_the_stream_begins() {
    let portal = Running::start().await;
    portal.fake.on_stream("FeedService/WatchEvents", |_: feed::WatchEventsRequest| {
        Err::<Vec<feed::WatchEventsResponse>, _>(expired())
    });
    portal.fake.on("FeedService/ListEvents", |_: feed::ListEventsRequest| {
        Err::<feed::ListEventsResponse, _>(expired())
    });
    for accept in ["text/event-stream", "application/json"] {
        let call = get(&portal, "/api/v1/events").header(header::ACCEPT, accept);
        let answer = call.header("last-event-id", "c1").send().await;
        let told = answer.problem(410, "CURSOR_EXPIRED");
        assert_eq!(told["hints"]["earliest_cursor"], "c9");
    }
}

#[tokio::test]
async fn a_page_of_events_brings_the_cursor_of_the_next() {
    let portal = Running::start().await;
    portal.fake.on("FeedService/ListEvents", |ask: feed::ListEventsRequest| {
        assert_eq!((ask.cursor.as_str(), ask.page_size), ("c1", 5));
        Ok(feed::ListEventsResponse {
            events: vec![event(2)],
            cursor: "c2".to_owned(),
            position: 2,
            cursor_time: ago(0),
            caught_up: true,
        })
    });
    let path = "/api/v1/events?cursor=c1&page_size=5&type=liuyan.routing.*";
    let answer = get(&portal, path).send().await;
    let told = answer.ok();
    assert_eq!((&told["cursor"], &told["caught_up"]), (&"c2".into(), &true.into()));
    assert_eq!(told["events"][0]["type"], "liuyan.routing.v1.case-replied");
    assert!(answer.header(header::CACHE_CONTROL).starts_with("public"));
    let told = get(&portal, "/api/v1/events?from=now").send().await.problem(400, "REQUEST_INVALID");
    assert_eq!(told["violations"][0]["field"], "from");
}
