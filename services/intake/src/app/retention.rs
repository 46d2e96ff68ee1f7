//! Destroying names and phones that are no longer needed.

use jiff::SignedDuration;

use super::{
    App,
    erasing::{SELF, erase},
};
use crate::{
    domain::audit::{Action, Entry},
    error::Error,
    store::{acts, retention},
};

/// How many messages one transaction touches.
const BATCH: i64 = 200;

impl App {
    /// Destroys names and phones of messages that ended longer ago than `contact_retention_days`;
    /// nothing if that is 0. Gives how many, up to a batch, and whether there may be more.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_contacts(&self) -> Result<(u32, bool), Error> {
        let days = i64::from(self.0.config.contact_retention_days);
        if days == 0 {
            return Ok((0, false));
        }
        let now = self.0.clock.now();
        let before = now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let due = retention::due(tx, before, BATCH).await?;
                    if due.is_empty() {
                        return Ok((0, false));
                    }
                    let done = erase(tx, &due, false, now).await?;
                    let entry = Entry {
                        at: now,
                        actor: SELF.to_owned(),
                        action: Action::ContactsForgotten,
                        subject: SELF.to_owned(),
                        request_id: None,
                        detail: format!("contacts={} days={days}", done.contacts),
                    };
                    acts::append(tx, &entry).await?;
                    let more = due.len() as u64 >= BATCH.unsigned_abs();
                    Ok((done.contacts.unsigned_abs(), more))
                })
            })
            .await
    }
}
