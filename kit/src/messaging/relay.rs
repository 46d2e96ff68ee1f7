//! The relay: carries events from the outbox to the bus.
//!
//! One relay per database is at work, the one that holds the lease. It reads what waits in the
//! order in which it was said, publishes it side by side, and deletes from `waiting_batches` what the
//! bus has acknowledged, if its epoch is still the current one. There is no cursor: a batch that is
//! committed late waits like every other and cannot be skipped. An old relay that wakes after it lost
//! the lease can publish an event twice, which consumers recognise, but it can mark nothing.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Bus, outbox};
use crate::{clock::SharedClock, config, db::Db, host::Readiness, id};

mod store;

pub use store::{
    Marked, Unpublished, compare, mark, published, say_again, take_lease, unpublished,
};
pub(super) use store::{Waiting, waiting};

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
    #[error("the bus takes no events: its storage is full, or it is away")]
    NotTaken,
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
                Ok(carried) if carried >= self.settings.relay_batch as usize => {}
                Ok(carried) => {
                    self.readiness.set("relay", Ok(()));
                    if carried > 0 {
                        sleep(Duration::from_millis(self.settings.relay_rest_ms)).await;
                    }
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
                    // What goes wrong is told once, by the condition; its causes are for who looks closer.
                    tracing::debug!(
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
        let waiting = {
            let mut connection = self.db.read().await?;
            unpublished(&mut connection, self.settings.relay_batch).await?
        };
        if waiting.events.is_empty() {
            return Ok(0);
        }
        self.carry(held, waiting, looked).await
    }

    /// Publishes what waits, and marks what the bus acknowledged.
    ///
    /// # Errors
    /// If the mark cannot be written; the events will be published again.
    async fn carry(
        &self,
        held: Lease,
        waiting: Unpublished,
        looked: &mut Option<Instant>,
    ) -> Result<usize, Trouble> {
        let outcomes = self.bus.publish(self.source, &waiting.events).await;
        let published: Vec<Uuid> = waiting
            .events
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| outcome.is_some())
            .map(|((event, _), _)| event.event_id)
            .collect();
        if published.is_empty() {
            // To try again at once would keep a processor busy, and the bus.
            return Err(Trouble::NotTaken);
        }
        if published.len() < waiting.events.len() {
            // The stream may be gone: look before the next round.
            *looked = None;
            tracing::warn!(
                source = self.source,
                unknown = waiting.events.len() - published.len(),
                "publications without a known outcome will be repeated"
            );
        }
        // A repeated publication is told the place of the first one, which says nothing new.
        let fresh = outcomes.iter().flatten().filter(|outcome| !outcome.repeated);
        let highest = fresh.map(|outcome| outcome.sequence).max();
        match mark(&self.db, held.epoch, &waiting, &published, highest).await? {
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
