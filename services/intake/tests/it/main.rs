//! Intake on a real Postgres.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod accounts;
mod board;
mod columns;
mod concurrency;
mod consultations;
mod erasing;
mod exporting;
mod files;
mod hears;
mod helpers;
mod limits;
mod log;
mod log_audit;
mod look_up;
mod lost_rows;
mod mended;
mod outage;
mod overload;
mod reads;
mod restore;
mod retention;
mod rotating;
mod stream;
mod submit;
mod traces;
mod trouble;
mod wishes;
