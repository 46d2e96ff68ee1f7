//! The nouns and rules of the feed: places in the log, what a reader wants of it, and what becomes
//! of an event. Pure.

pub mod cursor;
pub mod fate;
pub mod filter;
pub mod mask;
pub mod stretch;
pub mod subscription;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

/// Where the log ends, and which life of it this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Names this life of the log; changes after a restore.
    pub epoch: Uuid,
    /// The position after which this life began: up to here it equals the one before.
    pub epoch_began_after: i64,
    /// The position of the newest event; 0 if there is none.
    pub position: i64,
    /// When the newest event was recorded.
    pub recorded_at: Timestamp,
    /// The position of the oldest event that is kept.
    pub kept_from: i64,
    /// Counts the times at which stored payloads were rewritten.
    pub rewrites: i64,
}

impl Head {
    /// The position before the oldest event that is kept.
    pub fn before_oldest(&self) -> i64 {
        self.kept_from - 1
    }
}

/// An office that handles a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// The office.
    pub office_id: String,
    /// Its division; empty for a ministry.
    pub division_code: String,
}

/// What the log knows of an event without opening its payload: all that a filter asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its place in the log.
    pub position: i64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Its type.
    pub event_type: String,
    /// The office that handles the case after it.
    pub holder: Holder,
    /// The office that handled it before, if that is another one.
    pub former: Option<Holder>,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain.
    pub domain: String,
    /// The number of the case's state after it.
    pub state: i32,
    /// Whether only the agency of its office may see it.
    pub restricted: bool,
    /// Whether the case accuses an office.
    pub accuses: bool,
    /// The size of its payload.
    pub payload_bytes: usize,
}

/// An event as the log holds it: facts, and the encoded event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What a filter asks for.
    pub facts: Facts,
    /// The encoded `liuyan.feed.v1.Event`.
    pub payload: Bytes,
}

/// How much of the log one answer may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// How many events.
    pub events: usize,
    /// How many bytes of payload; one event always fits.
    pub bytes: usize,
    /// How many events may be looked at to find them.
    pub scanned: usize,
}
