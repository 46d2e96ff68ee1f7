//! What waits, in numbers for Prometheus: in the outbox, on the bus, and for an earlier event.
//! `docs/operations/metrics.md` explains each.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Bus, bus, ledger, relay};
use crate::{clock::SharedClock, db::Db, telemetry};

/// How often the numbers are asked for.
const LOOK: Duration = Duration::from_secs(5);
/// How many times longer than an answer took the next question waits at least: to count what waits is
/// to read it, and there may be much.
const SPARING: u32 = 20;

/// Tells what waits in the outbox of `service`, for as long as it runs.
pub(crate) async fn of_outbox(service: &'static str, db: Db, clock: SharedClock) {
    let labels = [("service", service)];
    loop {
        let began = Instant::now();
        match outbox(&db).await {
            Ok(waiting) => {
                let age = waiting
                    .oldest
                    .map_or(0, |said| clock.now().duration_since(said).as_secs().max(0));
                telemetry::gauge("messaging_outbox_waiting", waiting.events, &labels);
                telemetry::gauge("messaging_outbox_oldest_age_seconds", age, &labels);
            }
            Err(error) => tracing::debug!(service, %error, "the outbox could not be counted"),
        }
        rest(began).await;
    }
}

async fn outbox(db: &Db) -> Result<relay::Waiting, sqlx::Error> {
    relay::waiting(&mut *db.read().await?).await
}

/// Tells what `service` has not settled of `source`, for as long as it runs. While the bus is away, what
/// it said last stays.
pub(crate) async fn of_consumer(service: &'static str, source: &'static str, db: Db, bus: Bus) {
    let labels = [("service", service), ("source", source)];
    loop {
        let began = Instant::now();
        if bus.connected() {
            match bus.lag(source, service).await {
                Ok(bus::Lag { undelivered, unsettled }) => {
                    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                    telemetry::gauge("messaging_pending", number(undelivered + unsettled), &labels);
                    telemetry::gauge("messaging_ack_pending", number(unsettled), &labels);
                }
                // Before the source has spoken for the first time there is no stream.
                Err(error) => tracing::debug!(service, source, %error, "the bus tells no numbers"),
            }
        }
        match parked(&db, source).await {
            Ok(parked) => telemetry::gauge("messaging_parked", parked, &labels),
            Err(error) => tracing::debug!(service, source, %error, "parked events are not counted"),
        }
        rest(began).await;
    }
}

async fn parked(db: &Db, source: &str) -> Result<i64, sqlx::Error> {
    ledger::parked_count(&mut *db.read().await?, source).await
}

async fn rest(began: Instant) {
    sleep(LOOK.max(began.elapsed() * SPARING)).await;
}
