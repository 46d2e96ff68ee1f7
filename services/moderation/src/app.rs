//! The verbs: one use case, one function, one visible transaction.

pub(crate) mod appeals;
pub(crate) mod calls;
pub(crate) mod claims;
pub(crate) mod comparing;
pub(crate) mod data;
pub(crate) mod deciding;
pub(crate) mod figures;
pub(crate) mod hearing;
pub(crate) mod marking;
pub(crate) mod policies;
pub(crate) mod reading;
pub(crate) mod rules;
pub(crate) mod screening;
mod trusting;
pub(crate) mod trying;

use liuyan_kit::{clock::SharedClock, db::Db};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    config::Config, domain::review::Review, error::Error, store::reviews, texts::Texts,
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
