//! What goes wrong around a call, as everybody is told it.

use std::{sync::LazyLock, time::Duration};

use tonic::Status;

use crate::{
    class::{Class, Classify},
    locale::Words,
};

/// How long a refused caller should wait.
const PAUSE: Duration = Duration::from_secs(1);

static WORDS: LazyLock<Words> = LazyLock::new(|| Words::new(&[]));

/// What goes wrong around a call, outside its handler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The time that the caller or the configuration allows is over.
    #[error("the deadline is exceeded")]
    Deadline,
    /// Too many calls are being worked on.
    #[error("too many calls at the same time")]
    Overloaded,
    /// No contract names this path.
    #[error("no contract names this method")]
    MethodUnknown,
    /// The other side cannot be reached.
    #[error("{0} cannot be reached")]
    PeerAway(String),
    /// A handler panicked.
    #[error("a handler panicked: {0}")]
    Panic(String),
}

impl Classify for Trouble {
    fn class(&self) -> Class {
        match self {
            Self::Deadline => Class::Timeout,
            Self::Overloaded => Class::Exhausted,
            // There is no class for it: `status` gives it its code.
            Self::MethodUnknown => Class::NotFound,
            Self::PeerAway(_) => Class::Unavailable,
            Self::Panic(_) => Class::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Deadline => "DEADLINE_EXCEEDED",
            Self::Overloaded => "OVERLOADED",
            Self::MethodUnknown => "METHOD_UNKNOWN",
            Self::PeerAway(_) => "PEER_UNAVAILABLE",
            Self::Panic(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::PeerAway(peer) => vec![("peer", peer.clone())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Overloaded | Self::PeerAway(_)).then_some(PAUSE)
    }
}

impl Trouble {
    /// The trouble as gRPC tells it.
    pub(super) fn status(&self, locale: &str) -> Status {
        let status = refuse(self, locale);
        match self {
            Self::MethodUnknown => Status::with_details(
                tonic::Code::Unimplemented,
                status.message(),
                bytes::Bytes::copy_from_slice(status.details()),
            ),
            _ => status,
        }
    }
}

/// One of kit's own errors as gRPC tells it.
pub(super) fn refuse<E: Classify>(error: &E, locale: &str) -> Status {
    WORDS.status(error, locale)
}
