//! The guarantees of kit, on real servers.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod auth;
mod bus;
mod config;
mod figures;
mod grpc;
mod helpers;
mod host;
mod keys;
mod messaging;
mod objects;
mod program;
mod seal;
mod transit;
