//! Who asked for what, so that the same request gets the same answer.

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use time::OffsetDateTime;
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

/// Notes requests and gives the keys of those that are new. Of two transactions with the same key
/// the later one waits here for the earlier one to end. Rows are taken in the order of their keys,
/// so that two batches never wait for each other in a circle.
///
/// # Errors
/// The database's.
pub async fn insert_requests(
    tx: &mut PgConnection,
    requests: &[&NewRequest],
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let callers: Vec<&str> = requests.iter().map(|request| request.caller.as_str()).collect();
    let ids: Vec<Uuid> = requests.iter().map(|request| request.request_id).collect();
    let hashes: Vec<[u8; 32]> = requests.iter().map(|request| request.body_hash).collect();
    let messages: Vec<Uuid> = requests.iter().map(|request| request.message_id).collect();
    let times: Vec<OffsetDateTime> =
        requests.iter().map(|request| clock::to_db(request.created_at)).collect();
    let rows = sqlx::query!(
        "insert into requests (caller, request_id, body_hash, message_id, created_at)
         select caller, request_id, body_hash, message_id, created_at
         from unnest($1::text[], $2::uuid[], $3::bytea[], $4::uuid[], $5::timestamptz[])
             as fresh (caller, request_id, body_hash, message_id, created_at)
         order by caller, request_id
         on conflict on constraint requests_pkey do nothing
         returning caller, request_id",
        &callers as &[&str],
        &ids,
        &hashes as &[[u8; 32]],
        &messages,
        &times,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.caller, row.request_id)).collect())
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

/// Takes back requests that were noted in this transaction and can't be met.
///
/// # Errors
/// The database's.
pub async fn forget_requests(
    tx: &mut PgConnection,
    keys: &[(String, Uuid)],
) -> Result<(), sqlx::Error> {
    let (callers, ids): (Vec<String>, Vec<Uuid>) = keys.iter().cloned().unzip();
    sqlx::query!(
        "delete from requests
         using unnest($1::text[], $2::uuid[]) as unmet (caller, request_id)
         where requests.caller = unmet.caller and requests.request_id = unmet.request_id",
        &callers,
        &ids,
    )
    .execute(tx)
    .await?;
    Ok(())
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
