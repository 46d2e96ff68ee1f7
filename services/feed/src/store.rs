//! All SQL of the feed. Each function takes a connection; whoever calls owns the transaction.

pub mod head;
pub mod log;
pub mod pending;
pub mod subjects;
