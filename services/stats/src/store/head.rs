//! The row that the writer locks, and that says up to when is counted.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::integer;

/// How far counting has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The time of the last event that is counted; none that is still to come.
    pub counted_until: Option<Timestamp>,
    /// Deadlines before this time are counted as passed.
    pub as_of: Timestamp,
    /// The version of the rules by which messages were counted.
    pub rules: i32,
}

struct Row {
    counted_until: Option<OffsetDateTime>,
    as_of: OffsetDateTime,
    rules: i32,
}

impl From<Row> for Head {
    fn from(row: Row) -> Self {
        Self {
            counted_until: row.counted_until.map(from_db),
            as_of: from_db(row.as_of),
            rules: row.rules,
        }
    }
}

/// How far counting has come.
pub(crate) async fn read(connection: &mut PgConnection) -> Result<Head, sqlx::Error> {
    sqlx::query_as!(Row, "select counted_until, as_of, rules from heads")
        .fetch_one(connection)
        .await
        .map(Head::from)
}

/// Makes the caller the writer until the end of its transaction; `None` if somebody else is.
pub(crate) async fn try_lock(tx: &mut PgConnection) -> Result<Option<Head>, sqlx::Error> {
    let head = sqlx::query_as!(
        Row,
        "select counted_until, as_of, rules from heads for update skip locked"
    )
    .fetch_optional(tx)
    .await?;
    Ok(head.map(Head::from))
}

/// Keeps writers away until the end of the transaction; waits for the one that is at work.
pub(crate) async fn lock(tx: &mut PgConnection) -> Result<Head, sqlx::Error> {
    sqlx::query_as!(Row, "select counted_until, as_of, rules from heads for update")
        .fetch_one(tx)
        .await
        .map(Head::from)
}

/// Moves on. The time of the last counted event never goes back.
pub(crate) async fn advance(tx: &mut PgConnection, head: &Head) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update heads set counted_until = greatest(counted_until, $1), as_of = greatest(as_of, $2), rules = $3",
        head.counted_until.map(to_db),
        to_db(head.as_of),
        head.rules,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Puts times back that are still to come.
pub(crate) async fn put_back(tx: &mut PgConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update heads
         set counted_until = case when counted_until > $1 then $1 else counted_until end,
             as_of = least(as_of, $1)",
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Counts offices that are new.
pub(crate) async fn add_offices(tx: &mut PgConnection, offices: usize) -> Result<(), sqlx::Error> {
    let result =
        sqlx::query!("update heads set offices = offices + $1", i64::from(integer(offices)))
            .execute(tx)
            .await?;
    expect_one(&result)
}
