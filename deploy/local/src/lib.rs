#![doc = include_str!("../README.md")]

mod account;
mod error;
mod fetch;
mod find;
mod folder;
mod guard;
mod nats;
mod options;
mod port;
mod postgres;
mod process;
mod programs;
mod progress;
mod reset;
mod servers;
pub mod testing;

pub use error::Error;
pub use options::{Options, Source, default_cache_dir};
pub use progress::Progress;
pub use reset::{in_use, is_data_folder, remove};
pub use servers::{Servers, start};
