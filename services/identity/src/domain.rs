//! The nouns and rules of identity: pure, without clock, chance, database or network.

pub mod access;
pub mod account;
pub mod agency;
pub mod audit;
pub mod jwks;
pub mod name;
pub mod origin;
pub mod password;
pub mod session;
