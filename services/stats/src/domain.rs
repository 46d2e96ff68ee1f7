//! The nouns and the rules of counting. Pure: no database, no wire, no clock.

pub mod cell;
pub mod count;
pub mod division;
pub mod fact;
pub mod indicator;
pub mod measure;
pub mod month;
pub mod query;
pub mod ranking;
pub mod report;
