//! The tree keeps its shape: what architecture and style promise about files and dependencies.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod dependencies;
mod files;
mod tree;
