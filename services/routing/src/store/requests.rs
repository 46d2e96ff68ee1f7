//! Answers to requests, so that a request that comes again is answered the same, for some days: what was
//! answered holds texts. The rows stay, since cases count them.

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::CaseId;

/// What names a request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The id that the caller made.
    pub request_id: Uuid,
    /// Who calls.
    pub caller: String,
    /// Hash of what was asked.
    pub body_hash: Vec<u8>,
}

/// An answer that was given before.
#[derive(Debug)]
pub struct Answered {
    /// Hash of what was asked then.
    pub body_hash: Vec<u8>,
    /// The case with which it is kept.
    pub case_id: Uuid,
    /// The answer; empty once it is forgotten.
    pub response: Vec<u8>,
}

/// The answer that this caller got to this id before.
pub async fn find(
    connection: &mut PgConnection,
    request: &Request,
) -> Result<Option<Answered>, sqlx::Error> {
    sqlx::query_as!(
        Answered,
        "select body_hash, case_id, response from requests where caller = $1 and request_id = $2",
        request.caller,
        request.request_id,
    )
    .fetch_optional(connection)
    .await
}

/// Remembers an answer. Fails on `requests_pkey` if the id was used at the same moment.
pub async fn insert(
    tx: &mut PgConnection,
    request: &Request,
    case_id: CaseId,
    response: &[u8],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into requests (caller, request_id, case_id, body_hash, response, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        request.caller,
        request.request_id,
        case_id.uuid(),
        request.body_hash,
        response,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Empties the answers about a case: they held a text that is another now, or is gone.
pub async fn forget(tx: &mut PgConnection, case_id: CaseId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update requests set response = '' where case_id = $1 and response <> ''",
        case_id.uuid()
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Empties up to `limit` answers that were given before `before`; gives how many.
pub async fn forget_before(
    tx: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query!(
        "update requests set response = ''
         where (caller, request_id) in (
             select caller, request_id from requests where response <> '' and created_at < $1
             order by created_at limit $2 for update skip locked)",
        to_db(before),
        limit,
    )
    .execute(tx)
    .await?;
    Ok(forgotten.rows_affected())
}
