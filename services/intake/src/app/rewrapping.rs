//! Wrapping authors' keys anew by the newest key of the ring, so that an older one can be removed.

use super::{App, erasing::SELF};
use crate::{
    domain::audit::{Action, Entry},
    error::Error,
    store::{acts, rewrapping},
};

/// How many keys one transaction looks at.
const BATCH: i64 = 500;

/// How far a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// There is more to look at.
    Goes,
    /// It is over: so many keys are wrapped by an older key.
    Over(i64),
}

impl App {
    /// Looks at the next authors' keys, and wraps anew those that an older key wraps. A round that
    /// is cut off goes on where it was.
    ///
    /// # Errors
    /// The database's, or [`Error::Key`] if the ring lacks a key.
    pub async fn rewrap_keys(&self) -> Result<Round, Error> {
        let (app, now) = (self.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let vault = &app.0.vault;
                    let after = rewrapping::take_turn(tx).await?;
                    let page = rewrapping::page(tx, after, vault.key_id(), BATCH).await?;
                    let mut fresh = Vec::new();
                    for (author_id, wrapped) in &page {
                        if let Some(anew) = vault.rewrap(*author_id, wrapped)? {
                            fresh.push((*author_id, anew));
                        }
                    }
                    let last = page.last().map_or(after, |(author_id, _)| *author_id);
                    rewrapping::store(tx, &fresh, last).await?;
                    let over = (page.len() as u64) < BATCH.unsigned_abs();
                    let round = if over {
                        Round::Over(rewrapping::end_round(tx, vault.key_id(), now).await?)
                    } else {
                        Round::Goes
                    };
                    if !fresh.is_empty() {
                        let entry = Entry {
                            at: now,
                            actor: SELF.to_owned(),
                            action: Action::KeysRewrapped,
                            subject: SELF.to_owned(),
                            request_id: None,
                            detail: format!("keys={} key={}", fresh.len(), vault.key_id()),
                        };
                        acts::append(tx, &entry).await?;
                    }
                    Ok(round)
                })
            })
            .await
    }
}
