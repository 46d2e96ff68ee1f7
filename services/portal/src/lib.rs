//! The pages and the public HTTP API.
