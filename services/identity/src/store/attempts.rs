//! Wrong passwords and secrets of late. A try is counted before its password is looked at, so that
//! many at once are counted too; a right one is taken back.

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
               returning wrong, began_at, xmax = 0 as "fresh!""#,
            key,
            to_db(now),
            to_db(old),
        )
        .fetch_one(&mut *tx)
        .await?;
        fresh += i64::from(row.fresh);
        tallies.push(Tally { wrong: number(row.wrong), began_at: from_db(row.began_at) });
    }
    add_rows(tx, fresh).await?;
    Ok(tallies)
}

/// Begins anew for one key after it was right, and takes its try back from the count of all.
pub(crate) async fn forget(
    tx: &mut PgConnection,
    key: &str,
    all: Option<&str>,
) -> Result<(), sqlx::Error> {
    let gone = sqlx::query!("delete from attempts where attempts_key = $1", key)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if let Some(all) = all {
        sqlx::query!(
            "update attempts set wrong = greatest(wrong - 1, 0) where attempts_key = $1",
            all
        )
        .execute(&mut *tx)
        .await?;
    }
    add_rows(tx, -i64::try_from(gone).unwrap_or_default()).await
}

/// Forgets counts that began before `before`, at most `most`. Gives how many.
pub(crate) async fn prune(
    tx: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<usize, sqlx::Error> {
    let gone = sqlx::query!(
        "delete from attempts where attempts_key in (
             select attempts_key from attempts where began_at < $1
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

async fn add_rows(tx: &mut PgConnection, rows: i64) -> Result<(), sqlx::Error> {
    if rows == 0 {
        return Ok(());
    }
    let result = sqlx::query!("update totals set attempt_rows = attempt_rows + $1", rows)
        .execute(tx)
        .await?;
    expect_one(&result)
}
