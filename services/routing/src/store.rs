//! All SQL of routing. The caller owns the transaction.

pub mod accusations;
pub mod acts;
pub mod cases;
pub mod checks;
pub mod children;
pub mod consultations;
pub mod directory;
pub mod editing;
pub mod erasures;
pub mod hot;
pub mod looks;
pub mod model_cases;
pub mod models;
pub mod openings;
pub mod pauses;
pub mod precedents;
pub mod problems;
pub mod promises;
pub mod ratings;
pub mod replies;
pub mod requests;
pub mod results;
pub mod steps;
pub mod tables;
pub mod words;

use sqlx::postgres::PgQueryResult;

/// Checks that a statement changed as many rows as it was given.
fn expect_all(result: &PgQueryResult, rows: usize) -> Result<(), sqlx::Error> {
    if result.rows_affected() == rows as u64 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// A stored value that the domain does not know.
fn corrupt(what: &str, value: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} {value:?} is not known").into())
}
