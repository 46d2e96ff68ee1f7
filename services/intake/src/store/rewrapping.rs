//! Wrapping authors' keys anew.

use jiff::Timestamp;
use liuyan_kit::{clock, db};
use sqlx::PgConnection;
use uuid::Uuid;

/// Locks the row that says how far the round is, so that one replica works at a time; gives the last
/// author that was looked at.
///
/// # Errors
/// The database's.
pub async fn take_turn(tx: &mut PgConnection) -> Result<Uuid, sqlx::Error> {
    sqlx::query_scalar!("select after_id from rewrapping for update").fetch_one(tx).await
}

/// Up to `limit` authors after `after` whose keys another key than the one with this id wraps, in
/// the order of their ids, each with its wrapped key. Rows
/// that somebody holds are left for the next round: so nobody waits for another in a circle.
///
/// # Errors
/// The database's.
pub async fn page(
    tx: &mut PgConnection,
    after: Uuid,
    key_id: u32,
    limit: i64,
) -> Result<Vec<(Uuid, Vec<u8>)>, sqlx::Error> {
    // A record begins with the algorithm and the key's id: kit's `seal` says how.
    let current = key_id.to_be_bytes();
    let rows = sqlx::query!(
        "select author_id, wrapped_key from authors
         where author_id > $1 and substring(wrapped_key from 2 for 4) <> $3
         order by author_id limit $2 for update skip locked",
        after,
        limit,
        current.as_slice(),
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.author_id, row.wrapped_key)).collect())
}

/// Stores keys that were wrapped anew, and how far the round is.
///
/// # Errors
/// The database's.
pub async fn store(
    tx: &mut PgConnection,
    fresh: &[(Uuid, Vec<u8>)],
    after: Uuid,
) -> Result<(), sqlx::Error> {
    let (ids, keys): (Vec<Uuid>, Vec<Vec<u8>>) = fresh.iter().cloned().unzip();
    sqlx::query!(
        "update authors set wrapped_key = fresh.wrapped_key
         from unnest($1::uuid[], $2::bytea[]) as fresh (author_id, wrapped_key)
         where authors.author_id = fresh.author_id",
        &ids,
        &keys,
    )
    .execute(&mut *tx)
    .await?;
    let moved = sqlx::query!(
        "update rewrapping set after_id = $1, rewrapped = rewrapped + $2",
        after,
        i64::try_from(fresh.len()).unwrap_or(i64::MAX),
    )
    .execute(tx)
    .await?;
    db::expect_one(&moved)
}

/// Ends the round: counts what is wrapped by another key than the one with this id, and begins at
/// the first author again. Gives the count.
///
/// # Errors
/// The database's.
pub async fn end_round(
    tx: &mut PgConnection,
    key_id: u32,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    let current = key_id.to_be_bytes();
    sqlx::query_scalar!(
        r#"update rewrapping
           set after_id = '00000000-0000-0000-0000-000000000000', rewrapped = 0, ended_at = $2,
               remaining = (select count(*) from authors where substring(wrapped_key from 2 for 4) <> $1)
           returning remaining as "remaining!""#,
        current.as_slice(),
        clock::to_db(now),
    )
    .fetch_one(tx)
    .await
}
