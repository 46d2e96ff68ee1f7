//! Cursors: places in one life of the log, in a form that a reader keeps for years.
//!
//! A cursor is the unpadded base64url text of 29 bytes: the version of this form (1), the epoch
//! (16 bytes), the position (8 bytes, big-endian) and the CRC-32 of all that (4 bytes, big-endian).
//! A place in a snapshot (see [`InSnapshot`]) has the version 2 and 8 bytes more before the sum.
//! It says nothing of a filter: a reader may change the filter and keep the cursor. Readers treat
//! it as opaque; a later release that writes another version goes on reading this one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::Head;

/// The version that is written of places in the log.
const VERSION: u8 = 1;
const LENGTH: usize = 1 + 16 + 8 + 4;
/// The version that is written of places in a snapshot.
const SNAPSHOT_VERSION: u8 = 2;
const SNAPSHOT_LENGTH: usize = LENGTH + 8;

/// A place in the log: after the event at `position`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The life of the log in which the place was named.
    pub epoch: Uuid,
    /// The position of the last event before the place; 0 at the very beginning.
    pub position: i64,
}

/// The text is no cursor, or was damaged on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor")]
pub struct Malformed;

/// Why a log can't be resumed at a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misplaced {
    /// It names another life of the log; `nearest` loses nothing and may repeat.
    OtherEpoch {
        /// The last place that both lives have in common with certainty.
        nearest: Cursor,
    },
    /// Events after it are no longer kept.
    Expired {
        /// The oldest place that is kept.
        earliest: Cursor,
    },
    /// The log does not reach that far.
    Ahead {
        /// The newest place.
        latest: Cursor,
    },
}

impl Misplaced {
    /// Where to resume instead.
    pub fn instead(self) -> Cursor {
        match self {
            Self::OtherEpoch { nearest } => nearest,
            Self::Expired { earliest } => earliest,
            Self::Ahead { latest } => latest,
        }
    }
}

impl Cursor {
    /// The place after `position` in the present life of the log.
    pub fn at(head: &Head, position: i64) -> Self {
        Self { epoch: head.epoch, position }
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// [`Malformed`] for everything that [`Cursor::to_string`] does not write.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let said: [u8; LENGTH - 4] = checked(text, VERSION)?;
        let epoch = Uuid::from_slice(&said[1..17]).map_err(|_| Malformed)?;
        Ok(Self { epoch, position: number(&said[17..])? })
    }

    /// The position at which to resume.
    ///
    /// # Errors
    /// [`Misplaced`] says where to resume instead.
    pub fn resolve(self, head: &Head) -> Result<i64, Misplaced> {
        if self.epoch != head.epoch {
            let shared = self.position.min(head.epoch_began_after).max(head.before_oldest());
            return Err(Misplaced::OtherEpoch { nearest: Self::at(head, shared) });
        }
        if self.position < head.before_oldest() {
            return Err(Misplaced::Expired { earliest: Self::at(head, head.before_oldest()) });
        }
        if self.position > head.position {
            return Err(Misplaced::Ahead { latest: Self::at(head, head.position) });
        }
        Ok(self.position)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.epoch.as_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.extend_from_slice(&crc32(&bytes).to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// What a cursor of this version says, without its sum.
fn checked<const SAID: usize>(text: &str, version: u8) -> Result<[u8; SAID], Malformed> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Malformed)?;
    let (said, sum) = bytes.split_at_checked(SAID).ok_or(Malformed)?;
    if sum != crc32(said).to_be_bytes() || said[0] != version {
        return Err(Malformed);
    }
    said.try_into().map_err(|_| Malformed)
}

fn number(bytes: &[u8]) -> Result<i64, Malformed> {
    let bytes: [u8; 8] = bytes.try_into().map_err(|_| Malformed)?;
    i64::try_from(u64::from_be_bytes(bytes)).map_err(|_| Malformed)
}

/// A place in a snapshot of the log: the newest event of each case up to a place, in the order of their
/// positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InSnapshot {
    /// The place of which the snapshot is; events after it follow the snapshot.
    pub of: Cursor,
    /// The position up to which the newest events have been given.
    pub given: i64,
}

impl InSnapshot {
    /// Reads a cursor.
    ///
    /// # Errors
    /// [`Malformed`] for everything that [`InSnapshot::to_string`] does not write.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let said: [u8; SNAPSHOT_LENGTH - 4] = checked(text, SNAPSHOT_VERSION)?;
        let epoch = Uuid::from_slice(&said[1..17]).map_err(|_| Malformed)?;
        let of = Cursor { epoch, position: number(&said[17..25])? };
        Ok(Self { of, given: number(&said[25..])? })
    }

    /// The position of the snapshot.
    ///
    /// # Errors
    /// [`Misplaced`] says where to resume instead. In another life of the log, and where events of the snapshot
    /// may have gone, no place in the middle is safe, so it names the oldest place: everything comes again.
    pub fn resolve(self, head: &Head) -> Result<i64, Misplaced> {
        let oldest = Cursor::at(head, head.before_oldest());
        match self.of.resolve(head) {
            Err(Misplaced::OtherEpoch { .. }) => Err(Misplaced::OtherEpoch { nearest: oldest }),
            resolved => resolved,
        }
    }
}

impl std::fmt::Display for InSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = Vec::with_capacity(SNAPSHOT_LENGTH);
        bytes.push(SNAPSHOT_VERSION);
        bytes.extend_from_slice(self.of.epoch.as_bytes());
        bytes.extend_from_slice(&self.of.position.to_be_bytes());
        bytes.extend_from_slice(&self.given.to_be_bytes());
        bytes.extend_from_slice(&crc32(&bytes).to_be_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// CRC-32 as in ISO 3309 (polynomial 0xEDB88320). It finds damage, not forgery: a cursor is no
/// secret and grants nothing.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn head() -> Head {
        Head {
            epoch: Uuid::from_u128(7),
            epoch_began_after: 40,
            position: 100,
            recorded_at: Timestamp::UNIX_EPOCH,
            kept_from: 11,
            rewrites: 0,
        }
    }

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_cursor_is_read_for_ever() {
        let cursor = Cursor { epoch: Uuid::from_u128(1), position: 42 };
        assert_eq!(cursor.to_string(), "AQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAKoCEQxQ");
        assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
    }

    #[test]
    fn a_place_in_a_snapshot_is_read_for_ever_and_is_no_place_in_the_log() {
        let of = Cursor { epoch: Uuid::from_u128(1), position: 42 };
        let place = InSnapshot { of, given: 7 };
        assert_eq!(InSnapshot::parse(&place.to_string()), Ok(place));
        assert_eq!(Cursor::parse(&place.to_string()), Err(Malformed));
        assert_eq!(InSnapshot::parse(&of.to_string()), Err(Malformed));
    }

    #[test]
    fn a_snapshot_of_another_life_begins_at_the_oldest_place() {
        let of = Cursor { epoch: Uuid::from_u128(8), position: 30 };
        let nearest = Cursor::at(&head(), 10);
        let resolved = InSnapshot { of, given: 20 }.resolve(&head());
        assert_eq!(resolved, Err(Misplaced::OtherEpoch { nearest }));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let good = Cursor { epoch: Uuid::from_u128(1), position: 42 }.to_string();
        for text in ["", "42", "a", &good[1..], &format!("{good}="), &format!("{good}AA"), "留言"]
        {
            assert_eq!(Cursor::parse(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn a_cursor_is_good_from_the_oldest_place_to_the_newest() {
        for (position, expected) in [(10, true), (11, true), (100, true), (9, false), (101, false)]
        {
            assert_eq!(Cursor::at(&head(), position).resolve(&head()).is_ok(), expected);
        }
    }

    #[test]
    fn a_misplaced_cursor_names_the_place_to_go_to() {
        let place = |epoch, position| Cursor { epoch: Uuid::from_u128(epoch), position };
        let cases = [
            (place(7, 3), Misplaced::Expired { earliest: place(7, 10) }),
            (place(7, 101), Misplaced::Ahead { latest: place(7, 100) }),
            (place(8, 30), Misplaced::OtherEpoch { nearest: place(7, 30) }),
            (place(8, 90), Misplaced::OtherEpoch { nearest: place(7, 40) }),
            (place(8, 0), Misplaced::OtherEpoch { nearest: place(7, 10) }),
        ];
        for (cursor, expected) in cases {
            assert_eq!(cursor.resolve(&head()), Err(expected));
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(epoch: u128, position in 0..=i64::MAX) {
            let cursor = Cursor { epoch: Uuid::from_u128(epoch), position };
            prop_assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
        }

        #[test]
        fn a_damaged_cursor_is_refused(
            epoch: u128, position in 0..=i64::MAX, place in 0..LENGTH, damage in 1..=u8::MAX,
        ) {
            let text = Cursor { epoch: Uuid::from_u128(epoch), position }.to_string();
            let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
            bytes[place] ^= damage;
            prop_assert_eq!(Cursor::parse(&URL_SAFE_NO_PAD.encode(bytes)), Err(Malformed));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = Cursor::parse(&text);
        }
    }
}
