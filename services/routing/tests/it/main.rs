//! Routing's use cases on a real Postgres, over real gRPC.

#![expect(clippy::unwrap_used, reason = "tests may panic")]
#![expect(clippy::future_not_send, reason = "tests stay on one thread")]

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
