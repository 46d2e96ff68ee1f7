//! Sending what is due. A delivery is taken under a lease, sent outside of any transaction, and
//! recorded; if the process dies in between, the lease ends and another sends it again under the same
//! id.

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;
use liuyan_kit::{id, telemetry};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    App,
    preparing::{Parcel, Way},
};
use crate::{
    channels::{Attempt, Ended},
    domain::address::Channel,
    error::Error,
    store::queue::{self, URGENT, USUAL},
};

/// Something that was sent, or could not be.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The delivery.
    pub(crate) delivery_id: Uuid,
    /// Its endpoint.
    pub(crate) endpoint_id: Uuid,
    /// The trace of its cause.
    pub(crate) traceparent: Option<String>,
    /// Under which lease.
    pub(crate) claim: Uuid,
    /// How it went.
    pub(crate) attempt: Attempt,
}

impl App {
    /// Sends whatever is due on a channel, until nothing is, or until `stopping`; what was begun is
    /// finished. Gives how many deliveries were taken.
    ///
    /// # Errors
    /// The database's. What was taken is taken up again when its lease ends.
    pub async fn deliver(
        self: &Arc<Self>,
        channel: Channel,
        stopping: &CancellationToken,
    ) -> Result<usize, Error> {
        let most = usize::from(match channel {
            Channel::Email => self.config.email.in_flight,
            Channel::Webhook => self.config.webhook.in_flight,
        });
        let mut sending = JoinSet::new();
        let mut total = 0;
        loop {
            let free = most - sending.len();
            let mut taken = 0;
            // Taken in handfuls: one statement for each that comes free would cost more than it
            // brings.
            if 2 * free >= most && !stopping.is_cancelled() {
                let (count, claim, parcels) = self.take(channel, free).await?;
                (taken, total) = (count, total + count);
                for parcel in parcels {
                    sending.spawn(send(Arc::clone(self), claim, parcel));
                }
            }
            if sending.is_empty() {
                if taken == 0 {
                    return Ok(total);
                }
                continue;
            }
            tokio::select! {
                first = sending.join_next() => {
                    let mut ended: Vec<_> = first.into_iter().collect();
                    while let Some(next) = sending.try_join_next() {
                        ended.push(next);
                    }
                    let sent = ended.into_iter().filter_map(|ended| {
                        ended.inspect_err(|error| tracing::error!(%error, "an attempt was lost"))
                            .ok()
                    });
                    self.record(channel, sent.collect()).await?;
                }
                // A slow receiver must not keep a code waiting.
                () = tokio::time::sleep(self.config.sending.idle()) => {}
            }
        }
    }

    /// Takes some of what is due, and gets it ready. Gives how many, under which lease, and what is
    /// to be sent.
    async fn take(
        &self,
        channel: Channel,
        limit: usize,
    ) -> Result<(usize, Uuid, Vec<Parcel>), Error> {
        let now = self.clock.now();
        let (claim, until) = (id::v7(now), now + self.config.lease(channel));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let ids = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let mut ids = Vec::new();
                    for priority in [URGENT, USUAL] {
                        let left = limit - i64::try_from(ids.len()).unwrap_or(limit);
                        if left > 0 {
                            let more = queue::claim(tx, channel, priority, now, until, claim, left)
                                .await?;
                            ids.extend(more);
                        }
                    }
                    Ok::<_, Error>(ids)
                })
            })
            .await?;
        if ids.is_empty() {
            return Ok((0, claim, Vec::new()));
        }
        let (due, unreadable) = queue::load(&mut *self.db.read().await?, &ids).await?;
        let span = tracing::info_span!("notification.deliveries.prepare", deliveries = due.len());
        for due in &due {
            telemetry::link(&span, due.traceparent.as_deref());
        }
        let mut sorted = self.prepare(now, channel, due).instrument(span).await;
        for (delivery_id, error) in unreadable {
            let error = &error as &dyn std::error::Error;
            tracing::error!(%delivery_id, error, "can't be read");
            sorted.postponed.push((delivery_id, "defect"));
        }
        self.set_aside(claim, sorted.dropped, sorted.postponed).await?;
        let awaited = self.clock.now() + self.config.sending.await_feed();
        self.postpone(claim, awaited, sorted.awaited).await?;
        Ok((ids.len(), claim, sorted.parcels))
    }

    /// Stores what is not sent now: what never will be, and what waits for somebody who is away.
    pub(super) async fn set_aside(
        &self,
        claim: Uuid,
        dropped: Vec<(Uuid, &'static str)>,
        postponed: Vec<(Uuid, &'static str)>,
    ) -> Result<(), Error> {
        if dropped.is_empty() && postponed.is_empty() {
            return Ok(());
        }
        let until = self.clock.now() + self.config.sending.pause();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    queue::drop(tx, claim, &dropped).await?;
                    Ok::<_, Error>(queue::postpone(tx, claim, until, &postponed).await?)
                })
            })
            .await
    }
}

impl App {
    /// How much waits on a channel, and how many seconds ago the first of what is due now should have been
    /// sent.
    ///
    /// # Errors
    /// The database's.
    pub async fn waiting(&self, channel: Channel) -> Result<(i64, i64), Error> {
        let now = self.clock.now();
        let (waiting, due_at) = queue::depth(&mut *self.db.read().await?, channel, now).await?;
        Ok((waiting, due_at.map_or(0, |due_at| now.duration_since(due_at).as_secs())))
    }

    /// Puts deliveries off until a time.
    async fn postpone(
        &self,
        claim: Uuid,
        until: Timestamp,
        postponed: Vec<(Uuid, &'static str)>,
    ) -> Result<(), Error> {
        if postponed.is_empty() {
            return Ok(());
        }
        self.db
            .write(move |tx| {
                Box::pin(async move { Ok(queue::postpone(tx, claim, until, &postponed).await?) })
            })
            .await
    }
}

async fn send(app: Arc<App>, claim: Uuid, parcel: Parcel) -> Sent {
    let Parcel { due, way } = parcel;
    let span = tracing::info_span!(
        "notification.delivery.send",
        otel.kind = "client",
        delivery_id = %due.delivery_id,
        event_id = %due.event_id,
    );
    telemetry::follow(&span, due.traceparent.as_deref());
    let started = Instant::now();
    let at = app.clock.now();
    let ended = try_once(&app, due.delivery_id, at, way).instrument(span).await;
    Sent {
        delivery_id: due.delivery_id,
        endpoint_id: due.endpoint_id,
        traceparent: due.traceparent,
        claim,
        attempt: Attempt { ended, latency: started.elapsed() },
    }
}

async fn try_once(app: &App, delivery_id: Uuid, at: Timestamp, way: Way) -> Ended {
    match way {
        Way::Mail { to, locale, letter } => match &app.mailer {
            Some(mailer) => mailer.send(delivery_id, at, &to, &locale, &letter).await,
            // Sorted out before; a relay does not go away while we run.
            None => Ended::Away("channel off"),
        },
        Way::Call { to, call } => app.caller.send(&to, call).await,
    }
}
