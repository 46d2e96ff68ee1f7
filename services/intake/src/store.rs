//! All SQL. The caller owns the transaction.

pub mod acts;
pub mod attachments;
pub mod audit;
pub mod authors;
pub mod column_messages;
pub mod columns;
pub mod directory;
pub mod erasing;
pub mod held;
pub mod log;
pub mod lost_files;
pub mod messages;
pub mod requests;
pub mod retention;
pub mod rewrapping;
pub mod shown;
pub mod verdicts;
