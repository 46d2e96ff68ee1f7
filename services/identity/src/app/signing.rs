//! Signing in.

use std::sync::Arc;

use liuyan_kit::id;

use super::{
    App,
    hasher::Verdict,
    secrets,
    sessions::{Signed, session_of},
    tries::Counts,
};
use crate::{
    domain::{
        audit::{Action, Entry},
        origin::Origin,
        password::Password,
    },
    error::Error,
    store::{accounts, audit, sessions},
};

impl App {
    /// Signs a person in. A name that nobody has, one that may not sign in, and a wrong password
    /// get the same answer after the same work: a look at the counts, a turn at hashing, a counted
    /// try, a read, a hash, a written row. (A hash made with earlier parameters takes as long as it
    /// did then.)
    ///
    /// # Errors
    /// [`Error::SignInRefused`], [`Error::TriesExhausted`], [`Error::HashingBusy`].
    pub async fn sign_in(
        self: &Arc<Self>,
        name_key: String,
        password: Password,
        origin: Origin,
    ) -> Result<Signed, Error> {
        let counts = self.counts(&name_key, origin).await?;
        let turn = self.hasher.turn().await?;
        self.count_try(&counts).await?;
        let stored = accounts::named(&mut *self.db.read().await?, &name_key).await?;
        let hash = stored.as_ref().map(|stored| stored.password_hash.clone());
        let verdict = self.hasher.verify(turn, hash, password).await?;
        match (stored, verdict) {
            (Some(stored), Verdict::Right { rehashed }) if stored.active => {
                self.begin_session(stored, rehashed, counts).await
            }
            (stored, _) => {
                // Of a name that nobody has, too, but without the name.
                let subject = stored.map(|stored| stored.account_id.to_string());
                let subject = subject.unwrap_or_default();
                let now = self.clock.now();
                self.note_wrong(Entry::new(now, "", Action::SignInRefused, subject)).await?;
                Err(Error::SignInRefused)
            }
        }
    }

    async fn begin_session(
        self: &Arc<Self>,
        seen: accounts::Stored,
        rehashed: Option<String>,
        counts: Counts,
    ) -> Result<Signed, Error> {
        let now = self.clock.now();
        let session = session_of(&self.config, id::v7(now), seen.account_id, now);
        let token = secrets::fresh();
        let app = Arc::clone(self);
        let (begun, hash) = (session.clone(), token.hash);
        let stored = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    counts.were_right(tx, now).await?;
                    let stored = accounts::lock(tx, seen.account_id).await?;
                    let stored = stored.filter(|stored| stored.active);
                    let stored = stored.ok_or(Error::SignInRefused)?;
                    if stored.password_hash != seen.password_hash {
                        return Err(Error::Raced);
                    }
                    if let Some(rehashed) = &rehashed {
                        accounts::rehash(tx, stored.account_id, rehashed).await?;
                    }
                    sessions::begin(tx, &begun, &hash).await?;
                    let most = app.config.sessions_per_account.max(1);
                    sessions::trim(tx, now, stored.account_id, most).await?;
                    let who = app.actor(stored.account_id);
                    let entry = Entry::new(now, &who, Action::SignedIn, stored.account_id);
                    let entry = entry.with(format!("session={}", begun.session_id));
                    audit::append(tx, &entry).await?;
                    Ok(stored)
                })
            })
            .await?;
        self.signed(now, &stored, &session, token.text)
    }
}
