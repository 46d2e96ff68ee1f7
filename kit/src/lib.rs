#![doc = include_str!("../README.md")]

pub mod audit;
pub mod auth;
pub mod class;
pub mod clock;
pub mod config;
pub mod db;
pub mod grpc;
pub mod host;
pub mod id;
pub mod locale;
pub mod messaging;
pub mod objects;
pub mod seal;
pub mod service;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;

mod management;

// A message is some hundred small allocations, on threads that pass them to each other: with the
// allocator of the system they are a seventh of intake's work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use host::Host;
pub use service::{Service, main};
