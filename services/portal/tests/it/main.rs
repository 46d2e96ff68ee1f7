//! The pages over real HTTP, with stubs in the place of the other services.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod browser;
mod fake;
mod frame;
mod mine;
mod portal;
mod reading;
mod samples;
mod session;
mod writing;
