//! Who is signed in, and whose messages a visitor has proved to be theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{class::Class, class::Classify as _, clock};
use liuyan_proto::liuyan::identity::v1 as identity;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::{app::App, error::Error};

mod proofs;

pub(crate) use proofs::{COOKIE as PROOFS, Proof, Proofs};

/// The name of the cookie.
pub(crate) const COOKIE: &str = "session";
/// How long before its end an access token is exchanged.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);
/// For how long the result of an exchange is remembered for pages that were asked for with the old
/// cookie: a refresh token that is used twice ends its session.
const REMEMBERED: SignedDuration = SignedDuration::from_secs(120);
/// How many exchanges are remembered.
const MOST: usize = 4_096;

/// A signed-in person, as the cookie keeps them.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Session {
    /// For calls in their name.
    pub(crate) access: String,
    /// When it ends.
    pub(crate) access_until: Timestamp,
    refresh: String,
    refresh_until: Timestamp,
    /// The account's id.
    pub(crate) account_id: String,
    /// How they are addressed.
    pub(crate) display_name: String,
    roles: Vec<i32>,
    /// For which offices they act.
    pub(crate) office_ids: Vec<String>,
    /// For which divisions they act.
    pub(crate) division_codes: Vec<String>,
}

impl Session {
    /// A session as identity gives it; `None` if something is missing in it.
    pub(crate) fn new(
        session: Option<identity::Session>,
        account: Option<identity::Account>,
    ) -> Option<Self> {
        let (session, account) = (session?, account?);
        Some(Self {
            access_until: clock::from_proto(session.access_expires_at.as_ref()?)?,
            refresh_until: clock::from_proto(session.refresh_expires_at.as_ref()?)?,
            access: session.access_token,
            refresh: session.refresh_token,
            account_id: account.account_id,
            display_name: account.display_name,
            roles: account.roles,
            office_ids: account.office_ids,
            division_codes: account.division_codes,
        })
    }

    /// Whether the person has the role.
    pub(crate) fn has(&self, role: identity::Role) -> bool {
        self.roles.contains(&i32::from(role))
    }

    /// Whether there is a desk for the person: clerks, supervisors.
    pub(crate) fn works_on_cases(&self) -> bool {
        self.has(identity::Role::Clerk) || self.has(identity::Role::Supervisor)
    }

    /// Whether the person edits the directory and what the board shows.
    pub(crate) fn edits(&self) -> bool {
        self.has(identity::Role::Editor)
    }

    /// Whether the person reviews messages.
    pub(crate) fn reviews(&self) -> bool {
        self.has(identity::Role::Moderator) || self.has(identity::Role::SeniorModerator)
    }

    /// What ends the session where it is kept.
    pub(crate) fn refresh_token(&self) -> &str {
        &self.refresh
    }

    /// For how many seconds a browser keeps it.
    pub(crate) fn seconds_left(&self, now: Timestamp) -> i64 {
        self.refresh_until.duration_since(now).as_secs().max(0)
    }
}

/// What became of a session that came with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is good as it is.
    Good(Session),
    /// Its tokens were exchanged; the browser has to keep the new ones.
    Renewed(Session),
    /// It has ended.
    Ended,
}

/// Exchanges that are under way or were made a moment ago, by the hash of the old refresh token.
#[derive(Debug, Default)]
pub(crate) struct Refreshes(Mutex<HashMap<[u8; 32], (Timestamp, Exchange)>>);

type Exchange = Arc<OnceCell<Option<Session>>>;

impl Refreshes {
    fn exchange(&self, refresh: &str, now: Timestamp) -> Exchange {
        let key = key_of(refresh);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A token that comes later was used twice. identity has to hear of it: it may be a thief's.
        if known.get(&key).is_some_and(|(at, _)| now.duration_since(*at) >= REMEMBERED) {
            known.remove(&key);
        }
        if known.len() >= MOST {
            known.retain(|_, (at, _)| now.duration_since(*at) < REMEMBERED);
        }
        if known.len() >= MOST {
            // Nobody is signed out by it who has no second page open at this very moment.
            known.clear();
        }
        let (_, exchange) = known.entry(key).or_insert_with(|| (now, Exchange::default()));
        Arc::clone(exchange)
    }

    /// Forgets the exchanges that have led to this refresh token, and what came of it: whoever signs
    /// out is not to be let in once more by an old cookie.
    pub(crate) fn forget(&self, refresh: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = Some(key_of(refresh));
        while let Some(key) = gone {
            known.remove(&key);
            let led_to = |exchange: &Exchange| {
                let session = exchange.get().and_then(Option::as_ref);
                session.is_some_and(|session| key_of(&session.refresh) == key)
            };
            gone = known.iter().find(|(_, (_, it))| led_to(it)).map(|(key, _)| *key);
        }
    }
}

/// What an exchange is remembered by.
fn key_of(refresh: &str) -> [u8; 32] {
    Sha256::digest(refresh.as_bytes()).into()
}

/// Looks whether the access token will do, and exchanges the pair if not.
///
/// # Errors
/// If identity is away: the visitor keeps the cookie and tries again.
pub(crate) async fn find(app: &Arc<App>, session: Session, now: Timestamp) -> Result<Found, Error> {
    if now < session.access_until.saturating_sub(AHEAD).unwrap_or(session.access_until) {
        return Ok(Found::Good(session));
    }
    if now >= session.refresh_until {
        return Ok(Found::Ended);
    }
    let exchange = app.refreshes.exchange(&session.refresh, now);
    let (app, refresh) = (Arc::clone(app), session.refresh.clone());
    // In a task of its own: a visitor who goes away must not lose the only answer there is.
    let task =
        tokio::spawn(async move { exchange.get_or_try_init(|| ask(&app, refresh)).await.cloned() });
    match task.await.map_err(|error| Error::Broken(Box::new(error)))? {
        Ok(Some(session)) => Ok(Found::Renewed(session)),
        Ok(None) => Ok(Found::Ended),
        Err(error) if now < session.access_until => {
            tracing::debug!(%error, "the session is refreshed later");
            Ok(Found::Good(session))
        }
        Err(error) => Err(error),
    }
}

async fn ask(app: &App, refresh_token: String) -> Result<Option<Session>, Error> {
    let request = identity::RefreshSessionRequest { refresh_token };
    let request = app.backend.request(request, liuyan_kit::locale::FIRST, None);
    match app.backend.identity().refresh_session(request).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            Ok(Session::new(answer.session, answer.account))
        }
        Err(status) => {
            let error = Error::from(status);
            match error.class() {
                Class::Unavailable | Class::Timeout | Class::Exhausted | Class::Internal => {
                    Err(error)
                }
                _ => Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_is_remembered_for_pages_that_come_at_once_and_not_for_a_thief() {
        let known = Refreshes::default();
        let begin = Timestamp::UNIX_EPOCH;
        let after = |seconds| begin + SignedDuration::from_secs(seconds);
        let first = known.exchange("token", begin);
        assert!(Arc::ptr_eq(&first, &known.exchange("token", after(119))));
        assert!(!Arc::ptr_eq(&first, &known.exchange("other", begin)));
        let later = known.exchange("token", after(120));
        assert!(!Arc::ptr_eq(&first, &later));
        assert!(Arc::ptr_eq(&later, &known.exchange("token", after(239))));
    }
}
