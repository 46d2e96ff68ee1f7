//! What people do with their own accounts.

use std::sync::Arc;

use liuyan_kit::messaging::outbox;
use uuid::Uuid;

use super::{App, hasher::Verdict};
use crate::{
    domain::{
        account::Account,
        audit::{Action, Entry},
        password::Password,
        session::End,
    },
    error::Error,
    events,
    store::{accounts, attempts, audit, sessions},
};

impl App {
    /// The caller's own account.
    ///
    /// # Errors
    /// [`Error::AccountNotFound`].
    pub async fn own_account(&self, account_id: Uuid) -> Result<Account, Error> {
        self.vault.open_account(&self.own(account_id).await?)
    }

    /// Changes the own password; ends the other sessions, or all if it is not known which is the
    /// caller's.
    ///
    /// # Errors
    /// [`Error::PasswordWrong`], [`Error::Invalid`], [`Error::TriesExhausted`].
    pub async fn change_password(
        self: &Arc<Self>,
        account_id: Uuid,
        own_session: Option<Uuid>,
        given: Password,
        chosen: Password,
    ) -> Result<(), Error> {
        let seen = self.own(account_id).await?;
        if chosen.is(&seen.name_key) {
            return Err(Error::invalid("new_password", "PASSWORD_IS_NAME"));
        }
        self.confirm(&seen, given).await?;
        let hashed = self.hasher.hash(self.hasher.turn().await?, chosen).await?;
        let now = self.clock.now();
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let stored = app.confirmed(tx, &seen).await?;
                    let changed = accounts::Stored { password_hash: hashed, ..stored };
                    accounts::update(tx, &changed).await?;
                    sessions::end_all(tx, now, account_id, own_session, End::PasswordChanged)
                        .await?;
                    let who = app.actor(account_id);
                    let entry = Entry::new(now, &who, Action::PasswordChanged, account_id);
                    Ok(audit::append(tx, &entry).await?)
                })
            })
            .await
    }

    /// Erases the own account: the key of its data first of all, then the data, and says so.
    ///
    /// # Errors
    /// [`Error::PasswordWrong`], [`Error::TriesExhausted`].
    pub async fn erase_account(
        self: &Arc<Self>,
        account_id: Uuid,
        given: Password,
    ) -> Result<(), Error> {
        let seen = self.own(account_id).await?;
        self.confirm(&seen, given).await?;
        let now = self.clock.now();
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    app.confirmed(tx, &seen).await?;
                    let tries = app.vault.name_tries(&seen.name_key);
                    attempts::forget_name(tx, &tries).await?;
                    accounts::erase(tx, now, account_id).await?;
                    sessions::end_all(tx, now, account_id, None, End::Erased).await?;
                    outbox::publish(tx, now, account_id, &events::erased(account_id, now)).await?;
                    let who = app.actor(account_id);
                    let entry = Entry::new(now, &who, Action::AccountErased, account_id);
                    Ok(audit::append(tx, &entry).await?)
                })
            })
            .await
    }

    async fn own(&self, account_id: Uuid) -> Result<accounts::Stored, Error> {
        let stored = accounts::one(&mut *self.db.read().await?, account_id).await?;
        stored.filter(|stored| stored.active).ok_or(Error::AccountNotFound)
    }

    /// Asks for the password once more: whoever finds a browser open must not take the account
    /// over. Wrong ones count like those at signing in from nowhere that is known, and strangers'
    /// guesses at the name don't count here.
    async fn confirm(&self, seen: &accounts::Stored, given: Password) -> Result<(), Error> {
        let turn = self.hasher.turn().await?;
        self.count_own_try(&seen.name_key).await?;
        let hash = Some(seen.password_hash.clone());
        if self.hasher.verify(turn, hash, given).await? != Verdict::Wrong {
            return Ok(());
        }
        let who = self.actor(seen.account_id);
        let entry = Entry::new(self.clock.now(), &who, Action::PasswordRefused, seen.account_id);
        self.note_wrong(entry).await?;
        Err(Error::PasswordWrong)
    }

    /// Forgets the wrong tries before the right one, and locks the account, which has to be as it
    /// was when the password was confirmed.
    async fn confirmed(
        &self,
        tx: &mut sqlx::PgConnection,
        seen: &accounts::Stored,
    ) -> Result<accounts::Stored, Error> {
        attempts::forget(tx, &self.vault.own_tries(&seen.name_key, None)).await?;
        let stored = accounts::lock(tx, seen.account_id).await?;
        let stored = stored.filter(|stored| stored.active).ok_or(Error::AccountNotFound)?;
        if stored.password_hash == seen.password_hash { Ok(stored) } else { Err(Error::Raced) }
    }
}
