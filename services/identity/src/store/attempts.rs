//! Wrong passwords and secrets of late. A try is counted before its password is looked at, so that
//! many at once are counted too; a right one is taken back. A name from a network also keeps when it
//! was right.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;

use super::number;

/// How many were wrong, since when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    pub wrong: u32,
    pub began_at: Timestamp,
    /// When the right password came from there.
    pub right_at: Option<Timestamp>,
}

/// What is counted for a key.
pub(crate) async fn one(
    connection: &mut PgConnection,
    key: &str,
) -> Result<Option<Tally>, sqlx::Error> {
    let row =
        sqlx::query!("select wrong, began_at, right_at from attempts where attempts_key = $1", key)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|row| Tally {
        wrong: number(row.wrong),
        began_at: from_db(row.began_at),
        right_at: row.right_at.map(from_db),
    }))
}

/// Counts a try for each of these keys, in their order. A count that is older than `window` begins
/// anew.
pub(crate) async fn count(
    tx: &mut PgConnection,
    now: Timestamp,
    window: SignedDuration,
    keys: &[&str],
) -> Result<Vec<Tally>, sqlx::Error> {
    let old = now.saturating_sub(window).unwrap_or(now);
    let (mut tallies, mut fresh) = (Vec::with_capacity(keys.len()), 0);
    for key in keys {
        // A row that was there before has been locked by this transaction, which its `xmax` tells.
        let row = sqlx::query!(
            r#"insert into attempts (attempts_key, wrong, began_at) values ($1, 1, $2)
               on conflict on constraint attempts_pkey do update
               set wrong = case when attempts.began_at > $3 then attempts.wrong + 1 else 1 end,
                   began_at = case when attempts.began_at > $3 then attempts.began_at else $2 end
               returning wrong, began_at, right_at, xmax = 0 as "fresh!""#,
            key,
            to_db(now),
            to_db(old),
        )
        .fetch_one(&mut *tx)
        .await?;
        fresh += i64::from(row.fresh);
        tallies.push(Tally {
            wrong: number(row.wrong),
            began_at: from_db(row.began_at),
            right_at: row.right_at.map(from_db),
        });
    }
    add_rows(tx, fresh).await?;
    Ok(tallies)
}

/// Begins anew for one key after it was right.
pub(crate) async fn forget(tx: &mut PgConnection, key: &str) -> Result<(), sqlx::Error> {
    let gone = sqlx::query!("delete from attempts where attempts_key = $1", key)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    add_rows(tx, -i64::try_from(gone).unwrap_or_default()).await
}

/// The same, and remembers that it was right.
pub(crate) async fn remember(
    tx: &mut PgConnection,
    now: Timestamp,
    key: &str,
) -> Result<(), sqlx::Error> {
    let row = sqlx::query!(
        r#"insert into attempts (attempts_key, wrong, began_at, right_at) values ($1, 0, $2, $2)
           on conflict on constraint attempts_pkey do update
           set wrong = 0, began_at = $2, right_at = $2
           returning xmax = 0 as "fresh!""#,
        key,
        to_db(now),
    )
    .fetch_one(&mut *tx)
    .await?;
    add_rows(tx, i64::from(row.fresh)).await
}

/// Forgets all that is counted of a name, from wherever.
pub(crate) async fn forget_name(tx: &mut PgConnection, key: &str) -> Result<(), sqlx::Error> {
    // What stands between `/` and `0`, the next letter, begins with the key and a slash.
    let gone = sqlx::query!(
        r#"delete from attempts where attempts_key = $1 or
               (attempts_key collate "C" >= $1 || '/' and attempts_key collate "C" < $1 || '0')"#,
        key
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    add_rows(tx, -i64::try_from(gone).unwrap_or_default()).await
}

/// Takes a try back from a count.
pub(crate) async fn take_back(tx: &mut PgConnection, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("update attempts set wrong = greatest(wrong - 1, 0) where attempts_key = $1", key)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets counts that began before `before`, unless the key was right once, at most `most`. Gives how many.
pub(crate) async fn prune(
    tx: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<usize, sqlx::Error> {
    let gone = sqlx::query!(
        "delete from attempts where attempts_key in (
             select attempts_key from attempts where right_at is null and began_at < $1
             order by began_at limit $2 for update skip locked
         )",
        to_db(before),
        most,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    add_rows(tx, -i64::try_from(gone).unwrap_or_default()).await?;
    Ok(usize::try_from(gone).unwrap_or_default())
}

/// Forgets that what was right before `before` was so, at most `most`. Gives how many.
pub(crate) async fn prune_known(
    tx: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<usize, sqlx::Error> {
    let gone = sqlx::query!(
        "delete from attempts where attempts_key in (
             select attempts_key from attempts where right_at < $1
             order by right_at limit $2 for update skip locked
         )",
        to_db(before),
        most,
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    add_rows(tx, -i64::try_from(gone).unwrap_or_default()).await?;
    Ok(usize::try_from(gone).unwrap_or_default())
}

async fn add_rows(tx: &mut PgConnection, rows: i64) -> Result<(), sqlx::Error> {
    if rows == 0 {
        return Ok(());
    }
    let result = sqlx::query!("update totals set attempt_rows = attempt_rows + $1", rows)
        .execute(tx)
        .await?;
    expect_one(&result)
}
