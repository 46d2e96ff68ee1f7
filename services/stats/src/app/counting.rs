//! Counting: what waits is counted, in one transaction and by one writer.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::telemetry;
use sqlx::PgConnection;
use tracing::Instrument as _;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        cell::Delta,
        count::{self, Contribution},
    },
    error::Error,
    store::{counted, facts, head, offices, pending, recount::offices_of, tallies},
};

/// The most causes that a round names in its trace.
const MOST_LINKS: usize = 64;
/// The least step of time that the database keeps.
const TICK: SignedDuration = SignedDuration::from_micros(1);

/// What a round of counting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// How many events it took into account.
    pub events: usize,
    /// Whether more may wait.
    pub more: bool,
}

impl App {
    /// Counts some of what waits. Does nothing if another process is at it.
    ///
    /// # Errors
    /// The database's; what waits goes on waiting.
    pub async fn count_some(&self) -> Result<Round, Error> {
        let (batch, now) = (self.config.count_batch.max(1), self.clock.now());
        self.db
            .write(move |tx| {
                let span = tracing::info_span!("app.messages.count");
                Box::pin(async move { Ok(round(tx, batch, now).await?) }.instrument(span))
            })
            .await
    }
}

async fn round(tx: &mut PgConnection, batch: u32, now: Timestamp) -> Result<Round, sqlx::Error> {
    // The lock is the fence: whoever holds this row is the only one who changes a sum, until its
    // commit; nobody can wake up later and write by an old state.
    let Some(mut head) = head::try_lock(tx).await? else { return Ok(Round::default()) };
    let waiting = pending::take(tx, i64::from(batch)).await?;
    for one in waiting.iter().take(MOST_LINKS) {
        telemetry::link(&tracing::Span::current(), one.traceparent.as_deref());
    }
    // A clock that is ahead somewhere must not let deadlines pass that are still to come.
    let told = waiting.iter().map(|one| one.at.min(now));
    head.counted_until = told.chain(head.counted_until).max();
    let until = head.counted_until.map(|until| until.min(now));
    let (as_of, overdue) = pass_deadlines(tx, head.as_of, until).await?;
    head.as_of = as_of;
    let ids: BTreeSet<Uuid> = waiting.iter().map(|one| one.message_id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    count_messages(tx, &ids, as_of).await?;
    head::advance(tx, &head).await?;
    Ok(Round { events: waiting.len(), more: waiting.len() >= batch as usize || overdue > 0 })
}

/// Moves the time before which deadlines count as passed: up to `until`, or just beyond the next
/// deadline that a case without a reply has; these cases wait to be counted then, in this same
/// transaction. Gives the time, and how many they are.
async fn pass_deadlines(
    tx: &mut PgConnection,
    as_of: Timestamp,
    until: Option<Timestamp>,
) -> Result<(Timestamp, u64), sqlx::Error> {
    let Some(until) = until.filter(|until| *until > as_of) else { return Ok((as_of, 0)) };
    match pending::next_deadline(tx, as_of, until).await? {
        None => Ok((until, 0)),
        Some(deadline) => {
            let overdue = pending::add_overdue(tx, deadline).await?;
            Ok((deadline.saturating_add(TICK).unwrap_or(until), overdue))
        }
    }
}

/// Counts messages: the tallies move by the difference between what each adds now and what was
/// counted of it before.
async fn count_messages(
    tx: &mut PgConnection,
    ids: &[Uuid],
    as_of: Timestamp,
) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let facts = facts::of(tx, ids).await?;
    let before = counted::of(tx, ids).await?;
    let paths = offices::paths(tx, &offices_of(&facts)).await?;
    let path = |office: &str| paths.get(office).cloned().unwrap_or_default();
    let mut delta = Delta::default();
    let (mut fresh, mut stale): (Vec<(Uuid, Contribution)>, Vec<Uuid>) = Default::default();
    for (id, fact) in &facts {
        let new = count::contribution(fact, as_of, path);
        match before.get(id) {
            Some(old) if *old == new => continue,
            Some(old) => {
                delta.add(old, -1);
                stale.push(*id);
            }
            None => {}
        }
        delta.add(&new, 1);
        fresh.push((*id, new));
    }
    delta.settle();
    if !fresh.is_empty() {
        counted::delete(tx, &stale).await?;
        counted::insert(tx, &fresh).await?;
        tallies::add(tx, &delta).await?;
    }
    Ok(())
}
