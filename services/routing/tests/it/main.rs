//! Routing's use cases on a real Postgres, over real gRPC.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod accusing;
mod casework;
mod directory;
mod helpers;
mod losing;
mod moderation;
mod opening;
mod rating;
mod reading;
mod withdrawing;
