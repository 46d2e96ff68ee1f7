//! The verbs: one use case, one function, one visible transaction.

pub(crate) mod accounts;
pub(crate) mod agencies;
pub(crate) mod hasher;
pub(crate) mod own;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod signing;
pub(crate) mod tries;
pub(crate) mod vault;

use jiff::Timestamp;
use liuyan_kit::{auth::Signer, clock::SharedClock, db::Db, seal::DataKey};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    config::Config,
    domain::audit::Entry,
    error::Error,
    store::{
        self, attempts, audit,
        requests::{self, Answered},
    },
};
use hasher::Hasher;
use vault::Vault;

/// How many rows of a kind one round of pruning forgets.
const PRUNED_AT_ONCE: u16 = 500;

/// Everything that the use cases need.
pub struct App {
    /// The service's database.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// What seals.
    pub vault: Vault,
    /// What hashes passwords.
    pub hasher: Hasher,
    /// What signs tokens.
    pub signer: Signer,
    /// The settings.
    pub config: Config,
}

impl App {
    /// Forgets a batch of each kind of what has served its time. True if there may be more.
    ///
    /// # Errors
    /// The database's.
    pub async fn prune_some(&self) -> Result<bool, Error> {
        let now = self.clock.now();
        let before = |age| now.saturating_sub(age).unwrap_or(now);
        let old_tries = before(self.config.tries.window());
        let old_right = before(self.config.tries.known());
        let old_sessions = before(self.config.ended_session_memory());
        let old_requests = before(self.config.request_memory());
        let most = i64::from(PRUNED_AT_ONCE);
        let pruned = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let tries = attempts::prune(tx, old_tries, most).await?;
                    let known = attempts::prune_known(tx, old_right, most).await?;
                    let requests = requests::prune(tx, old_requests, most).await?;
                    let sessions = store::sessions::prune(tx, old_sessions, most).await?;
                    Ok::<_, Error>([tries, known, requests, sessions])
                })
            })
            .await?;
        Ok(pruned.contains(&usize::from(PRUNED_AT_ONCE)))
    }

    /// Adds one row to the audit log, for what changes nothing else.
    async fn note(&self, entry: Entry) -> Result<(), Error> {
        self.db.write(move |tx| Box::pin(async move { audit::append(tx, &entry).await })).await?;
        Ok(())
    }
}

/// A write that its caller may repeat.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls: issuer and subject of the token.
    pub caller: String,
    /// The id that the caller gave to the request.
    pub request_id: Uuid,
    /// Keyed hash of the request.
    pub body_hash: [u8; 32],
}

impl Call {
    /// Lets one transaction at a time work on this call; gives the answer if there is one already.
    async fn begin(&self, tx: &mut PgConnection, vault: &Vault) -> Result<Option<Vec<u8>>, Error> {
        let Some(answered) = requests::begin(tx, &self.caller, self.request_id).await? else {
            return Ok(None);
        };
        if answered.body_hash != self.body_hash {
            return Err(Error::RequestIdReused);
        }
        let key = match answered.account_id {
            None => None,
            Some(account_id) => {
                let stored = store::accounts::one(tx, account_id).await?;
                let stored = stored.ok_or(Error::AccountNotFound)?;
                Some(vault.open_key(account_id, &stored.wrapped_key)?)
            }
        };
        Ok(Some(vault.open_answer(key.as_ref(), self, &answered.response)?))
    }

    /// Keeps the answer, sealed: by the key of the account that it is about, if it is about one.
    async fn end(
        &self,
        tx: &mut PgConnection,
        vault: &Vault,
        now: Timestamp,
        about: Option<(Uuid, &DataKey)>,
        answer: &[u8],
    ) -> Result<(), Error> {
        let answered = Answered {
            body_hash: self.body_hash.to_vec(),
            account_id: about.map(|(account_id, _)| account_id),
            response: vault.seal_answer(about.map(|(_, key)| key), self, answer),
        };
        Ok(requests::insert(tx, now, &self.caller, self.request_id, &answered).await?)
    }
}
