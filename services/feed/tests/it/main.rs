//! The feed on a real Postgres, with a small double of routing.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod apart;
mod appending;
mod beside;
mod board;
mod by_id;
mod consuming;
mod cursors;
mod damaged;
mod exporting;
mod helpers;
mod listing;
mod proof;
mod redaction;
mod restricted;
mod routing;
mod snapshots;
mod subscribing;
mod watching;
