//! The sequencer: gives entries their places and signs heads.
//!
//! Any replica may be it, one at a time: the one that holds the lease. The lease keeps them from
//! working against each other; what keeps the log right is the fence: whoever appends locks the row
//! of the head and names the epoch of its lease, so that one who wakes after its lease was taken
//! finds another epoch there and appends nothing.

use std::{
    collections::HashSet,
    sync::PoisonError,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::App;
use crate::{
    domain::log::{Hash, head::Head, tree},
    error::Error,
    keys::Keys,
    store::log::{self as store, SignedHead, Waiting},
};

/// What a step of a sequencer met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<T> {
    /// It was done.
    Done(T),
    /// Another sequencer has the lease; nothing was done.
    LeaseLost,
}

impl App {
    /// One round of a sequencer: whether there may be more to do at once.
    ///
    /// # Errors
    /// The database's, or [`Error::LogBroken`].
    pub async fn sequence_once(&self, holder: Uuid) -> Result<bool, Error> {
        let Some(epoch) = self.take_log_lease(holder).await? else { return Ok(false) };
        // Asked first: to lock the head costs a commit, and mostly there is nothing to do.
        let news = store::news(&mut *self.0.db.read().await?).await?;
        let placed = match news.waiting {
            true => self.place_entries(epoch).await?,
            false => Step::Done(0),
        };
        let Step::Done(placed) = placed else { return Ok(false) };
        if placed > 0 || news.unsigned {
            self.sign_head(epoch).await?;
        }
        Ok(placed >= self.0.config.log.batch.max(1) as usize)
    }

    /// Takes or renews the sequencer's lease and gives its epoch; `None` while another one has it.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_log_lease(&self, holder: Uuid) -> Result<Option<i64>, Error> {
        let lease_ms = self.0.config.log.lease_ms;
        let held = store::held_lease(&mut *self.0.db.read().await?, holder, lease_ms / 2).await?;
        if held.is_some() {
            return Ok(held);
        }
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move { Ok(store::take_lease(tx, holder, lease_ms).await?) })
            })
            .await
    }

    /// Gives the entries that have waited longest their places. Gives how many were taken.
    ///
    /// # Errors
    /// The database's, or [`Error::LogBroken`] if the tree is not as it was left.
    pub async fn place_entries(&self, epoch: i64) -> Result<Step<usize>, Error> {
        let batch = self.0.config.log.batch.max(1);
        self.0.db.write(move |tx| Box::pin(async move { place(tx, epoch, batch).await })).await
    }

    /// Signs the tree as it is, if it is news and the newest head is not quite new. Gives whether
    /// it did. Never signs a tree that does not continue what was signed last.
    ///
    /// # Errors
    /// The database's, or [`Error::LogBroken`].
    pub async fn sign_head(&self, epoch: i64) -> Result<Step<bool>, Error> {
        let (app, now) = (self.clone(), self.0.clock.now());
        let seconds = self.0.config.log.head_seconds;
        let pause = SignedDuration::from_secs(i64::from(seconds));
        let rest = Duration::from_secs(u64::from(seconds));
        let signed = || self.0.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = signed().is_none_or(|at| at.elapsed() >= rest);
        let step = self
            .0
            .db
            .write(move |tx| {
                let due = Due { pause, rested, now };
                Box::pin(async move { sign(tx, &app.0.keys, epoch, due).await })
            })
            .await?;
        if step == Step::Done(true) {
            *signed() = Some(Instant::now());
        }
        Ok(step)
    }
}

async fn place(tx: &mut PgConnection, epoch: i64, batch: u32) -> Result<Step<usize>, Error> {
    let Some(size) = store::lock(tx, epoch).await? else { return Ok(Step::LeaseLost) };
    let mut waiting = store::take_waiting(tx, batch).await?;
    let taken = waiting.len();
    if taken == 0 {
        return Ok(Step::Done(0));
    }
    // No leaf has two places. That none comes twice is the rule; one that did would otherwise stop
    // the log for ever. So what is there already is looked for if it is met, and not each time.
    let mut met = HashSet::with_capacity(taken);
    waiting.retain(|it| met.insert(it.leaf_hash.clone()));
    let mut attempt = tx.begin().await?;
    match grow(&mut attempt, size, &waiting).await {
        Ok(()) => attempt.commit().await?,
        Err(error) if error.is_of(store::LEAF_PLACED) => {
            attempt.rollback().await?;
            let hashes: Vec<Vec<u8>> = waiting.iter().map(|it| it.leaf_hash.clone()).collect();
            let placed = store::placed(tx, &hashes).await?;
            waiting.retain(|it| !placed.contains(&it.leaf_hash));
            grow(tx, size, &waiting).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(Step::Done(taken))
}

/// Appends leaves to a tree of this size.
async fn grow(tx: &mut PgConnection, size: u64, waiting: &[Waiting]) -> Result<(), Error> {
    let leaves: Vec<Hash> = waiting
        .iter()
        .map(|it| it.leaf_hash.as_slice().try_into().map_err(|_| Error::LogBroken))
        .collect::<Result<_, _>>()?;
    store::insert_leaves(tx, size, waiting).await?;
    let mut tiles = store::tiles(tx, &tree::edge(size)).await?;
    let changed = tree::append(size, &leaves, &mut tiles)?;
    store::put_tiles(tx, &tree::only(&tiles, &changed)).await?;
    Ok(store::move_head(tx, size + leaves.len() as u64).await?)
}

/// Whether the next head is due.
#[derive(Debug, Clone, Copy)]
struct Due {
    /// The least time from one head to the next.
    pause: SignedDuration,
    /// Whether this process has signed none for as long.
    rested: bool,
    now: Timestamp,
}

async fn sign(
    tx: &mut PgConnection,
    keys: &Keys,
    epoch: i64,
    Due { pause, rested, now }: Due,
) -> Result<Step<bool>, Error> {
    let Some(size) = store::lock(tx, epoch).await? else { return Ok(Step::LeaseLost) };
    let before = store::newest_head(tx).await?;
    let earlier = before.as_ref().map(|before| before.signed_at);
    if let Some(before) = &before {
        if size < before.size {
            return Err(Error::LogBroken);
        }
        let since = now.duration_since(before.signed_at);
        // By the clock of whoever signed it, or of this process where that one was ahead.
        let is_new = if since.is_negative() { !rested } else { since < pause };
        if size == before.size || is_new {
            return Ok(Step::Done(false));
        }
    }
    let mut needs = tree::needs_of_root(size);
    needs.extend(before.iter().flat_map(|before| tree::needs_of_root(before.size)));
    let tiles = store::tiles(tx, &needs).await?;
    if let Some(before) = before
        && tree::root(before.size, &tiles)? != before.root_hash
    {
        return Err(Error::LogBroken);
    }
    let head = Head { size, root_hash: tree::root(size, &tiles)? };
    let checkpoint = keys.sign_head(head).map_err(|_| Error::LogBroken)?;
    // A clock that was ahead must not stop the log, and heads never go back in time.
    let signed_at = earlier.map_or(now, |earlier| now.max(earlier));
    let signed = SignedHead { size, root_hash: head.root_hash, checkpoint, signed_at };
    store::insert_head(tx, &signed).await?;
    Ok(Step::Done(true))
}
