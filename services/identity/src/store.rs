//! All SQL. Each function takes the caller's connection; the caller owns the transaction.
//!
//! Whoever locks rows of several tables does so in this order, so that no two wait for each other
//! in a circle: `attempts`, `totals`, `accounts`, `sessions`, `agencies`, `audit_head`.

pub(crate) mod accounts;
pub(crate) mod agencies;
pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod checks;
pub(crate) mod requests;
pub(crate) mod sessions;

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
