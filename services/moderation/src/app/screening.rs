//! The rules read what waits for them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use liuyan_kit::{messaging::outbox, telemetry};
use sqlx::PgConnection;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::{App, trusting::Trust};
use crate::{
    domain::{screen::Hit, text::Text},
    error::Error,
    events::{self, Approval},
    store::{
        queue::{self, Leased, Outcome},
        trust, waiting,
    },
    texts::MOST_AT_ONCE,
};

/// Why the texts are read; intake keeps it.
const PURPOSE: &str = "screening";

/// What the rules found in one revision of a message.
#[derive(Debug)]
struct Read {
    revision: u32,
    hits: Vec<Hit>,
}

impl App {
    /// Takes some reviews that wait for the rules, and approves or holds them. Gives how many
    /// reviews it took. A crash at any point leaves them to be taken again when the lease ends.
    ///
    /// # Errors
    /// Intake's or the database's; nothing is lost by either.
    pub async fn screen_some(self: &Arc<Self>) -> Result<usize, Error> {
        let leased = self.lease_some().await?;
        if leased.is_empty() {
            return Ok(0);
        }
        let span = span_of(&leased);
        self.screen(&leased).instrument(span).await?;
        Ok(leased.len())
    }

    async fn screen(self: &Arc<Self>, leased: &[Leased]) -> Result<(), Error> {
        let ids: Vec<Uuid> = leased.iter().map(|one| one.message_id).collect();
        let mut texts = match self.texts.of(&ids, PURPOSE).await {
            Ok(texts) => texts,
            Err(error) => {
                self.give_back(leased).await?;
                return Err(error);
            }
        };
        let (mut there, mut missing) = (Vec::with_capacity(leased.len()), Vec::new());
        for one in leased {
            match texts.remove(&one.message_id).filter(|text| text.revision == one.revision) {
                Some(text) => there.push((one.clone(), text)),
                None => missing.push(one.clone()),
            }
        }
        let read = self.read(there).await?;
        let app = Arc::clone(self);
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    app.put_off_missing(tx, now, &missing).await?;
                    app.settle(tx, now, read).await
                })
            })
            .await
    }

    async fn lease_some(&self) -> Result<Vec<Leased>, Error> {
        let now = self.clock.now();
        let until = now + self.config.screening_lease();
        let limit = usize::from(self.config.screening_batch).clamp(1, MOST_AT_ONCE);
        let limit = i64::try_from(limit).unwrap_or(1);
        self.db
            .write(move |tx| {
                Box::pin(async move { Ok(queue::lease(tx, now, until, limit).await?) })
            })
            .await
    }

    async fn give_back(&self, leased: &[Leased]) -> Result<(), Error> {
        let now = self.clock.now();
        let back: Vec<_> = leased.iter().map(|one| (one.message_id, now)).collect();
        self.db
            .write(move |tx| Box::pin(async move { Ok(queue::put_off(tx, 0, &back).await?) }))
            .await
    }

    /// Reads texts by the rules, apart from the threads that serve. Each reading belongs to the
    /// trace of its own message.
    async fn read(
        self: &Arc<Self>,
        texts: Vec<(Leased, Text)>,
    ) -> Result<HashMap<Uuid, Read>, Error> {
        let app = Arc::clone(self);
        let read = move || {
            texts
                .into_iter()
                .map(|(one, text)| {
                    let span = tracing::info_span!("review.screen", message_id = %one.message_id);
                    telemetry::follow(&span, one.traceparent.as_deref());
                    let hits = span.in_scope(|| app.screener.screen(&text));
                    (one.message_id, Read { revision: text.revision, hits })
                })
                .collect()
        };
        Ok(tokio::task::spawn_blocking(read).await?)
    }

    async fn put_off_missing(
        &self,
        tx: &mut PgConnection,
        now: Timestamp,
        missing: &[Leased],
    ) -> Result<(), Error> {
        let until: Vec<_> = missing
            .iter()
            .map(|one| (one.message_id, now + self.config.missing_text_wait(one.text_misses)))
            .collect();
        if !until.is_empty() {
            tracing::warn!(count = until.len(), "intake has no text of some messages yet");
            queue::put_off(tx, 1, &until).await?;
        }
        Ok(())
    }

    /// Approves or holds what was read. A review that was withdrawn, decided or sent in again
    /// meanwhile is left alone.
    async fn settle(
        &self,
        tx: &mut PgConnection,
        now: Timestamp,
        mut read: HashMap<Uuid, Read>,
    ) -> Result<(), Error> {
        let ids: Vec<Uuid> = read.keys().copied().collect();
        let version = self.screener.version();
        let (mut outcomes, mut said) = (Vec::with_capacity(ids.len()), Vec::new());
        let unsettled = queue::lock_screening(tx, &ids).await?;
        let trust = Trust::of(tx, &self.config, now, &unsettled).await?;
        let mut sampled = Vec::new();
        for review in unsettled {
            let message = &review.submission;
            let Some(read) =
                read.remove(&message.message_id).filter(|read| read.revision == message.revision)
            else {
                continue;
            };
            let clean = trust.lets_pass(&review) && read.hits.is_empty();
            let approved = clean && !trust.samples(message.message_id);
            if clean && !approved {
                sampled.push(message.message_id);
            }
            if approved {
                let approval = Approval {
                    accused_office_ids: &[],
                    rules_version: version,
                    by_rules: true,
                    approved_at: now,
                };
                let cause = message.traceparent.clone();
                said.push(events::approved(message, approval).caused_by(cause));
            }
            outcomes.push(Outcome {
                message_id: message.message_id,
                revision: message.revision,
                approved,
                earlier_hits: review.hit_count,
                hits: read.hits,
            });
        }
        queue::settle(tx, now, version, &outcomes).await?;
        waiting::schedule(tx, &self.config.work, &ids).await?;
        trust::mark_sampled(tx, &sampled).await?;
        outbox::publish_all(tx, now, &said).await?;
        Ok(())
    }
}

/// The span of a round, which the submissions of many messages have caused.
fn span_of(leased: &[Leased]) -> Span {
    let span = tracing::info_span!("reviews.round.screen", reviews = leased.len());
    let causes: BTreeSet<&str> =
        leased.iter().filter_map(|one| one.traceparent.as_deref()).collect();
    for cause in causes {
        telemetry::link(&span, Some(cause));
    }
    span
}
