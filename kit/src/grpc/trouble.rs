//! What goes wrong around a call, as everybody is told it.

use std::{sync::LazyLock, time::Duration};

use http::HeaderMap;
use tonic::{Code, Status};

use crate::{
    class::{Class, Classify},
    locale::Words,
};

/// How long a refused caller should wait.
const PAUSE: Duration = Duration::from_secs(1);

/// How tonic and prost begin to say that what came cannot be read.
const UNREADABLE: [&str; 4] = [
    "failed to decode Protobuf message",
    "Missing request message",
    "Unexpected EOF decoding stream",
    "protocol error: received message with",
];

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
    /// What came is no message of the contract.
    #[error("the request cannot be read: {0}")]
    Malformed(String),
    /// A message is larger than is read.
    #[error("the request is larger than {0} bytes")]
    TooLarge(usize),
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
            Self::Overloaded | Self::TooLarge(_) => Class::Exhausted,
            Self::Malformed(_) => Class::Invalid,
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
            Self::Malformed(_) => "REQUEST_MALFORMED",
            Self::TooLarge(_) => "REQUEST_TOO_LARGE",
            Self::MethodUnknown => "METHOD_UNKNOWN",
            Self::PeerAway(_) => "PEER_UNAVAILABLE",
            Self::Panic(_) => "INTERNAL",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::PeerAway(peer) => vec![("peer", peer.clone())],
            // It names fields of the contract and positions, never what came.
            Self::Malformed(cause) => vec![("cause", cause.clone())],
            Self::TooLarge(limit) => vec![("limit_bytes", limit.to_string())],
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Overloaded | Self::PeerAway(_)).then_some(PAUSE)
    }
}

/// What [`super::body::Limited`] says of a message that is too large.
pub(super) const TOO_LARGE: &str = "the request is too large";

impl Trouble {
    /// What is behind a status that the library below gave to what it could not read, which names no
    /// reason, and calls the caller's fault ours.
    pub(super) fn behind(headers: &HeaderMap, limit: usize) -> Option<Self> {
        let status = Status::from_header_map(headers)?;
        let said = status.message();
        let begins = |words: &[&str]| words.iter().any(|words| said.starts_with(words));
        match status.code() {
            _ if !status.details().is_empty() => None,
            Code::Internal if begins(&UNREADABLE) => Some(Self::Malformed(said.to_owned())),
            Code::OutOfRange if begins(&["Error, decoded message length too large"]) => {
                Some(Self::TooLarge(limit))
            }
            Code::ResourceExhausted if said == TOO_LARGE => Some(Self::TooLarge(limit)),
            _ => None,
        }
    }

    /// The trouble as gRPC tells it.
    pub(super) fn status(&self, locale: &str) -> Status {
        let status = refuse(self, locale);
        match self {
            Self::MethodUnknown => Status::with_details(
                Code::Unimplemented,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(status: &Status) -> Option<Trouble> {
        let mut headers = HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        Trouble::behind(&headers, 1_000)
    }

    #[test]
    fn what_a_handler_says_is_left_as_it_is() {
        assert_eq!(behind(&Status::ok("")), None);
        assert_eq!(behind(&Status::internal("broken")), None);
        assert_eq!(behind(&Status::out_of_range("CURSOR_EXPIRED")), None);
        assert_eq!(behind(&Trouble::Overloaded.status("en")), None);
        let limit = "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes";
        assert_eq!(behind(&Status::out_of_range(limit)), Some(Trouble::TooLarge(1_000)));
    }
}
