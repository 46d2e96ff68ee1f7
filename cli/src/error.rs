//! How a command ends, and what it says then.

use std::{fmt::Display, process::ExitCode};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A check failed; what it found has been printed.
    #[error("{0}")]
    Check(String),
    /// The command was used wrongly.
    #[error("{0}")]
    Usage(String),
    /// The board cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// Anything else.
    #[error("{what}: {why}")]
    Other {
        /// What was being done.
        what: String,
        /// Why it failed, with its causes.
        why: String,
    },
}

impl Error {
    /// Wraps an error of any kind.
    pub(crate) fn other<E: Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |why| Self::Other { what, why: format!("{why:#}") }
    }

    /// Wraps a failed call: away, or refused.
    pub(crate) fn call(what: impl Into<String>) -> impl FnOnce(tonic::Status) -> Self {
        let what = what.into();
        move |status| {
            if matches!(status.code(), tonic::Code::Unavailable | tonic::Code::DeadlineExceeded) {
                Self::Unreachable(format!("{what}: {}", status.message()))
            } else {
                Self::Other { what, why: status.message().to_owned() }
            }
        }
    }

    /// Wraps a failed query.
    pub(crate) fn query(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(_) => {
                Self::Other { what: "a query failed".to_owned(), why: error.to_string() }
            }
            _ => Self::Unreachable(format!("the database does not answer: {error}")),
        }
    }

    /// Says why, and gives the exit code.
    #[expect(clippy::print_stderr, reason = "this is where a command speaks to its user")]
    pub(crate) fn tell(&self) -> ExitCode {
        eprintln!("liuyan: {self}");
        ExitCode::from(match self {
            Self::Check(_) | Self::Other { .. } => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        })
    }
}
