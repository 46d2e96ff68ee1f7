//! All SQL. Each function takes the caller's connection; the caller owns the transaction.

pub(crate) mod checks;
pub(crate) mod counted;
pub(crate) mod definitions;
pub(crate) mod facts;
pub(crate) mod head;
pub(crate) mod offices;
pub(crate) mod pending;
pub(crate) mod recount;
pub(crate) mod tallies;

use sqlx::{Connection as _, PgConnection, Postgres, Transaction, postgres::PgQueryResult};

/// A stored value that this release does not know: it can't have written it.
fn unknown(what: &str, value: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("unknown {what} {value:?}").into())
}

/// No count of a cell comes near the end of an `integer`: a board has some million messages a year.
fn integer(value: impl TryInto<i32>) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}

/// Checks that a statement changed as many rows as it was to.
fn expect_rows(result: &PgQueryResult, rows: usize) -> Result<(), sqlx::Error> {
    if result.rows_affected() == rows as u64 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Begins to read one moment of the database, so that several queries agree. Nothing can be
/// written in it, and dropping it ends it.
pub(crate) async fn snapshot(
    connection: &mut PgConnection,
) -> Result<Transaction<'_, Postgres>, sqlx::Error> {
    connection.begin_with("begin isolation level repeatable read read only").await
}
