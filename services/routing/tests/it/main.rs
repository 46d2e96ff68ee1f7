//! Routing's use cases on a real Postgres, over real gRPC.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod accusing;
mod casework;
mod directory;
mod divisions;
mod editing;
mod erasing;
mod helpers;
mod intake;
mod listing;
mod looking;
mod losing;
mod moderation;
mod opening;
mod rating;
mod reading;
mod searching;
mod tracing;
mod transferring;
mod withdrawing;
