//! The public HTTP API.

mod casework;
mod client;
mod document;
mod feed;
mod held;
mod log;
mod reading;
mod tokens;
mod writing;
