//! Answers to writes, for callers who ask again.

use jiff::Timestamp;
use liuyan_kit::{clock::to_db, db::expect_one};
use sqlx::PgConnection;
use uuid::Uuid;

/// What was answered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    /// SHA-256 of the request.
    pub body_hash: Vec<u8>,
    /// The answer.
    pub response: Vec<u8>,
}

/// Lets one transaction at a time work on a request, and gives what was answered before.
pub(crate) async fn begin(
    tx: &mut PgConnection,
    caller: &str,
    request_id: Uuid,
) -> Result<Option<Answered>, sqlx::Error> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))",
        format!("{caller}\u{1f}{request_id}")
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query_as!(
        Answered,
        "select body_hash, response from requests where caller = $1 and request_id = $2",
        caller,
        request_id
    )
    .fetch_optional(tx)
    .await
}

/// Keeps an answer.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    now: Timestamp,
    caller: &str,
    request_id: Uuid,
    answered: &Answered,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into requests (request_id, caller, body_hash, response, created_at)
         values ($1, $2, $3, $4, $5)",
        request_id,
        caller,
        answered.body_hash,
        answered.response,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}
