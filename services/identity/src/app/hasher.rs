//! Hashes passwords: apart from the threads that serve, and only so many at a time, so that the
//! memory that sign-ins take is bounded whatever comes.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{config::PasswordConfig, domain::password::Password, error::Error};

/// Hashes passwords by Argon2id (RFC 9106).
pub struct Hasher {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
    wait: Duration,
    /// What the password of a name that nobody has is compared with, so that it takes as long as
    /// any other.
    decoy: String,
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").field("argon2", &self.argon2).finish_non_exhaustive()
    }
}

/// A turn at hashing. It ends with the work, not with the patience of whoever asked for it.
#[derive(Debug)]
pub struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// Whether a password is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is not.
    Wrong,
    /// It is; and here it is hashed anew, if the parameters have changed since.
    Right { rehashed: Option<String> },
}

impl Hasher {
    /// Reads the parameters.
    ///
    /// # Errors
    /// If Argon2 refuses them.
    pub fn new(config: &PasswordConfig) -> anyhow::Result<Self> {
        let params = Params::new(config.memory_kib, config.passes, config.lanes, None)
            .map_err(|error| anyhow::anyhow!("[service.password] is refused: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy =
            hash(&argon2, &liuyan_kit::id::secret()).context("no password can be hashed")?;
        let turns = Arc::new(Semaphore::new(config.parallel.clamp(1, Semaphore::MAX_PERMITS)));
        Ok(Self { argon2, turns, wait: config.wait(), decoy })
    }

    /// Waits for a turn, within the limit.
    ///
    /// # Errors
    /// [`Error::HashingBusy`].
    pub async fn turn(&self) -> Result<Turn, Error> {
        match timeout(self.wait, Arc::clone(&self.turns).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit }),
            Ok(Err(_)) | Err(_) => Err(Error::HashingBusy),
        }
    }

    /// Hashes a password.
    pub(crate) async fn hash(&self, turn: Turn, password: Password) -> Result<String, Error> {
        let argon2 = self.argon2.clone();
        tokio::task::spawn_blocking(move || {
            let hashed = hash(&argon2, password.bytes());
            drop(turn);
            hashed
        })
        .await?
    }

    /// Compares a password with a hash; without one, takes as long and says that it is wrong.
    pub(crate) async fn verify(
        &self,
        turn: Turn,
        stored: Option<String>,
        password: Password,
    ) -> Result<Verdict, Error> {
        let argon2 = self.argon2.clone();
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        let verdict = tokio::task::spawn_blocking(move || {
            let verdict = verify(&argon2, &stored, password.bytes());
            drop(turn);
            verdict
        })
        .await??;
        Ok(if known { verdict } else { Verdict::Wrong })
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, Error> {
    let hashed: PasswordHash = argon2.hash_password(password).map_err(Error::Hash)?;
    Ok(hashed.to_string())
}

fn verify(argon2: &Argon2<'_>, stored: &str, password: &[u8]) -> Result<Verdict, Error> {
    let parsed = PasswordHash::new(stored).map_err(|error| Error::Hash(error.into()))?;
    match argon2.verify_password(password, &parsed) {
        Ok(()) => {
            let rehashed =
                if is_current(argon2, &parsed)? { None } else { Some(hash(argon2, password)?) };
            Ok(Verdict::Right { rehashed })
        }
        Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(Error::Hash(error)),
    }
}

/// Whether a hash was made with the parameters of today.
fn is_current(argon2: &Argon2<'_>, stored: &PasswordHash) -> Result<bool, Error> {
    let then = Params::try_from(stored).map_err(Error::Hash)?;
    let now = argon2.params();
    Ok(stored.algorithm == Algorithm::Argon2id.ident()
        && stored.version == Some(Version::V0x13.into())
        && (then.m_cost(), then.t_cost(), then.p_cost())
            == (now.m_cost(), now.t_cost(), now.p_cost()))
}
