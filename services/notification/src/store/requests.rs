//! Writes that were answered, for callers who ask again.

use jiff::Timestamp;
use liuyan_kit::{clock::to_db, db::expect_one};
use sqlx::PgConnection;
use uuid::Uuid;

/// What was answered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    /// The fingerprint of the request.
    pub(crate) body_index: Vec<u8>,
    /// What came of it.
    pub(crate) target_id: Uuid,
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
        "select body_index, target_id from requests where caller = $1 and request_id = $2",
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
        "insert into requests (caller, request_id, body_index, target_id, created_at)
         values ($1, $2, $3, $4, $5)",
        caller,
        request_id,
        answered.body_index,
        answered.target_id,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}
