//! All SQL. Each function takes the caller's connection; the caller owns the transaction.

pub(crate) mod checks;
pub(crate) mod deliveries;
pub(crate) mod endpoints;
pub(crate) mod erasing;
pub(crate) mod events;
pub(crate) mod failing;
pub(crate) mod holders;
pub(crate) mod messages;
pub(crate) mod notices;
pub(crate) mod offices;
pub(crate) mod queue;
pub(crate) mod requests;

use sqlx::PgConnection;

/// A stored value that this release does not know: it can't have written it.
fn unknown(what: &str, value: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("unknown {what} {value:?}").into())
}

fn number(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

fn integer(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}

/// Checks that a statement changed as many rows as it was to.
fn expect_rows(result: &sqlx::postgres::PgQueryResult, rows: usize) -> Result<(), sqlx::Error> {
    if result.rows_affected() == rows as u64 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Waits until nobody else is at it, and keeps all others waiting until the end of the transaction.
///
/// A batch is heard type by type, and each type locks messages and then holders: what two batches
/// lock so is in no common order, and each would wait for the other. Therefore whoever locks more
/// than one holder, or makes one (which is counted in the same row), comes here before all else.
pub(crate) async fn take_turn(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select from tallies where name = 'holders' for update").execute(tx).await?;
    Ok(())
}

/// Counts rows of a table that nothing else implies.
async fn tally(tx: &mut PgConnection, name: &str, more: usize) -> Result<(), sqlx::Error> {
    if more == 0 {
        return Ok(());
    }
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    let result = sqlx::query!("update tallies set count = count + $2 where name = $1", name, more)
        .execute(tx)
        .await?;
    expect_rows(&result, 1)
}
