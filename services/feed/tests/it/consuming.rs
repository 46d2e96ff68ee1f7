//! The stream of a subscription: credit, commits, rejections, and who has it.

use std::time::Duration;

use liuyan_feed::{
    app::{
        consume::{Consume, Tells},
        follow::Frame as Framed,
    },
    domain::{PageLimits, filter::Filter},
};
use liuyan_proto::liuyan::feed::v1::{
    CommitCursorRequest, ConsumeCommit, ConsumeCredit, ConsumeEventsRequest, ConsumeEventsResponse,
    ConsumeOpen, ConsumeReject, Event, ListParkedEventsRequest, ParkedEvent,
    PublishTestEventRequest, ReleaseParkedEventsRequest, SeekSubscriptionRequest,
    consume_events_request::Said, consume_events_response::Frame,
    feed_service_server::FeedService as _, seek_subscription_request::Place,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::{
    helpers::{Case, House, SOON, by, eventually, fields, house, house_with, reason},
    subscribing::three_events,
};

/// A stream at its reader.
struct Consuming {
    say: mpsc::Sender<ConsumeEventsRequest>,
    frames: Streaming<ConsumeEventsResponse>,
}

impl House {
    async fn consume(&self, open: ConsumeOpen) -> Result<Consuming, Status> {
        let (say, said) = mpsc::channel(16);
        let first = ConsumeEventsRequest { said: Some(Said::Open(open)) };
        say.send(first).await.unwrap();
        let frames = self.client.clone().consume_events(ReceiverStream::new(said)).await?;
        Ok(Consuming { say, frames: frames.into_inner() })
    }

    /// The stream of the archive with room for so many events.
    async fn consumer(&self, credit: u32) -> Consuming {
        self.consume(archive(credit)).await.unwrap()
    }

    async fn parked(&self) -> Vec<ParkedEvent> {
        let request =
            ListParkedEventsRequest { subscription_id: "archive".into(), ..Default::default() };
        let page = self.grpc.list_parked_events(by("", request)).await.unwrap();
        page.into_inner().events
    }

    async fn release(&self, event_ids: Vec<String>, discard: bool) -> u32 {
        let request =
            ReleaseParkedEventsRequest { subscription_id: "archive".into(), event_ids, discard };
        self.grpc.release_parked_events(by("", request)).await.unwrap().into_inner().events
    }
}

impl Consuming {
    async fn say(&self, said: Said) {
        self.say.send(ConsumeEventsRequest { said: Some(said) }).await.unwrap();
    }

    async fn commit(&self, cursor: &str) {
        self.say(Said::Commit(ConsumeCommit { cursor: cursor.into(), ..Default::default() })).await;
    }

    async fn reject(&self, event: &Event, reason: &str) {
        let (event_id, reason) = (event.id.clone(), reason.into());
        self.say(Said::Reject(ConsumeReject { event_id, reason })).await;
    }

    async fn frame(&mut self) -> Result<Option<ConsumeEventsResponse>, Status> {
        tokio::time::timeout(SOON, self.frames.message()).await.expect("a frame comes soon")
    }

    /// The next frame of a kind, passing over others.
    async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> ConsumeEventsResponse {
        loop {
            let response = self.frame().await.unwrap().expect("the stream has not ended");
            if response.frame.as_ref().is_some_and(&wanted) {
                return response;
            }
        }
    }

    async fn batch(&mut self) -> (Vec<Event>, String) {
        let response = self.until(|frame| matches!(frame, Frame::Batch(_))).await;
        let Some(Frame::Batch(batch)) = response.frame else { panic!("a batch") };
        (batch.events, response.cursor)
    }

    async fn again(&mut self) -> Vec<Event> {
        let response = self.until(|frame| matches!(frame, Frame::Again(_))).await;
        let Some(Frame::Again(again)) = response.frame else { panic!("events again") };
        again.events
    }

    async fn committed(&mut self) -> (String, u32) {
        let response = self.until(|frame| matches!(frame, Frame::Committed(_))).await;
        let Some(Frame::Committed(it)) = response.frame else { panic!("a commit") };
        (it.cursor, it.settled_events)
    }

    /// How the stream ends.
    async fn end(&mut self) -> Result<Option<String>, Status> {
        let mut reason = None;
        while let Some(response) = self.frame().await? {
            if let Some(Frame::Goodbye(goodbye)) = response.frame {
                reason = Some(goodbye.reason);
            }
        }
        Ok(reason)
    }
}

fn archive(credit: u32) -> ConsumeOpen {
    ConsumeOpen { subscription_id: "archive".into(), credit, ..Default::default() }
}

fn revisions(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.subject_revision).collect()
}

#[tokio::test]
async fn a_reader_gets_as_much_as_it_has_room_for_and_resumes_at_its_commit() {
    let house = house().await;
    let mut case = three_events(&house).await;
    house.archive("").await;
    let mut stream = house.consumer(2).await;
    let (events, cursor) = stream.batch().await;
    assert_eq!(revisions(&events), [1, 2]);
    stream.commit(&cursor).await;
    assert_eq!(stream.committed().await, (cursor, 0));
    stream.say(Said::Credit(ConsumeCredit { events: 5 })).await;
    assert_eq!(revisions(&stream.batch().await.0), [3]);
    drop(stream);

    let mut stream = house.consumer(5).await;
    assert_eq!(revisions(&stream.batch().await.0), [3], "what was not committed comes again");
    stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;
    let closed = case.closed();
    house.routing.shows(case.view("b"));
    house.take(closed).await;
    let (events, cursor) = stream.batch().await;
    assert_eq!(revisions(&events), [4]);
    stream.commit(&cursor).await;
    stream.committed().await;
    let subscription = house.subscription("", "archive").await.unwrap();
    assert_eq!((subscription.position, subscription.lag_events), (4, 0));
    assert!(subscription.committed_at.is_some() && subscription.opened_at.is_some());
}

#[tokio::test]
async fn an_event_that_is_put_aside_stops_nothing_and_comes_back_when_it_is_released() {
    let house = house().await;
    three_events(&house).await;
    house.archive("").await;
    let mut stream = house.consumer(10).await;
    let (events, cursor) = stream.batch().await;
    stream.reject(&events[1], "no such office here").await;
    stream.commit(&cursor).await;
    stream.committed().await;
    let parked = house.parked().await;
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].event.as_ref().unwrap().id, events[1].id);
    assert_eq!((parked[0].reason.as_str(), parked[0].attempts), ("no such office here", 1));
    assert!(!parked[0].released);

    assert_eq!(house.release(vec![], false).await, 1);
    let again = stream.again().await;
    assert_eq!(revisions(&again), [2]);
    drop(stream);
    let mut stream = house.consumer(10).await;
    assert_eq!(stream.again().await, again, "what was not settled comes again");
    stream.reject(&again[0], "still not").await;
    eventually(async || house.parked().await[0].attempts == 2).await;
    assert!(!house.parked().await[0].released);
    house.release(vec![again[0].id.clone()], false).await;
    assert_eq!(stream.again().await, again);
    let settled =
        ConsumeCommit { settled_event_ids: vec![again[0].id.clone()], ..Default::default() };
    stream.say(Said::Commit(settled)).await;
    assert_eq!(stream.committed().await.1, 1);
    assert!(house.parked().await.is_empty());
    assert_eq!(house.count("select sum(parked) from subscriptions").await, 0);
}

#[tokio::test]
async fn the_newest_stream_has_the_subscription_and_the_older_one_can_commit_no_more() {
    let house = house().await;
    three_events(&house).await;
    house.archive("").await;
    let mut older = house.consumer(10).await;
    let (_, cursor) = older.batch().await;
    let mut newer = house.consumer(10).await;
    newer.batch().await;
    let ended = older.end().await.unwrap_err();
    assert_eq!((ended.code(), reason(&ended)), (Code::Aborted, "SUBSCRIPTION_TAKEN_OVER".into()));

    // Another replica gives it away, and this one has not looked since.
    house.execute("update subscriptions set generation = generation + 1").await;
    newer.commit(&cursor).await;
    assert_eq!(reason(&newer.end().await.unwrap_err()), "SUBSCRIPTION_TAKEN_OVER");
    assert_eq!(house.subscription("", "archive").await.unwrap().position, 0);
    let mut newest = house.consumer(10).await;
    newest.batch().await;
    house.execute("update subscriptions set generation = generation + 1").await;
    house.app.streams.look(&house.db).await.unwrap();
    assert_eq!(reason(&newest.end().await.unwrap_err()), "SUBSCRIPTION_TAKEN_OVER");
}

#[tokio::test]
async fn a_move_by_hand_ends_the_stream_and_a_deletion_too() {
    let house = house().await;
    three_events(&house).await;
    house.archive("").await;
    let mut stream = house.consumer(10).await;
    stream.batch().await;
    let seek = SeekSubscriptionRequest {
        subscription_id: "archive".into(),
        place: Some(Place::Latest(true)),
    };
    house.grpc.seek_subscription(by("", seek)).await.unwrap();
    assert_eq!(stream.end().await.unwrap().as_deref(), Some("SUBSCRIPTION_SEEKED"));

    let mut stream = house.consumer(10).await;
    stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;
    let gone = liuyan_proto::liuyan::feed::v1::DeleteSubscriptionRequest {
        subscription_id: "archive".into(),
    };
    house.grpc.delete_subscription(by("", gone)).await.unwrap();
    assert_eq!(reason(&stream.end().await.unwrap_err()), "SUBSCRIPTION_NOT_FOUND");
}

#[tokio::test]
async fn a_commit_does_not_undo_a_move_by_hand_that_its_stream_has_not_heard_of() {
    let house = house().await;
    three_events(&house).await;
    house.archive("").await;
    let mut stream = house.consumer(10).await;
    let (_, cursor) = stream.batch().await;
    stream.commit(&cursor).await;
    stream.committed().await;

    // Another replica moves the place back, and this one has not looked since.
    house.execute("update subscriptions set position = 1, seeks = seeks + 1").await;
    stream.commit(&cursor).await;
    assert_eq!(stream.end().await.unwrap().as_deref(), Some("SUBSCRIPTION_SEEKED"));
    assert_eq!(house.subscription("", "archive").await.unwrap().position, 1);
    let mut stream = house.consumer(10).await;
    assert_eq!(revisions(&stream.batch().await.0), [2, 3]);
}

#[tokio::test]
async fn a_stream_begins_where_the_place_is_when_it_gets_the_subscription() {
    let house = house().await;
    three_events(&house).await;
    house.archive("").await;
    let latest = Some(Place::Latest(true));
    let seek = SeekSubscriptionRequest { subscription_id: "archive".into(), place: latest };
    house.grpc.seek_subscription(by("", seek)).await.unwrap();
    let mut connection = house.db.read().await.unwrap();
    let owner: String = sqlx::query_scalar("select owner from subscriptions")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let subscription = house.app.subscription(&owner, "archive").await.unwrap();

    // It is moved back between being read and being opened.
    let earliest = Some(Place::Earliest(true));
    let seek = SeekSubscriptionRequest { subscription_id: "archive".into(), place: earliest };
    house.grpc.seek_subscription(by("", seek)).await.unwrap();
    let consume = Consume {
        subscription,
        filter: Filter::default(),
        limits: PageLimits { events: 10, bytes: 100_000, scanned: 100 },
        heartbeat: SOON,
        credit: 10,
        good_for: None,
    };
    let asking = Box::pin(futures::stream::pending());
    let pass = house.app.gate.enter(None).unwrap();
    let mut frames = house.app.consume(consume, asking, pass).await.unwrap();
    let opened = tokio::time::timeout(SOON, frames.recv()).await.unwrap().unwrap().unwrap();
    assert_eq!(opened.cursor.position, 0);
    let batch = tokio::time::timeout(SOON, frames.recv()).await.unwrap().unwrap().unwrap();
    assert!(matches!(batch.told, Tells::Frame(Framed::Batch(events)) if events.len() == 3));
}

#[tokio::test]
async fn whoever_opens_a_stream_and_says_nothing_takes_no_place_but_their_own_and_that_not_for_long()
 {
    let house = house_with(|config| config.streams_anonymous = 2).await;
    house.archive("").await;
    let silent = async |house: &House| {
        let (say, said) = mpsc::channel::<ConsumeEventsRequest>(1);
        let ended = house.client.clone().consume_events(ReceiverStream::new(said)).await;
        drop(say);
        ended.err().unwrap()
    };
    let waiting = async {
        let (one, other) = tokio::join!(silent(&house), silent(&house));
        for ended in [one, other] {
            assert_eq!(fields(&ended), ["open"]);
        }
    };
    let full = eventually(async || {
        let refused = house.consume(archive(1)).await.err();
        refused.is_some_and(|refused| reason(&refused) == "STREAM_LIMIT")
    });
    tokio::time::timeout(SOON, async { tokio::join!(waiting, full) }).await.unwrap();
    house.consumer(1).await;
}

#[tokio::test]
async fn an_event_that_is_dropped_while_it_is_given_again_is_put_aside_as_what_it_is() {
    let house = house().await;
    three_events(&house).await;
    house.archive("").await;
    let mut stream = house.consumer(10).await;
    let (events, _) = stream.batch().await;
    stream.reject(&events[1], "not yet").await;
    eventually(async || house.parked().await.len() == 1).await;
    house.release(vec![], false).await;
    let again = stream.again().await;
    assert_eq!(again, events[1..2]);
    assert_eq!(house.release(vec![], true).await, 1);
    stream.reject(&again[0], "still not").await;
    eventually(async || house.parked().await.len() == 1).await;
    assert_eq!(house.parked().await[0].event.as_ref().unwrap(), &again[0]);
}

#[tokio::test]
async fn a_test_event_comes_to_its_subscription_alone_and_once() {
    let house = house().await;
    house.archive("").await;
    let mut stream = house.consumer(10).await;
    let request = PublishTestEventRequest {
        subscription_id: "archive".into(),
        request_id: Uuid::from_u128(7).to_string(),
    };
    let published = house.grpc.publish_test_event(by("", request.clone())).await.unwrap();
    let again = house.grpc.publish_test_event(by("", request.clone())).await.unwrap();
    let event = published.into_inner().event.unwrap();
    assert_eq!(again.into_inner().event.unwrap(), event);
    assert_eq!((event.r#type.as_str(), event.position), ("liuyan.feed.v1.test", 0));
    assert_eq!(stream.again().await, std::slice::from_ref(&event));
    assert_eq!(house.all().await.events, [], "the log has none of it");
    assert_eq!(house.release(vec![event.id], true).await, 1);
    assert!(house.parked().await.is_empty());
}

#[tokio::test]
async fn what_the_reader_says_wrong_is_told() {
    let house = house().await;
    three_events(&house).await;
    house.archive("").await;
    for (open, field) in [
        (archive(0), "open.credit"),
        (
            ConsumeOpen {
                heartbeat_interval: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
                ..archive(1)
            },
            "open.heartbeat_interval",
        ),
    ] {
        let refused = house.consume(open).await.err().unwrap();
        assert_eq!(fields(&refused), [field]);
    }
    let unknown = ConsumeOpen { subscription_id: "nothing".into(), ..archive(1) };
    let unknown = house.consume(unknown).await.err().unwrap();
    assert_eq!(reason(&unknown), "SUBSCRIPTION_NOT_FOUND");

    let ahead = liuyan_feed::domain::cursor::Cursor::at(&house.app.head(), 3).to_string();
    let strange = Uuid::from_u128(9).to_string();
    for (said, field) in [
        (Said::Credit(ConsumeCredit { events: 0 }), "credit.events"),
        (Said::Commit(ConsumeCommit { cursor: ahead, ..Default::default() }), "commit.cursor"),
        (Said::Open(archive(1)), "open"),
        (
            Said::Reject(ConsumeReject { event_id: strange, ..Default::default() }),
            "reject.event_id",
        ),
        (
            Said::Reject(ConsumeReject { event_id: "x".into(), ..Default::default() }),
            "reject.event_id",
        ),
    ] {
        let mut stream = house.consumer(1).await;
        stream.batch().await;
        stream.say(said).await;
        let ended = stream.end().await.unwrap_err();
        assert_eq!((ended.code(), fields(&ended)), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    assert_eq!(house.subscription("", "archive").await.unwrap().position, 0);
}

#[tokio::test]
async fn too_many_parked_events_end_the_stream_and_are_not_counted_wrong() {
    let house = house_with(|config| config.parked_per_subscription = 1).await;
    three_events(&house).await;
    house.archive("").await;
    let mut stream = house.consumer(10).await;
    let (events, _) = stream.batch().await;
    stream.reject(&events[0], "").await;
    stream.reject(&events[1], "").await;
    assert_eq!(reason(&stream.end().await.unwrap_err()), "TOO_MANY_PARKED");
    assert_eq!(house.parked().await.len(), 1);
    assert_eq!(house.count("select sum(parked) from subscriptions").await, 1);
}

#[tokio::test]
async fn after_a_restore_the_kept_place_goes_on_and_the_reader_is_told_that_events_may_repeat() {
    let house = house().await;
    three_events(&house).await;
    house.archive("").await;
    let request =
        CommitCursorRequest { subscription_id: "archive".into(), cursor: house.all().await.cursor };
    house.grpc.commit_cursor(by("", request)).await.unwrap();
    liuyan_feed::app::begin_epoch(&house.db, crate::helpers::now()).await.unwrap();
    house.app.tail.refresh().await.unwrap();
    let mut stream = house.consumer(10).await;
    let notice = stream.until(|frame| matches!(frame, Frame::Notice(_))).await;
    assert_eq!(notice.position, 3);
    let mut case = Case::new();
    let opened = case.opened();
    house.routing.shows(case.view("n"));
    house.take(opened).await;
    let (events, cursor) = stream.batch().await;
    assert_eq!(events[0].position, 4);
    stream.commit(&cursor).await;
    stream.committed().await;
    assert_eq!(house.subscription("", "archive").await.unwrap().position, 4);
}

#[tokio::test]
async fn a_reader_that_does_not_read_costs_little_and_may_still_commit() {
    let house = house().await;
    for _ in 0..20 {
        three_events(&house).await;
    }
    house.archive("").await;
    let open = ConsumeOpen {
        batch: Some(liuyan_proto::liuyan::feed::v1::BatchLimits { max_events: 1, max_bytes: 0 }),
        ..archive(1_000)
    };
    let mut stream = house.consume(open).await.unwrap();
    let (_, cursor) = stream.batch().await;
    stream.commit(&cursor).await;
    eventually(async || house.subscription("", "archive").await.unwrap().position == 1).await;
    tokio::time::timeout(Duration::from_secs(5), stream.committed()).await.unwrap();
}
