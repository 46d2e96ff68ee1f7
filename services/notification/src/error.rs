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
    /// The caller's token names nobody who can be told.
    #[error("the token names nobody who can be told")]
    NobodyToTell,
    /// The caller is not the author of this message.
    #[error("the caller is not the author of this message")]
    NotTheAuthor,
    /// The account is gone.
    #[error("the account is gone")]
    AccountGone,
    /// There is no such endpoint, or not for the caller.
    #[error("there is no such endpoint")]
    EndpointNotFound,
    /// The holder has this address already.
    #[error("the address is registered already")]
    EndpointExists,
    /// The holder has as many endpoints as there may be.
    #[error("there are {0} endpoints already")]
    TooManyEndpoints(u16),
    /// Too many endpoints were registered today, or too many wait for this address.
    #[error("too many endpoints were registered lately")]
    TooManyRegistrations,
    /// The code is wrong, was used up, or has expired; or there is no such endpoint.
    #[error("the endpoint can't be verified with this code")]
    VerificationFailed,
    /// There is no such delivery, or not for the caller.
    #[error("there is no such delivery")]
    DeliveryNotFound,
    /// The delivery was not given up.
    #[error("the delivery was not given up")]
    DeliveryNotGivenUp,
    /// The delivery's endpoint is not used.
    #[error("the delivery's endpoint is not used")]
    EndpointNotActive,
    /// The same request id came with another request.
    #[error("the request id was used for another request")]
    RequestIdReused,
    /// Another service does not answer.
    #[error("{peer} does not answer")]
    Peer {
        /// Which.
        peer: &'static str,
        /// How.
        #[source]
        source: Box<tonic::Status>,
    },
    /// Something can't be written as JSON.
    #[error("a view can't be written")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The keyring does not open what was sealed.
    #[error("a sealed value can't be opened")]
    Sealed(#[from] seal::Error),
    /// A task was lost.
    #[error("a task was lost")]
    Task(#[from] tokio::task::JoinError),
    /// The database.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Invalid(_) => Class::Invalid,
            Self::NobodyToTell | Self::NotTheAuthor => Class::Denied,
            Self::AccountGone | Self::EndpointNotFound | Self::DeliveryNotFound => Class::NotFound,
            Self::EndpointExists | Self::RequestIdReused => Class::Exists,
            Self::TooManyEndpoints(_) | Self::VerificationFailed => Class::Precondition,
            Self::DeliveryNotGivenUp | Self::EndpointNotActive => Class::Precondition,
            Self::TooManyRegistrations => Class::Exhausted,
            Self::Peer { .. } => Class::Unavailable,
            Self::Unwritable(_) | Self::Sealed(_) | Self::Task(_) => Class::Internal,
            Self::Database(error) => db::class(error),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "FIELDS_INVALID",
            Self::NobodyToTell => "NOBODY_TO_TELL",
            Self::NotTheAuthor => "NOT_THE_AUTHOR",
            Self::AccountGone => "ACCOUNT_GONE",
            Self::EndpointNotFound => "ENDPOINT_NOT_FOUND",
            Self::EndpointExists => "ENDPOINT_EXISTS",
            Self::TooManyEndpoints(_) => "TOO_MANY_ENDPOINTS",
            Self::TooManyRegistrations => "TOO_MANY_REGISTRATIONS",
            Self::VerificationFailed => "VERIFICATION_FAILED",
            Self::DeliveryNotFound => "DELIVERY_NOT_FOUND",
            Self::DeliveryNotGivenUp => "DELIVERY_NOT_GIVEN_UP",
            Self::EndpointNotActive => "ENDPOINT_NOT_ACTIVE",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::Peer { .. } => "PEER_AWAY",
            Self::Unwritable(_) => "VIEW_BROKEN",
            Self::Sealed(_) => "SEAL_BROKEN",
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

    fn arguments(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TooManyEndpoints(most) => vec![("most", most.to_string())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRegistrations => Some(Duration::from_secs(24 * 3_600)),
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

    /// Fails if anything is wrong.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
