//! The promises of this crate, kept on real servers.

mod helper;
mod leftovers;
mod lifecycle;
mod shared;
