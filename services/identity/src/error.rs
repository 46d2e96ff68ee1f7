//! What can go wrong, and what a caller is told.

use std::time::Duration;

use liuyan_kit::{
    class::{Class, Classify, Violation},
    db, seal,
};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields of the request are wrong.
    #[error("the request is wrong in {} places", .0.len())]
    Invalid(Vec<Violation>),
    /// Name and password do not belong together, or the account can't sign in. Which of these it
    /// is, nobody is told.
    #[error("the sign-in is refused")]
    SignInRefused,
    /// The refresh token is none, or its session has ended.
    #[error("the session is refused")]
    SessionRefused,
    /// Client id and secret do not belong together, or the agency gets no tokens.
    #[error("the client is refused")]
    ClientRefused,
    /// The caller's own password was asked for once more, and this is not it.
    #[error("the password is wrong")]
    PasswordWrong,
    /// There were too many wrong passwords or secrets.
    #[error("there were too many wrong tries")]
    TriesExhausted {
        /// After how long they are forgotten.
        retry_after: Duration,
    },
    /// Too many passwords wait to be hashed.
    #[error("too many passwords wait to be hashed")]
    HashingBusy,
    /// The token is not that of a person with an account here.
    #[error("the token is not that of an account")]
    NotAnAccount,
    /// The account is gone or can't sign in.
    #[error("there is no such account")]
    AccountNotFound,
    /// There is no such agency.
    #[error("there is no such agency")]
    AgencyNotFound,
    /// There is an agency with this client id.
    #[error("the client id is taken")]
    ClientIdTaken,
    /// The same request id came with another request.
    #[error("the request id was used for another request")]
    RequestIdReused,
    /// Somebody else added an account of this name in the same moment.
    #[error("somebody else was faster")]
    Raced,
    /// What is sealed can't be opened.
    #[error("what is sealed can't be opened")]
    Sealed(#[from] seal::Error),
    /// A password can't be hashed.
    #[error("a password can't be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// Something that this service wrote can't be read.
    #[error("something that was stored can't be read")]
    BadData(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A task was lost.
    #[error("a task was lost")]
    Task(#[from] tokio::task::JoinError),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// One field is wrong.
    pub(crate) fn invalid(field: &str, reason: &'static str) -> Self {
        Self::Invalid(vec![Violation::new(field, reason)])
    }

    /// Something that this service wrote can't be read.
    pub(crate) fn bad(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::BadData(error.into())
    }
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Invalid(_) => Class::Invalid,
            Self::SignInRefused | Self::SessionRefused | Self::ClientRefused => {
                Class::Unauthenticated
            }
            Self::PasswordWrong | Self::NotAnAccount => Class::Denied,
            Self::TriesExhausted { .. } | Self::HashingBusy => Class::Exhausted,
            Self::AccountNotFound | Self::AgencyNotFound => Class::NotFound,
            Self::ClientIdTaken | Self::RequestIdReused => Class::Exists,
            Self::Raced => Class::Aborted,
            Self::Sealed(_) | Self::Hash(_) | Self::BadData(_) | Self::Task(_) => Class::Internal,
            Self::Database(error) => db::class(error),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "FIELDS_INVALID",
            Self::SignInRefused => "SIGN_IN_REFUSED",
            Self::SessionRefused => "SESSION_REFUSED",
            Self::ClientRefused => "CLIENT_REFUSED",
            Self::PasswordWrong => "PASSWORD_WRONG",
            Self::TriesExhausted { .. } => "TRIES_EXHAUSTED",
            Self::HashingBusy => "HASHING_BUSY",
            Self::NotAnAccount => "NOT_AN_ACCOUNT",
            Self::AccountNotFound => "ACCOUNT_NOT_FOUND",
            Self::AgencyNotFound => "AGENCY_NOT_FOUND",
            Self::ClientIdTaken => "CLIENT_ID_TAKEN",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::Raced => "RACED",
            Self::Sealed(_) => "SEAL_BROKEN",
            Self::Hash(_) => "HASH_BROKEN",
            Self::BadData(_) => "DATA_BROKEN",
            Self::Task(_) => "TASK_LOST",
            Self::Database(_) => "DATABASE_UNAVAILABLE",
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Invalid(violations) => violations.clone(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TriesExhausted { retry_after } => Some(*retry_after),
            _ => self.class().passes().then_some(Duration::from_secs(1)),
        }
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

    /// Keeps what could be read, or the reason why not.
    pub(crate) fn keep<T>(&mut self, field: &str, read: Result<T, &'static str>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(reason) => {
                self.push(Violation::new(field, reason));
                None
            }
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
