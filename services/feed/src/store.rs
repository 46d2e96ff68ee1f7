//! All SQL of the feed. Each function takes a connection; whoever calls owns the transaction.

pub mod by_id;
pub mod checks;
pub mod head;
pub mod log;
pub mod parked;
pub mod pending;
pub mod stretches;
pub mod subjects;
pub mod subscriptions;
