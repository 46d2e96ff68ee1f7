//! Everything that can go wrong here, and what a caller is told of it.

use std::time::Duration;

use liuyan_kit::{
    class::{Class, Classify, Violation},
    db, objects,
};
use uuid::Uuid;

use crate::domain::cursor::{Cursor, Misplaced};

/// An error of the feed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks rules; all of them are told.
    #[error("the request is malformed")]
    Invalid(Vec<Violation>),
    /// The text in a field for cursors is none.
    #[error("{0} holds no cursor")]
    CursorMalformed(&'static str),
    /// The cursor is of another life of the log.
    #[error("the cursor is of another epoch")]
    EpochChanged(Cursor),
    /// Events after the cursor are no longer kept.
    #[error("events after the cursor are no longer kept")]
    CursorExpired(Cursor),
    /// The log does not reach to the cursor.
    #[error("the log does not reach to the cursor")]
    CursorAhead(Cursor),
    /// Too many streams are open.
    #[error("too many streams are open")]
    StreamLimit,
    /// The caller has no such subscription.
    #[error("there is no such subscription")]
    SubscriptionNotFound,
    /// Another subscription of the caller has this id.
    #[error("another subscription has this id")]
    SubscriptionExists,
    /// The caller has so many subscriptions already.
    #[error("the caller has {0} subscriptions")]
    TooManySubscriptions(i32),
    /// The subscription has put so many events aside already.
    #[error("the subscription has put {0} events aside")]
    TooManyParked(i32),
    /// The subscription was changed since.
    #[error("the subscription was changed")]
    EtagMismatch,
    /// Another stream has the subscription.
    #[error("another stream has the subscription")]
    TakenOver,
    /// The token by which the stream was opened is no longer good.
    #[error("the token is no longer good")]
    CredentialExpired,
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Routing did not give the views.
    #[error("routing gave no views")]
    Views(#[source] Box<tonic::Status>),
    /// Routing did not answer in time.
    #[error("routing did not answer in time")]
    ViewsTimeout,
    /// The row that says where the log ends is missing, and the log is not empty.
    #[error("the log has lost its head")]
    HeadMissing,
    /// A stored payload is no event.
    #[error("a stored payload is no event")]
    Payload(#[from] prost::DecodeError),
    /// Waiting events were taken away while the head was locked.
    #[error("{expected} waiting events were to be taken, {removed} were")]
    PendingLost {
        /// How many were placed.
        expected: usize,
        /// How many were there.
        removed: u64,
    },
    /// The objects failed.
    #[error("the objects failed")]
    Objects(#[from] objects::Error),
    /// An object is not what was written down about it.
    #[error("the object {0} is damaged: {1}")]
    Damaged(String, String),
    /// An event that is to be rewritten became part of an object meanwhile.
    #[error("the event at {0} became part of an object meanwhile")]
    Moved(i64),
    /// The process is ending.
    #[error("the process is ending")]
    Stopping,
}

impl Error {
    /// A commit of what was not given yet.
    pub fn commit_ahead() -> Self {
        Self::Invalid(vec![Violation::new("commit.cursor", "COMMIT_AHEAD")])
    }

    /// A rejection of what this stream did not give.
    pub fn not_given() -> Self {
        Self::Invalid(vec![Violation::new("reject.event_id", "EVENT_NOT_GIVEN")])
    }
}

impl Error {
    /// Whether an object, or a payload, is not what it should be: others are none the worse for it.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(..) | Self::Objects(objects::Error::NotFound(_)))
    }
}

impl From<Misplaced> for Error {
    fn from(misplaced: Misplaced) -> Self {
        match misplaced {
            Misplaced::OtherEpoch { nearest } => Self::EpochChanged(nearest),
            Misplaced::Expired { earliest } => Self::CursorExpired(earliest),
            Misplaced::Ahead { latest } => Self::CursorAhead(latest),
        }
    }
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::Invalid(_) | Self::CursorMalformed(_) => Class::Invalid,
            Self::EpochChanged(_) => Class::Precondition,
            Self::CursorExpired(_) | Self::CursorAhead(_) => Class::OutOfRange,
            Self::StreamLimit | Self::TooManySubscriptions(_) | Self::TooManyParked(_) => {
                Class::Exhausted
            }
            Self::SubscriptionNotFound => Class::NotFound,
            Self::SubscriptionExists => Class::Exists,
            Self::EtagMismatch | Self::TakenOver => Class::Aborted,
            Self::CredentialExpired => Class::Unauthenticated,
            Self::Database(error) => match db::class(error) {
                Class::Aborted => Class::Unavailable,
                class => class,
            },
            Self::Views(status) => match Class::of(status.code()) {
                class if class.passes() => Class::Unavailable,
                _ => Class::Internal,
            },
            Self::ViewsTimeout | Self::Stopping | Self::Objects(_) | Self::Moved(_) => {
                Class::Unavailable
            }
            Self::HeadMissing | Self::Payload(_) | Self::PendingLost { .. } | Self::Damaged(..) => {
                Class::Internal
            }
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "REQUEST_INVALID",
            Self::CursorMalformed(_) => "CURSOR_MALFORMED",
            Self::EpochChanged(_) => "FEED_EPOCH_CHANGED",
            Self::CursorExpired(_) => "CURSOR_EXPIRED",
            Self::CursorAhead(_) => "CURSOR_AHEAD",
            Self::StreamLimit => "STREAM_LIMIT",
            Self::SubscriptionNotFound => "SUBSCRIPTION_NOT_FOUND",
            Self::SubscriptionExists => "SUBSCRIPTION_EXISTS",
            Self::TooManySubscriptions(_) => "TOO_MANY_SUBSCRIPTIONS",
            Self::TooManyParked(_) => "TOO_MANY_PARKED",
            Self::EtagMismatch => "ETAG_MISMATCH",
            Self::TakenOver => "SUBSCRIPTION_TAKEN_OVER",
            Self::CredentialExpired => "CREDENTIAL_EXPIRED",
            _ if self.class() == Class::Unavailable => "FEED_UNAVAILABLE",
            _ => "INTERNAL",
        }
    }

    fn violations(&self) -> Vec<Violation> {
        match self {
            Self::Invalid(violations) => violations.clone(),
            Self::CursorMalformed(field) => vec![Violation::new(*field, "CURSOR_MALFORMED")],
            _ => Vec::new(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        let epoch = |epoch: Uuid| epoch.to_string();
        match self {
            Self::EpochChanged(nearest) => {
                vec![("new_epoch", epoch(nearest.epoch)), ("nearest_cursor", nearest.to_string())]
            }
            Self::TooManySubscriptions(most) | Self::TooManyParked(most) => {
                vec![("most", most.to_string())]
            }
            Self::CursorExpired(earliest) => vec![("earliest_cursor", earliest.to_string())],
            Self::CursorAhead(latest) => vec![("latest_cursor", latest.to_string())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self.class() {
            Class::Exhausted => Some(Duration::from_secs(10)),
            Class::Unavailable => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}
