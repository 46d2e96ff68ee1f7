//! The end of the log as one process sees it: where it is, and the newest events. One look at the
//! database serves all streams of the process.

use std::sync::{Arc, PoisonError, RwLock};

use liuyan_kit::db::Db;
use tokio::sync::{Mutex, watch};

use super::{recent::Recent, shelf::Shelf};
use crate::{
    config::Config,
    domain::{Entry, Facts, Head},
    error::Error,
    store,
};

/// Events that are fetched at a time, which bounds what one look holds in memory.
const AT_A_TIME: i64 = 256;

/// Follows the end of the log.
#[derive(Debug)]
pub struct Tail {
    db: Db,
    shelf: Arc<Shelf>,
    head: watch::Sender<Head>,
    recent: RwLock<Recent>,
    /// One look at a time.
    looking: Mutex<()>,
    most_recent: i64,
    most_bytes: usize,
}

impl Tail {
    /// Looks for the first time.
    ///
    /// # Errors
    /// [`Error::HeadMissing`] if the log was not begun, or lost its head.
    pub async fn open(db: Db, shelf: Arc<Shelf>, config: &Config) -> Result<Self, Error> {
        let head = {
            let mut connection = db.read().await?;
            store::head::read(&mut connection).await?.ok_or(Error::HeadMissing)?
        };
        Ok(Self {
            db,
            shelf,
            head: watch::Sender::new(head),
            recent: RwLock::new(Recent::new(config.recent_events, config.recent_bytes)),
            looking: Mutex::new(()),
            most_recent: i64::try_from(config.recent_events).unwrap_or(i64::MAX),
            most_bytes: config.recent_bytes,
        })
    }

    /// The end of the log as it was last seen.
    pub fn head(&self) -> Head {
        *self.head.borrow()
    }

    /// Tells each time that the log has grown.
    pub fn heads(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// Looks where the log ends now. If it has grown, the new events are fetched once and then
    /// everybody who waits is woken.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn refresh(&self) -> Result<(), Error> {
        let _one_at_a_time = self.looking.lock().await;
        let known = self.head();
        let head = {
            let mut connection = self.db.read().await?;
            store::head::read(&mut connection).await?.ok_or(Error::HeadMissing)?
        };
        if head == known {
            return Ok(());
        }
        // The head is read before the events: what is rewritten in between shows as a change of
        // `rewrites` at the next look.
        if head.rewrites != known.rewrites || head.epoch != known.epoch {
            self.recent.write().unwrap_or_else(PoisonError::into_inner).clear();
            self.shelf.forget();
        }
        let mut after =
            known.position.max(head.position - self.most_recent).max(head.before_oldest());
        while after < head.position {
            let facts = {
                let mut connection = self.db.read().await?;
                store::log::facts(&mut connection, after, head.position, AT_A_TIME).await?
            };
            let facts = within(facts, self.most_bytes);
            let Some(last) = facts.last() else { break };
            after = last.position;
            let entries = self.shelf.entries(facts).await?;
            let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
            entries.into_iter().for_each(|entry| recent.push(entry));
        }
        self.head.send_replace(head);
        Ok(())
    }

    /// Lets `read` go through the events after a position up to another, if memory has them all.
    pub fn recent<T>(
        &self,
        after: i64,
        until: i64,
        read: impl FnOnce(&mut dyn Iterator<Item = &Arc<Entry>>) -> T,
    ) -> Option<T> {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        let mut entries = recent.between(after, until)?;
        Some(read(&mut entries))
    }
}

/// The first events whose payloads fit together; at least one.
fn within(mut facts: Vec<Facts>, most_bytes: usize) -> Vec<Facts> {
    let mut bytes = 0;
    let fitting = facts
        .iter()
        .take_while(|facts| {
            bytes += facts.payload_bytes;
            bytes <= most_bytes
        })
        .count();
    facts.truncate(fitting.max(1));
    facts
}
