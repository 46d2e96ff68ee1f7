//! All SQL. Each function takes the caller's connection; the caller owns the transaction.

pub(crate) mod appeals;
pub(crate) mod audit;
pub(crate) mod checks;
pub(crate) mod data;
pub(crate) mod decisions;
pub(crate) mod erasing;
pub(crate) mod figures;
pub(crate) mod likeness;
pub(crate) mod listing;
pub(crate) mod policies;
pub(crate) mod queue;
pub(crate) mod requests;
pub(crate) mod reviews;
pub(crate) mod rules;
pub(crate) mod trials;
pub(crate) mod trust;
pub(crate) mod waiting;

use crate::domain::text::{Field, Span};

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

fn span(field: &str, start: i32, end: i32) -> Result<Span, sqlx::Error> {
    let field = Field::of(field).ok_or_else(|| unknown("field", field))?;
    Ok(Span { field, start: number(start), end: number(end) })
}

/// Spans as the columns of an insert.
struct SpanColumns {
    ordinals: Vec<i32>,
    fields: Vec<String>,
    starts: Vec<i32>,
    ends: Vec<i32>,
}

impl SpanColumns {
    fn new(first_ordinal: i32, spans: &[Span]) -> Self {
        Self {
            ordinals: (first_ordinal..).take(spans.len()).collect(),
            fields: spans.iter().map(|span| span.field.as_str().to_owned()).collect(),
            starts: spans.iter().map(|span| integer(span.start)).collect(),
            ends: spans.iter().map(|span| integer(span.end)).collect(),
        }
    }
}

/// Checks that a statement changed as many rows as it was to.
fn expect_rows(result: &sqlx::postgres::PgQueryResult, rows: usize) -> Result<(), sqlx::Error> {
    if result.rows_affected() == rows as u64 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}
