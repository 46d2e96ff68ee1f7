//! The promises of this crate, kept on real servers.
#![expect(
    clippy::unwrap_used,
    reason = "a test that can't go on has failed; clippy knows this of test functions, but not of their helpers"
)]

mod helper;
mod leftovers;
mod lifecycle;
mod shared;
