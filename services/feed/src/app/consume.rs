//! Following the log at the place that is kept for a subscription. One task a stream: it gives as many
//! events as the reader has room for, and takes commits and rejections at any time, also while the
//! reader does not read.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use uuid::Uuid;

use super::{
    App,
    ending::{End, Ends, Reason, finish},
    follow::Frame,
    gate::Pass,
    streams::Told,
};
use crate::{
    domain::{
        Head, PageLimits,
        cursor::Cursor,
        filter::Filter,
        subscription::{Signs, Subscription},
    },
    error::Error,
    store,
};

/// The most events that a reader has room for.
pub const MOST_CREDIT: usize = 10_000;
/// While a filter passes over events, a fresh cursor comes this often at least.
const FRESH_CURSOR: Duration = Duration::from_secs(1);

/// What a reader wants.
#[derive(Debug, Clone)]
pub struct Consume {
    /// The subscription.
    pub subscription: Subscription,
    /// Which events.
    pub filter: Filter,
    /// How much one frame holds.
    pub limits: PageLimits,
    /// How often a frame comes at least.
    pub heartbeat: Duration,
    /// For how many events there is room.
    pub credit: usize,
    /// How long the reader's token is good; `None` without an end.
    pub good_for: Option<Duration>,
}

/// What a reader says later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// There is room for more events.
    Credit(usize),
    /// Everything up to a place is done; events that were given out again are settled.
    Commit(Option<Cursor>, Vec<Uuid>),
    /// An event is to be put aside.
    Reject(Uuid, String),
}

/// What a reader says, as it comes; an error ends the stream.
pub type Asking = BoxStream<'static, Result<Asked, Error>>;

/// A frame, with the place that may be committed once it has been worked on.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The place.
    pub cursor: Cursor,
    /// Nothing recorded at or before this time follows; `None` before the first event.
    pub recorded_at: Option<Timestamp>,
    /// What it tells.
    pub told: Tells,
}

/// What a frame tells.
#[derive(Debug, Clone)]
pub enum Tells {
    /// As to everybody who follows the log.
    Frame(Frame),
    /// Encoded events outside of the log's order.
    Again(Vec<Bytes>),
    /// A commit is durable; how many events were settled.
    Committed(Cursor, u64),
    /// The log began a new life since the place was kept: events may repeat.
    Repeats,
}

/// Frames as they come; the last may be an error.
pub type Frames = mpsc::Receiver<Result<Sent, Error>>;

struct Stream {
    app: App,
    wanted: Consume,
    signs: Signs,
    told: Told,
    asking: Asking,
    frames: mpsc::Sender<Result<Sent, Error>>,
    heads: watch::Receiver<Head>,
    epoch: Uuid,
    /// The place that the reader has.
    position: i64,
    recorded_at: Option<Timestamp>,
    /// The place up to which the log was looked at; ahead of `position` while nothing was chosen.
    looked: i64,
    /// Whether something may wait to be given out again, and what was on this stream, with its place in the
    /// log; a test event has none.
    rung: bool,
    given: HashMap<Uuid, Option<i64>>,
    /// What is committed and was not told yet.
    committed: Option<(Cursor, u64)>,
    last_frame: Instant,
    ends: Ends,
    live: bool,
    _pass: Pass,
}

impl App {
    /// Opens the stream of a subscription and ends the one before. `pass` is given back when it ends.
    ///
    /// # Errors
    /// If the place is no longer kept, or the database fails before the first frame.
    pub async fn consume(
        &self,
        mut wanted: Consume,
        asking: Asking,
        pass: Pass,
    ) -> Result<Frames, Error> {
        let mut heads = self.tail.heads();
        let head = *heads.borrow_and_update();
        // A place that is no longer kept is told before an older stream ends for it.
        self.kept_place(wanted.subscription.place, &head).await?;
        let (key, now) = (wanted.subscription.key, self.clock.now());
        let (signs, place) = self
            .db
            .write(move |tx| {
                Box::pin(
                    async move { Ok::<_, Error>(store::subscriptions::open(tx, key, now).await?) },
                )
            })
            .await?
            .ok_or(Error::SubscriptionNotFound)?;
        // Since it was read, it may have been moved by hand.
        wanted.subscription.place = place;
        let repeats = place.epoch != head.epoch;
        let position = self.kept_place(place, &head).await?;
        let recorded_at = self.recorded_at(position, &head).await?;
        let (frames, receiver) = mpsc::channel(self.config.stream_ahead.max(1));
        let stream = Stream {
            told: self.streams.enter(key, signs),
            ends: Ends::new(&self.config, &self.stopping, wanted.good_for),
            app: self.clone(),
            wanted,
            signs,
            asking,
            frames,
            heads,
            epoch: head.epoch,
            position,
            recorded_at,
            looked: position,
            rung: true,
            given: HashMap::new(),
            committed: None,
            last_frame: Instant::now(),
            live: false,
            _pass: pass,
        };
        tokio::spawn(stream.run(head, repeats));
        Ok(receiver)
    }

    /// The position of a place that was kept here: a new life of the log is nothing that its reader must
    /// mend.
    async fn kept_place(&self, place: Cursor, head: &Head) -> Result<i64, Error> {
        match place.resolve(head) {
            Ok(position) => Ok(position),
            Err(misplaced) if place.epoch != head.epoch => Ok(misplaced.instead().position),
            Err(_) => self.place(super::Start::Cursor(place)).await,
        }
    }
}

impl Stream {
    async fn run(mut self, head: Head, repeats: bool) {
        let Err(end) = self.flow(head, repeats).await;
        let goodbye = |after, reason| Sent {
            cursor: Cursor { epoch: self.epoch, position: self.position },
            recorded_at: self.recorded_at.filter(|_| self.position == self.looked),
            told: Tells::Frame(Frame::Goodbye(after, reason)),
        };
        finish(end, &self.app.config, &self.frames, goodbye).await;
    }

    async fn flow(&mut self, head: Head, repeats: bool) -> Result<std::convert::Infallible, End> {
        let earliest = Cursor::at(&head, head.before_oldest());
        self.send(Tells::Frame(Frame::Opened(earliest))).await?;
        if repeats {
            self.send(Tells::Repeats).await?;
        }
        loop {
            self.ends.check()?;
            self.look()?;
            if let Some((cursor, settled)) = self.committed.take() {
                self.send(Tells::Committed(cursor, settled)).await?;
            }
            let head = *self.heads.borrow_and_update();
            if head.epoch != self.epoch {
                return Err(End::Planned(Reason::EpochChanged));
            }
            if self.wanted.credit > 0 && self.rung {
                self.give_again().await?;
            } else if self.wanted.credit > 0 && self.looked < head.position {
                self.advance(&head).await?;
            } else {
                if !self.live && self.looked >= head.position {
                    self.live = true;
                    self.send(Tells::Frame(Frame::CaughtUp)).await?;
                }
                self.rest(&head).await?;
            }
        }
    }

    /// Looks what has become of the subscription.
    fn look(&mut self) -> Result<(), End> {
        let Some(signs) = *self.told.borrow_and_update() else {
            return Err(End::Failed(Error::SubscriptionNotFound));
        };
        if signs.generation != self.signs.generation {
            return Err(End::Failed(Error::TakenOver));
        }
        if signs.seeks != self.signs.seeks {
            return Err(End::Planned(Reason::Seeked));
        }
        self.rung |= signs.bells != self.signs.bells;
        self.signs = signs;
        Ok(())
    }

    /// Reads on and sends what was chosen.
    async fn advance(&mut self, head: &Head) -> Result<(), End> {
        let Consume { filter, limits, credit, .. } = &self.wanted;
        let limits = PageLimits { events: limits.events.min(*credit), ..*limits };
        let page = self.app.page(self.looked, head.position, filter, limits).await?;
        if page.position == self.looked {
            // The log has a hole, or was cut off behind us: the reader shall hear it from a new
            // call and not wait here for ever.
            return Err(End::Failed(Error::Database(sqlx::Error::RowNotFound)));
        }
        self.looked = page.position;
        self.recorded_at = page.recorded_at.or(self.recorded_at);
        if !page.entries.is_empty() {
            self.wanted.credit -= page.entries.len();
            return self.send(Tells::Frame(Frame::Batch(page.entries))).await;
        }
        if self.last_frame.elapsed() >= FRESH_CURSOR.min(self.wanted.heartbeat) {
            return self.progress(head).await;
        }
        Ok(())
    }

    async fn progress(&mut self, head: &Head) -> Result<(), End> {
        let lag = head.position - self.looked;
        self.send(Tells::Frame(Frame::Progress(lag, self.live))).await
    }

    /// Gives events out again that were released and not given on this stream yet.
    async fn give_again(&mut self) -> Result<(), End> {
        let most = self.wanted.limits.events.min(self.wanted.credit);
        let given: Vec<Uuid> = self.given.keys().copied().collect();
        let Subscription { key, id, .. } = &self.wanted.subscription;
        let released = {
            let mut connection = self.app.db.read().await?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            store::parked::released(&mut connection, *key, &given, most).await?
        };
        self.rung = released.len() == most;
        let again =
            self.app.with_payloads(id, released.clone(), self.wanted.filter.audience()).await?;
        // One that is no longer kept can't be given; it is not asked for again here.
        self.given.extend(released.iter().map(|parked| (parked.event_id, parked.position)));
        if again.is_empty() {
            return Ok(());
        }
        self.wanted.credit -= again.len();
        self.send(Tells::Again(again.into_iter().map(|(_, payload)| payload).collect())).await
    }

    /// Waits for the log to grow, for the reader, or for the time of a heartbeat.
    async fn rest(&mut self, head: &Head) -> Result<(), End> {
        let heartbeat = self.last_frame + self.wanted.heartbeat;
        tokio::select! {
            changed = self.heads.changed(), if self.wanted.credit > 0 => {
                changed.map_err(|_| End::Planned(Reason::Shutdown))
            }
            changed = self.told.changed() => {
                changed.map_err(|_| End::Failed(Error::SubscriptionNotFound))
            }
            asked = self.asking.next() => self.hear(asked).await,
            () = tokio::time::sleep_until(heartbeat) => self.progress(head).await,
            end = self.ends.come() => Err(end),
            () = self.frames.closed() => Err(End::Gone),
        }
    }

    /// Does what the reader says.
    async fn hear(&mut self, asked: Option<Result<Asked, Error>>) -> Result<(), End> {
        let key = self.wanted.subscription.key;
        match asked {
            // Who says nothing any more commits nothing any more.
            None => Err(End::Gone),
            Some(Err(error)) => Err(End::Failed(error)),
            Some(Ok(Asked::Credit(more))) => {
                self.wanted.credit = (self.wanted.credit + more).min(MOST_CREDIT);
                Ok(())
            }
            Some(Ok(Asked::Commit(place, settled))) => {
                if let Some(place) = place
                    && (place.epoch != self.epoch || place.position > self.position)
                {
                    return Err(End::Failed(Error::commit_ahead()));
                }
                let settled: Vec<Uuid> =
                    settled.into_iter().filter(|id| self.given.contains_key(id)).collect();
                let gone = self.app.settle(key, self.signs, place, settled.clone()).await?;
                let Some(gone) = gone else { return Err(End::Planned(Reason::Seeked)) };
                settled.iter().for_each(|id| {
                    self.given.remove(id);
                });
                let (was, before) = self.committed.take().unzip();
                let at = place.or(was).unwrap_or(self.wanted.subscription.place);
                self.wanted.subscription.place = at;
                self.committed = Some((at, before.unwrap_or(0) + gone));
                Ok(())
            }
            Some(Ok(Asked::Reject(event_id, reason))) => {
                let position = self.position_of(event_id).await?;
                let generation = self.signs.generation;
                self.app.park(key, generation, (event_id, position), reason).await?;
                self.given.remove(&event_id);
                Ok(())
            }
        }
    }

    /// The position of an event that this stream has given, in the log's order or again; a test event has
    /// none.
    async fn position_of(&mut self, event_id: Uuid) -> Result<Option<i64>, End> {
        if let Some(position) = self.given.get(&event_id) {
            return Ok(*position);
        }
        let mut connection = self.app.db.read().await?;
        match store::log::position_of(&mut connection, event_id).await? {
            Some(position) if position <= self.position => Ok(Some(position)),
            _ => Err(End::Failed(Error::not_given())),
        }
    }

    /// Sends a frame as soon as the reader has room for it, and hears what the reader says meanwhile.
    async fn send(&mut self, told: Tells) -> Result<(), End> {
        let room = self.frames.clone().reserve_owned();
        tokio::pin!(room);
        let room = loop {
            tokio::select! {
                room = &mut room => break room.map_err(|_| End::Gone)?,
                asked = self.asking.next() => self.hear(asked).await?,
                changed = self.told.changed() => {
                    changed.map_err(|_| End::Failed(Error::SubscriptionNotFound))?;
                    self.look()?;
                }
                end = self.ends.come() => return Err(end),
            }
        };
        self.position = self.looked;
        let cursor = Cursor { epoch: self.epoch, position: self.position };
        room.send(Ok(Sent { cursor, recorded_at: self.recorded_at, told }));
        self.last_frame = Instant::now();
        Ok(())
    }
}
