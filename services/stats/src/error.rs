//! What can go wrong, and what a caller is told.

use std::time::Duration;

use liuyan_kit::{
    class::{Class, Classify, Violation},
    db,
};

use crate::domain::indicator::Unreadable;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are wrong.
    #[error("the request is wrong in {} places", .0.len())]
    Invalid(Vec<Violation>),
    /// There is no such indicator.
    #[error("there is no such indicator")]
    IndicatorNotFound,
    /// The answer would have too many rows.
    #[error("the answer would have {rows} rows")]
    TooManyRows {
        /// How many it would have.
        rows: usize,
        /// How many are given.
        max: usize,
    },
    /// The definitions of this release differ from what was published under the same version.
    #[error("version {0} of the definitions was published before with another content")]
    DefinitionsChanged(u32),
    /// The definitions of this release can't be read.
    #[error("the definitions can't be read")]
    Definitions(#[from] Unreadable),
    /// A report could not be written.
    #[error("the report could not be written")]
    Report(#[from] csv::Error),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Invalid(_) | Self::TooManyRows { .. } => Class::Invalid,
            Self::IndicatorNotFound => Class::NotFound,
            Self::DefinitionsChanged(_) | Self::Definitions(_) | Self::Report(_) => Class::Internal,
            Self::Database(error) => db::class(error),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "FIELDS_INVALID",
            Self::IndicatorNotFound => "INDICATOR_NOT_FOUND",
            Self::TooManyRows { .. } => "TOO_MANY_ROWS",
            Self::DefinitionsChanged(_) | Self::Definitions(_) => "DEFINITIONS_BROKEN",
            Self::Report(_) => "REPORT_BROKEN",
            Self::Database(_) => "DATABASE_UNAVAILABLE",
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Invalid(violations) => violations.clone(),
            _ => Vec::new(),
        }
    }

    fn arguments(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TooManyRows { rows, max } => {
                vec![("rows", rows.to_string()), ("max", max.to_string())]
            }
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.class().passes().then_some(Duration::from_secs(1))
    }
}

/// Collects everything that is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Violation>);

impl Faults {
    /// Adds something that is wrong.
    pub(crate) fn push(&mut self, violation: Violation) {
        self.0.push(violation);
    }

    /// Adds something that is wrong if it is.
    pub(crate) fn check(&mut self, right: bool, field: &str, reason: &'static str) {
        if !right {
            self.push(Violation::new(field, reason));
        }
    }

    /// Fails if anything is wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
