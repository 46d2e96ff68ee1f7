//! The loop that hears one source: takes what has come, settles it, acknowledges it, and sees to
//! it that it never stops.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Consumer, Fault, Settled};
use crate::{
    clock::SharedClock,
    config,
    db::Db,
    host::Readiness,
    messaging::{
        Bus, Envelope,
        bus::{Delivery, Error},
        ledger,
    },
    telemetry,
};

/// How often parked events are looked for that nothing holds back, and dead letters that a person
/// wants to be tried again.
const SWEEP: Duration = Duration::from_millis(500);
/// How many of them at a time.
const SWEEP_LIMIT: i64 = 200;
/// A consumer with pending events that makes no progress for this long takes its stream anew.
const STALL: Duration = Duration::from_secs(60);
/// The first wait before a lost stream is asked for again; it doubles up to a second.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What the loop needs beside its consumer.
#[derive(Clone)]
pub struct Pace {
    /// The service that hears; the durable's name.
    pub service: &'static str,
    /// Its database.
    pub db: Db,
    /// The bus.
    pub bus: Bus,
    /// Batch sizes, limits and waits.
    pub settings: config::Messaging,
    /// The time.
    pub clock: SharedClock,
    /// Where the loop says how it is.
    pub readiness: Readiness,
    /// Ends it.
    pub stopping: CancellationToken,
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pace").field("service", &self.service).finish_non_exhaustive()
    }
}

/// Hears until it is stopped. A stream that fails or ends is taken anew; nothing ends this loop.
pub async fn run(consumer: Arc<Consumer>, pace: Pace) {
    let condition = format!("hears-{}", consumer.source());
    let sweeping = sweep(Arc::clone(&consumer), pace.clone());
    let hearing = async {
        let mut wait = FIRST_WAIT;
        loop {
            let started = Instant::now();
            match hear(&consumer, &pace, &condition).await {
                Ok(()) => tracing::debug!(source = consumer.source(), "the stream ended"),
                Err(error) => {
                    // Before its source has spoken for the first time there is nothing to hear.
                    if matches!(error, Error::NoStream(_) | Error::NoConsumer(_)) {
                        tracing::debug!(source = consumer.source(), %error, "waiting");
                    } else {
                        tracing::warn!(source = consumer.source(), %error, "hearing was interrupted");
                    }
                    pace.readiness.set(&condition, Err(error.to_string()));
                }
            }
            wait =
                if started.elapsed() > STALL { FIRST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
            tokio::time::sleep(wait).await;
        }
    };
    tokio::select! {
        () = pace.stopping.cancelled() => {}
        () = hearing => {}
        () = sweeping => {}
    }
}

/// Hears one message stream to its end.
async fn hear(consumer: &Consumer, pace: &Pace, condition: &str) -> Result<(), Error> {
    let batch = pace.settings.consumer_batch;
    let events = pace.bus.events(consumer.source(), pace.service, batch).await?;
    pace.readiness.set(condition, Ok(()));
    let mut chunks = Box::pin(events.ready_chunks(batch));
    loop {
        let chunk = match timeout(STALL, chunks.next()).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(()),
            Err(_) => {
                let pending = pace.bus.pending(consumer.source(), pace.service).await?;
                if pending == 0 {
                    continue;
                }
                tracing::warn!(source = consumer.source(), pending, "no progress; asking anew");
                return Ok(());
            }
        };
        let mut deliveries = Vec::with_capacity(chunk.len());
        let mut broken = None;
        for delivery in chunk {
            match delivery {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => broken = Some(error),
            }
        }
        // What has been delivered is settled to its end even if we are to stop: a batch is short.
        take(consumer, pace, deliveries).await;
        if let Some(error) = broken {
            return Err(error);
        }
    }
}

/// A message of the bus and the events that it holds.
#[derive(Debug)]
struct Message {
    delivery: Delivery,
    events: Vec<Envelope>,
}

/// Settles what has come, in batches of whole messages, and acknowledges it.
async fn take(consumer: &Consumer, pace: &Pace, deliveries: Vec<Delivery>) {
    let (mut batch, mut events) = (Vec::new(), 0);
    for delivery in deliveries {
        match delivery.envelopes() {
            Ok(held) => {
                if events > 0 && events + held.len() > pace.settings.consumer_batch {
                    take_batch(consumer, pace, std::mem::take(&mut batch)).await;
                    events = 0;
                }
                events += held.len();
                batch.push(Message { delivery, events: held });
            }
            Err(malformed) => bury(consumer, pace, &delivery, &malformed.to_string()).await,
        }
    }
    if !batch.is_empty() {
        take_batch(consumer, pace, batch).await;
    }
}

async fn take_batch(consumer: &Consumer, pace: &Pace, batch: Vec<Message>) {
    let envelopes: Vec<Envelope> =
        batch.iter().flat_map(|message| message.events.iter().cloned()).collect();
    let span = tracing::info_span!(
        "consumer.batch.settle",
        otel.kind = "consumer",
        messaging.system = "nats",
        service = pace.service,
        source = consumer.source(),
        events = envelopes.len()
    );
    // A batch has as many causes as events: it continues the first one's trace and names the others.
    if let Some((first, others)) = envelopes.split_first() {
        telemetry::follow(&span, first.traceparent.as_deref());
        for other in others {
            telemetry::link(&span, other.traceparent.as_deref());
        }
    }
    async {
        match settle(consumer, pace, envelopes, true).await {
            Ok(_) => {
                for message in &batch {
                    message.delivery.acknowledge().await;
                }
            }
            Err(Fault::Retry(error)) => {
                tracing::warn!(%error, "events wait, somebody is away");
                again(pace, batch.iter().map(|message| &message.delivery)).await;
            }
            Err(Fault::Reject(error)) => {
                tracing::debug!(%error, "a batch is redone in parts");
                for message in &batch {
                    if isolate(consumer, pace, &message.events).await {
                        message.delivery.acknowledge().await;
                    } else {
                        again(pace, std::iter::once(&message.delivery)).await;
                    }
                }
            }
        }
    }
    .instrument(span)
    .await;
}

/// Settles events in one transaction. With `drain`, what was parked behind them takes effect too.
async fn settle(
    consumer: &Consumer,
    pace: &Pace,
    envelopes: Vec<Envelope>,
    drain: bool,
) -> Result<Settled, Fault> {
    let span = tracing::info_span!(
        "db.transaction.settle",
        otel.kind = "client",
        db.system.name = "postgresql"
    );
    in_one_transaction(consumer, pace, envelopes, drain).instrument(span).await
}

async fn in_one_transaction(
    consumer: &Consumer,
    pace: &Pace,
    envelopes: Vec<Envelope>,
    drain: bool,
) -> Result<Settled, Fault> {
    let now = pace.clock.now();
    let mut connection = pace.db.begin().await?;
    let settled = consumer.settle(&mut connection, &envelopes, drain, now).await;
    match settled {
        Ok(settled) => {
            connection.commit().await?;
            if settled.applied > 0 {
                pace.db.committed().notify_one();
                consumer.wake();
            }
            Ok(settled)
        }
        Err(fault) => {
            connection.rollback().await?;
            Err(fault)
        }
    }
}

/// Settles events in halves, and those by halves, until what can't be settled is by itself and the
/// blame falls on the right one. Gives whether all are settled.
async fn isolate(consumer: &Consumer, pace: &Pace, events: &[Envelope]) -> bool {
    let (mut parts, mut all) = (vec![events], true);
    while let Some(part) = parts.pop() {
        match settle(consumer, pace, part.to_vec(), false).await {
            Ok(_) => {}
            Err(Fault::Retry(error)) => {
                tracing::warn!(%error, "events wait, somebody is away");
                all = false;
            }
            Err(Fault::Reject(_)) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
            Err(fault) => {
                for event in part {
                    match blame(consumer, pace, event, &fault).await {
                        Ok(settled) => all &= settled,
                        Err(error) => {
                            tracing::warn!(%error, "a fault could not be counted");
                            all = false;
                        }
                    }
                }
            }
        }
    }
    all
}

/// Counts a fault of an event. Gives true if it is settled: dead now, or dealt with before. A
/// parked event has been counted as settled already; when it dies it only changes its table.
async fn blame(
    consumer: &Consumer,
    pace: &Pace,
    envelope: &Envelope,
    fault: &Fault,
) -> Result<bool, sqlx::Error> {
    let (source, limit) = (consumer.source(), pace.settings.attempts_before_dead);
    let (event, told, now) = (envelope.clone(), fault.told(), pace.clock.now());
    let dead = pace
        .db
        .write(move |tx| {
            Box::pin(async move {
                let subjects = [event.subject_id];
                let positions = ledger::lock_positions(tx, source, &subjects).await?;
                let known = ledger::dead_versions(tx, source, &subjects).await?;
                let last = positions.get(&event.subject_id).copied().unwrap_or_default();
                if event.version <= last || known.contains(&(event.subject_id, event.version)) {
                    return Ok::<_, sqlx::Error>(true);
                }
                let dead = ledger::blame(tx, source, &event, &told, limit, now).await?;
                if dead && ledger::unpark(tx, source, &[&event]).await? == 0 {
                    ledger::digest(tx, source, &[event.event_id]).await?;
                }
                Ok(dead)
            })
        })
        .await?;
    report(envelope, fault, dead);
    Ok(dead)
}

fn report(envelope: &Envelope, fault: &Fault, dead: bool) {
    let (event_id, kind, error) = (envelope.event_id, &envelope.kind, fault.told());
    if dead {
        tracing::error!(%event_id, kind, error, "an event became a dead letter");
    } else {
        tracing::warn!(%event_id, kind, error, "an event could not be handled");
    }
}

/// Puts aside a message that is no event of ours, so that it stops nobody and is not forgotten.
async fn bury(consumer: &Consumer, pace: &Pace, delivery: &Delivery, error: &str) {
    let (event_id, kind, payload) = delivery.remains();
    let now = pace.clock.now();
    let envelope = Envelope {
        event_id,
        subject_id: Uuid::nil(),
        version: 0,
        kind,
        at: now,
        traceparent: None,
        payload,
    };
    let (source, told) = (consumer.source(), error.to_owned());
    let buried = pace
        .db
        .write(move |tx| {
            Box::pin(async move { ledger::blame(tx, source, &envelope, &told, 1, now).await })
        })
        .await;
    match buried {
        Ok(_) => {
            tracing::error!(source, error, "a message of the bus is no event");
            delivery.acknowledge().await;
        }
        Err(error) => {
            tracing::warn!(source, %error, "a malformed message waits");
            again(pace, std::iter::once(delivery)).await;
        }
    }
}

/// Asks for messages again, each after a wait that doubles with every delivery of it.
async fn again<'d>(pace: &Pace, deliveries: impl ExactSizeIterator<Item = &'d Delivery>) {
    let first = Duration::from_millis(pace.settings.retry_ms);
    let longest = Duration::from_millis(pace.settings.retry_max_ms);
    let several = deliveries.len() > 1;
    for delivery in deliveries {
        let doublings = delivery.times().saturating_sub(1).min(u32::BITS);
        let wait = first.saturating_mul(2_u32.saturating_pow(doublings)).min(longest);
        delivery.again_after(wait).await;
    }
    // Everything else of this source would meet the same absence: wait here, too, though not long,
    // so that what comes after the absence is not kept waiting.
    if several {
        tokio::time::sleep(first.min(longest)).await;
    }
}

/// Drains, at intervals, what was left parked, and tries what a person wants to be tried again.
async fn sweep(consumer: Arc<Consumer>, pace: Pace) {
    let condition = format!("dead-letters-{}", consumer.source());
    let mut interval = tokio::time::interval(SWEEP);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if let Err(error) = sweep_once(&consumer, &pace).await {
            tracing::debug!(%error, "sweeping was interrupted");
            tokio::time::sleep(LONGEST_WAIT).await;
            continue;
        }
        if let Ok(mut connection) = pace.db.read().await
            && let Ok(dead) = ledger::dead_count(&mut connection, consumer.source()).await
        {
            telemetry::gauge(
                "messaging_dead_letters",
                dead,
                &[("service", pace.service), ("source", consumer.source())],
            );
            tracing::trace!(dead, condition);
        }
    }
}

async fn sweep_once(consumer: &Consumer, pace: &Pace) -> Result<(), sqlx::Error> {
    let source = consumer.source();
    let (parked, retried) = {
        let mut connection = pace.db.read().await?;
        (
            ledger::drainable(&mut connection, source, SWEEP_LIMIT).await?,
            ledger::to_retry(&mut connection, source, SWEEP_LIMIT).await?,
        )
    };
    for event in retried {
        retry(consumer, pace, event).await?;
    }
    for event in parked {
        match settle_parked(consumer, pace, &event).await {
            Ok(()) => {}
            Err(Fault::Retry(error)) => {
                tracing::debug!(%error, "parked events wait");
                return Ok(());
            }
            Err(fault) => {
                blame(consumer, pace, &event, &fault).await?;
            }
        }
    }
    Ok(())
}

/// Settles one parked event whose turn has come.
async fn settle_parked(consumer: &Consumer, pace: &Pace, event: &Envelope) -> Result<(), Fault> {
    // The parked copy counts: with `drain`, it is found by itself, and so are its successors. They
    // may be at fault, so only this one is taken.
    let now = pace.clock.now();
    let mut tx = pace.db.begin().await?;
    let result = consumer.settle_one_parked(&mut tx, event, now).await;
    match result {
        Ok(()) => {
            tx.commit().await?;
            pace.db.committed().notify_one();
            consumer.wake();
            Ok(())
        }
        Err(fault) => {
            tx.rollback().await?;
            Err(fault)
        }
    }
}

/// Tries a dead letter again because a person wants it.
async fn retry(consumer: &Consumer, pace: &Pace, event: Envelope) -> Result<(), sqlx::Error> {
    let now = pace.clock.now();
    let mut tx = pace.db.begin().await?;
    match consumer.settle_dead(&mut tx, &event, now).await {
        Ok(()) => {
            tx.commit().await?;
            consumer.wake();
            Ok(())
        }
        Err(Fault::Retry(_)) => tx.rollback().await,
        Err(fault) => {
            tx.rollback().await?;
            let (source, limit) = (consumer.source(), pace.settings.attempts_before_dead);
            let told = fault.told();
            report(&event, &fault, true);
            pace.db
                .write(move |tx| {
                    Box::pin(async move {
                        ledger::blame(tx, source, &event, &told, limit, now).await.map(|_| ())
                    })
                })
                .await
        }
    }
}
