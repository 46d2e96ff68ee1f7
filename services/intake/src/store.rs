//! All SQL. The caller owns the transaction.

pub mod audit;
pub mod authors;
pub mod column_messages;
pub mod columns;
pub mod directory;
pub mod log;
pub mod messages;
pub mod requests;
pub mod shown;
pub mod verdicts;
