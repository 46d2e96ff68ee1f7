//! Nouns and rules. Nothing here reads a clock, draws a random number or knows a wire.

pub mod admission;
pub mod audit;
pub mod column;
pub mod draft;
pub mod file;
pub mod held;
pub mod log;
pub mod message;
pub mod number;
pub mod page;
pub mod receipt;
pub mod rule;
pub mod state;
pub mod text;
