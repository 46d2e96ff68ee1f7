//! Subscriptions: how far a reader has come, kept here.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Head, cursor::Cursor};

/// The shortest and the longest id.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=63;
/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 100;
/// The longest reason for putting an event aside, in characters.
pub const LONGEST_REASON: usize = 500;
/// The most events that one call may name.
pub const MOST_IDS: usize = 500;

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its key in the database.
    pub key: i64,
    /// Its owner's name for it.
    pub id: String,
    /// For people.
    pub title: String,
    /// The encoded filter.
    pub filter: Vec<u8>,
    /// The paths of the mask.
    pub mask: Vec<String>,
    /// Everything up to here is done.
    pub place: Cursor,
    /// Counts changes of title, filter and mask.
    pub change: i64,
    /// How many events it has put aside.
    pub parked: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its place last moved.
    pub committed_at: Option<Timestamp>,
    /// When its stream was last opened.
    pub opened_at: Option<Timestamp>,
}

impl Subscription {
    /// What changes with title, filter and mask.
    pub fn etag(&self) -> String {
        format!("{}-{}", self.key, self.change)
    }

    /// How many events lie behind its place.
    pub fn lag(&self, head: &Head) -> u64 {
        let place = match self.place.resolve(head) {
            Ok(place) => place,
            Err(misplaced) => misplaced.instead().position,
        };
        head.position.saturating_sub(place).max(0).unsigned_abs()
    }
}

/// What a subscription is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its owner's name for it.
    pub id: String,
    /// For people.
    pub title: String,
    /// The encoded filter.
    pub filter: Vec<u8>,
    /// The paths of the mask.
    pub mask: Vec<String>,
}

/// What tells a stream that its subscription has changed under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// Counts the streams: another number means that another stream has it.
    pub generation: i64,
    /// Counts the moves of its place by hand.
    pub seeks: i64,
    /// Counts what wakes a stream.
    pub bells: i64,
}

/// An event that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The event.
    pub event_id: Uuid,
    /// Its place in the log; a test event has none.
    pub position: Option<i64>,
    /// Why.
    pub reason: String,
    /// How often.
    pub attempts: i32,
    /// When it was last.
    pub parked_at: Timestamp,
    /// Since when it is to be given out again.
    pub released_at: Option<Timestamp>,
}

/// Whether this can be the id of a subscription.
pub fn is_id(text: &str) -> bool {
    LENGTHS.contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_short_name_in_small_letters() {
        for (text, right) in [
            ("archive", true),
            ("a-1", true),
            (&"a".repeat(63), true),
            ("ab", false),
            (&"a".repeat(64), false),
            ("1ab", false),
            ("a_b", false),
            ("Abc", false),
            ("", false),
        ] {
            assert_eq!(is_id(text), right, "{text}");
        }
    }
}
