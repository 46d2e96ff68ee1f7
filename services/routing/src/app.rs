//! What routing does: one use case, one function, one transaction.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use liuyan_kit::{
    auth::Caller,
    clock::SharedClock,
    db::Db,
    messaging::{Outgoing, outbox},
    telemetry,
};
use tokio::sync::Mutex;

use crate::{
    config::Config,
    domain::{
        access::Viewer,
        case::{Case, Fact},
        directory::Directory,
    },
    error::Error,
    events,
    store::directory::Marks,
};
use heat::Heat;
use suggesting::Models;

mod answering;
pub mod casework;
pub mod common;
pub mod consultations;
pub mod editing;
pub mod erasing;
pub mod escalating;
pub mod heat;
pub mod loading;
pub mod looking;
pub mod model_cases;
pub mod modelling;
pub mod opening;
pub mod parting;
mod performing;
pub mod precedents;
pub mod promising;
pub mod rating;
pub mod reading;
pub mod results;
pub mod searching;
pub mod similar;
pub mod suggesting;
pub mod tables;
pub mod texts;
pub mod withdrawing;

/// The directory as it was read last, and by what its changes are seen.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// It.
    pub directory: Arc<Directory>,
    /// Where its lists stood.
    pub marks: Marks,
}

impl Snapshot {
    /// How often its lists had been changed. It only grows.
    fn changes(&self) -> i64 {
        self.marks.iter().map(|(_, _, changes)| changes).sum()
    }
}

/// What the use cases work with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    db: Db,
    clock: SharedClock,
    snapshot: Arc<RwLock<Snapshot>>,
    renewing: Arc<Mutex<()>>,
    models: Arc<RwLock<Models>>,
    heat: Heat,
    told: rating::Told,
    config: Arc<Config>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}

impl App {
    /// Use cases on a database with a loaded directory.
    ///
    /// # Errors
    /// [`Error::NoSuchDefault`] if the configuration names an office that is not there.
    pub fn new(
        db: Db,
        clock: SharedClock,
        snapshot: Snapshot,
        config: Config,
    ) -> Result<Self, Error> {
        let offices = &snapshot.directory.offices;
        let wrong = config.default_offices.iter().find(|id| offices.get(id).is_none());
        match wrong {
            Some(id) => Err(Error::NoSuchDefault(id.clone())),
            None => Ok(Self {
                db,
                clock,
                snapshot: Arc::new(RwLock::new(snapshot)),
                renewing: Arc::default(),
                models: Arc::default(),
                heat: Heat::default(),
                told: rating::Told::default(),
                config: Arc::new(config),
            }),
        }
    }

    /// The directory as it is now.
    pub fn directory(&self) -> Arc<Directory> {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&snapshot.directory)
    }

    /// The directory as it is now, and where its lists stand.
    fn snapshot(&self) -> Snapshot {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The time.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}

/// What a caller is to a case.
fn viewer(caller: &Caller, case: &Case) -> Viewer {
    Viewer {
        offices: caller.offices.clone(),
        divisions: caller.divisions.clone(),
        reads: reads(caller),
        works: caller.has("case:work"),
        supervises: caller.has("case:supervise"),
        any: caller.has("case:any"),
        author: caller.author_of(case.message_id.uuid()),
    }
}

/// Whether a caller may read the cases of their offices and divisions.
fn reads(caller: &Caller) -> bool {
    caller.has("case:work") || caller.has("case:read")
}

/// Says what happened to a case, in the transaction of its cause. A worker names the trace of the
/// cause.
async fn say(
    tx: &mut sqlx::PgConnection,
    now: jiff::Timestamp,
    case: &Case,
    facts: &[Fact],
    traceparent: Option<&str>,
) -> Result<(), sqlx::Error> {
    outbox::publish_all(tx, now, &told(case, facts, traceparent)).await.map(drop)
}

/// Says what an office did to a case, in the transaction of the deed; `request_id` is its own name for it.
async fn say_done(
    tx: &mut sqlx::PgConnection,
    now: jiff::Timestamp,
    case: &Case,
    facts: &[Fact],
    request_id: uuid::Uuid,
) -> Result<(), sqlx::Error> {
    let said: Vec<Outgoing> =
        facts.iter().map(|fact| events::of_case(case, fact, Some(request_id))).collect();
    outbox::publish_all(tx, now, &said).await.map(drop)
}

/// What is said of a case. The trace of the current span goes on, if that follows the cause's.
fn told(case: &Case, facts: &[Fact], traceparent: Option<&str>) -> Vec<Outgoing> {
    let cause = traceparent.map(|cause| continued(cause).unwrap_or_else(|| cause.to_owned()));
    facts.iter().map(|fact| events::of_case(case, fact, None).caused_by(cause.clone())).collect()
}

/// The current span's place in the trace, if it is the trace of the cause: version, trace, span.
fn continued(cause: &str) -> Option<String> {
    let trace = |traceparent: &str| traceparent.split('-').nth(1).map(str::to_owned);
    telemetry::current_traceparent().filter(|current| trace(current) == trace(cause))
}

/// The same without repetitions.
fn distinct<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    items.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
}
