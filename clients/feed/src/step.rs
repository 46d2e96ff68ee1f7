//! What a reader is told, one after the other.

use std::{future::Future, time::Duration};

use liuyan_proto::liuyan::feed::v1::{Event, Goodbye, Notice, Opened, Progress};
use prost_types::Timestamp;

/// One thing that happened, with the place that it leaves the reader at.
#[derive(Debug, Clone)]
pub struct Step {
    /// Resume after this. It is safe to store once everything given up to here is done.
    pub cursor: String,
    /// The position that the cursor stands for.
    pub position: u64,
    /// Nothing recorded at or before this time follows.
    pub cursor_time: Option<Timestamp>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// A stream was opened: the first one, or one in the place of another.
    Opened(Opened),
    /// Events in the order of their positions. Repetitions that were recognised are left out; so it
    /// may be empty.
    Events(Vec<Event>),
    /// Events outside of the log's order: released ones and test events of a subscription.
    Again(Vec<Event>),
    /// No event, and a fresh cursor.
    Progress(Progress),
    /// The present view of every case has been given; from here on come events of the log, the first of which may
    /// be of what the views have already. Only after [`Start::Snapshot`](crate::Start::Snapshot).
    SnapshotEnd,
    /// From here on events are live.
    CaughtUp,
    /// Something that the reader should know.
    Notice(Notice),
    /// The stream ends by plan; the next call comes again when it was asked to.
    Goodbye(Goodbye),
    /// A commit of a subscription is durable.
    Committed,
    /// Events after the place are **no longer kept**: the reader goes on at the oldest one and has to get
    /// the rest elsewhere.
    Expired,
    /// The log has begun another life, as after a restore. Events may repeat; those of the window are
    /// recognised.
    EpochChanged {
        /// The new life.
        epoch: String,
    },
    /// The place is ahead of the log: it lost events in a restore. The reader goes on at its end.
    Ahead,
    /// The connection broke, or could not be made; the next call tries again after a while.
    Broken {
        /// Why.
        why: String,
        /// How long the next call waits.
        again_after: Duration,
    },
}

impl Step {
    /// The events that it brings, in the log's order or outside of it.
    pub fn events(&self) -> &[Event] {
        match &self.what {
            What::Events(events) | What::Again(events) => events,
            _ => &[],
        }
    }
}

/// Whoever does something with events.
///
/// **At least once**: an event comes again if the process ends between the handler's work and the
/// commit that follows it. A handler that writes into a database should therefore store the event's id
/// with its work, in the same transaction, and do nothing for an id that is there.
pub trait Handler: Send {
    /// Why an event could not be handled.
    type Error: Send;

    /// Does what is to be done for one event. On an error nothing after it is given, and the event
    /// comes again.
    fn handle(&mut self, event: &Event) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Hears of everything else; does nothing unless overridden.
    fn told(&mut self, step: &Step) {
        let _ = step;
    }
}
