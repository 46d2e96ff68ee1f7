//! The client against a feed that says what the test wants.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod consuming;
mod double;
mod renewing;
mod watching;
