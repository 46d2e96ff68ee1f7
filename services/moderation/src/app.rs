//! The verbs: one use case, one function, one visible transaction.

pub(crate) mod appeals;
pub(crate) mod claims;
pub(crate) mod comparing;
pub(crate) mod data;
pub(crate) mod deciding;
pub(crate) mod figures;
pub(crate) mod hearing;
pub(crate) mod marking;
pub(crate) mod reading;
pub(crate) mod rules;
pub(crate) mod screening;
mod trusting;
pub(crate) mod trying;

use jiff::Timestamp;
use liuyan_kit::{clock::SharedClock, db::Db};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    config::Config,
    domain::review::Review,
    error::Error,
    store::{
        requests::{self, Answered},
        reviews,
    },
    texts::Texts,
    vault::Vault,
};

/// Everything that the use cases need.
pub struct App {
    /// The service's database.
    pub db: Db,
    /// The time.
    pub clock: SharedClock,
    /// Intake's texts.
    pub texts: Texts,
    /// What seals the words of authors who appeal.
    pub vault: Vault,
    /// The rules in force.
    pub rules: rules::InForce,
    /// The settings.
    pub config: Config,
}

/// A write that its caller may repeat.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls: issuer and subject of the token.
    pub caller: String,
    /// The id that the caller gave to the request.
    pub request_id: Uuid,
    /// SHA-256 of the request.
    pub body_hash: [u8; 32],
    /// Makes the answer that is kept from the review after the write.
    pub answer: fn(&Review) -> Vec<u8>,
}

impl Call {
    /// Lets one transaction at a time work on this call; gives the answer if there is one already.
    async fn begin(&self, tx: &mut PgConnection) -> Result<Option<Vec<u8>>, Error> {
        match requests::begin(tx, &self.caller, self.request_id).await? {
            None => Ok(None),
            Some(answered) if answered.body_hash == self.body_hash => Ok(Some(answered.response)),
            Some(_) => Err(Error::RequestIdReused),
        }
    }

    /// Makes the answer and keeps it.
    async fn end(
        &self,
        tx: &mut PgConnection,
        now: Timestamp,
        message_id: Uuid,
    ) -> Result<Vec<u8>, Error> {
        let review = one(tx, message_id).await?;
        let answered =
            Answered { body_hash: self.body_hash.to_vec(), response: (self.answer)(&review) };
        requests::insert(tx, now, &self.caller, self.request_id, &answered).await?;
        Ok(answered.response)
    }
}

/// One review.
async fn one(connection: &mut PgConnection, message_id: Uuid) -> Result<Review, Error> {
    reviews::fetch(connection, &[message_id]).await?.pop().ok_or(Error::ReviewNotFound)
}

/// One review, locked until the end of the transaction.
async fn one_locked(tx: &mut PgConnection, message_id: Uuid) -> Result<Review, Error> {
    if !reviews::lock(tx, message_id).await? {
        return Err(Error::ReviewNotFound);
    }
    one(tx, message_id).await
}
