//! Moderators take reviews under a lease, so that no two work on the same.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, calls::Call, one_locked};
use crate::{
    domain::{
        audit::{Action, Entry},
        moderator::{Bar, Moderator},
        review::{Claim, Review},
    },
    error::Error,
    store::{audit, reviews, waiting},
};

impl App {
    /// Takes the review named, or the first of the queue that is for this moderator and on which no
    /// lease binds. The same moderator may take a review again, which lengthens the lease. `None` if
    /// there is none.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::NotHeld`], [`Error::ClaimedByAnother`],
    /// [`Error::OwnMessage`], [`Error::OwnDecision`], [`Error::SeniorNeeded`],
    /// [`Error::RequestIdReused`].
    pub async fn claim(
        self: &Arc<Self>,
        call: Call,
        moderator: Moderator,
        named: Option<Uuid>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let now = self.clock.now();
        let expires_at = now + self.config.lease();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx).await? {
                        return Ok(Some(answer));
                    }
                    let message_id = match named {
                        Some(message_id) => {
                            let review = one_locked(tx, message_id).await?;
                            moderator.may_take(&review, now).map_err(barred)?;
                            message_id
                        }
                        None => match waiting::lock_first(tx, now, &moderator).await? {
                            Some(message_id) => message_id,
                            // Nothing happened, so there is nothing to repeat.
                            None => return Ok(None),
                        },
                    };
                    let claim = Claim { holder: call.caller().to_owned(), expires_at };
                    reviews::set_claim(tx, message_id, Some(&claim)).await?;
                    let answer =
                        call.end(tx, now, Action::ReviewClaimed, message_id, String::new()).await?;
                    Ok(Some(answer))
                })
            })
            .await
    }

    /// Lengthens the caller's lease; gives its new end.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::NotClaimed`].
    pub async fn renew_claim(
        self: &Arc<Self>,
        caller: String,
        message_id: Uuid,
    ) -> Result<Timestamp, Error> {
        let now = self.clock.now();
        let expires_at = now + self.config.lease();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    leased_by(tx, &caller, message_id, now).await?;
                    let claim = Claim { holder: caller.clone(), expires_at };
                    reviews::set_claim(tx, message_id, Some(&claim)).await?;
                    audit::append(tx, &act(now, &caller, Action::ClaimRenewed, message_id)).await?;
                    Ok(expires_at)
                })
            })
            .await
    }

    /// Gives a claimed review back to the queue.
    ///
    /// # Errors
    /// [`Error::ReviewNotFound`], [`Error::NotClaimed`].
    pub async fn release(self: &Arc<Self>, caller: String, message_id: Uuid) -> Result<(), Error> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    leased_by(tx, &caller, message_id, now).await?;
                    reviews::set_claim(tx, message_id, None).await?;
                    let act = act(now, &caller, Action::ReviewReleased, message_id);
                    Ok(audit::append(tx, &act).await?)
                })
            })
            .await
    }
}

/// Locks a review that the moderator holds under a lease that binds, and that is theirs to decide.
pub(super) async fn held_by(
    tx: &mut PgConnection,
    moderator: &Moderator,
    message_id: Uuid,
    now: Timestamp,
) -> Result<Review, Error> {
    let review = leased_by(tx, &moderator.name, message_id, now).await?;
    moderator.may_take(&review, now).map_err(barred)?;
    Ok(review)
}

/// Locks a review that the caller holds under a lease that binds.
async fn leased_by(
    tx: &mut PgConnection,
    caller: &str,
    message_id: Uuid,
    now: Timestamp,
) -> Result<Review, Error> {
    let review = one_locked(tx, message_id).await?;
    if review.is_held_by(caller, now) { Ok(review) } else { Err(Error::NotClaimed) }
}

/// Why a review is not for a moderator, as they are told.
pub(super) fn barred(bar: Bar) -> Error {
    match bar {
        Bar::NotWaiting(state) => Error::NotHeld(state),
        Bar::Own => Error::OwnMessage,
        Bar::Decided => Error::OwnDecision,
        Bar::Senior => Error::SeniorNeeded,
        Bar::ClaimedByAnother => Error::ClaimedByAnother,
    }
}

/// An act on a review, for the audit log.
pub(super) fn act(at: Timestamp, actor: &str, action: Action, message_id: Uuid) -> Entry {
    Entry {
        at,
        actor: actor.to_owned(),
        action,
        message_id: Some(message_id),
        request_id: None,
        detail: String::new(),
    }
}
