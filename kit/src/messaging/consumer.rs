//! Hearing: which events a service handles, and the transaction in which a batch takes effect.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    future::Future,
    marker::PhantomData,
    panic::AssertUnwindSafe,
    sync::Arc,
};

use futures::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use liuyan_proto::Event;
use sqlx::PgConnection;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Envelope, ledger};
use crate::{class::Class, db};

mod run;

pub use run::{Pace, run};

/// An error of any kind, with its causes.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an event could not be handled, and whose fault that is.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Somebody is away: a database, a service. The event waits and is tried again for ever.
    #[error("cannot be handled now")]
    Retry(#[source] Cause),
    /// The event itself cannot be handled. It is tried a few times more and then put aside.
    #[error("cannot be handled")]
    Reject(#[source] Cause),
}

impl Fault {
    /// The event's own fault.
    pub fn reject(cause: impl Into<Cause>) -> Self {
        Self::Reject(cause.into())
    }

    /// Somebody is away.
    pub fn retry(cause: impl Into<Cause>) -> Self {
        Self::Retry(cause.into())
    }

    fn told(&self) -> String {
        let mut told = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            told.push_str(": ");
            told.push_str(&error.to_string());
            cause = error.source();
        }
        told
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        match db::class(&error) {
            Class::Unavailable | Class::Aborted => Self::Retry(error.into()),
            _ => Self::Reject(error.into()),
        }
    }
}

/// An event as a handler gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered<E> {
    /// Its id.
    pub event_id: Uuid,
    /// What it is about.
    pub subject_id: Uuid,
    /// Which event of its subject it is.
    pub version: i64,
    /// When it was said.
    pub at: Timestamp,
    /// The trace of its cause.
    pub traceparent: Option<String>,
    /// What it says.
    pub event: E,
}

/// Handles events of one type.
///
/// `events` are all new ones of the batch, of many subjects, those of one subject in order. The
/// handler's work and the memory that it was done are one transaction; if it fails, the batch is
/// redone event by event. It never calls out: it stores what is to be done, and a worker does it.
pub trait Handle<E: Event>: Send + Sync + 'static {
    /// Takes the events into account.
    ///
    /// # Errors
    /// See [`Fault`]. `?` on a [`sqlx::Error`] decides by its class.
    fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<E>],
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A handler whose type of event is forgotten.
trait Erased: Send + Sync {
    fn handle<'a>(
        &'a self,
        tx: &'a mut PgConnection,
        events: Vec<&'a Envelope>,
    ) -> BoxFuture<'a, Result<(), Fault>>;
}

struct Typed<E, H>(H, PhantomData<fn(E)>);

impl<E: Event, H: Handle<E>> Erased for Typed<E, H> {
    fn handle<'a>(
        &'a self,
        tx: &'a mut PgConnection,
        events: Vec<&'a Envelope>,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let mut delivered = Vec::with_capacity(events.len());
            for envelope in events {
                delivered.push(Delivered {
                    event_id: envelope.event_id,
                    subject_id: envelope.subject_id,
                    version: envelope.version,
                    at: envelope.at,
                    traceparent: envelope.traceparent.clone(),
                    event: E::decode(envelope.payload.clone()).map_err(Fault::reject)?,
                });
            }
            self.0.handle(tx, &delivered).await
        })
    }
}

/// What one service does with the events of one source. It always hears the whole stream: a type
/// without a handler only moves the position.
pub struct Consumer {
    source: &'static str,
    handlers: HashMap<&'static str, Box<dyn Erased>>,
    wakes: Vec<Arc<Notify>>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds: BTreeSet<_> = self.handlers.keys().collect();
        f.debug_struct("Consumer").field("source", &self.source).field("handles", &kinds).finish()
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Events that took effect now, or were passed over because nobody handles their type.
    pub applied: usize,
    /// Events that wait for an earlier one.
    pub parked: usize,
    /// Events that had been settled before.
    pub known: usize,
}

impl Consumer {
    /// Hears `source` and handles nothing yet.
    pub fn new(source: &'static str) -> Self {
        Self { source, handlers: HashMap::new(), wakes: Vec::new() }
    }

    /// Handles events of type `E`.
    #[must_use]
    pub fn on<E: Event, H: Handle<E>>(mut self, handler: H) -> Self {
        debug_assert_eq!(E::SOURCE, self.source, "an event is heard from its own source");
        self.handlers.insert(E::TYPE, Box::new(Typed::<E, H>(handler, PhantomData)));
        self
    }

    /// Signals `notify` after each commit in which something took effect.
    #[must_use]
    pub fn wakes(mut self, notify: Arc<Notify>) -> Self {
        self.wakes.push(notify);
        self
    }

    /// The service that is heard.
    pub fn source(&self) -> &'static str {
        self.source
    }

    fn wake(&self) {
        for notify in &self.wakes {
            notify.notify_one();
        }
    }

    /// Takes a batch into account, in the transaction `tx`. With `drain`, events that were parked
    /// behind it take effect too.
    ///
    /// # Errors
    /// The first fault; the transaction is then to be rolled back.
    async fn settle(
        &self,
        tx: &mut PgConnection,
        batch: &[Envelope],
        drain: bool,
        now: Timestamp,
    ) -> Result<Settled, Fault> {
        let subjects: BTreeSet<Uuid> = batch.iter().map(|event| event.subject_id).collect();
        let subjects: Vec<Uuid> = subjects.into_iter().collect();
        let mut positions = ledger::lock_positions(tx, self.source, &subjects).await?;
        let mut parked = ledger::parked_of(tx, self.source, &subjects).await?;
        if !drain {
            // A parked copy of an event of this batch has been counted; it is the one to be taken.
            parked.retain(|waiting| {
                let key = (waiting.subject_id, waiting.version);
                batch.iter().any(|event| (event.subject_id, event.version) == key)
            });
        }
        let dead = ledger::dead_versions(tx, self.source, &subjects).await?;

        let mut plan = Plan::default();
        for (_, events) in by_subject(batch, &parked) {
            plan.add(events, &mut positions, &dead);
        }
        for stage in stages(&plan.apply) {
            for (kind, events) in stage {
                if let Some(handler) = self.handlers.get(kind) {
                    guarded(handler.handle(tx, events)).await?;
                }
            }
        }
        self.remember(tx, &plan, now).await
    }

    /// Settles one parked event, if its turn has come: it alone, so that the blame for a fault falls
    /// on it and not on its predecessor.
    async fn settle_one_parked(
        &self,
        tx: &mut PgConnection,
        event: &Envelope,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let subjects = [event.subject_id];
        let positions = ledger::lock_positions(tx, self.source, &subjects).await?;
        let dead = ledger::dead_versions(tx, self.source, &subjects).await?;
        let last = positions.get(&event.subject_id).copied().unwrap_or_default();
        let mut plan = Plan::default();
        if event.version <= last {
            plan.stale.push(event);
        } else if event.version == last + 1 && !dead.contains(&(event.subject_id, event.version)) {
            self.dispatch(tx, event).await?;
            plan.apply.push(Arrival { event, was_parked: true });
        }
        self.remember(tx, &plan, now).await?;
        Ok(())
    }

    /// Settles a dead letter that a person wants to be tried again.
    async fn settle_dead(
        &self,
        tx: &mut PgConnection,
        event: &Envelope,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let positions = ledger::lock_positions(tx, self.source, &[event.subject_id]).await?;
        let last = positions.get(&event.subject_id).copied().unwrap_or_default();
        if event.version == last + 1 {
            self.dispatch(tx, event).await?;
            // It was counted as settled when it died.
            let plan = Plan { apply: vec![Arrival { event, was_parked: true }], ..Plan::default() };
            self.remember(tx, &plan, now).await?;
        } else if event.version > last {
            return Err(Fault::reject("an earlier event of its subject is missing"));
        }
        ledger::resolve(tx, self.source, event.event_id).await?;
        Ok(())
    }

    async fn dispatch(&self, tx: &mut PgConnection, event: &Envelope) -> Result<(), Fault> {
        match self.handlers.get(event.kind.as_str()) {
            Some(handler) => guarded(handler.handle(tx, vec![event])).await,
            None => Ok(()),
        }
    }

    /// Takes a batch into account without a bus, as `run` would: for tests of handlers.
    ///
    /// # Errors
    /// The first fault.
    pub async fn deliver(
        &self,
        db: &db::Db,
        now: Timestamp,
        batch: &[Envelope],
    ) -> Result<Settled, Fault> {
        let mut tx = db.begin().await?;
        let settled = self.settle(&mut tx, batch, true, now).await?;
        tx.commit().await?;
        self.wake();
        Ok(settled)
    }

    /// Writes down what the plan has done.
    async fn remember(
        &self,
        tx: &mut PgConnection,
        plan: &Plan<'_>,
        now: Timestamp,
    ) -> Result<Settled, Fault> {
        let mut settled: Vec<Uuid> = Vec::new();
        let mut moved = BTreeMap::new();
        for arrival in &plan.apply {
            moved.insert(arrival.event.subject_id, arrival.event.version);
            if !arrival.was_parked {
                settled.push(arrival.event.event_id);
            }
        }
        if !moved.is_empty() {
            ledger::move_positions(tx, self.source, &moved).await?;
            let applied: Vec<Uuid> =
                plan.apply.iter().map(|arrival| arrival.event.event_id).collect();
            ledger::forgive(tx, self.source, &applied).await?;
        }
        let unparked: Vec<&Envelope> = plan
            .apply
            .iter()
            .filter(|arrival| arrival.was_parked)
            .map(|arrival| arrival.event)
            .chain(plan.stale.iter().copied())
            .collect();
        if !unparked.is_empty() {
            ledger::unpark(tx, self.source, &unparked).await?;
        }
        if !plan.park.is_empty() {
            settled.extend(ledger::park(tx, self.source, &plan.park, now).await?);
        }
        ledger::digest(tx, self.source, &settled).await?;
        Ok(Settled { applied: plan.apply.len(), parked: plan.park.len(), known: plan.known })
    }
}

/// An event of this batch, or one that was waiting for it.
#[derive(Debug, Clone, Copy)]
struct Arrival<'a> {
    event: &'a Envelope,
    was_parked: bool,
}

/// What is to be done with a batch.
#[derive(Debug, Default)]
struct Plan<'a> {
    apply: Vec<Arrival<'a>>,
    park: Vec<&'a Envelope>,
    /// Parked rows of versions that took effect already.
    stale: Vec<&'a Envelope>,
    known: usize,
}

impl<'a> Plan<'a> {
    /// Decides about the events of one subject, given in order of their versions.
    fn add(
        &mut self,
        events: Vec<Arrival<'a>>,
        positions: &mut HashMap<Uuid, i64>,
        dead: &HashSet<(Uuid, i64)>,
    ) {
        for arrival in events {
            let event = arrival.event;
            let last = positions.entry(event.subject_id).or_default();
            if event.version <= *last || dead.contains(&(event.subject_id, event.version)) {
                self.known += 1;
                if arrival.was_parked && event.version <= *last {
                    self.stale.push(event);
                }
            } else if event.version == *last + 1 {
                *last += 1;
                self.apply.push(arrival);
            } else if !arrival.was_parked {
                self.park.push(event);
            }
        }
    }
}

/// Sorts a batch and what waits for it by subject and version; of two copies the parked one is
/// kept, since it has been counted.
fn by_subject<'a>(
    batch: &'a [Envelope],
    parked: &'a [Envelope],
) -> BTreeMap<Uuid, Vec<Arrival<'a>>> {
    let mut seen = HashSet::new();
    let mut subjects: BTreeMap<Uuid, Vec<Arrival<'a>>> = BTreeMap::new();
    let parked = parked.iter().map(|event| Arrival { event, was_parked: true });
    let fresh = batch.iter().map(|event| Arrival { event, was_parked: false });
    for arrival in parked.chain(fresh) {
        if seen.insert((arrival.event.subject_id, arrival.event.version)) {
            subjects.entry(arrival.event.subject_id).or_default().push(arrival);
        }
    }
    for arrivals in subjects.values_mut() {
        arrivals.sort_by_key(|arrival| arrival.event.version);
    }
    subjects
}

/// Groups events by type without breaking the order within a subject: a stage holds, for each
/// subject, events of one type only.
fn stages<'a>(apply: &[Arrival<'a>]) -> Vec<BTreeMap<&'a str, Vec<&'a Envelope>>> {
    let mut stages: Vec<BTreeMap<&str, Vec<&Envelope>>> = Vec::new();
    let mut last: HashMap<Uuid, (usize, &str)> = HashMap::new();
    for arrival in apply {
        let event = arrival.event;
        let stage = match last.get(&event.subject_id) {
            None => 0,
            Some((stage, kind)) if *kind == event.kind => *stage,
            Some((stage, _)) => stage + 1,
        };
        if stages.len() <= stage {
            stages.push(BTreeMap::new());
        }
        stages[stage].entry(&event.kind).or_default().push(event);
        last.insert(event.subject_id, (stage, &event.kind));
    }
    stages
}

/// Runs a handler; a panic is the event's fault.
async fn guarded(work: BoxFuture<'_, Result<(), Fault>>) -> Result<(), Fault> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(Fault::reject(format!("the handler panicked: {}", told(&*panic)))),
    }
}

fn told(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}
