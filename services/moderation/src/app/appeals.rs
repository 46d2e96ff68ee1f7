//! Authors appeal against decisions not to publish, and another moderator decides again.

use std::sync::Arc;

use liuyan_kit::{class::Violation, messaging::outbox, telemetry};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    App,
    calls::Call,
    claims::held_by,
    deciding::{self, Wish},
    one, one_locked,
};
use crate::{
    domain::{
        appeal::{self, AppealState},
        audit::Action,
        decision::Decision,
        moderator::Moderator,
        review::{Review, State},
    },
    error::{Error, Faults},
    events,
    store::{
        appeals::{self, NewAppeal},
        data,
    },
};

/// Why a text is read to learn whether there is a newer one; intake keeps it.
const PURPOSE: &str = "deciding an appeal";
/// The most appeals that one round marks as overdue.
const ROUND: i64 = 256;

/// How a moderator wants to end an appeal.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The message.
    pub message_id: Uuid,
    /// The review's etag, as the moderator saw it.
    pub etag: String,
    /// For the author to read.
    pub explanation: String,
    /// What takes the place of the decision; `None` if it stands.
    pub instead: Option<Decision>,
    /// Offices that the message accuses.
    pub accused_office_ids: Vec<String>,
}

impl App {
    /// Takes an author's appeal. Who calls must be the author of that message.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::ReviewNotFound`], [`Error::Appeal`], [`Error::RequestIdReused`].
    pub async fn appeal(
        self: &Arc<Self>,
        call: Call,
        message_id: Uuid,
        reason: String,
    ) -> Result<Vec<u8>, Error> {
        let mut faults = Faults::default();
        check_words(&mut faults, "reason", "REASON", &reason, self.config.work.appeal_characters);
        faults.end()?;
        let sealed = self.vault.seal_reason(message_id, &reason);
        let traceparent = telemetry::current_traceparent();
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx).await? {
                        return Ok(answer);
                    }
                    let now = app.clock.now();
                    let review = one_locked(tx, message_id).await?;
                    appeal::may_appeal(&review, app.config.work.appeal_period(), now)
                        .map_err(Error::Appeal)?;
                    let ground = review.verdict.as_ref().map(|it| it.ground.clone());
                    let ground = ground.unwrap_or_default();
                    let due_at = now + app.config.work.appeal_time();
                    let grounds = data::grounds(tx).await?;
                    let new = NewAppeal {
                        message_id,
                        decision: review.decisions,
                        reason: sealed,
                        appealed_at: now,
                        due_at,
                        senior_only: grounds.iter().any(|it| it.code == ground && it.senior_only),
                        traceparent,
                    };
                    appeals::open(tx, &new).await?;
                    let said = events::appealed(message_id, &ground, now, due_at);
                    outbox::publish_all(tx, now, &[said]).await?;
                    let detail = format!("decision={} ground={ground}", review.decisions);
                    call.end(tx, now, Action::DecisionAppealed, message_id, detail).await
                })
            })
            .await
    }

    /// Decides an appeal that the moderator holds.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotAppealed`], [`Error::SeniorNeeded`], [`Error::OwnDecision`],
    /// [`Error::OwnMessage`], [`Error::ReviewNotFound`], [`Error::NotClaimed`],
    /// [`Error::EtagMismatch`], [`Error::TextMissing`], [`Error::TextMended`],
    /// [`Error::TextsUnavailable`], [`Error::RequestIdReused`].
    pub async fn decide_appeal(
        self: &Arc<Self>,
        call: Call,
        moderator: Moderator,
        outcome: Outcome,
    ) -> Result<Vec<u8>, Error> {
        if let Some(answer) = self.answered(&call).await? {
            return Ok(answer);
        }
        let review = one(&mut *self.db.read().await?, outcome.message_id).await?;
        if review.state != State::Appealed {
            return Err(Error::NotAppealed(review.state));
        }
        let mut faults = Faults::default();
        let most = self.config.explanation_characters;
        check_words(&mut faults, "explanation", "EXPLANATION", &outcome.explanation, most);
        let wish = outcome.instead.clone().map(|decision| Wish {
            message_id: outcome.message_id,
            etag: outcome.etag.clone(),
            decision,
            accused_office_ids: outcome.accused_office_ids.clone(),
        });
        if let Some(wish) = &wish {
            self.check_wish(&mut faults, &review, wish, &moderator).await?;
        }
        faults.end()?;
        if let Some(Decision::Publish { .. }) = outcome.instead {
            self.must_be_last_word(&review).await?;
        }
        let revision = review.submission.revision;
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx).await? {
                        return Ok(answer);
                    }
                    let now = app.clock.now();
                    let review = held_by(tx, &moderator, outcome.message_id, now).await?;
                    if review.etag() != outcome.etag || review.submission.revision != revision {
                        return Err(Error::EtagMismatch);
                    }
                    let end = End { review: &review, outcome: &outcome, wish: wish.as_ref() };
                    end.write(tx, now, &moderator.name).await?;
                    let detail = outcome.instead.as_ref().map_or_else(
                        || "upheld".to_owned(),
                        |decision| format!("overturned {}", deciding::detail(decision)),
                    );
                    call.end(tx, now, Action::AppealDecided, outcome.message_id, detail).await
                })
            })
            .await
    }

    /// Whether the text under review is still its author's last word. What they have mended meanwhile is
    /// on its way here; whoever mended a text wants that one to be read, and an approval is final.
    async fn must_be_last_word(&self, review: &Review) -> Result<(), Error> {
        let message = &review.submission;
        let texts = self.texts.of(&[message.message_id], PURPOSE).await?;
        let newest = texts.get(&message.message_id).map_or(0, |text| text.revision);
        if newest > message.revision { Err(Error::TextMended) } else { Ok(()) }
    }

    /// Says of appeals that nobody decided in time; gives how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn say_overdue(self: &Arc<Self>) -> Result<usize, Error> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let late = appeals::mark_overdue(tx, now, ROUND).await?;
                    let said: Vec<_> = late
                        .into_iter()
                        .map(|it| {
                            events::appeal_overdue(it.message_id, it.appealed_at, it.due_at)
                                .caused_by(it.traceparent)
                        })
                        .collect();
                    outbox::publish_all(tx, now, &said).await?;
                    Ok::<_, Error>(said.len())
                })
            })
            .await
    }

    /// How many appeals are open, and how many of those are overdue.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_appeals(&self) -> Result<(i64, i64), Error> {
        Ok(appeals::count_open(&mut *self.db.read().await?, self.clock.now()).await?)
    }

    /// What the author wrote in the last appeal; empty if there is none.
    ///
    /// # Errors
    /// The database's; [`Error::BadData`] if it can't be unsealed.
    pub async fn reason_of_appeal(&self, message_id: Uuid) -> Result<String, Error> {
        let sealed = appeals::reason(&mut *self.db.read().await?, message_id).await?;
        let sealed = sealed.unwrap_or_default();
        self.vault.reason(message_id, &sealed).map_err(|error| Error::BadData(error.into()))
    }
}

/// The end of an appeal, about to be written.
struct End<'a> {
    review: &'a Review,
    outcome: &'a Outcome,
    /// What takes the place of the decision.
    wish: Option<&'a Wish>,
}

impl End<'_> {
    async fn write(
        &self,
        tx: &mut PgConnection,
        now: jiff::Timestamp,
        by: &str,
    ) -> Result<(), Error> {
        let id = self.outcome.message_id;
        let state = if self.wish.is_some() { AppealState::Overturned } else { AppealState::Upheld };
        appeals::decide(tx, id, state, &self.outcome.explanation, by, now).await?;
        let ground = self.review.verdict.as_ref().map_or("", |verdict| &verdict.ground);
        let appealed_at = self.review.appeal.as_ref().map_or(now, |appeal| appeal.appealed_at);
        let said = events::appeal_decided(id, ground, self.wish.is_none(), appealed_at, now);
        outbox::publish_all(tx, now, &[said]).await?;
        match self.wish {
            Some(wish) => deciding::settle(tx, now, by, self.review, wish).await,
            None => {
                let stood = appeals::stood(tx, id).await?;
                Ok(appeals::uphold(tx, id, stood).await?)
            }
        }
    }
}

/// Words that must be there and not be too long.
fn check_words(faults: &mut Faults, field: &str, what: &str, words: &str, most: usize) {
    let (empty, long) = match what {
        "REASON" => ("REASON_EMPTY", "REASON_TOO_LONG"),
        _ => ("EXPLANATION_EMPTY", "EXPLANATION_TOO_LONG"),
    };
    faults.check(!words.trim().is_empty(), field, empty);
    if words.chars().count() > most {
        faults.push(Violation::new(field, long).with("most", most));
    }
}
