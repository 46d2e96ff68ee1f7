//! Following the log: one task a stream, which reads at its reader's pace. Between the log and the
//! reader stand a few frames and nothing else, so a slow reader gets slower, is never cut off for
//! it, and costs no memory.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    App,
    ending::{End, Ends, Reason, finish},
    gate::Pass,
};
use crate::{
    domain::{Entry, Head, PageLimits, cursor::Cursor, filter::Filter},
    error::Error,
};

/// While a filter passes over events, a fresh cursor comes this often at least.
const FRESH_CURSOR: Duration = Duration::from_secs(1);

/// What a reader follows.
#[derive(Debug, Clone)]
pub struct Follow {
    /// The position after which it begins.
    pub after: i64,
    /// If the views of all cases as of there come first: up to where they have been given.
    pub snapshot: Option<i64>,
    /// Which events.
    pub filter: Filter,
    /// How much one frame holds.
    pub limits: PageLimits,
    /// How often a frame comes at least.
    pub heartbeat: Duration,
    /// The position at which it ends.
    pub end: Option<i64>,
    /// How long the reader's token is good; `None` without one.
    pub good_for: Option<Duration>,
}

/// A frame, with the place that is safe to store once it has arrived.
#[derive(Debug, Clone)]
pub struct Framed {
    /// The place.
    pub cursor: Cursor,
    /// Before the end of a snapshot of that place: up to where it has been given.
    pub given: Option<i64>,
    /// Nothing recorded at or before this time follows; `None` before the first event.
    pub recorded_at: Option<Timestamp>,
    /// What it tells.
    pub frame: Frame,
}

/// What a frame tells.
#[derive(Debug, Clone)]
pub enum Frame {
    /// What the stream will be, and the oldest place that is kept.
    Opened(Cursor),
    /// Events.
    Batch(Vec<Arc<Entry>>),
    /// A fresh cursor, how many events lie after it, and whether the stream is live.
    Progress(i64, bool),
    /// From here on events are live.
    CaughtUp,
    /// The views of all cases have been given.
    SnapshotEnd,
    /// The stream ends by plan: come again after this time.
    Goodbye(Duration, Reason),
}

/// Frames as they come; the last may be an error.
pub type Frames = mpsc::Receiver<Result<Framed, Error>>;

/// One stream.
struct Stream {
    app: App,
    follow: Follow,
    frames: mpsc::Sender<Result<Framed, Error>>,
    heads: watch::Receiver<Head>,
    epoch: uuid::Uuid,
    /// The place that the reader has.
    position: i64,
    recorded_at: Option<Timestamp>,
    /// The place up to which the log was looked at; ahead of `position` while nothing was chosen.
    looked: i64,
    /// Up to where the snapshot was looked at, until it ends; and the place in it that the reader has.
    snapshot: Option<i64>,
    given: Option<i64>,
    last_frame: Instant,
    ends: Ends,
    live: bool,
    _pass: Pass,
}

impl App {
    /// Opens a stream. `pass` is given back when it ends.
    ///
    /// # Errors
    /// If the database fails before the first frame.
    pub async fn follow(&self, follow: Follow, pass: Pass) -> Result<Frames, Error> {
        let mut heads = self.tail.heads();
        let head = *heads.borrow_and_update();
        let recorded_at = self.recorded_at(follow.after, &head).await?;
        let (frames, receiver) = mpsc::channel(self.config.stream_ahead.max(1));
        let ends = Ends::new(&self.config, &self.stopping, follow.good_for);
        let stream = Stream {
            app: self.clone(),
            position: follow.after,
            looked: follow.after,
            snapshot: follow.snapshot,
            given: follow.snapshot,
            follow,
            frames,
            heads,
            epoch: head.epoch,
            recorded_at,
            last_frame: Instant::now(),
            ends,
            live: false,
            _pass: pass,
        };
        tokio::spawn(stream.run(head));
        Ok(receiver)
    }
}

impl Stream {
    async fn run(mut self, head: Head) {
        let Err(end) = self.flow(head).await;
        let cursor = Cursor { epoch: self.epoch, position: self.position };
        // The time belongs to the place that was looked at; it is told only if that is the
        // reader's too.
        let given = self.given;
        let settled = self.position == self.looked && given.is_none();
        let recorded_at = self.recorded_at.filter(|_| settled);
        let goodbye = |after, reason| Framed {
            cursor,
            given,
            recorded_at,
            frame: Frame::Goodbye(after, reason),
        };
        finish(end, &self.app.config, &self.frames, goodbye).await;
    }

    async fn flow(&mut self, head: Head) -> Result<std::convert::Infallible, End> {
        let earliest = Cursor::at(&head, head.before_oldest());
        self.send(Frame::Opened(earliest)).await?;
        while let Some(given) = self.snapshot {
            self.look_at_cases(given).await?;
        }
        loop {
            let head = *self.heads.borrow_and_update();
            if head.epoch != self.epoch {
                return Err(End::Planned(Reason::EpochChanged));
            }
            let until = self.follow.end.unwrap_or(i64::MAX).min(head.position);
            if self.looked < until {
                self.advance(until, &head).await?;
            } else if self.follow.end.is_some_and(|end| self.looked >= end) {
                return Err(End::Planned(Reason::EndCursor));
            } else {
                if !self.live {
                    self.live = true;
                    self.send(Frame::CaughtUp).await?;
                }
                self.rest(&head).await?;
            }
        }
    }

    /// Reads on in the snapshot and sends the views that were chosen, or its end.
    async fn look_at_cases(&mut self, given: i64) -> Result<(), End> {
        let head = *self.heads.borrow_and_update();
        if head.epoch != self.epoch {
            return Err(End::Planned(Reason::EpochChanged));
        }
        if given >= self.looked {
            self.snapshot = None;
            return self.send(Frame::SnapshotEnd).await;
        }
        let Follow { filter, limits, .. } = &self.follow;
        let page = self.app.snapshot_page(given, self.looked, filter, *limits).await?;
        self.snapshot = Some(page.position);
        if !page.entries.is_empty() {
            return self.send(Frame::Batch(page.entries)).await;
        }
        if self.last_frame.elapsed() >= FRESH_CURSOR.min(self.follow.heartbeat) {
            return self.send(Frame::Progress(head.position - self.looked, false)).await;
        }
        self.check()
    }

    /// Reads on and sends what was chosen.
    async fn advance(&mut self, until: i64, head: &Head) -> Result<(), End> {
        let Follow { filter, limits, .. } = &self.follow;
        let page = self.app.page(self.looked, until, filter, *limits).await?;
        if page.position == self.looked {
            // The log has a hole, or was cut off behind us: the reader shall hear it from a new
            // call and not wait here for ever.
            return Err(End::Failed(Error::Database(sqlx::Error::RowNotFound)));
        }
        self.looked = page.position;
        self.recorded_at = page.recorded_at.or(self.recorded_at);
        if !page.entries.is_empty() {
            return self.send(Frame::Batch(page.entries)).await;
        }
        if self.last_frame.elapsed() >= FRESH_CURSOR.min(self.follow.heartbeat) {
            return self.send(Frame::Progress(head.position - self.looked, self.live)).await;
        }
        self.check()
    }

    /// Waits for the log to grow, and sends a heartbeat when it is time.
    async fn rest(&mut self, head: &Head) -> Result<(), End> {
        let heartbeat = self.last_frame + self.follow.heartbeat;
        tokio::select! {
            changed = self.heads.changed() => match changed {
                Ok(()) => self.check(),
                Err(_) => Err(End::Planned(Reason::Shutdown)),
            },
            () = tokio::time::sleep_until(heartbeat) => {
                self.send(Frame::Progress(head.position - self.looked, self.live)).await
            }
            end = self.ends.come() => Err(end),
            () = self.frames.closed() => Err(End::Gone),
        }
    }

    fn check(&self) -> Result<(), End> {
        self.ends.check()?;
        if self.frames.is_closed() { Err(End::Gone) } else { Ok(()) }
    }

    /// Sends a frame as soon as the reader has room for it. Only then is the place the reader's:
    /// a Goodbye that overtakes a waiting batch carries the cursor before that batch.
    async fn send(&mut self, frame: Frame) -> Result<(), End> {
        let room = tokio::select! {
            room = self.frames.reserve() => room.map_err(|_| End::Gone)?,
            end = self.ends.come() => return Err(end),
        };
        self.position = self.looked;
        self.given = self.snapshot;
        let cursor = Cursor { epoch: self.epoch, position: self.position };
        // Before the end of a snapshot older events follow.
        let recorded_at = self.recorded_at.filter(|_| self.given.is_none());
        room.send(Ok(Framed { cursor, given: self.given, recorded_at, frame }));
        self.last_frame = Instant::now();
        Ok(())
    }
}
