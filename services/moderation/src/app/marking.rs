//! A moderator sees that a message accuses somebody, and leaves it to a senior one.

use std::sync::Arc;

use uuid::Uuid;

use super::{App, calls::Call, claims::held_by};
use crate::{
    domain::{audit::Action, moderator::Moderator},
    error::{Error, Faults},
    store::waiting,
};

/// Whom a message accuses, as a moderator sees it.
#[derive(Debug, Clone)]
pub struct Accusation {
    /// The message.
    pub message_id: Uuid,
    /// The review's etag, as the moderator saw it.
    pub etag: String,
    /// The offices.
    pub office_ids: Vec<String>,
}

impl App {
    /// Marks the offices that a message accuses, and gives the review back to the queue for a senior
    /// moderator.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::ReviewNotFound`], [`Error::NotClaimed`],
    /// [`Error::EtagMismatch`], [`Error::RequestIdReused`].
    pub async fn mark_accusation(
        self: &Arc<Self>,
        call: Call,
        moderator: Moderator,
        accusation: Accusation,
    ) -> Result<Vec<u8>, Error> {
        let Accusation { message_id, etag, office_ids } = accusation;
        let mut faults = Faults::default();
        faults.check(!office_ids.is_empty(), "accused_office_ids", "FIELD_REQUIRED");
        faults.end()?;
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx).await? {
                        return Ok(answer);
                    }
                    let review = held_by(tx, &moderator, message_id, now).await?;
                    if review.etag() != etag {
                        return Err(Error::EtagMismatch);
                    }
                    waiting::mark_accusation(tx, message_id, &office_ids).await?;
                    let detail = format!("offices={}", office_ids.len());
                    call.end(tx, now, Action::AccusationMarked, message_id, detail).await
                })
            })
            .await
    }
}
