//! The ways out: a relay for mail, a client for calls. Each says how an attempt ended and nothing
//! else: no address and no body is ever in an outcome.

pub(crate) mod email;
pub(crate) mod webhook;

use std::time::Duration;

use crate::domain::delivery::Outcome;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was made, and ended so; in short, for whoever looks at the delivery.
    Made(Outcome, String),
    /// It could not be made, for a reason of our own: it does not count.
    Away(&'static str),
}

/// An attempt that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// How.
    pub(crate) ended: Ended,
    /// How long it took.
    pub(crate) latency: Duration,
}
