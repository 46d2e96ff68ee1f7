//! The audit log: every look at what is held on an author, and every erasure.

use jiff::Timestamp;
use liuyan_kit::audit;
use uuid::Uuid;

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Was given all that is held.
    AuthorExported,
    /// Destroyed name and phone.
    ContactErased,
    /// Destroyed messages.
    MessagesErased,
    /// Destroyed again what a restored backup had brought back.
    ErasureReplayed,
    /// Destroyed names and phones of messages that ended long ago.
    ContactsForgotten,
    /// Wrapped authors' keys anew by the newest key of the ring.
    KeysRewrapped,
}

impl Action {
    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorExported => "author-exported",
            Self::ContactErased => "contact-erased",
            Self::MessagesErased => "messages-erased",
            Self::ErasureReplayed => "erasure-replayed",
            Self::ContactsForgotten => "contacts-forgotten",
            Self::KeysRewrapped => "keys-rewrapped",
        }
    }
}

/// One row.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When, in whole microseconds.
    pub at: Timestamp,
    /// Who: issuer and subject of the token, or `intake`.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// `message/<id>` or `account/<id>`; `phone` for what was found by one: never the phone.
    pub subject: String,
    /// By which request; the row of `erasure_requests` that it left behind has this id.
    pub request_id: Option<Uuid>,
    /// How many messages, and why.
    pub detail: String,
}

/// The hash of a row. The database can compute the same:
///
/// ```sql
/// sha256(prev_hash || convert_to(concat_ws(chr(31), sequence,
///     (extract(epoch from at) * 1000000)::bigint, actor, action, subject,
///     coalesce(request_id::text, ''), detail), 'UTF8'))
/// ```
pub fn link(prev: &[u8], sequence: i64, entry: &Entry) -> [u8; 32] {
    let values = [
        sequence.to_string(),
        entry.at.as_microsecond().to_string(),
        entry.actor.clone(),
        entry.action.as_str().to_owned(),
        entry.subject.clone(),
        entry.request_id.map(|id| id.to_string()).unwrap_or_default(),
        entry.detail.clone(),
    ];
    audit::link(prev, &values)
}
