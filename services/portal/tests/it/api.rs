//! The public HTTP API.

mod casework;
mod client;
mod common;
mod document;
mod feed;
mod held;
mod limits;
mod log;
mod reading;
mod suggestions;
mod tokens;
mod writing;
