//! What a person prefers.

use uuid::Uuid;

use super::App;
use crate::{
    domain::{holder::Holder, wish::Preferences},
    error::Error,
    store::{endpoints, holders},
};

impl App {
    /// What a person prefers; the usual if nothing was chosen.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn preferences(&self, account_id: Uuid) -> Result<Preferences, Error> {
        let holder = Holder::Account(account_id);
        let chosen = holders::preferences(&mut *self.db.read().await?, &holder).await?;
        Ok(chosen.unwrap_or_default())
    }

    /// Stores what a person prefers. Whoever wants mail has the account's address used again, should
    /// it have been switched off.
    ///
    /// # Errors
    /// [`Error::AccountGone`].
    pub(crate) async fn prefer(
        &self,
        account_id: Uuid,
        preferences: Preferences,
    ) -> Result<Preferences, Error> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let holder = Holder::Account(account_id);
                    holders::lock_one(tx, &holder).await?.ok_or(Error::AccountGone)?;
                    holders::prefer(tx, &holder, &preferences).await?;
                    if preferences.email {
                        endpoints::enable_implicit(tx, account_id).await?;
                    }
                    Ok(preferences)
                })
            })
            .await
    }
}
