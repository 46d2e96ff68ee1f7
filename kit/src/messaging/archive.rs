//! Days of the outbox that have become objects.
//!
//! The outbox keeps what was said for `messaging.keep_days`, and until every consumer has confirmed
//! it. Then a day as a whole becomes one object, which is read back and compared with the rows, and
//! only in the transaction that writes down the object does the day's partition go: an event is always
//! in the outbox or in an archive, and a crash between any two steps leaves both or the rows alone.
//! The consumers are asked again before; one that does not answer has not confirmed.
//!
//! What a consumer is found to miss of an archived day is not sent from the object: the day comes back
//! into the outbox for as long as it is wanted, and everything goes its usual way. [`History`] reads
//! outbox and archives as one.

use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use crate::{clock, objects};

pub mod format;
mod history;
mod keep;
pub(crate) mod store;

pub use history::{History, Range};
pub use keep::{Hearer, Keeper, Step, run};

/// What goes wrong with archives.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away.
    #[error("the database is away")]
    Database(#[from] sqlx::Error),
    /// The objects are away, or one is not there.
    #[error(transparent)]
    Objects(#[from] objects::Error),
    /// An object is not what was written down about it.
    #[error("the archive {object} is damaged: {what}")]
    Damaged {
        /// The object.
        object: String,
        /// What is wrong with it.
        what: String,
    },
    /// Another replica holds the lease now.
    #[error("another replica has the lease")]
    LeaseLost,
    /// Something was said, or a consumer took something back, meanwhile.
    #[error("the day {0} has changed meanwhile")]
    Changed(Timestamp),
}

impl Error {
    pub(crate) fn damaged(object: &str, what: impl std::fmt::Display) -> Self {
        Self::Damaged { object: object.to_owned(), what: what.to_string() }
    }
}

/// A day that has become an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its first moment.
    pub day: Timestamp,
    /// How many events it holds.
    pub events: i64,
    /// The exclusive or of their hashes.
    pub hash: i64,
    /// SHA-256 of the object.
    pub digest: Vec<u8>,
    /// Its size.
    pub bytes: i64,
    /// Its name.
    pub object: String,
    /// Whether the events are in the outbox at present, too.
    pub back: bool,
}

impl Archive {
    /// The first moment of the next day.
    pub fn until(&self) -> Timestamp {
        next_day(self.day)
    }
}

/// The archives of a database, oldest first.
///
/// # Errors
/// The database's.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Archive>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select (day::timestamp at time zone 'UTC') as "day!", events, hash, digest, bytes, object,
                  back_at is not null as "back!"
           from messaging.archives order by day"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Archive {
            day: clock::from_db(row.day),
            events: row.events,
            hash: row.hash,
            digest: row.digest,
            bytes: row.bytes,
            object: row.object,
            back: row.back,
        })
        .collect())
}

/// The first moment of the day of `moment`, in UTC: partitions are of such days.
pub(crate) fn day_of(moment: Timestamp) -> Timestamp {
    const SECONDS: i64 = 86_400;
    let seconds = moment.as_second().div_euclid(SECONDS) * SECONDS;
    Timestamp::from_second(seconds).unwrap_or(moment)
}

pub(crate) fn next_day(day: Timestamp) -> Timestamp {
    day.saturating_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX)
}
