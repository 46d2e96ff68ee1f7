//! Routing's use cases on a real Postgres, over real gRPC.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod accusing;
mod casework;
mod common;
mod consultation_rights;
mod consultations;
mod directory;
mod divisions;
mod editing;
mod erasing;
mod escalating;
mod handling;
mod heat;
mod helpers;
mod intake;
mod listing;
mod looking;
mod losing;
mod moderation;
mod opening;
mod promising;
mod rating;
mod reading;
mod results;
mod returning;
mod searching;
mod showing;
mod similar;
mod suggesting;
mod tables;
mod tracing;
mod transferring;
mod wandering;
mod withdrawing;
