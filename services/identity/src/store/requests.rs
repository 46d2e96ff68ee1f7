//! Answers to writes, for callers who ask again. They are sealed: names and secrets are in them.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use uuid::Uuid;

/// What was answered before.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    /// Keyed hash of the request.
    pub body_hash: Vec<u8>,
    /// Whose key seals the answer; the keyring does if there is none.
    pub account_id: Option<Uuid>,
    /// The answer, sealed.
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
        "select body_hash, account_id, response from requests
         where caller = $1 and request_id = $2",
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
        "insert into requests (request_id, caller, body_hash, account_id, response, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        request_id,
        caller,
        answered.body_hash,
        answered.account_id,
        answered.response,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Forgets answers that were given before `before`, the oldest first, at most `most`, and notes from
/// when on all are there. Gives how many.
pub(crate) async fn prune(
    tx: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<usize, sqlx::Error> {
    let gone = sqlx::query_scalar!(
        "delete from requests where (caller, request_id) in (
             select caller, request_id from requests where created_at < $1
             order by created_at limit $2
         ) returning created_at",
        to_db(before),
        most,
    )
    .fetch_all(&mut *tx)
    .await?;
    if let Some(last) = gone.iter().max() {
        // Others of the same microsecond may be left; from the next one on all are.
        let whole = from_db(*last).saturating_add(jiff::SignedDuration::from_micros(1));
        let result = sqlx::query!(
            "update totals set requests_pruned_before = greatest(requests_pruned_before, $1)",
            to_db(whole.unwrap_or(before)),
        )
        .execute(tx)
        .await?;
        expect_one(&result)?;
    }
    Ok(gone.len())
}
