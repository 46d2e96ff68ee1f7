//! Sessions that go on, and their ends. `domain/session.rs` tells what a refresh token means.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use liuyan_kit::auth::Claims;
use uuid::Uuid;

use super::{App, secrets};
use crate::{
    config::Config,
    domain::{
        access,
        account::Account,
        audit::{Action, Entry},
        session::{End, Presented, Session},
    },
    error::Error,
    store::{accounts, audit, sessions},
};

/// A session's tokens and whose they are.
pub struct Signed {
    /// For calls.
    pub access_token: String,
    /// When it ends.
    pub access_expires_at: Timestamp,
    /// For the next pair.
    pub refresh_token: String,
    /// When the session ends if it is not refreshed.
    pub refresh_expires_at: Timestamp,
    /// Whose they are.
    pub account: Account,
}

/// What became of a refresh token.
enum Refreshed {
    /// It was good.
    Good(Box<accounts::Stored>, Session),
    /// It was used before; the session has ended.
    Reused(Uuid),
    /// It is of no use.
    Refused,
}

impl App {
    /// Exchanges a refresh token. What the account may do is read anew.
    ///
    /// # Errors
    /// [`Error::SessionRefused`].
    pub async fn refresh(self: &Arc<Self>, token: &str) -> Result<Signed, Error> {
        let now = self.clock.now();
        let presented = secrets::hash(token);
        let next = secrets::fresh();
        let (app, next_hash) = (Arc::clone(self), next.hash);
        let refreshed = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let Some(found) = sessions::find(tx, &presented).await? else {
                        return Ok(Refreshed::Refused);
                    };
                    let stored = accounts::share(tx, found.account_id).await?;
                    let session = sessions::lock(tx, found.session_id).await?;
                    let stored = stored.filter(|stored| stored.active);
                    let (Some(stored), Some(mut session)) = (stored, session) else {
                        return Ok(Refreshed::Refused);
                    };
                    match session.judge(found.generation, now, app.config.reuse_grace()) {
                        Presented::Over => return Ok(Refreshed::Refused),
                        Presented::Reused => {
                            sessions::end(tx, now, session.session_id, End::Reused).await?;
                            let entry = app.of_session(now, Action::SessionReused, &session);
                            audit::append(tx, &entry).await?;
                            return Ok(Refreshed::Reused(session.session_id));
                        }
                        Presented::Current => {
                            session.generation = session.generation.saturating_add(1);
                            session.siblings = 1;
                            session.rotated_at = now;
                        }
                        Presented::Graced => session.siblings += 1,
                    }
                    session.idle_ends_at = idle_end(&app.config, now, session.ends_at);
                    sessions::add_token(tx, now, &session, &next_hash).await?;
                    Ok::<_, Error>(Refreshed::Good(Box::new(stored), session))
                })
            })
            .await?;
        match refreshed {
            Refreshed::Good(stored, session) => self.signed(now, &stored, &session, next.text),
            Refreshed::Reused(session_id) => {
                tracing::warn!(%session_id, "a refresh token came twice; its session has ended");
                Err(Error::SessionRefused)
            }
            Refreshed::Refused => Err(Error::SessionRefused),
        }
    }

    /// Ends the session of a refresh token, a used one too. One that belongs to nothing, or to a
    /// session that has ended, is as good as signed out.
    ///
    /// # Errors
    /// The database's.
    pub async fn sign_out(self: &Arc<Self>, token: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let presented = secrets::hash(token);
        let app = Arc::clone(self);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let Some(found) = sessions::find(tx, &presented).await? else {
                        return Ok(());
                    };
                    accounts::share(tx, found.account_id).await?;
                    let session = sessions::lock(tx, found.session_id).await?;
                    let Some(session) = session.filter(|session| !session.is_over(now)) else {
                        return Ok(());
                    };
                    sessions::end(tx, now, session.session_id, End::SignedOut).await?;
                    let entry = app.of_session(now, Action::SignedOut, &session);
                    Ok(audit::append(tx, &entry).await?)
                })
            })
            .await
    }

    /// A person with an account here, as they stand in the audit log.
    pub(crate) fn actor(&self, account_id: Uuid) -> String {
        format!("{}/{account_id}", self.signer.issuer())
    }

    fn of_session(&self, now: Timestamp, action: Action, session: &Session) -> Entry {
        let who = self.actor(session.account_id);
        Entry::new(now, &who, action, session.account_id)
            .with(format!("session={}", session.session_id))
    }

    /// Signs an access token, and tells all that is told of a session.
    pub(crate) fn signed(
        &self,
        now: Timestamp,
        stored: &accounts::Stored,
        session: &Session,
        refresh_token: String,
    ) -> Result<Signed, Error> {
        let account = self.vault.open_account(stored)?;
        // No access token outlives its session's last day.
        let left = session.ends_at.duration_since(now);
        let lifetime = self.config.access_lifetime().min(left);
        let lifetime = Duration::try_from(lifetime).unwrap_or_default();
        let scopes = access::scopes(&account.roles).into_iter().map(str::to_owned);
        let access_token = self.signer.sign(&Claims {
            sub: account.account_id.to_string(),
            scopes: scopes.chain([access::session_scope(session.session_id)]).collect(),
            offices: account.places.offices.clone(),
            divisions: account.places.divisions.clone(),
            lifetime,
        });
        Ok(Signed {
            access_token,
            access_expires_at: whole_seconds(now, lifetime),
            refresh_token,
            refresh_expires_at: session.idle_ends_at,
            account,
        })
    }
}

/// A session that begins.
pub(crate) fn session_of(
    config: &Config,
    session_id: Uuid,
    account_id: Uuid,
    now: Timestamp,
) -> Session {
    let ends_at = now.saturating_add(config.session_longest()).unwrap_or(now);
    Session {
        session_id,
        account_id,
        idle_ends_at: idle_end(config, now, ends_at),
        ends_at,
        generation: 1,
        rotated_at: now,
        siblings: 1,
        ended: false,
    }
}

fn idle_end(config: &Config, now: Timestamp, ends_at: Timestamp) -> Timestamp {
    now.saturating_add(config.session_idle()).unwrap_or(now).min(ends_at)
}

/// Tokens say their end in whole seconds (RFC 7519, 2).
fn whole_seconds(now: Timestamp, lifetime: Duration) -> Timestamp {
    let end = now.as_second().saturating_add_unsigned(lifetime.as_secs());
    Timestamp::from_second(end).unwrap_or(now)
}
