//! The verbs of the feed: append what waits, read the log, follow it.

pub mod append;
pub mod by_id;
pub mod consume;
pub mod ending;
pub mod export;
pub mod follow;
pub mod gate;
pub mod held;
pub mod page;
pub mod parking;
pub mod recent;
pub mod shelf;
pub mod streams;
pub mod subscriptions;
pub mod tail;
pub mod troubles;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use liuyan_kit::{clock::SharedClock, db::Db, id};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    domain::{
        Head, PageLimits,
        cursor::{Cursor, InSnapshot},
        filter::Filter,
    },
    error::Error,
    store,
};

use self::{
    gate::Gate, held::Held, page::Page, shelf::Shelf, streams::Streams, tail::Tail,
    troubles::Troubles,
};

/// What all verbs need. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The feed's own database.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// The settings.
    pub config: Arc<Config>,
    /// Where payloads come from.
    pub shelf: Arc<Shelf>,
    /// The end of the log.
    pub tail: Arc<Tail>,
    /// Who may have how many streams.
    pub gate: Arc<Gate>,
    /// The streams of subscriptions.
    pub streams: Arc<Streams>,
    /// Signalled when something in an object was taken back.
    pub rewritten: Arc<Notify>,
    /// The cases whose events cannot be appended yet.
    pub held: Arc<Held>,
    /// The stretches that could not be worked on.
    pub troubles: Arc<Troubles>,
    /// Cancelled when the process is ending.
    pub stopping: CancellationToken,
}

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// After a cursor.
    Cursor(Cursor),
    /// At the first event recorded at or after a time.
    Time(Timestamp),
    /// At the oldest event kept.
    Earliest,
    /// After the newest event.
    Latest,
    /// With the views of all cases as of the newest event.
    Snapshot,
    /// In the middle of those.
    InSnapshot(InSnapshot),
}

/// Asks for a page.
#[derive(Debug, Clone)]
pub struct List {
    /// Where to begin.
    pub start: Start,
    /// Which events.
    pub filter: Filter,
    /// How much.
    pub limits: PageLimits,
    /// How long to wait for a first event.
    pub wait: Duration,
}

/// Begins the log, if there is none yet.
///
/// # Errors
/// If the database fails.
pub async fn found(db: &Db, now: Timestamp) -> Result<(), Error> {
    let epoch = id::v7(now);
    db.write(move |tx| Box::pin(async move { Ok(store::head::found(tx, epoch, now).await?) })).await
}

/// Begins a new life of the log. The operator calls it after a restore from a backup, before
/// readers come: they are then told where to resume, instead of missing what the backup missed. Gives the end
/// of the log, at which the new life begins.
///
/// # Errors
/// If the database fails, or the log has not been begun.
pub async fn begin_epoch(db: &Db, now: Timestamp) -> Result<Head, Error> {
    let epoch = id::v7(now);
    db.write(move |tx| {
        Box::pin(async move {
            store::head::lock(tx).await?.ok_or(Error::HeadMissing)?;
            store::head::begin_epoch(tx, epoch).await?;
            store::head::read(tx).await?.ok_or(Error::HeadMissing)
        })
    })
    .await
}

impl App {
    /// The end of the log as this process last saw it.
    pub fn head(&self) -> Head {
        self.tail.head()
    }

    /// The position after which a reader begins. If a cursor seems wrong, the head is looked at
    /// again first: another replica may be ahead of what this one has seen.
    ///
    /// # Errors
    /// See [`crate::domain::cursor::Misplaced`].
    pub async fn place(&self, start: Start) -> Result<i64, Error> {
        let head = self.head();
        match start {
            Start::Cursor(cursor) => match cursor.resolve(&head) {
                Ok(position) => Ok(position),
                Err(_) => {
                    self.tail.refresh().await?;
                    Ok(cursor.resolve(&self.head())?)
                }
            },
            Start::Time(time) => {
                let mut connection = self.db.read().await?;
                let first = store::log::first_since(&mut connection, time).await?;
                Ok(first.map_or(head.position, |first| first - 1))
            }
            Start::Earliest => Ok(head.before_oldest()),
            Start::Latest | Start::Snapshot => Ok(head.position),
            Start::InSnapshot(place) => match place.resolve(&head) {
                Ok(position) => Ok(position),
                Err(_) => {
                    self.tail.refresh().await?;
                    Ok(place.resolve(&self.head())?)
                }
            },
        }
    }

    /// Gives a page; waits for news if it would be empty at the end of the log.
    ///
    /// # Errors
    /// If the place does not exist or the database fails.
    pub async fn list(&self, request: &List) -> Result<(Page, Head), Error> {
        let after = self.place(request.start).await?;
        let mut heads = self.tail.heads();
        let mut head = *heads.borrow_and_update();
        let mut page = self.page(after, head.position, &request.filter, request.limits).await?;
        let until = tokio::time::Instant::now() + request.wait;
        while page.entries.is_empty() && page.position == head.position {
            let news = tokio::select! {
                changed = heads.changed() => changed.is_ok(),
                () = tokio::time::sleep_until(until) => false,
                () = self.stopping.cancelled() => false,
            };
            if !news {
                break;
            }
            head = *heads.borrow_and_update();
            let recorded_at = page.recorded_at;
            page = self.page(page.position, head.position, &request.filter, request.limits).await?;
            page.recorded_at = page.recorded_at.or(recorded_at);
        }
        if page.recorded_at.is_none() {
            page.recorded_at = self.recorded_at(page.position, &head).await?;
        }
        Ok((page, head))
    }

    /// When the event at a position was recorded; `None` before the first one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn recorded_at(
        &self,
        position: i64,
        head: &Head,
    ) -> Result<Option<Timestamp>, Error> {
        if position == 0 {
            return Ok(None);
        }
        if position == head.position {
            return Ok(Some(head.recorded_at));
        }
        let mut connection = self.db.read().await?;
        Ok(store::log::recorded_at(&mut connection, position).await?)
    }
}
