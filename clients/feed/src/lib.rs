#![doc = include_str!("../README.md")]

mod backoff;
mod checkpoint;
mod connect;
mod consume;
mod error;
mod link;
mod seen;
mod step;
mod trouble;
mod watch;

pub use checkpoint::{Checkpoint, Kept};
pub use connect::{Credentials, Feed, Settings};
pub use consume::{Consume, Consumer};
pub use error::{Error, Refusal, RunError};
pub use step::{Handler, Step, What};
pub use watch::{Watch, Watcher};

/// The contracts, so that whoever uses this crate needs no other.
pub use liuyan_proto::liuyan::feed::v1;
/// Where a stream begins that has no checkpoint yet.
pub use liuyan_proto::liuyan::feed::v1::watch_events_request::Start;
