//! What routing does: one use case, one function, one transaction.

use std::{collections::BTreeSet, sync::Arc};

use liuyan_kit::{auth::Caller, clock::SharedClock, db::Db};

use crate::{
    config::Config,
    domain::{
        access::Viewer,
        case::{Case, Fact},
        directory::Directory,
    },
    error::Error,
    events,
};

pub mod casework;
pub mod loading;
pub mod opening;
pub mod rating;
pub mod reading;
pub mod texts;
pub mod withdrawing;

/// What the use cases work with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    db: Db,
    clock: SharedClock,
    directory: Arc<Directory>,
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
        directory: Arc<Directory>,
        config: Config,
    ) -> Result<Self, Error> {
        let wrong = config.default_offices.iter().find(|id| directory.offices.get(id).is_none());
        match wrong {
            Some(id) => Err(Error::NoSuchDefault(id.clone())),
            None => Ok(Self { db, clock, directory, config: Arc::new(config) }),
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
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
    let works = caller.has("case:work");
    Viewer {
        offices: caller.offices.clone(),
        reads: works || caller.has("case:read"),
        works,
        any: caller.has("case:any"),
        author: caller.author_of(case.message_id.uuid()),
    }
}

/// Says what happened to a case, in the transaction of its cause.
async fn say(
    tx: &mut sqlx::PgConnection,
    now: jiff::Timestamp,
    case: &Case,
    facts: &[Fact],
) -> Result<(), sqlx::Error> {
    let events: Vec<_> = facts.iter().map(|fact| events::of_case(case, fact)).collect();
    liuyan_kit::messaging::outbox::publish_all(tx, now, &events).await.map(drop)
}

/// The same without repetitions.
fn distinct<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    items.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
}
