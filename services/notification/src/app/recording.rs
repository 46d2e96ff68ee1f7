//! What came of attempts: each is recorded, and decides what becomes of its delivery and endpoint.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use liuyan_kit::{clock::SharedClock, messaging::outbox, telemetry};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, delivering::Sent, endpoints::own_event, telling};
use crate::{
    channels::Ended,
    config::Config,
    domain::{
        address::Channel,
        delivery::{self, Outcome},
        event::Kind,
    },
    error::Error,
    events as says,
    store::{
        self,
        events::{self, Told},
        failing::{self, Failing},
        queue::{self, Change},
    },
};

/// An attempt that was made, and the chance that decides when the next one is.
struct Made {
    sent: Sent,
    outcome: Outcome,
    detail: String,
    jitter: f64,
}

impl App {
    /// Records attempts, in one transaction.
    ///
    /// # Errors
    /// The database's; what was sent is then sent again under the same id.
    pub(crate) async fn record(
        self: &Arc<Self>,
        channel: Channel,
        sent: Vec<Sent>,
    ) -> Result<(), Error> {
        let mut made = Vec::with_capacity(sent.len());
        let mut away: HashMap<Uuid, Vec<(Uuid, &'static str)>> = HashMap::new();
        for sent in sent {
            let outcome = match &sent.attempt.ended {
                Ended::Made(outcome, _) => outcome.as_str(),
                Ended::Away(_) => "away",
            };
            measure(channel, outcome, &sent);
            match sent.attempt.ended.clone() {
                Ended::Made(outcome, detail) => {
                    made.push(Made { sent, outcome, detail, jitter: rand::random() });
                }
                Ended::Away(why) => {
                    away.entry(sent.claim).or_default().push((sent.delivery_id, why));
                }
            }
        }
        for (claim, postponed) in away {
            self.set_aside(claim, Vec::new(), postponed).await?;
        }
        if made.is_empty() {
            return Ok(());
        }
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move { record(tx, &app.config, &app.clock, &made).await })
            })
            .await
    }
}

fn measure(channel: Channel, outcome: &str, sent: &Sent) {
    let labels = [("service", "notification"), ("channel", channel.as_str()), ("outcome", outcome)];
    telemetry::count("deliveries_attempted", 1, &labels);
    telemetry::observe("delivery_seconds", sent.attempt.latency.as_secs_f64(), &labels[..2]);
}

async fn record(
    tx: &mut PgConnection,
    config: &Config,
    clock: &SharedClock,
    made: &[Made],
) -> Result<(), Error> {
    let now = clock.now();
    // A failure may switch an endpoint off, of which its holder is told.
    if made.iter().any(|made| made.outcome != Outcome::Delivered) {
        store::take_turn(tx).await?;
    }
    let by_id: HashMap<Uuid, &Made> =
        made.iter().map(|made| (made.sent.delivery_id, made)).collect();
    let ids: Vec<Uuid> = by_id.keys().copied().collect();
    let locked = queue::lock(tx, &ids).await?;
    // What was erased meanwhile has no row, and nothing more is known of it.
    let known = locked.iter().filter_map(|row| Some((row, *by_id.get(&row.delivery_id)?)));
    let known: Vec<_> = known.collect();
    let changes = known.iter().map(|(row, made)| {
        let held = row.claimed_by == Some(made.sent.claim);
        let waits = &config.sending.retry_seconds;
        let next = delivery::after(row.progress, made.outcome, held, now, waits, made.jitter);
        Change {
            delivery_id: row.delivery_id,
            ordinal: row.attempts + 1,
            outcome: made.outcome.as_str(),
            detail: made.detail.clone(),
            latency_ms: i32::try_from(made.sent.attempt.latency.as_millis()).unwrap_or(i32::MAX),
            progress: next.map(|next| next.progress),
            due_at: next.and_then(|next| next.due_at),
        }
    });
    let changes: Vec<Change> = changes.collect();
    queue::record(tx, now, &changes).await?;

    let those = |wanted: fn(Outcome) -> bool| -> Vec<Uuid> {
        let ids = known.iter().filter(|(_, made)| wanted(made.outcome));
        let ids: HashSet<Uuid> = ids.map(|(_, made)| made.sent.endpoint_id).collect();
        ids.into_iter().collect()
    };
    let pause = now + config.sending.pause();
    queue::hold_back(tx, now, pause, &those(|outcome| outcome == Outcome::Failed)).await?;
    let working = those(|outcome| outcome == Outcome::Delivered);
    failing::works(tx, &working).await?;
    // An endpoint at which something arrived just now is not failing, whatever else met it.
    let mut failed = those(|outcome| outcome != Outcome::Delivered);
    failed.retain(|id| !working.contains(id));
    let failing = failing::fails(tx, now, &failed).await?;
    let limit = config.endpoints.disable_after();
    let lost = failing.into_iter().filter(|failing| now.duration_since(failing.since) >= limit);
    let lost: Vec<Failing> = lost.collect();
    let causes: HashMap<Uuid, Option<String>> =
        (made.iter()).map(|made| (made.sent.endpoint_id, made.sent.traceparent.clone())).collect();
    switch_off(tx, now, &lost, &causes).await
}

/// Switches endpoints off that failed for too long, says so, and tells their holders on the pages.
async fn switch_off(
    tx: &mut PgConnection,
    now: Timestamp,
    lost: &[Failing],
    causes: &HashMap<Uuid, Option<String>>,
) -> Result<(), Error> {
    if lost.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lost.iter().map(|failing| failing.endpoint_id).collect();
    failing::disable(tx, now, &ids).await?;
    let said = lost.iter().map(|failing| {
        let cause = causes.get(&failing.endpoint_id).cloned().flatten();
        says::endpoint_disabled(failing.endpoint_id, failing.since, now).caused_by(cause)
    });
    let said: Vec<_> = said.collect();
    let event_ids = outbox::publish_all(tx, now, &said).await?;
    // Only a person has pages on which to be told; an agency sees it in its list.
    let told: Vec<_> = (lost.iter().zip(event_ids))
        .filter(|(failing, _)| failing.holder.account().is_some())
        .map(|(failing, event_id)| {
            (failing.holder.clone(), own_event(Kind::EndpointDisabled, event_id, now))
        })
        .collect();
    let wanted: Vec<_> = told.iter().map(|(holder, event)| (holder.clone(), event)).collect();
    let shown = telling::show(tx, &wanted).await?;
    let counted = told.into_iter().filter_map(|(_, event)| {
        let notices = *shown.counts.get(&event.event_id)?;
        Some((event, Some(Told { notices, deliveries: 0 })))
    });
    let counted: Vec<_> = counted.collect();
    Ok(events::insert(tx, &counted).await?)
}
