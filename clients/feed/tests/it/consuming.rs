//! Following at the place that the board keeps.

use std::time::Duration;

use liuyan_feed_client::{
    Consume, Consumer, Error, Step, What,
    v1::{
        Again, CaughtUp, ConsumeCommit, Opened, Progress, consume_events_request::Said,
        consume_events_response::Frame,
    },
};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::double::{Double, events};

async fn next(consumer: &mut Consumer) -> Step {
    let next = tokio::time::timeout(Duration::from_secs(10), consumer.next()).await;
    next.expect("a step comes soon").unwrap()
}

/// The ids of the next events.
async fn ids(consumer: &mut Consumer) -> Vec<String> {
    loop {
        let step = next(consumer).await;
        if matches!(step.what, What::Events(_) | What::Again(_)) {
            return step.events().iter().map(|event| event.id.clone()).collect();
        }
    }
}

fn commit(cursor: &str, settled: &[&str]) -> Said {
    let settled_event_ids = settled.iter().map(|id| (*id).to_owned()).collect();
    Said::Commit(ConsumeCommit { cursor: cursor.to_owned(), settled_event_ids })
}

#[tokio::test]
async fn a_commit_says_what_is_done_and_makes_room_for_as_much() {
    let (double, feed) = Double::with([]).await;
    let mut consumer = feed.consume(Consume { credit: 3, ..Consume::new("archive") });
    let board = async {
        let mut stream = double.conversation().await;
        let Said::Open(open) = stream.said().await else { panic!("it opens first") };
        assert_eq!((open.subscription_id.as_str(), open.credit), ("archive", 3));
        stream.tell(2, Frame::Batch(events(1..=2))).await;
        assert!(matches!(stream.said().await, Said::Reject(it) if it.event_id == "e1"));
        assert_eq!(stream.said().await, commit("c2", &[]));
        assert!(matches!(stream.said().await, Said::Credit(it) if it.events == 2));
        // What comes before the answer is not lost.
        stream.tell(3, Frame::Batch(events(3..=3))).await;
        stream.committed(2).await;
        stream
    };
    let reader = async {
        assert_eq!(ids(&mut consumer).await, ["e1", "e2"]);
        consumer.reject("e1", "not now").await;
        assert!(consumer.commit().await.unwrap(), "it is durable");
        assert_eq!(ids(&mut consumer).await, ["e3"]);
    };
    tokio::join!(board, reader);
}

#[tokio::test]
async fn what_was_done_when_the_connection_broke_is_not_given_twice() {
    let (double, feed) = Double::with([]).await;
    let mut consumer = feed.consume(Consume::new("archive"));
    let board = async {
        let mut stream = double.conversation().await;
        stream.said().await;
        stream.tell(2, Frame::Batch(events(1..=2))).await;
        stream.said().await;
        stream.tell.send(Err(Status::unavailable("gone"))).await.unwrap();
        drop(stream);
        let mut stream = double.conversation().await;
        stream.said().await;
        stream.tell(2, Frame::Batch(events(1..=2))).await;
        assert_eq!(stream.said().await, commit("c2", &[]), "the board learns it all the same");
        stream.committed(2).await;
        stream.tell(3, Frame::Batch(events(3..=3))).await;
        stream
    };
    let reader = async {
        assert_eq!(ids(&mut consumer).await, ["e1", "e2"]);
        assert!(!consumer.commit().await.unwrap(), "nobody knows whether it is durable");
        assert_eq!(ids(&mut consumer).await, [""; 0], "repetitions are left out");
        assert_eq!(ids(&mut consumer).await, ["e3"]);
    };
    tokio::join!(board, reader);
}

#[tokio::test]
async fn what_was_released_comes_once_more_and_is_settled() {
    let (double, feed) = Double::with([]).await;
    let mut consumer = feed.consume(Consume::new("archive"));
    let board = async {
        let mut stream = double.conversation().await;
        stream.said().await;
        stream.tell(2, Frame::Batch(events(1..=2))).await;
        stream.said().await;
        stream.said().await;
        stream.committed(2).await;
        stream.tell(2, Frame::Again(Again { events: events(1..=1).events })).await;
        assert_eq!(stream.said().await, commit("c2", &["e1"]));
        stream.committed(2).await;
        stream
    };
    let reader = async {
        assert_eq!(ids(&mut consumer).await, ["e1", "e2"]);
        consumer.commit().await.unwrap();
        assert_eq!(ids(&mut consumer).await, ["e1"]);
        assert!(consumer.commit().await.unwrap());
    };
    tokio::join!(board, reader);
}

#[tokio::test]
async fn a_reader_that_was_taken_over_does_not_fight() {
    let (double, feed) = Double::with([]).await;
    let mut consumer = feed.consume(Consume::new("archive"));
    let board = async {
        let stream = double.conversation().await;
        let details = ErrorDetails::with_error_info("SUBSCRIPTION_TAKEN_OVER", "liuyan", []);
        let status = Status::with_error_details(Code::Aborted, "said", details);
        stream.tell.send(Err(status)).await.unwrap();
        stream
    };
    let (_stream, next) = tokio::join!(board, consumer.next());
    assert!(matches!(next, Err(Error::TakenOver)));
}

/// What says that the filter chose nothing.
fn nothing() -> Frame {
    Frame::Progress(Progress { lag_events: 0, live: true })
}

#[tokio::test]
async fn a_place_moves_on_while_the_filter_chooses_nothing() {
    let (double, feed) = Double::with([]).await;
    let mut consumer = feed.consume(Consume::new("archive"));
    let board = async {
        let mut stream = double.conversation().await;
        stream.said().await;
        stream.tell(1, Frame::Opened(Opened::default())).await;
        let (mut position, mut said) = (1, None);
        while said.is_none() {
            position += 1;
            assert!(position < 400, "it says so soon");
            stream.tell(position, nothing()).await;
            said = tokio::time::timeout(Duration::from_millis(50), stream.said()).await.ok();
        }
        let Some(Said::Commit(said)) = said else { panic!("it says what is done") };
        let done: u64 = said.cursor.trim_start_matches('c').parse().unwrap();
        assert!((2..=position).contains(&done), "{done} of {position}");
        stream.committed(done).await;
        stream.tell(position, Frame::CaughtUp(CaughtUp {})).await;
        stream
    };
    let reader = async { while !matches!(next(&mut consumer).await.what, What::CaughtUp) {} };
    tokio::join!(board, reader);
}

#[tokio::test]
async fn what_was_given_and_is_not_done_keeps_the_place() {
    let (double, feed) = Double::with([]).await;
    let mut consumer = feed.consume(Consume::new("archive"));
    let board = async {
        let mut stream = double.conversation().await;
        stream.said().await;
        stream.tell(1, Frame::Batch(events(1..=1))).await;
        for position in 2..=60 {
            stream.tell(position, nothing()).await;
            let said = tokio::time::timeout(Duration::from_millis(100), stream.said()).await;
            assert!(said.is_err(), "{said:?}");
        }
        stream.tell(60, Frame::CaughtUp(CaughtUp {})).await;
        assert_eq!(stream.said().await, commit("c60", &[]));
        stream.said().await;
        stream.committed(60).await;
        stream
    };
    let reader = async {
        while !matches!(next(&mut consumer).await.what, What::CaughtUp) {}
        assert!(consumer.commit().await.unwrap());
    };
    tokio::join!(board, reader);
}

#[tokio::test]
async fn the_answer_to_a_commit_that_nobody_waits_for_any_more_is_not_taken_for_that_of_another() {
    let (double, feed) = Double::with([]).await;
    let mut consumer = feed.consume(Consume::new("archive"));
    let board = async {
        let mut stream = double.conversation().await;
        stream.said().await;
        stream.tell(1, Frame::Batch(events(1..=1))).await;
        assert_eq!(stream.said().await, commit("c1", &[]));
        stream.said().await;
        stream.tell(2, Frame::Batch(events(2..=2))).await;
        assert_eq!(stream.said().await, commit("c2", &[]));
        stream.said().await;
        stream.committed(1).await;
        stream.tell.send(Err(Status::unavailable("gone"))).await.unwrap();
        stream
    };
    let reader = async {
        assert_eq!(ids(&mut consumer).await, ["e1"]);
        let given_up = tokio::time::timeout(Duration::from_millis(200), consumer.commit()).await;
        assert!(given_up.is_err());
        assert_eq!(ids(&mut consumer).await, ["e2"]);
        assert!(!consumer.commit().await.unwrap(), "only the first is durable");
    };
    tokio::join!(board, reader);
}
