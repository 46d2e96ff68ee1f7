//! Moderators decide, and take words out of what was published.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::{class::Violation, messaging::outbox};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, calls::Call, claims::held_by, one, one_locked};
use crate::{
    domain::{
        audit::Action,
        decision::{Decision, Fault},
        moderator::Moderator,
        review::{Review, State},
        text::{Span, Text},
    },
    error::{Error, Faults},
    events::{self, Approval},
    store::{
        data,
        decisions::{self, Decided},
    },
};

/// Why a text is read to check spans against it; intake keeps it.
const PURPOSE: &str = "deciding";

/// What a moderator wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The message.
    pub message_id: Uuid,
    /// The review's etag, as the moderator saw it.
    pub etag: String,
    /// What is decided.
    pub decision: Decision,
    /// Offices that the message accuses.
    pub accused_office_ids: Vec<String>,
}

impl App {
    /// Decides a review that the caller holds.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::SeniorNeeded`], [`Error::OwnMessage`],
    /// [`Error::ReviewNotFound`], [`Error::NotHeld`], [`Error::NotClaimed`],
    /// [`Error::EtagMismatch`], [`Error::TextMissing`], [`Error::TextsUnavailable`],
    /// [`Error::RequestIdReused`].
    pub async fn decide(
        self: &Arc<Self>,
        call: Call,
        moderator: Moderator,
        wish: Wish,
    ) -> Result<Vec<u8>, Error> {
        if let Some(answer) = self.answered(&call).await? {
            return Ok(answer);
        }
        let revision = self.check(&wish, &moderator).await?;
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx).await? {
                        return Ok(answer);
                    }
                    let now = app.clock.now();
                    let review = held_by(tx, &moderator, wish.message_id, now).await?;
                    if review.etag() != wish.etag || review.submission.revision != revision {
                        return Err(Error::EtagMismatch);
                    }
                    settle(tx, now, call.caller(), &review, &wish).await?;
                    let detail = detail(&wish.decision);
                    call.end(tx, now, Action::ReviewDecided, wish.message_id, detail).await
                })
            })
            .await
    }

    /// Removes words from a published message.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::ReviewNotFound`], [`Error::OwnMessage`], [`Error::NotApproved`],
    /// [`Error::TextMissing`], [`Error::TextsUnavailable`], [`Error::RequestIdReused`].
    pub async fn redact(
        self: &Arc<Self>,
        call: Call,
        moderator: Moderator,
        message_id: Uuid,
        spans: Vec<Span>,
    ) -> Result<Vec<u8>, Error> {
        if let Some(answer) = self.answered(&call).await? {
            return Ok(answer);
        }
        let review = one(&mut *self.db.read().await?, message_id).await?;
        must_be_approved(&review)?;
        if moderator.wrote(&review) {
            return Err(Error::OwnMessage);
        }
        let mut faults = Faults::default();
        self.check_spans(&mut faults, &review, &spans, "redactions").await?;
        faults.check(!spans.is_empty(), "redactions", "SPANS_EMPTY");
        faults.end()?;
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx).await? {
                        return Ok(answer);
                    }
                    must_be_approved(&one_locked(tx, message_id).await?)?;
                    decisions::redact(tx, message_id, &spans, call.caller(), now).await?;
                    decisions::count_redacted(tx, message_id).await?;
                    outbox::publish_all(tx, now, &[events::redacted(message_id, now)]).await?;
                    let detail = format!("spans={}", spans.len());
                    call.end(tx, now, Action::MessageRedacted, message_id, detail).await
                })
            })
            .await
    }

    /// The answer to a call that was answered before.
    pub(super) async fn answered(&self, call: &Call) -> Result<Option<Vec<u8>>, Error> {
        let call = call.clone();
        self.db.write(move |tx| Box::pin(async move { call.begin(tx).await })).await
    }

    /// Checks a decision on what is held; gives the revision it is about.
    async fn check(&self, wish: &Wish, moderator: &Moderator) -> Result<u32, Error> {
        let review = one(&mut *self.db.read().await?, wish.message_id).await?;
        if review.state != State::Held {
            return Err(Error::NotHeld(review.state));
        }
        let mut faults = Faults::default();
        self.check_wish(&mut faults, &review, wish, moderator).await?;
        Ok(review.submission.revision)
    }

    /// Checks a decision against the grounds and the text, and whether it is for this moderator.
    pub(super) async fn check_wish(
        &self,
        faults: &mut Faults,
        review: &Review,
        wish: &Wish,
        moderator: &Moderator,
    ) -> Result<(), Error> {
        let grounds = data::grounds(&mut *self.db.read().await?).await?;
        for fault in wish.decision.faults(&grounds, self.config.explanation_characters) {
            faults.push(violation(&wish.decision, fault, self.config.explanation_characters));
        }
        let field = match wish.decision {
            Decision::Publish { .. } => "publish.redactions",
            Decision::Return(_) => "return.spans",
            Decision::Decline(_) => "decline.spans",
        };
        self.check_spans(faults, review, wish.decision.spans(), field).await?;
        std::mem::take(faults).end()?;
        // What accuses somebody is decided by a senior moderator, whatever is decided.
        let accuses = !wish.accused_office_ids.is_empty();
        if (wish.decision.needs_senior(&grounds) || accuses) && !moderator.senior {
            return Err(Error::SeniorNeeded);
        }
        Ok(())
    }

    /// Checks that spans lie inside the text of the revision under review, and apart.
    pub(super) async fn check_spans(
        &self,
        faults: &mut Faults,
        review: &Review,
        spans: &[Span],
        field: &str,
    ) -> Result<(), Error> {
        if spans.len() > self.config.spans {
            faults.push(Violation::new(field, "SPANS_TOO_MANY").with("most", self.config.spans));
            return Ok(());
        }
        if spans.is_empty() {
            return Ok(());
        }
        let message = &review.submission;
        let text: Text = self
            .texts
            .of_one(message.message_id, message.revision, PURPOSE)
            .await?
            .ok_or(Error::TextMissing)?;
        for (at, span) in spans.iter().enumerate() {
            let reason = if !text.contains(*span) {
                "SPAN_OUTSIDE_TEXT"
            } else if spans[..at].iter().any(|before| before.overlaps(*span)) {
                "SPAN_OVERLAPS"
            } else {
                continue;
            };
            faults.push(Violation::new(format!("{field}[{at}]"), reason));
        }
        Ok(())
    }
}

fn must_be_approved(review: &Review) -> Result<(), Error> {
    if review.state == State::Approved { Ok(()) } else { Err(Error::NotApproved(review.state)) }
}

/// Stores a decision and says it.
pub(super) async fn settle(
    tx: &mut PgConnection,
    now: Timestamp,
    by: &str,
    review: &Review,
    wish: &Wish,
) -> Result<(), Error> {
    let message = &review.submission;
    let decided = Decided {
        message_id: message.message_id,
        revision: message.revision,
        decision: &wish.decision,
        accused_office_ids: &wish.accused_office_ids,
        decided_by: by,
        decided_at: now,
    };
    decisions::decide(tx, &decided).await?;
    let said = match &wish.decision {
        Decision::Publish { .. } => {
            let approval = Approval {
                accused_office_ids: &wish.accused_office_ids,
                rules_version: review.rules_version,
                by_rules: false,
                approved_at: now,
            };
            events::approved(message, approval)
        }
        Decision::Return(refusal) => {
            events::returned(message.message_id, &refusal.ground, message.revision, now)
        }
        Decision::Decline(refusal) => events::declined(message.message_id, &refusal.ground, now),
    };
    outbox::publish_all(tx, now, &[said]).await?;
    Ok(())
}

/// What the audit log tells of a decision.
pub(super) fn detail(decision: &Decision) -> String {
    let spans = decision.spans().len();
    let ground = decision.refusal().map_or("", |refusal| &refusal.ground);
    format!("decision={} ground={ground} spans={spans}", decision.as_str())
}

fn violation(decision: &Decision, fault: Fault, longest: usize) -> Violation {
    let part = decision.as_str();
    match fault {
        Fault::GroundUnknown => Violation::new(format!("{part}.ground"), "GROUND_UNKNOWN"),
        Fault::GroundNotMendable => Violation::new(format!("{part}.ground"), "GROUND_NOT_MENDABLE"),
        Fault::ExplanationEmpty => {
            Violation::new(format!("{part}.explanation"), "EXPLANATION_EMPTY")
        }
        Fault::ExplanationTooLong => {
            Violation::new(format!("{part}.explanation"), "EXPLANATION_TOO_LONG")
                .with("most", longest)
        }
        Fault::SpansEmpty => Violation::new(format!("{part}.spans"), "SPANS_NEEDED"),
    }
}
