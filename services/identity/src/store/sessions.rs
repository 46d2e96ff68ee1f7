//! Sessions and the hashes of their refresh tokens.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{integer, number};
use crate::domain::session::{End, Session};

/// Where a refresh token belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub session_id: Uuid,
    pub account_id: Uuid,
    pub generation: u32,
}

/// Begins a session with its first token, and counts it. The account is locked by the caller.
pub(crate) async fn begin(
    tx: &mut PgConnection,
    session: &Session,
    token_hash: &[u8; 32],
) -> Result<(), sqlx::Error> {
    let began_at = to_db(session.rotated_at);
    let result = sqlx::query!(
        "with counted as (
             update accounts set sessions_begun = sessions_begun + 1 where account_id = $2
         ), token as (
             insert into refresh_tokens (token_hash, session_id, generation, issued_at)
             values ($3, $1, 1, $4)
         )
         insert into sessions (session_id, account_id, began_at, idle_ends_at, ends_at, rotated_at)
         values ($1, $2, $4, $5, $6, $4)",
        session.session_id,
        session.account_id,
        token_hash,
        began_at,
        to_db(session.idle_ends_at),
        to_db(session.ends_at),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// The session that a token belongs to, ended or not.
pub(crate) async fn find(
    connection: &mut PgConnection,
    token_hash: &[u8; 32],
) -> Result<Option<Found>, sqlx::Error> {
    let row = sqlx::query!(
        "select session_id, account_id, refresh_tokens.generation
         from refresh_tokens join sessions using (session_id) where token_hash = $1",
        token_hash
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Found {
        session_id: row.session_id,
        account_id: row.account_id,
        generation: number(row.generation),
    }))
}

/// One session, locked until the end of the transaction.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    session_id: Uuid,
) -> Result<Option<Session>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select account_id, idle_ends_at, ends_at, generation, rotated_at, siblings,
                  ended_at is not null as "ended!"
           from sessions where session_id = $1 for update"#,
        session_id
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| Session {
        session_id,
        account_id: row.account_id,
        idle_ends_at: from_db(row.idle_ends_at),
        ends_at: from_db(row.ends_at),
        generation: number(row.generation),
        rotated_at: from_db(row.rotated_at),
        siblings: number(row.siblings),
        ended: row.ended,
    }))
}

/// Adds a token to a locked session: of the session's generation and with its times, as it now is.
pub(crate) async fn add_token(
    tx: &mut PgConnection,
    now: Timestamp,
    session: &Session,
    token_hash: &[u8; 32],
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "with token as (
             insert into refresh_tokens (token_hash, session_id, generation, issued_at)
             values ($2, $1, $3, $4)
         )
         update sessions
         set generation = $3, siblings = $5, rotated_at = $6, idle_ends_at = $7,
             token_count = token_count + 1
         where session_id = $1 and ended_at is null",
        session.session_id,
        token_hash,
        integer(session.generation),
        to_db(now),
        integer(session.siblings),
        to_db(session.rotated_at),
        to_db(session.idle_ends_at),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Ends a session that goes on.
pub(crate) async fn end(
    tx: &mut PgConnection,
    now: Timestamp,
    session_id: Uuid,
    reason: End,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update sessions set ended_at = $2, end_reason = $3
         where session_id = $1 and ended_at is null",
        session_id,
        to_db(now),
        reason.as_str(),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Ends the sessions of a locked account, but for one.
pub(crate) async fn end_all(
    tx: &mut PgConnection,
    now: Timestamp,
    account_id: Uuid,
    but: Option<Uuid>,
    reason: End,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update sessions set ended_at = $2, end_reason = $3
         where account_id = $1 and ended_at is null and session_id is distinct from $4",
        account_id,
        to_db(now),
        reason.as_str(),
        but,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends the oldest sessions of a locked account that go on, so that at most `most` are left.
pub(crate) async fn trim(
    tx: &mut PgConnection,
    now: Timestamp,
    account_id: Uuid,
    most: u32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update sessions set ended_at = $2, end_reason = $3
         where session_id in (
             select session_id from sessions
             where account_id = $1 and ended_at is null and idle_ends_at > $2
             order by began_at desc, session_id desc offset $4
         )",
        account_id,
        to_db(now),
        End::Superseded.as_str(),
        i64::from(most),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets sessions that ended before `before`, with their tokens; at most `most`. Gives how many.
pub(crate) async fn prune(
    tx: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<usize, sqlx::Error> {
    let rows = sqlx::query!(
        "select session_id, account_id from sessions
         where coalesce(ended_at, idle_ends_at) < $1
         order by coalesce(ended_at, idle_ends_at) limit $2",
        to_db(before),
        most,
    )
    .fetch_all(&mut *tx)
    .await?;
    let sessions: Vec<Uuid> = rows.iter().map(|row| row.session_id).collect();
    let accounts: Vec<Uuid> = rows.iter().map(|row| row.account_id).collect();
    // An account that is locked is not waited for, so that people come first; the next round has it.
    let locked = sqlx::query_scalar!(
        "select account_id from accounts where account_id = any($1)
         order by account_id for update skip locked",
        &accounts
    )
    .fetch_all(&mut *tx)
    .await?;
    let pruned = sqlx::query_scalar!(
        r#"with gone as (
               delete from sessions where session_id = any($1) and account_id = any($2)
               returning session_id, account_id
           ), tokens as (
               delete from refresh_tokens using gone
               where refresh_tokens.session_id = gone.session_id
           ), counted as (
               update accounts set sessions_pruned = sessions_pruned + its.count
               from (select account_id, count(*)::int as count from gone group by account_id) as its
               where accounts.account_id = its.account_id
           )
           select count(*) as "count!" from gone"#,
        &sessions,
        &locked,
    )
    .fetch_one(tx)
    .await?;
    Ok(usize::try_from(pruned).unwrap_or_default())
}
