//! What administrators do with accounts, and what services may read of them.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::{db::OnConstraint as _, id, seal::DataKey};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, Call, vault::seal_text};
use crate::{
    domain::{
        account::{Account, Contact, Wish},
        audit::{Action, Entry},
        session::End,
    },
    error::Error,
    store::{
        accounts::{self, Stored},
        attempts, audit, sessions,
    },
};

/// What the pages of this list are sealed for.
const LIST: &str = "accounts";

impl App {
    /// Adds an account, or makes the one of this name as it is wished. Another password, or an
    /// account that may not sign in any more, ends its sessions.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a new account has no password; [`Error::RequestIdReused`],
    /// [`Error::Raced`].
    pub async fn put_account(
        self: &Arc<Self>,
        call: Call,
        mut wish: Wish,
        answer: fn(&Account) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let hashed = match wish.password.take() {
            Some(password) => Some(self.hasher.hash(self.hasher.turn().await?, password).await?),
            None => None,
        };
        let now = self.clock.now();
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = call.begin(tx, &app.vault).await? {
                        return Ok(answer);
                    }
                    let (stored, key) = app.put(tx, now, &wish, hashed.as_deref()).await?;
                    let answer = answer(&app.vault.open_account(&stored)?);
                    let about = Some((stored.account_id, &key));
                    call.end(tx, &app.vault, now, about, &answer).await?;
                    let entry =
                        Entry::new(now, &call.caller, Action::AccountPut, stored.account_id)
                            .by_request(call.request_id)
                            .with(detail(&stored, hashed.is_some()));
                    audit::append(tx, &entry).await?;
                    Ok::<_, Error>(answer)
                })
            })
            .await
    }

    async fn put(
        &self,
        tx: &mut PgConnection,
        now: Timestamp,
        wish: &Wish,
        hashed: Option<&str>,
    ) -> Result<(Stored, DataKey), Error> {
        if hashed.is_some() {
            attempts::forget_name(tx, &self.vault.name_tries(wish.name.key())).await?;
        }
        match accounts::lock_named(tx, wish.name.key()).await? {
            None => {
                let hashed = hashed.ok_or_else(|| Error::invalid("password", "FIELD_REQUIRED"))?;
                let account_id = id::v7(now);
                let (key, wrapped) = self.vault.new_key(account_id);
                let stored = seal(wish, account_id, &key, wrapped, hashed, now);
                accounts::insert(tx, &stored)
                    .await
                    .on_constraint("accounts_name_key_key", || Error::Raced)?;
                Ok((stored, key))
            }
            Some(old) => {
                let account_id = old.account_id;
                let key = self.vault.open_key(account_id, &old.wrapped_key)?;
                let kept = hashed.unwrap_or(&old.password_hash);
                let stored = seal(wish, account_id, &key, old.wrapped_key, kept, old.created_at);
                accounts::update(tx, &stored).await?;
                if hashed.is_some() || !stored.active {
                    sessions::end_all(tx, now, account_id, None, End::AccountPut).await?;
                }
                Ok((stored, key))
            }
        }
    }

    /// A page of accounts by name, and the token of the next page. It is in the audit log who read
    /// it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token is none of this list.
    pub async fn list_accounts(
        self: &Arc<Self>,
        caller: String,
        size: u32,
        token: &str,
    ) -> Result<(Vec<Account>, String), Error> {
        let after = self.vault.open_page(LIST, size, token)?;
        let now = self.clock.now();
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let mut ids = accounts::page(tx, &after, i64::from(size) + 1).await?;
                    let more = ids.len() > size as usize;
                    ids.truncate(size as usize);
                    let stored = accounts::fetch(tx, &ids).await?;
                    let next = stored.last().filter(|_| more);
                    let next = next.map(|last| app.vault.seal_page(LIST, size, &last.name_key));
                    let opened = stored.iter().map(|stored| app.vault.open_account(stored));
                    let opened = opened.collect::<Result<Vec<_>, _>>()?;
                    let entry = Entry::new(now, &caller, Action::AccountsListed, "")
                        .with(format!("count={}", opened.len()));
                    audit::append(tx, &entry).await?;
                    Ok::<_, Error>((opened, next.unwrap_or_default()))
                })
            })
            .await
    }

    /// Where accounts can be reached, in the order asked. Who asked, why, and for whom is in the
    /// audit log before the answer leaves.
    ///
    /// # Errors
    /// The database's.
    pub async fn contacts(
        self: &Arc<Self>,
        caller: String,
        ids: Vec<Uuid>,
        purpose: String,
    ) -> Result<Vec<Contact>, Error> {
        let now = self.clock.now();
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let stored = accounts::fetch(tx, &ids).await?;
                    let contacts = stored.iter().map(|stored| app.vault.open_contact(stored));
                    let contacts = contacts.collect::<Result<Vec<_>, _>>()?;
                    let read: Vec<String> =
                        contacts.iter().map(|contact| contact.account_id.to_string()).collect();
                    let detail = format!(
                        "count={} accounts={} purpose={purpose}",
                        read.len(),
                        read.join(",")
                    );
                    let entry = Entry::new(now, &caller, Action::ContactsRead, "").with(detail);
                    audit::append(tx, &entry).await?;
                    Ok::<_, Error>(contacts)
                })
            })
            .await
    }
}

/// An account as it is stored.
fn seal(
    wish: &Wish,
    account_id: Uuid,
    key: &DataKey,
    wrapped_key: Vec<u8>,
    password_hash: &str,
    created_at: Timestamp,
) -> Stored {
    let email = wish.email.as_deref();
    Stored {
        account_id,
        name: wish.name.shown().to_owned(),
        name_key: wish.name.key().to_owned(),
        password_hash: password_hash.to_owned(),
        wrapped_key,
        display_name: seal_text(key, "display-name", account_id, &wish.display_name),
        email: email.map(|email| seal_text(key, "email", account_id, email)),
        roles: wish.roles.clone(),
        places: wish.places.clone(),
        locale: wish.locale.clone(),
        active: wish.active,
        created_at,
    }
}

/// What an auditor needs of a change: what the account may do now, and whether the password is
/// another one.
fn detail(stored: &Stored, password_set: bool) -> String {
    let roles: Vec<&str> = stored.roles.iter().map(|role| role.as_str()).collect();
    format!(
        "roles={} offices={} divisions={} active={} password_set={password_set}",
        roles.join(","),
        stored.places.offices.join(","),
        stored.places.divisions.join(","),
        stored.active
    )
}
