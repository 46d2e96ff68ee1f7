//! The nouns and rules of moderation: pure, without clock, database or network.

pub mod appeal;
pub mod audit;
pub mod decision;
pub mod due;
pub mod explanation;
pub mod figures;
pub mod filter;
pub mod fold;
pub mod ground;
pub mod likeness;
pub mod moderator;
pub mod page;
pub mod review;
pub mod rules;
pub mod screen;
pub mod standing;
pub mod text;
pub mod trial;
