//! The rules read what waits for them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use liuyan_kit::{messaging::outbox, telemetry};
use sqlx::PgConnection;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::{
    App,
    comparing::{Against, Compared, longest},
    trusting::Trust,
};
use crate::{
    domain::{
        likeness::Fingerprint,
        screen::{Hit, Screener},
        text::{Span as Place, Text},
    },
    error::Error,
    events::{self, Approval},
    store::{
        likeness,
        queue::{self, Leased, Outcome},
        reviews, trust, waiting,
    },
    texts::MOST_AT_ONCE,
};

/// Why the texts are read; intake keeps it.
const PURPOSE: &str = "screening";

/// What the rules found in one revision of a message.
#[derive(Debug)]
pub(super) struct Read {
    revision: u32,
    pub(super) hits: Vec<Hit>,
    fingerprint: Option<Fingerprint>,
    span: Option<Place>,
}

impl Read {
    /// Reads one text by the rules.
    pub(super) fn of(screener: &Screener, text: &Text) -> Self {
        let shortest = screener.limits().duplicate_shortest;
        Self {
            revision: text.revision,
            hits: screener.screen(text),
            fingerprint: Fingerprint::of(text, screener.variants(), shortest),
            span: longest(text),
        }
    }
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
        let screener = self.rules.screener();
        let mut read = self.read(&screener, there).await?;
        let kept = self.compare_read(&screener, &mut read, Against::All).await?;
        let app = Arc::clone(self);
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    app.put_off_missing(tx, now, &missing).await?;
                    let settled = app.settle(tx, now, screener.version(), read).await?;
                    let kept: Vec<_> = kept
                        .iter()
                        .filter(|one| settled.contains(&one.message_id))
                        .filter_map(|one| {
                            Some((one.message_id, one.submitted_at, one.fingerprint.as_ref()?))
                        })
                        .collect();
                    Ok(likeness::keep(tx, &kept).await?)
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
        &self,
        screener: &Arc<Screener>,
        texts: Vec<(Leased, Text)>,
    ) -> Result<HashMap<Uuid, Read>, Error> {
        let screener = Arc::clone(screener);
        let read = move || {
            texts
                .into_iter()
                .map(|(one, text)| {
                    let span = tracing::info_span!("review.screen", message_id = %one.message_id);
                    telemetry::follow(&span, one.traceparent.as_deref());
                    let read = span.in_scope(|| Read::of(&screener, &text));
                    (one.message_id, read)
                })
                .collect()
        };
        Ok(tokio::task::spawn_blocking(read).await?)
    }

    /// Adds what comparison with other messages finds, and gives what of them is worth keeping.
    pub(super) async fn compare_read(
        &self,
        screener: &Screener,
        read: &mut HashMap<Uuid, Read>,
        against: Against,
    ) -> Result<Vec<Compared>, Error> {
        if !self.config.compare_messages {
            return Ok(Vec::new());
        }
        let ids: Vec<Uuid> = read.keys().copied().collect();
        let who = reviews::authors(&mut *self.db.read().await?, &ids).await?;
        let compared = who.into_iter().filter_map(|who| {
            let read = read.get(&who.message_id)?;
            Some(Compared {
                fingerprint: read.fingerprint.clone(),
                span: read.span,
                message_id: who.message_id,
                number: who.number,
                author_id: who.author_id,
                submitted_at: who.submitted_at,
            })
        });
        let mut compared: Vec<Compared> = compared.collect();
        let comparison = self.compare(screener, compared.iter().collect(), against).await?;
        for (id, hits) in comparison.hits {
            if let Some(read) = read.get_mut(&id) {
                read.hits.extend(hits);
            }
        }
        compared.retain(|one| !comparison.known.contains(&one.message_id));
        Ok(compared)
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

    /// Approves or holds what was read, and gives which. A review that was withdrawn, decided or
    /// sent in again meanwhile is left alone.
    async fn settle(
        &self,
        tx: &mut PgConnection,
        now: Timestamp,
        version: u32,
        mut read: HashMap<Uuid, Read>,
    ) -> Result<HashSet<Uuid>, Error> {
        let ids: Vec<Uuid> = read.keys().copied().collect();
        let (mut outcomes, mut said) = (Vec::with_capacity(ids.len()), Vec::new());
        let unsettled = queue::lock_screening(tx, &ids).await?;
        let trust = Trust::of(tx, self, now, &unsettled).await?;
        let mut sampled = Vec::new();
        for review in unsettled {
            let message = &review.submission;
            let Some(read) =
                read.remove(&message.message_id).filter(|read| read.revision == message.revision)
            else {
                continue;
            };
            let clean = !review.senior_only
                && trust.lets_pass(&review)
                && !read.hits.iter().any(Hit::holds);
            let approved = clean && !trust.samples(message.message_id);
            if clean && !approved {
                sampled.push(message.message_id);
            }
            if approved {
                let approval = Approval {
                    // What accuses somebody is for senior moderators.
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
        Ok(outcomes.iter().map(|one| one.message_id).collect())
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
