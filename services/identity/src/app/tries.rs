//! Bounds the wrong passwords and secrets, in the database, so that all replicas count together.

use std::time::Duration;

use super::App;
use crate::{error::Error, store::attempts};

/// What all tries of people are counted under.
pub(crate) const ALL_ACCOUNTS: &str = "accounts";
/// What all tries of agencies are counted under.
pub(crate) const ALL_CLIENTS: &str = "clients";

impl App {
    /// Counts a try of a person, before the password is looked at.
    ///
    /// # Errors
    /// [`Error::TriesExhausted`] if there were too many wrong ones; this one is not counted then.
    pub(crate) async fn count_try(&self, name_key: &str) -> Result<(), Error> {
        let tries = &self.config.tries;
        let limits = [tries.per_account, tries.all_accounts];
        self.count(self.vault.name_tries(name_key), ALL_ACCOUNTS, limits).await
    }

    /// Counts a wrong secret of an agency.
    ///
    /// # Errors
    /// The same.
    pub(crate) async fn count_wrong_secret(&self, client_id: &str) -> Result<(), Error> {
        let tries = &self.config.tries;
        let limits = [tries.per_client, tries.all_clients];
        self.count(format!("client/{client_id}"), ALL_CLIENTS, limits).await
    }

    async fn count(&self, key: String, all: &'static str, limits: [u32; 2]) -> Result<(), Error> {
        let (now, window) = (self.clock.now(), self.config.tries.window());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let tallies = attempts::count(tx, now, window, &[&key, all]).await?;
                    for (tally, limit) in tallies.iter().zip(limits) {
                        if tally.wrong > limit {
                            let passed = now.duration_since(tally.began_at);
                            let left = Duration::try_from(window.saturating_sub(passed));
                            let retry_after = left.unwrap_or_default().max(Duration::from_secs(1));
                            return Err(Error::TriesExhausted { retry_after });
                        }
                    }
                    Ok(())
                })
            })
            .await
    }
}
