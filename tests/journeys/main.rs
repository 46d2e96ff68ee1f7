//! Journeys: the whole board, as `liuyan up` runs it, seen from outside. Each test is a story.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod board;
mod erasing;
mod feed;
mod losing;
mod otlp;
mod receipts;
mod rights;
mod running;
mod same_json;
mod tending;
mod traces;
