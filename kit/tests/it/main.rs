//! The guarantees of kit, on real servers.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod auth;
mod bus;
mod config;
mod grpc;
mod helpers;
mod host;
mod messaging;
mod program;
mod seal;
