//! The nouns and rules of moderation: pure, without clock, database or network.

pub mod audit;
pub mod decision;
pub mod fold;
pub mod ground;
pub mod page;
pub mod review;
pub mod rules;
pub mod screen;
pub mod text;
