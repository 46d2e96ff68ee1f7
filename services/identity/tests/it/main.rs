//! Identity on a real Postgres.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod accounts;
mod agencies;
mod erasing;
mod helpers;
mod losing;
mod passwords;
mod running;
mod sessions;
mod sign_in;
mod tries;
