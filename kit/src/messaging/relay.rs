//! The relay: carries events from the outbox to the bus.
//!
//! One relay per database is at work, the one that holds the lease. It reads unpublished rows in
//! the order of their ids, publishes them side by side, and marks those that the bus has
//! acknowledged, if its epoch is still the current one. It keeps marks, never a cursor: a row that
//! is committed late cannot be skipped. An old relay that wakes after it lost the lease can publish
//! an event twice, which consumers recognise, but it can mark nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use sqlx::PgConnection;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Bus, Envelope, bus::StreamState, envelope::Kept, outbox};
use crate::{
    clock::{self, SharedClock},
    config,
    db::Db,
    host::Readiness,
    id,
};

/// How often the stream is looked at while nothing is said.
const LOOK: Duration = Duration::from_secs(1);
/// How often partitions are made ahead.
const PARTITIONS: Duration = Duration::from_secs(3_600);
/// The wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Whether this process's relay holds the lease, for others whose work only one replica does. It may be
/// out of date: whoever relies on it asks the database again, in the transaction that counts.
#[derive(Debug, Clone, Default)]
pub struct Office(Arc<Mutex<Option<i64>>>);

impl Office {
    /// The epoch, if the relay was at work when it last looked.
    pub fn epoch(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, epoch: Option<i64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = epoch;
    }
}

/// A relay and what it needs.
#[derive(Clone)]
pub struct Relay {
    /// The service whose outbox this is.
    pub source: &'static str,
    /// Its database.
    pub db: Db,
    /// The bus.
    pub bus: Bus,
    /// Batch size, poll interval, lease.
    pub settings: config::Messaging,
    /// The time.
    pub clock: SharedClock,
    /// Where it says how it is.
    pub readiness: Readiness,
    /// Where it says whether it holds the lease.
    pub office: Office,
    /// Ends it.
    pub stopping: CancellationToken,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("source", &self.source).finish_non_exhaustive()
    }
}

/// A lease that this relay holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Grows with each change of the holder.
    pub epoch: i64,
    /// When it was last known to be held, by this process's own clock.
    since: Instant,
}

/// What goes wrong in a round; the next one tries again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the database is away")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Bus(#[from] super::bus::Error),
}

/// Carries events until it is stopped, and wakes the relays of other replicas after commits here.
pub async fn run(relay: Relay) {
    let stopping = relay.stopping.clone();
    tokio::select! {
        () = stopping.cancelled() => {}
        () = relay.carry_on() => {}
        () = relay.keep_partitions() => {}
    }
}

impl Relay {
    async fn carry_on(&self) {
        let holder = id::v7(self.clock.now());
        let committed = self.db.committed();
        let mut wakes = None;
        let mut looked: Option<Instant> = None;
        let mut lease = None;
        loop {
            if wakes.is_none() && self.bus.connected() {
                wakes = self.bus.wakes(self.source).await.ok().map(Box::pin);
            }
            match self.round(holder, &mut lease, &mut looked).await {
                Ok(carried) if carried == self.settings.relay_batch as usize => {}
                Ok(_) => {
                    self.readiness.set("relay", Ok(()));
                    let poll = Duration::from_millis(self.settings.relay_poll_ms);
                    let woken = async {
                        match wakes.as_mut() {
                            Some(wakes) => wakes.next().await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        () = committed.notified() => {
                            if lease.is_none() {
                                self.bus.wake(self.source).await;
                            }
                        }
                        _ = woken => {}
                        () = sleep(poll) => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(
                        source = self.source,
                        error = &error as &dyn std::error::Error,
                        "the relay was interrupted"
                    );
                    self.readiness.set("relay", Err(error.to_string()));
                    looked = None;
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    /// One round: lease, stream, events. Gives how many events were carried.
    async fn round(
        &self,
        holder: Uuid,
        lease: &mut Option<Lease>,
        looked: &mut Option<Instant>,
    ) -> Result<usize, Trouble> {
        let third = Duration::from_millis(self.settings.lease_ms) / 3;
        if lease.is_none_or(|lease| lease.since.elapsed() > third) {
            *lease = self.take_lease(holder).await?;
            self.office.set(lease.map(|lease| lease.epoch));
        }
        let Some(held) = *lease else { return Ok(0) };
        if looked.is_none_or(|looked| looked.elapsed() > LOOK) {
            self.look(held).await?;
            *looked = Some(Instant::now());
        }
        let events = {
            let mut connection = self.db.read().await?;
            unpublished(&mut connection, self.settings.relay_batch).await?
        };
        if events.is_empty() {
            return Ok(0);
        }
        self.carry(held, &events, looked).await
    }

    /// Publishes events and marks those that the bus acknowledged.
    ///
    /// # Errors
    /// If the mark cannot be written; the events will be published again.
    async fn carry(
        &self,
        held: Lease,
        events: &[(Envelope, i32)],
        looked: &mut Option<Instant>,
    ) -> Result<usize, Trouble> {
        let outcomes = self.bus.publish(self.source, events).await;
        let published: Vec<(Uuid, i32)> = events
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| outcome.is_some())
            .map(|((event, attempt), _)| (event.event_id, *attempt))
            .collect();
        if published.len() < events.len() {
            // The stream may be gone: look before the next round.
            *looked = None;
            tracing::warn!(
                source = self.source,
                unknown = events.len() - published.len(),
                "publications without a known outcome will be repeated"
            );
        }
        if published.is_empty() {
            return Ok(0);
        }
        // A repeated publication is told the place of the first one, which says nothing new.
        let fresh = outcomes.iter().flatten().filter(|outcome| !outcome.repeated);
        let highest = fresh.map(|outcome| outcome.sequence).max();
        match mark(&self.db, held.epoch, &published, highest, self.clock.now()).await? {
            Marked::Yes => Ok(published.len()),
            Marked::BusHasLost(again) => {
                *looked = None;
                self.tell_of_loss(again);
                Ok(0)
            }
            Marked::LeaseLost => {
                tracing::warn!(
                    source = self.source,
                    "the lease was lost; another relay is at work"
                );
                Ok(0)
            }
        }
    }

    fn tell_of_loss(&self, again: u64) {
        tracing::warn!(
            source = self.source,
            events = again,
            "the bus has lost events; all that is not confirmed is said again"
        );
    }

    /// Takes or renews the lease; `None` while another relay holds it.
    ///
    /// # Errors
    /// The database's.
    async fn take_lease(&self, holder: Uuid) -> Result<Option<Lease>, sqlx::Error> {
        let since = Instant::now();
        let epoch = take_lease(&self.db, holder, self.settings.lease_ms).await?;
        Ok(epoch.map(|epoch| Lease { epoch, since }))
    }

    /// Looks at the stream. If it is gone it is declared again; if it was created anew or has
    /// become shorter, the bus has lost events, and all that is not confirmed is said again.
    async fn look(&self, held: Lease) -> Result<(), Trouble> {
        let state = self.bus.declare(self.source).await?;
        let again = compare(&self.db, held.epoch, state).await?;
        if again > 0 {
            self.tell_of_loss(again);
        }
        Ok(())
    }

    async fn keep_partitions(&self) {
        loop {
            let now = self.clock.now();
            let made = self
                .db
                .write(move |tx| Box::pin(async move { outbox::make_partitions(tx, now).await }))
                .await;
            if let Err(error) = &made {
                tracing::warn!(source = self.source, %error, "partitions could not be made");
            }
            let ready = match timeout(AFTER_FAILURE * 20, self.db.read()).await {
                Ok(Ok(mut connection)) => {
                    outbox::ready_for_tomorrow(&mut connection, now).await.unwrap_or(false)
                }
                _ => false,
            };
            let condition = if ready {
                Ok(())
            } else {
                Err("the outbox has no partition for tomorrow".to_owned())
            };
            self.readiness.set("partitions", condition);
            sleep(if ready { PARTITIONS } else { AFTER_FAILURE * 20 }).await;
        }
    }
}

/// Takes the lease, or renews it, and gives its epoch; `None` while another holds it. The time is
/// the database's: relays of several machines must agree.
///
/// # Errors
/// The database's.
pub async fn take_lease(db: &Db, holder: Uuid, lease_ms: u64) -> Result<Option<i64>, sqlx::Error> {
    let millis = i64::try_from(lease_ms).unwrap_or(i64::MAX) as f64;
    db.write(move |tx| {
        Box::pin(async move {
            sqlx::query_scalar!(
                "update messaging.relay
                 set epoch = epoch + case when holder is not distinct from $1 then 0 else 1 end,
                     holder = $1,
                     expires_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
                 where holder is not distinct from $1 or expires_at < clock_timestamp()
                 returning epoch",
                holder,
                millis
            )
            .fetch_optional(tx)
            .await
        })
    })
    .await
}

/// The oldest unpublished events, with the number of the attempt.
///
/// # Errors
/// The database's.
pub async fn unpublished(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(Envelope, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select event_id, subject_id, version, type as kind, payload, headers, attempt
         from messaging.outbox where published_at is null order by id limit $1",
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let kept = Kept {
                event_id: row.event_id,
                subject_id: row.subject_id,
                version: row.version,
                kind: row.kind,
                payload: row.payload,
                headers: row.headers,
            };
            (Envelope::from_kept(kept), row.attempt)
        })
        .collect())
}

/// What a mark met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// The events are marked.
    Yes,
    /// The bus gave a place that it had given before: it has lost events. So many are to be said
    /// again, these among them.
    BusHasLost(u64),
    /// Another relay holds the lease; nothing was marked.
    LeaseLost,
}

/// Marks events as published, if the lease of `epoch` still stands. `highest` is the highest place
/// that the bus gave to an event that it did not know.
///
/// # Errors
/// The database's.
pub async fn mark(
    db: &Db,
    epoch: i64,
    published: &[(Uuid, i32)],
    highest: Option<u64>,
    now: jiff::Timestamp,
) -> Result<Marked, sqlx::Error> {
    let mut by_attempt: BTreeMap<i32, Vec<Uuid>> = BTreeMap::new();
    for (event_id, attempt) in published {
        by_attempt.entry(*attempt).or_default().push(*event_id);
    }
    let highest = highest.map(|highest| i64::try_from(highest).unwrap_or(i64::MAX));
    db.write(move |tx| {
        Box::pin(async move {
            // The lock of the row fences: no other relay takes the lease before this commits.
            let row =
                sqlx::query!("select epoch, stream_last_sequence from messaging.relay for update")
                    .fetch_one(&mut *tx)
                    .await?;
            if row.epoch != epoch {
                return Ok(Marked::LeaseLost);
            }
            // By key, and said so that the index of what is unpublished can't serve: read once for each
            // batch, a long backlog would take the square of its length.
            for (attempt, event_ids) in &by_attempt {
                sqlx::query!(
                    "update messaging.outbox set published_at = $3
                     where event_id = any($1) and attempt = $2
                       and coalesce(published_at, 'infinity') = 'infinity'",
                    event_ids,
                    attempt,
                    clock::to_db(now)
                )
                .execute(&mut *tx)
                .await?;
            }
            let Some(highest) = highest else { return Ok(Marked::Yes) };
            let lost = highest <= row.stream_last_sequence;
            let again = if lost { say_again_unconfirmed(tx).await? } else { 0 };
            sqlx::query!("update messaging.relay set stream_last_sequence = $1", highest)
                .execute(tx)
                .await?;
            Ok(if lost { Marked::BusHasLost(again) } else { Marked::Yes })
        })
    })
    .await
}

/// Compares the stream with what was last seen of it. If it is younger or shorter, everything
/// that is not confirmed by every consumer is to be said again; gives how many events that are.
///
/// # Errors
/// The database's.
pub async fn compare(db: &Db, epoch: i64, state: StreamState) -> Result<u64, sqlx::Error> {
    let created_at = clock::to_db(state.created_at);
    let last = i64::try_from(state.last_sequence).unwrap_or(i64::MAX);
    db.write(move |tx| {
        Box::pin(async move {
            let row = sqlx::query!(
                "select epoch, stream_created_at, stream_last_sequence
                 from messaging.relay for update"
            )
            .fetch_one(&mut *tx)
            .await?;
            if row.epoch != epoch {
                return Ok(0);
            }
            let lost = row.stream_created_at.is_some_and(|seen| seen != created_at)
                || last < row.stream_last_sequence;
            let again = if lost { say_again_unconfirmed(tx).await? } else { 0 };
            if lost || row.stream_created_at.is_none() {
                sqlx::query!(
                    "update messaging.relay
                     set stream_created_at = $1, stream_last_sequence = $2",
                    created_at,
                    last
                )
                .execute(tx)
                .await?;
            }
            Ok(again)
        })
    })
    .await
}

/// Marks everything that is not confirmed by every consumer as to be published again, each under
/// a new message id.
async fn say_again_unconfirmed(tx: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let again = sqlx::query!(
        "update messaging.outbox set published_at = null, attempt = attempt + 1
         where published_at is not null
           and event_id >= messaging.first_id_at(greatest(
               (select min(confirmed_before) from messaging.confirmations), 'epoch'))"
    )
    .execute(tx)
    .await?;
    Ok(again.rows_affected())
}

/// The ids of the newest published events.
///
/// # Errors
/// The database's.
pub async fn published(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select event_id from messaging.outbox where published_at is not null
         order by event_id desc limit $1",
        limit
    )
    .fetch_all(connection)
    .await
}

/// Marks the named events as to be published again, each under a new message id. Gives how many
/// had been published before.
///
/// # Errors
/// The database's.
pub async fn say_again(tx: &mut PgConnection, event_ids: &[Uuid]) -> Result<u64, sqlx::Error> {
    let again = sqlx::query!(
        "update messaging.outbox set published_at = null, attempt = attempt + 1
         where event_id = any($1) and published_at is not null",
        event_ids
    )
    .execute(tx)
    .await?;
    Ok(again.rows_affected())
}
