//! Answers to requests, so that a request that comes again is answered the same.

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
    /// The answer.
    pub response: Vec<u8>,
}

/// The answer that this caller got to this id before.
pub async fn find(
    connection: &mut PgConnection,
    request: &Request,
) -> Result<Option<Answered>, sqlx::Error> {
    sqlx::query_as!(
        Answered,
        "select body_hash, response from requests where caller = $1 and request_id = $2",
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
