//! Who asked for what, so that the same request gets the same answer.

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use uuid::Uuid;

/// A request as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// Whose id it is.
    pub caller: String,
    /// The id that the caller made.
    pub request_id: Uuid,
    /// Keyed hash of what is asked.
    pub body_hash: [u8; 32],
    /// The message it is about.
    pub message_id: Uuid,
    /// When it came.
    pub created_at: Timestamp,
}

impl NewRequest {
    /// What makes it one.
    pub fn key(&self) -> (&str, Uuid) {
        (&self.caller, self.request_id)
    }
}

/// A request that was met before.
#[derive(Debug)]
pub struct Request {
    /// Whose id it is.
    pub caller: String,
    /// The id that the caller made.
    pub request_id: Uuid,
    /// Keyed hash of what was asked.
    pub body_hash: Vec<u8>,
    /// The message it is about.
    pub message_id: Uuid,
    /// The answer; `None` for a submission.
    pub response: Option<Vec<u8>>,
}

/// Notes a request; false if it was met before. Of two transactions with the same key the later one waits
/// here for the earlier one to end.
///
/// # Errors
/// The database's.
pub async fn insert_request(
    tx: &mut PgConnection,
    request: &NewRequest,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "insert into requests (caller, request_id, body_hash, message_id, created_at)
         values ($1, $2, $3, $4, $5)
         on conflict on constraint requests_pkey do nothing",
        request.caller,
        request.request_id,
        &request.body_hash,
        request.message_id,
        clock::to_db(request.created_at),
    )
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The requests with these keys that were met before, in no order.
///
/// # Errors
/// The database's.
pub async fn find_requests(
    connection: &mut PgConnection,
    keys: &[(String, Uuid)],
) -> Result<Vec<Request>, sqlx::Error> {
    let (callers, ids): (Vec<String>, Vec<Uuid>) = keys.iter().cloned().unzip();
    sqlx::query_as!(
        Request,
        "select caller, request_id, body_hash, message_id, response
         from requests
         join unnest($1::text[], $2::uuid[]) as wanted (caller, request_id)
             using (caller, request_id)",
        &callers,
        &ids,
    )
    .fetch_all(connection)
    .await
}

/// Keeps the answer to a request that was noted in this transaction.
///
/// # Errors
/// The database's, or [`sqlx::Error::RowNotFound`] if it was not noted.
pub async fn answer_request(
    tx: &mut PgConnection,
    request: &NewRequest,
    response: &[u8],
) -> Result<(), sqlx::Error> {
    let answered = sqlx::query!(
        "update requests set response = $3 where caller = $1 and request_id = $2",
        request.caller,
        request.request_id,
        response,
    )
    .execute(tx)
    .await?;
    liuyan_kit::db::expect_one(&answered)
}

/// Forgets the requests of messages whose last request came before `before`; those of imported
/// messages stay. Gives how many rows went.
///
/// # Errors
/// The database's.
pub async fn prune_requests(tx: &mut PgConnection, before: Timestamp) -> Result<u64, sqlx::Error> {
    let moved = sqlx::query!(
        "update pruning set pruned_before = greatest(pruned_before, $1)",
        clock::to_db(before)
    )
    .execute(&mut *tx)
    .await?;
    liuyan_kit::db::expect_one(&moved)?;
    // The messages are locked, so that a request that comes meanwhile sees the new moment.
    let pruned = sqlx::query!(
        "with old as (
             select message_id from messages
             where last_request_at < $1 and occurred_at is null
               and message_id in (select message_id from requests where created_at < $1)
             order by message_id
             for update
         )
         delete from requests using old where requests.message_id = old.message_id",
        clock::to_db(before)
    )
    .execute(tx)
    .await?;
    Ok(pruned.rows_affected())
}
