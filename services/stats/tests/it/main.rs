//! Stats on a real database.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod asking;
mod counting;
mod helpers;
mod losing;
mod ranking;
mod recounting;
mod running;
