//! Following the log with a cursor that the reader keeps.

use std::{path::PathBuf, sync::Arc, time::Duration};

use liuyan_proto::liuyan::feed::v1::{
    BatchLimits, Event, EventFilter, Progress, WatchEventsRequest, WatchEventsResponse,
    watch_events_request::Start, watch_events_response::Frame,
};
use prost_types::FieldMask;
use tokio::time::Instant;

use crate::{
    checkpoint::{Checkpoint, Kept},
    connect::Feed,
    error::{Error, RunError},
    link::{Came, Link, Pace},
    seen::Seen,
    step::{Handler, Step, What},
    trouble::Trouble,
};

/// How often the place is stored while no event comes: a filter that chooses little must not leave a
/// cursor behind that expires.
const IDLE_STORE: Duration = Duration::from_secs(5);
/// The reason of a `Goodbye` after which there is nothing more to come for.
const END_CURSOR: &str = "END_CURSOR";

/// What to follow, and how.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Where to begin if there is no checkpoint yet; with the oldest event at first. After `Start::Snapshot` come
    /// the newest event of each case, [`What::SnapshotEnd`], and what has happened since.
    pub start: Start,
    /// Which events; all of them at first.
    pub filter: Option<EventFilter>,
    /// Which fields of `Event`; all of them if empty. `id` is always asked for.
    pub read_mask: Vec<String>,
    /// How often a frame comes at least, 5 to 60 s; what the board likes if not said. After three of
    /// them without a frame the stream counts as dead.
    pub heartbeat: Option<Duration>,
    /// The most events of one step, up to 500; 0 leaves it to the board.
    pub batch: i32,
    /// End after this cursor; never if empty.
    pub end_cursor: String,
    /// The file in which the place is kept; `None` keeps it in memory.
    pub checkpoint: Option<PathBuf>,
    /// How many ids of events are kept to recognise repetitions; 1,000 at first.
    pub window: usize,
    /// After how many failures in a row to give up; never if not said.
    pub tries: Option<u32>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            start: Start::Earliest(true),
            filter: None,
            read_mask: Vec::new(),
            heartbeat: None,
            batch: 0,
            end_cursor: String::new(),
            checkpoint: None,
            window: 1_000,
            tries: None,
        }
    }
}

/// Follows the log, over as many connections as it takes.
///
/// [`next`](Self::next) gives one step after the other, [`commit`](Self::commit) says that all of them are
/// done; [`run`](Self::run) does both around a [`Handler`].
#[derive(Debug)]
pub struct Watcher {
    feed: Feed,
    watch: Watch,
    checkpoint: Option<Arc<Checkpoint>>,
    /// What the file holds, or would.
    kept: Kept,
    /// The place that the reader has been given; ahead of what is kept until it commits.
    place: Place,
    /// Ids of what was given and is not done.
    given: Vec<String>,
    seen: Seen,
    link: Option<Link<WatchEventsResponse>>,
    pace: Pace,
    stored_at: Instant,
    ended: bool,
}

/// A place in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    cursor: String,
    position: u64,
    epoch: String,
    seconds: i64,
}

impl Feed {
    /// Opens the checkpoint, if there is to be one. The connection is made by the first
    /// [`Watcher::next`].
    ///
    /// # Errors
    /// If the checkpoint is held by another process, or damaged.
    pub fn watch(&self, watch: Watch) -> Result<Watcher, Error> {
        let (checkpoint, kept) = match &watch.checkpoint {
            Some(path) => {
                let (checkpoint, kept) = Checkpoint::open(path)?;
                (Some(Arc::new(checkpoint)), kept)
            }
            None => (None, Kept::default()),
        };
        Ok(Watcher {
            feed: self.clone(),
            place: Place::of(&kept),
            given: Vec::new(),
            seen: Seen::new(watch.window, kept.event_ids.iter().cloned()),
            link: None,
            pace: Pace::new(watch.tries),
            stored_at: Instant::now(),
            ended: false,
            checkpoint,
            kept,
            watch,
        })
    }
}

impl Watcher {
    /// The next step; `None` once `end_cursor` is reached. Cancelling the wait loses nothing.
    ///
    /// What passes by itself, as a broken connection or a token that has expired, is waited out and
    /// told as a step.
    ///
    /// # Errors
    /// What does not pass: see [`Error`].
    pub async fn next(&mut self) -> Result<Option<Step>, Error> {
        while !self.ended {
            self.pace.wait().await;
            let Some(link) = self.link.as_mut() else {
                match self.open().await {
                    Ok(link) => self.link = Some(link),
                    Err(trouble) => return self.trouble(trouble).await.map(Some),
                }
                continue;
            };
            let trouble = match link.come(true).await {
                Came::Frame(frame) => {
                    let step = self.took(*frame);
                    self.store_idle().await?;
                    return Ok(Some(step));
                }
                // The place stays: another stream goes on where this one was left.
                Came::RenewalTime => {
                    self.link = None;
                    self.feed.renew().await;
                    continue;
                }
                Came::End => Trouble::Passes("the stream ended without a word".to_owned(), None),
                Came::Silence(limit) => {
                    Trouble::Passes(format!("no frame for {} s", limit.as_secs()), None)
                }
                Came::Failure(status) => Trouble::of(&status),
            };
            self.link = None;
            return self.trouble(trouble).await.map(Some);
        }
        Ok(None)
    }

    /// Says that everything given so far is done. It is on the disk when this returns, if there is a
    /// checkpoint.
    ///
    /// # Errors
    /// [`Error::Checkpoint`].
    pub async fn commit(&mut self) -> Result<(), Error> {
        for id in std::mem::take(&mut self.given) {
            self.seen.add(id);
        }
        self.place.keep_in(&mut self.kept);
        self.store().await
    }

    /// Says that one event is done, while others of its step may not be: if the process ends before the
    /// commit, it is recognised when it comes again. On the disk with [`commit`](Self::commit) or
    /// [`rewind`](Self::rewind).
    pub fn done(&mut self, event_id: &str) {
        self.given.retain(|id| id != event_id);
        self.seen.add(event_id.to_owned());
    }

    /// Goes back to what was committed last: what was given since and is not done comes again.
    ///
    /// # Errors
    /// [`Error::Checkpoint`].
    pub async fn rewind(&mut self) -> Result<(), Error> {
        self.given.clear();
        self.link = None;
        self.place = Place::of(&self.kept);
        self.store().await
    }

    /// Gives each event to the handler, and commits after each step. Ends at `end_cursor`.
    ///
    /// # Errors
    /// The handler's, after [`rewind`](Self::rewind); it may be called again. Or one that does not
    /// pass.
    pub async fn run<H: Handler>(&mut self, handler: &mut H) -> Result<(), RunError<H::Error>> {
        while let Some(step) = self.next().await? {
            for event in step.events() {
                if let Err(error) = handler.handle(event).await {
                    self.rewind().await?;
                    return Err(RunError::Handler(error));
                }
                self.done(&event.id);
            }
            match step.events() {
                [] => handler.told(&step),
                _ => self.commit().await?,
            }
        }
        Ok(())
    }

    /// What is committed.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    async fn open(&self) -> Result<Link<WatchEventsResponse>, Trouble> {
        let watch = &self.watch;
        let start = match self.place.cursor.as_str() {
            "" => watch.start.clone(),
            cursor => Start::Cursor(cursor.to_owned()),
        };
        let request = WatchEventsRequest {
            start: Some(start),
            filter: watch.filter.clone(),
            read_mask: mask(&watch.read_mask),
            heartbeat_interval: watch.heartbeat.and_then(|it| it.try_into().ok()),
            batch: Some(BatchLimits { max_events: watch.batch, max_bytes: 0 }),
            end_cursor: watch.end_cursor.clone(),
        };
        let mut client = self.feed.client().await?;
        let (request, renew_at) = self.feed.stream_request(request).await?;
        match client.watch_events(request).await {
            Ok(frames) => Ok(Link::new(frames.into_inner(), watch.heartbeat, renew_at)),
            Err(status) => Err(Trouble::of(&status)),
        }
    }

    fn took(&mut self, response: WatchEventsResponse) -> Step {
        let WatchEventsResponse { cursor, position, cursor_time, frame } = response;
        let what = match frame {
            Some(Frame::Opened(opened)) => {
                if let Some(link) = &mut self.link {
                    link.beats(opened.heartbeat_interval);
                }
                self.place.epoch.clone_from(&opened.epoch);
                What::Opened(opened)
            }
            Some(Frame::Batch(batch)) => What::Events(self.fresh(batch.events)),
            Some(Frame::Progress(progress)) => What::Progress(progress),
            Some(Frame::CaughtUp(_)) => What::CaughtUp,
            Some(Frame::SnapshotEnd(_)) => What::SnapshotEnd,
            Some(Frame::Notice(notice)) => What::Notice(notice),
            Some(Frame::Goodbye(goodbye)) => {
                let after = goodbye.reconnect_after.and_then(|it| Duration::try_from(it).ok());
                self.pace.pause(after.unwrap_or_default());
                self.ended = goodbye.reason == END_CURSOR;
                self.link = None;
                What::Goodbye(goodbye)
            }
            // A frame of a later version of the contract: its cursor is good all the same.
            None => What::Progress(Progress::default()),
        };
        if !matches!(what, What::Opened(_)) {
            self.pace.works();
        }
        if !cursor.is_empty() {
            self.place.cursor.clone_from(&cursor);
            self.place.position = position;
            self.place.seconds = cursor_time.map_or(0, |time| time.seconds);
        }
        Step { cursor, position, cursor_time, what }
    }

    /// Leaves out what was given before.
    fn fresh(&mut self, events: Vec<Event>) -> Vec<Event> {
        let known = |id: &String| self.seen.holds(id) || self.given.contains(id);
        let fresh: Vec<Event> = events.into_iter().filter(|event| !known(&event.id)).collect();
        self.given.extend(fresh.iter().map(|event| event.id.clone()));
        fresh
    }

    async fn trouble(&mut self, trouble: Trouble) -> Result<Step, Error> {
        let what = match trouble {
            Trouble::Passes(why, asked) => self.pace.broken(why, asked)?,
            Trouble::Renew(why) if self.feed.renew().await => self.pace.broken(why, None)?,
            Trouble::Renew(why) => return Err(Error::Usage(format!("{why} (no other is known)"))),
            Trouble::Moved(_, to, _) if to.is_empty() => {
                self.pace.broken("the board names no place to go on at".to_owned(), None)?
            }
            Trouble::Moved(what, to, _) => {
                // The position of that place comes with the first frame.
                self.place = Place { cursor: to, ..Place::default() };
                what
            }
            Trouble::Final(error) => return Err(error),
        };
        let Place { cursor, position, .. } = self.place.clone();
        Ok(Step { cursor, position, cursor_time: None, what })
    }

    /// Stores the place now and then while nothing is under way.
    async fn store_idle(&mut self) -> Result<(), Error> {
        let moved = self.place.cursor != self.kept.cursor;
        if self.given.is_empty() && moved && self.stored_at.elapsed() >= IDLE_STORE {
            return self.commit().await;
        }
        Ok(())
    }

    async fn store(&mut self) -> Result<(), Error> {
        self.stored_at = Instant::now();
        let Some(checkpoint) = self.checkpoint.clone() else { return Ok(()) };
        self.kept.event_ids = self.seen.ids();
        let kept = self.kept.clone();
        let written = tokio::task::spawn_blocking(move || checkpoint.write(kept)).await;
        // The task neither panics nor is cancelled; if the runtime ends, so do we.
        written.unwrap_or(Ok(()))
    }
}

impl Place {
    fn of(kept: &Kept) -> Self {
        let Kept { cursor, position, epoch, cursor_seconds: seconds, .. } = kept.clone();
        Self { cursor, position, epoch, seconds }
    }

    fn keep_in(&self, kept: &mut Kept) {
        let Self { cursor, position, epoch, seconds } = self.clone();
        (kept.cursor, kept.position, kept.epoch, kept.cursor_seconds) =
            (cursor, position, epoch, seconds);
    }
}

/// A mask that always holds what repetitions are recognised by.
pub(crate) fn mask(fields: &[String]) -> Option<FieldMask> {
    if fields.is_empty() {
        return None;
    }
    let mut paths = fields.to_vec();
    if paths.iter().all(|path| path != "id") {
        paths.push("id".to_owned());
    }
    Some(FieldMask { paths })
}
