//! The nouns and rules of notification: pure, without clock, database or network.

pub mod address;
pub mod code;
pub mod day;
pub mod delivery;
pub mod event;
pub mod holder;
pub mod letter;
pub mod network;
pub mod page;
pub mod signature;
pub mod wish;
