//! Following at the place that the board keeps.

use std::time::Duration;

use liuyan_feed_client::{
    Consume, Consumer, Error, Step, What,
    v1::{Again, ConsumeCommit, consume_events_request::Said, consume_events_response::Frame},
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
