//! Whose clean messages offices let pass.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;

use crate::domain::standing::{Passing, Policy};

/// The choice of an office, locked until the end of the transaction; `None` if it has none.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    office_id: &str,
) -> Result<Option<Policy>, sqlx::Error> {
    // A row that is not there yet can't be locked.
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))",
        format!("policy\u{1f}{office_id}")
    )
    .fetch_one(&mut *tx)
    .await?;
    one(tx, office_id).await
}

/// The choice of an office.
pub(crate) async fn one(
    connection: &mut PgConnection,
    office_id: &str,
) -> Result<Option<Policy>, sqlx::Error> {
    let row = sqlx::query!(
        "select office_id, clean_passes, trusted_passes, set_by, set_at, change
         from office_policies where office_id = $1",
        office_id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Policy {
        office_id: row.office_id,
        passing: Passing::of(row.clean_passes, row.trusted_passes),
        set_by: row.set_by,
        set_at: from_db(row.set_at),
        change: row.change,
    }))
}

/// Choices of the offices after one, by their ids.
pub(crate) async fn list(
    connection: &mut PgConnection,
    after: &str,
    limit: u32,
) -> Result<Vec<Policy>, sqlx::Error> {
    let rows = sqlx::query!(
        "select office_id, clean_passes, trusted_passes, set_by, set_at, change
         from office_policies where office_id > $1 order by office_id limit $2",
        after,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    let policies = rows.into_iter().map(|row| Policy {
        office_id: row.office_id,
        passing: Passing::of(row.clean_passes, row.trusted_passes),
        set_by: row.set_by,
        set_at: from_db(row.set_at),
        change: row.change,
    });
    Ok(policies.collect())
}

/// Stores an office's choice.
pub(crate) async fn put(
    tx: &mut PgConnection,
    now: Timestamp,
    office_id: &str,
    passing: Passing,
    set_by: &str,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into office_policies (office_id, clean_passes, set_by, set_at, trusted_passes)
         values ($1, $2, $3, $4, $5)
         on conflict (office_id) do update
         set clean_passes = excluded.clean_passes, set_by = excluded.set_by, set_at = excluded.set_at,
             trusted_passes = excluded.trusted_passes, change = office_policies.change + 1",
        office_id,
        passing == Passing::Everybody,
        set_by,
        to_db(now),
        passing != Passing::Nobody,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}
