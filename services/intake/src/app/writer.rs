//! Group commit: what has arrived while the last commit was running is committed together.
//!
//! There is no lingering: a message that comes alone is committed alone and at once, and batches form by
//! themselves when many come: while one batch is stored, the next one gathers, and sets out when that is done
//! and a few milliseconds have passed since it set out, or when it is full. Small batches cost the database
//! more: without the pace its processors would be busy with batches of ten at half of what they can take.
//!
//! A batch of nothing but messages is one statement, and its own transaction. What comes by a column or a hotline,
//! names files, or comes back after a loss brings statements of its own; then a transaction holds them together,
//! and the next batch need not wait for its commit.
//!
//! The writers have a thread and connections of their own: among the tasks of the callers, each of their turns
//! would wait behind all those that the last commit has answered. Each caller is answered after its own commit. A caller who goes away
//! stops nothing, since the message lies in the queue and not with the caller. A message that the
//! database refuses fails alone: its batch is halved until it is by itself.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use jiff::Timestamp;
use liuyan_kit::{class::Class, class::Classify as _, clock::SharedClock, db::Db, telemetry};
use sqlx::PgConnection;
use tokio::{
    runtime,
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::{admission::Permit, batch, vault::Vault};
use crate::{
    config::WriterConfig, domain::message::NewMessage, error::Error, store::requests::NewRequest,
};

/// How often a batch that lost against another one (deadlock, serialisation) is tried.
const TRIES: u32 = 5;
/// How many batches look for requests that were met before, after the last one that met such a request: whoever
/// repeats requests repeats many.
const WARY: u32 = 64;
/// After how long to come back when there is no room, which there should be.
const SOON: Duration = Duration::from_secs(1);
/// The constraint that a public number meets which belongs to another message.
const NUMBER_TAKEN: &str = "messages_number_key";

/// A message to be stored, and the request that brings it.
#[derive(Debug)]
pub(super) struct Submission {
    /// The request.
    pub request: NewRequest,
    /// The message.
    pub message: NewMessage,
    /// The trace of the call that brought it.
    pub traceparent: Option<String>,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It is stored now.
    New,
    /// The same request was met before, and stored this message.
    Before(Uuid),
}

/// Whom to tell what became of a submission, which is under way as long as this lives.
#[derive(Debug)]
struct Answer {
    to: oneshot::Sender<Result<Written, Error>>,
    _permit: Permit,
}

impl Answer {
    fn send(self, written: Result<Written, Error>) {
        // Who is no longer there needs no answer.
        let _ = self.to.send(written);
    }
}

/// What waits in the queue.
#[derive(Debug)]
struct Waiting {
    submission: Arc<Submission>,
    answer: Answer,
}

/// The way to the writers. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Writer(mpsc::Sender<Waiting>);

impl Writer {
    /// Starts the writers. They end when the last clone of this is gone and the queue is empty.
    ///
    /// # Errors
    /// If the machine gives no thread, or nobody runs the callers.
    pub(super) fn start(
        config: &WriterConfig,
        db: &Db,
        clock: &SharedClock,
        vault: &Arc<Vault>,
    ) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(config.queue.max(1));
        let line = Arc::new(Line {
            queue: Mutex::new(Queue { waiting: receiver, next: Instant::now() }),
            turn: Arc::new(Semaphore::new(1)),
            pace: Duration::from_millis(config.pace_ms),
        });
        let wary = Arc::new(AtomicU32::new(0));
        let (db, clock, vault) = (db.clone(), Arc::clone(clock), Arc::clone(vault));
        let (tasks, limit) = (config.tasks.max(1), config.batch.max(1));
        let (tell, started) = std::sync::mpsc::sync_channel(1);
        let callers = runtime::Handle::try_current().map_err(io::Error::other)?;
        let run = move || {
            let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = tell.send(Err(error));
                    return;
                }
            };
            let _ = tell.send(Ok(()));
            runtime.block_on(async {
                // One more, since one may be on its way back from the last batch.
                let db = db.beside(u32::try_from(tasks + 1).unwrap_or(u32::MAX));
                let writers = (0..tasks).map(|_| {
                    let (clock, vault) = (Arc::clone(&clock), Arc::clone(&vault));
                    let (callers, wary) = (callers.clone(), Arc::clone(&wary));
                    WriterTask { db: db.clone(), clock, vault, limit, callers, wary }
                        .run(Arc::clone(&line))
                });
                join_all(writers).await;
                db.close_connections().await;
            });
        };
        thread::Builder::new().name("writers".to_owned()).spawn(run)?;
        started.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
        Ok(Self(sender))
    }

    /// Stores a message of somebody who has been let in. There is room for all of those.
    ///
    /// # Errors
    /// [`Error::NumberTaken`] if another number is to be tried; else why it was not stored. After
    /// [`Class::Unavailable`] it may have been stored all the same: the same request tells.
    pub(super) async fn write(
        &self,
        submission: Submission,
        permit: Permit,
    ) -> Result<Written, Error> {
        let (to, answered) = oneshot::channel();
        let answer = Answer { to, _permit: permit };
        let waiting = Waiting { submission: Arc::new(submission), answer };
        self.0.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::QueueFull(SOON),
            mpsc::error::TrySendError::Closed(_) => Error::Stopping,
        })?;
        answered.await.unwrap_or(Err(Error::WriterDied))
    }
}

/// Where the writers take what waits, one at a time.
#[derive(Debug)]
struct Line {
    queue: Mutex<Queue>,
    /// Whoever has it is at the statements of a batch.
    turn: Arc<Semaphore>,
    /// The least time from one batch to the next, if that one is not full.
    pace: Duration,
}

#[derive(Debug)]
struct Queue {
    waiting: mpsc::Receiver<Waiting>,
    /// When the next batch may set out.
    next: Instant,
}

impl Line {
    /// Takes a batch of at most `limit`, once it is time and nobody else's statements run, or the batch is
    /// full; `None` when there will be nothing more. The turn is to be given back after the last statement.
    async fn gather(&self, batch: &mut Vec<Waiting>, limit: usize) -> Option<Turn> {
        let mut queue = self.queue.lock().await;
        let Queue { waiting, next } = &mut *queue;
        if waiting.recv_many(batch, limit).await == 0 {
            return None;
        }
        let due = *next;
        let mut ready = pin!(async {
            sleep_until(due).await;
            Arc::clone(&self.turn).acquire_owned().await.ok()
        });
        let turn = loop {
            let room = limit - batch.len();
            if room == 0 {
                break None;
            }
            tokio::select! {
                biased;
                turn = &mut ready => break turn,
                more = waiting.recv_many(batch, room) => if more == 0 { break None },
            }
        };
        *next = Instant::now() + self.pace;
        Some(turn)
    }
}

/// The right to go before others, which a full batch doesn't need.
type Turn = Option<OwnedSemaphorePermit>;

/// What became of a batch, and of each submission in it.
type Outcome = Result<Vec<Result<Written, Error>>, Error>;

struct WriterTask {
    db: Db,
    clock: SharedClock,
    vault: Arc<Vault>,
    limit: usize,
    /// Where the callers wait. A whole batch is answered there by one task: to wake each of them from
    /// this thread costs more than what is done for them.
    callers: runtime::Handle,
    /// How many of the next batches look for requests that were met before.
    wary: Arc<AtomicU32>,
}

impl WriterTask {
    async fn run(self, line: Arc<Line>) {
        let mut waiting = Vec::with_capacity(self.limit);
        while let Some(turn) = line.gather(&mut waiting, self.limit).await {
            // A panic fails this batch and not the service; its callers see their answer dropped.
            let batch = AssertUnwindSafe(self.commit(coalesce(waiting.drain(..)), turn));
            if batch.catch_unwind().await.is_err() {
                tracing::error!("a batch of messages panicked");
            }
        }
    }

    /// Commits a batch, halves what the database refuses, and answers everybody.
    async fn commit(&self, batch: Vec<Group>, mut turn: Turn) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let (mut open, mut answers) = (Vec::new(), Vec::new());
            match self.write(&part, turn.take()).await {
                Ok(written) => {
                    for (group, written) in part.into_iter().zip(written) {
                        open.extend(group.answer(&written, &mut answers));
                    }
                }
                Err(error) if part.len() > 1 && is_about_one(&error) => {
                    let second = part.split_off(part.len() / 2);
                    parts.push(second);
                    parts.push(part);
                }
                Err(error) => {
                    let failed = Err(error);
                    for group in part {
                        open.extend(group.answer(&failed, &mut answers));
                    }
                }
            }
            self.callers.spawn(async move {
                for (answer, written) in answers {
                    answer.send(written);
                }
            });
            // Each round answers at least one of those who share an id, so this ends.
            if !open.is_empty() {
                parts.push(coalesce(open.into_iter()));
            }
        }
    }

    /// One transaction, tried again if it lost against another one.
    async fn write(&self, batch: &[Group], mut turn: Turn) -> Outcome {
        let submissions: Arc<[Arc<Submission>]> =
            batch.iter().map(|group| Arc::clone(&group.submission)).collect();
        let plain = batch::is_plain(&submissions);
        let mut tries = 0;
        let fewer = |left: u32| left.checked_sub(1);
        let mut wary = self.wary.fetch_update(Relaxed, Relaxed, fewer).is_ok();
        loop {
            let store = storing(
                Arc::clone(&submissions),
                Arc::clone(&self.vault),
                (wary, turn.take()),
                self.clock.now(),
            );
            let written = async {
                match plain {
                    true => self.db.write_one(store).await,
                    false => self.db.write(store).await,
                }
            };
            let written = written.instrument(span_of(batch)).await;
            tries += 1;
            match written {
                // What is taken stays taken.
                Err(error @ Error::FilesTaken) => return Err(error),
                Err(Error::RequestMet) if tries < TRIES => {
                    self.wary.store(WARY, Relaxed);
                    wary = true;
                }
                Err(error) if error.class() == Class::Aborted && tries < TRIES => {}
                Err(error) => return Err(number_taken(error)),
                Ok(written) => {
                    if written.iter().any(|it| matches!(it, Ok(Written::Before(_)))) {
                        self.wary.store(WARY, Relaxed);
                    }
                    return Ok(written);
                }
            }
        }
    }
}

/// How a batch is stored, in a transaction or as one by itself. The turn is given back when that is done.
fn storing(
    submissions: Arc<[Arc<Submission>]>,
    vault: Arc<Vault>,
    (wary, turn): (bool, Turn),
    now: Timestamp,
) -> impl for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Outcome> + Send + 'static {
    move |connection| {
        Box::pin(async move {
            let stored = batch::store(connection, &vault, &submissions, wary, now).await;
            drop(turn);
            stored
        })
    }
}

/// The span of a batch's transaction, which many calls have caused.
fn span_of(batch: &[Group]) -> Span {
    let span = tracing::info_span!("messages.batch.commit", messages = batch.len());
    let all = batch.iter().flat_map(|group| {
        std::iter::once(&group.submission).chain(group.others.iter().map(|(other, _)| other))
    });
    let causes: BTreeSet<&str> =
        all.filter_map(|submission| submission.traceparent.as_deref()).collect();
    for cause in causes {
        telemetry::link(&span, Some(cause));
    }
    span
}

/// Whether an error may be the fault of one message of the batch.
fn is_about_one(error: &Error) -> bool {
    error.class() == Class::Internal || matches!(error, Error::FilesTaken)
}

fn number_taken(error: Error) -> Error {
    if error.is_of(NUMBER_TAKEN) { Error::NumberTaken } else { error }
}

/// Everybody who brought the same request.
struct Group {
    submission: Arc<Submission>,
    first: Answer,
    others: Vec<(Arc<Submission>, Answer)>,
}

impl Group {
    /// Answers everybody; gives back those who brought another body under the same id and of whom
    /// the outcome of the first tells nothing: which of the bodies was stored before is not known.
    fn answer(
        self,
        written: &Result<Written, Error>,
        answers: &mut Vec<(Answer, Result<Written, Error>)>,
    ) -> Vec<Waiting> {
        let stored = self.submission.message.message_id();
        answers.push((self.first, written.clone()));
        let mut open = Vec::new();
        for (submission, answer) in self.others {
            let same = submission.request.body_hash == self.submission.request.body_hash;
            let written = match written {
                Ok(_) if !same => Err(Error::RequestIdReused),
                Ok(Written::New) => Ok(Written::Before(stored)),
                Ok(Written::Before(message_id)) => Ok(Written::Before(*message_id)),
                Err(error) if !same && !error.class().passes() => {
                    open.push(Waiting { submission, answer });
                    continue;
                }
                Err(error) => Err(error.clone()),
            };
            answers.push((answer, written));
        }
        open
    }
}

/// Brings equal requests together, and sorts: two batches that take rows in the same order never
/// wait for each other in a circle.
fn coalesce(waiting: impl Iterator<Item = Waiting>) -> Vec<Group> {
    let mut groups: HashMap<(String, Uuid), Group> = HashMap::new();
    for Waiting { submission, answer } in waiting {
        let key = (submission.request.caller.clone(), submission.request.request_id);
        match groups.entry(key) {
            std::collections::hash_map::Entry::Occupied(mut group) => {
                group.get_mut().others.push((submission, answer));
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(Group { submission, first: answer, others: Vec::new() });
            }
        }
    }
    let mut sorted: Vec<((String, Uuid), Group)> = groups.into_iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    sorted.into_iter().map(|(_, group)| group).collect()
}
