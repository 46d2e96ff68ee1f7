//! Intake on a real Postgres.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod accounts;
mod board;
mod concurrency;
mod hears;
mod helpers;
mod look_up;
mod lost_rows;
mod reads;
mod stream;
mod submit;
mod traces;
mod wishes;
