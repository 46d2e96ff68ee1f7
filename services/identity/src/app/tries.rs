//! Bounds the wrong passwords and secrets, in the database, so that all replicas count together.
//!
//! Whoever guesses must not be able to keep others out. So tries are counted by who makes them, which is
//! a name from a network; what is counted of a name or a network as a whole refuses nobody who has
//! signed in from there of late; and what is counted of all is counted once the password was wrong.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use super::App;
use crate::{
    domain::{audit::Entry, origin::Origin},
    error::Error,
    store::attempts::{self, Tally},
};

/// What the wrong tries of all people are counted under.
const ALL_ACCOUNTS: &str = "accounts";
/// What those of all agencies are counted under.
const ALL_CLIENTS: &str = "clients";

/// Under what a try is counted, and how many may be wrong.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    /// Those of the name from the network.
    own: (String, u32),
    /// Those of the network, of what is around it, and of the name elsewhere. Whoever has signed in
    /// from there of late has none. They are always locked in this order.
    shared: Vec<(String, u32)>,
    /// Whether it is remembered from where the right password came.
    remembered: bool,
}

impl Counts {
    /// Begins the own count anew, which remembers the network, and takes the try back from the others.
    pub(crate) async fn were_right(
        &self,
        tx: &mut PgConnection,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        if self.remembered {
            attempts::remember(tx, now, &self.own.0).await?;
        } else {
            attempts::forget(tx, &self.own.0).await?;
        }
        for (key, _) in &self.shared {
            attempts::take_back(tx, key).await?;
        }
        Ok(())
    }
}

impl App {
    /// Under what a sign-in is counted, looked up before it takes a turn at hashing: whoever is over a
    /// limit takes none from others.
    ///
    /// # Errors
    /// [`Error::TriesExhausted`].
    pub(crate) async fn counts(&self, name_key: &str, origin: Origin) -> Result<Counts, Error> {
        let (now, tries) = (self.clock.now(), &self.config.tries);
        let window = tries.window();
        let own = (self.vault.own_tries(name_key, origin.network), tries.per_account);
        let of_network = |kind, network: Option<_>, limit| {
            network.map(|network| (self.vault.network_tries(kind, network), limit))
        };
        let shared = [
            of_network("network", origin.network, tries.per_network),
            of_network("site", origin.site, tries.per_site),
            Some((self.vault.name_tries(name_key), tries.per_account_elsewhere)),
        ];
        let shared: Vec<_> = shared.into_iter().flatten().collect();
        let mut connection = self.db.read().await?;
        let seen = attempts::one(&mut connection, &own.0).await?;
        let since = now.saturating_sub(tries.known()).unwrap_or(now);
        let right_at = seen.as_ref().and_then(|seen| seen.right_at);
        let known = right_at.is_some_and(|right_at| since < right_at);
        let shared = if known { Vec::new() } else { shared };
        let full =
            |seen: &Tally, limit| now.duration_since(seen.began_at) < window && seen.wrong >= limit;
        if let Some(seen) = seen.filter(|seen| full(seen, own.1)) {
            return Err(exhausted(&seen, now, window));
        }
        for (key, limit) in &shared {
            let seen = attempts::one(&mut connection, key).await?;
            if let Some(seen) = seen.filter(|seen| full(seen, *limit)) {
                return Err(exhausted(&seen, now, window));
            }
        }
        Ok(Counts { own, shared, remembered: origin.network.is_some() })
    }

    /// Counts a try of a person, before the password is looked at.
    ///
    /// # Errors
    /// [`Error::TriesExhausted`] if there were too many wrong ones; this one is not counted then.
    pub(crate) async fn count_try(&self, counts: &Counts) -> Result<(), Error> {
        let all = std::iter::once(&counts.own).chain(&counts.shared);
        self.count(all.cloned().collect()).await
    }

    /// The same for somebody who is signed in and is asked once more.
    ///
    /// # Errors
    /// The same.
    pub(crate) async fn count_own_try(&self, name_key: &str) -> Result<(), Error> {
        let own = self.vault.own_tries(name_key, None);
        self.count(vec![(own, self.config.tries.per_account)]).await
    }

    /// Adds a wrong password to the audit log, unless there were so many that they would flood it.
    ///
    /// # Errors
    /// [`Error::TriesExhausted`].
    pub(crate) async fn note_wrong(&self, entry: Entry) -> Result<(), Error> {
        self.count(vec![(ALL_ACCOUNTS.to_owned(), self.config.tries.all_accounts)]).await?;
        self.note(entry).await
    }

    /// Counts a wrong secret of an agency.
    ///
    /// # Errors
    /// [`Error::TriesExhausted`].
    pub(crate) async fn count_wrong_secret(&self, client_id: &str) -> Result<(), Error> {
        let tries = &self.config.tries;
        let own = (format!("client/{client_id}"), tries.per_client);
        self.count(vec![own, (ALL_CLIENTS.to_owned(), tries.all_clients)]).await
    }

    async fn count(&self, counted: Vec<(String, u32)>) -> Result<(), Error> {
        let (now, window) = (self.clock.now(), self.config.tries.window());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let keys: Vec<&str> = counted.iter().map(|(key, _)| key.as_str()).collect();
                    let tallies = attempts::count(tx, now, window, &keys).await?;
                    let limits = counted.iter().map(|(_, limit)| *limit);
                    tallies.iter().zip(limits).try_for_each(|(tally, limit)| {
                        if tally.wrong > limit {
                            Err(exhausted(tally, now, window))
                        } else {
                            Ok(())
                        }
                    })
                })
            })
            .await
    }
}

/// Until when nothing more is looked at.
fn exhausted(tally: &Tally, now: Timestamp, window: SignedDuration) -> Error {
    let passed = now.duration_since(tally.began_at);
    let left = Duration::try_from(window.saturating_sub(passed));
    Error::TriesExhausted { retry_after: left.unwrap_or_default().max(Duration::from_secs(1)) }
}
