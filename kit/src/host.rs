//! What a service runs on: see `Host`.

mod readiness;

pub use readiness::{ConditionReport, Readiness, Report};
