//! Erasing: what is destroyed, and who asked for it. Each function takes a whole batch.

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use uuid::Uuid;

use super::messages::decode;
use crate::domain::state::Standing;

/// A message that is locked.
#[derive(Debug, Clone)]
pub struct Locked {
    /// The message.
    pub message_id: Uuid,
    /// Where it stands.
    pub standing: Standing,
    /// Its author, if name or phone are still here.
    pub author_id: Option<Uuid>,
}

/// Locks messages in the order of their ids; those that are not there are left out.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Locked>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select message_id, state, author_id,
                  withdrawal_requested_at is not null as "requested!",
                  withdrawal_refused_at is not null as "refused!"
           from messages where message_id = any($1) order by message_id for update"#,
        ids
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let standing = Standing {
                state: row.state.parse().map_err(decode)?,
                withdrawal_requested: row.requested,
                withdrawal_refused: row.refused,
            };
            Ok(Locked { message_id: row.message_id, standing, author_id: row.author_id })
        })
        .collect()
}

/// Destroys name and phone as they were given with messages that are locked, and each author's key
/// with the last of them. Authors are locked in the order in which submissions lock them.
///
/// # Errors
/// The database's.
pub async fn erase_contacts(
    tx: &mut PgConnection,
    ids: &[Uuid],
    authors: &[Uuid],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messages set author_id = null, contact = null, contact_erased_at = $2
         where message_id = any($1)",
        ids,
        clock::to_db(now),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "select author_id from authors where author_id = any($1) order by phone_index for update",
        authors
    )
    .fetch_all(&mut *tx)
    .await?;
    // The row counts at least one message: with the last of them it goes.
    sqlx::query!(
        "with less as (
             select author_id, count(*)::int as less from unnest($1::uuid[]) as one (author_id)
             group by author_id
         ),
         gone as (
             delete from authors using less
             where authors.author_id = less.author_id and authors.messages <= less.less
         )
         update authors set messages = messages - less.less from less
         where authors.author_id = less.author_id and authors.messages > less.less",
        authors
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that the authors of messages take them back.
///
/// # Errors
/// The database's.
pub async fn take_back(
    tx: &mut PgConnection,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messages set withdrawal_requested_at = $2 where message_id = any($1)",
        ids,
        clock::to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Destroys messages that are locked and have no contact any more: the text of every revision, the
/// place, the remark, and whose account they are. The salt goes by the log's own way.
///
/// # Errors
/// The database's.
pub async fn erase_messages(
    tx: &mut PgConnection,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messages
         set state = 'erased', ground = '', erased_at = $2, has_remark = false, account_id = null
         where message_id = any($1)",
        ids,
        clock::to_db(now),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update texts
         set title = '', body = '', demand = '', details = '', place = '', latitude = null,
             longitude = null
         where message_id = any($1)",
        ids
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("delete from remarks where message_id = any($1)", ids).execute(tx).await?;
    Ok(())
}

/// Empties the answers that were kept for repetition: they held the text.
///
/// # Errors
/// The database's.
pub async fn forget_answers(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update requests set response = '' where message_id = any($1) and response is not null",
        ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A request for an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Messages that lost name and phone.
    pub contacts: i32,
    /// Messages that are gone.
    pub messages: i32,
}

/// What was answered to a request before, and the keyed hash of what it asked.
///
/// # Errors
/// The database's.
pub async fn find_request(
    connection: &mut PgConnection,
    caller: &str,
    request_id: Uuid,
) -> Result<Option<(Vec<u8>, Answered)>, sqlx::Error> {
    let row = sqlx::query!(
        "select body_hash, contacts, messages from erasure_requests
         where caller = $1 and request_id = $2",
        caller,
        request_id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| {
        let answered = Answered { contacts: row.contacts, messages: row.messages };
        (row.body_hash, answered)
    }))
}

/// Keeps the answer to a request.
///
/// # Errors
/// The database's; `erasure_requests_pkey` if the request was met before.
pub async fn insert_request(
    tx: &mut PgConnection,
    (caller, request_id, body_hash): (&str, Uuid, &[u8; 32]),
    answered: Answered,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into erasure_requests (caller, request_id, body_hash, contacts, messages, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        caller,
        request_id,
        body_hash.as_slice(),
        answered.contacts,
        answered.messages,
        clock::to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}
