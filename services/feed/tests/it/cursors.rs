use liuyan_feed::{app::begin_epoch, domain::cursor::Cursor};
use liuyan_proto::liuyan::feed::v1::{
    GetFeedRequest, ListEventsRequest, WatchEventsRequest, watch_events_request::Start,
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::helpers::{Case, House, house, now, titles, told};

async fn with_events(count: usize) -> House {
    let house = house().await;
    let mut case = Case::new();
    let said: Vec<_> = (0..count).map(|_| case.accepted()).collect();
    house.routing.shows(case.view("t"));
    house.hear(&said).await;
    house.append().await;
    house
}

fn after(cursor: impl ToString) -> ListEventsRequest {
    ListEventsRequest { cursor: cursor.to_string(), ..Default::default() }
}

#[tokio::test]
async fn a_cursor_resumes_after_what_it_has_seen() {
    let house = with_events(3).await;
    let first = house.list(ListEventsRequest { page_size: 2, ..Default::default() }).await.unwrap();
    assert_eq!((first.position, first.caught_up), (2, false));
    assert_eq!(first.cursor_time, first.events[1].recorded_time);
    let rest = house.list(after(&first.cursor)).await.unwrap();
    assert_eq!((rest.events.len(), rest.position, rest.caught_up), (1, 3, true));
    let end = house.list(after(&rest.cursor)).await.unwrap();
    assert_eq!((end.events.len(), end.position, end.caught_up), (0, 3, true));
    assert_eq!(end.cursor_time, rest.events[0].recorded_time);
}

#[tokio::test]
async fn the_feed_tells_its_ends() {
    let house = with_events(2).await;
    let feed = house.client.clone().get_feed(GetFeedRequest {}).await.unwrap().into_inner();
    assert_eq!(feed.head_position, 2);
    assert_eq!(feed.event_types.len(), 22);
    assert_eq!(house.list(after(&feed.earliest_cursor)).await.unwrap().events.len(), 2);
    assert!(house.list(after(&feed.latest_cursor)).await.unwrap().events.is_empty());
}

#[tokio::test]
async fn what_is_no_cursor_is_malformed() {
    let house = with_events(1).await;
    let refused = house.list(after("42")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(told(&refused).0, "CURSOR_MALFORMED");
    let fields = refused.get_details_bad_request().unwrap().field_violations;
    assert_eq!(fields[0].field, "cursor");
    assert!(!refused.get_details_localized_message().unwrap().message.is_empty());
}

#[tokio::test]
async fn a_cursor_of_another_life_names_the_nearest() {
    let house = with_events(3).await;
    let kept = Cursor::at(&house.app.head(), 2);
    let lost = Cursor::at(&house.app.head(), 3);
    // A backup that lacks the third event is restored.
    house.execute("delete from log where position = 3; delete from payloads where position = 3; update head set position = 2; update subjects set revision = 2").await;
    begin_epoch(&house.db, now()).await.unwrap();
    house.app.tail.refresh().await.unwrap();
    for (cursor, nearest) in [(kept, 2), (lost, 2)] {
        let refused = house.list(after(cursor)).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        let (reason, metadata) = told(&refused);
        assert_eq!(reason, "FEED_EPOCH_CHANGED");
        assert_eq!(metadata["new_epoch"], house.app.head().epoch.to_string());
        let page = house.list(after(&metadata["nearest_cursor"])).await.unwrap();
        assert_eq!(page.position, nearest);
    }
}

#[tokio::test]
async fn an_expired_cursor_names_the_earliest() {
    let house = with_events(3).await;
    let old = Cursor::at(&house.app.head(), 0);
    house.execute("update head set kept_from = 3").await;
    house.app.tail.refresh().await.unwrap();
    let refused = house.list(after(old)).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    let (reason, metadata) = told(&refused);
    assert_eq!(reason, "CURSOR_EXPIRED");
    let page = house.list(after(&metadata["earliest_cursor"])).await.unwrap();
    assert_eq!(page.events[0].position, 3);
}

#[tokio::test]
async fn a_cursor_beyond_the_log_names_the_latest() {
    let house = with_events(1).await;
    let refused = house.list(after(Cursor::at(&house.app.head(), 2))).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    let (reason, metadata) = told(&refused);
    assert_eq!(reason, "CURSOR_AHEAD");
    assert!(house.list(after(&metadata["latest_cursor"])).await.is_ok());
}

#[tokio::test]
async fn a_cursor_of_a_replica_that_is_ahead_is_good() {
    let house = with_events(1).await;
    let behind = house.replica().await;
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(case.view("new"));
    house.take(opened).await;
    let cursor = Cursor::at(&house.app.head(), 2);
    let place = behind.place(liuyan_feed::app::Start::Cursor(cursor)).await.unwrap();
    assert_eq!((place, behind.head().position), (2, 2));
}

#[tokio::test]
async fn a_log_that_is_away_is_unavailable_and_says_when_to_try_again() {
    let house = with_events(1).await;
    house.db.close().await;
    let start = Some(Start::StartTime(liuyan_kit::clock::to_proto(now())));
    let request = WatchEventsRequest { start, ..Default::default() };
    let refused = house.client.clone().watch_events(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(told(&refused).0, "FEED_UNAVAILABLE");
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
}

#[tokio::test]
async fn a_stream_begins_at_a_time() {
    let house = with_events(1).await;
    let between = now();
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(case.view("later"));
    house.take(opened).await;
    let start = Some(Start::StartTime(liuyan_kit::clock::to_proto(between)));
    let mut stream = house.watch(WatchEventsRequest { start, ..Default::default() }).await;
    let opened = stream.next().await.unwrap();
    assert_eq!(opened.position, 1);
    let batch = stream.next().await.unwrap();
    let Some(liuyan_proto::liuyan::feed::v1::watch_events_response::Frame::Batch(batch)) =
        batch.frame
    else {
        panic!("events come second")
    };
    assert_eq!(titles(&batch.events), ["later"]);
}
