//! Cursors: places in one life of the log, in a form that a reader keeps for years.
//!
//! A cursor is the unpadded base64url text of 29 bytes: the version of this form (1), the epoch
//! (16 bytes), the position (8 bytes, big-endian) and the CRC-32 of all that (4 bytes, big-endian).
//! It says nothing of a filter: a reader may change the filter and keep the cursor. Readers treat
//! it as opaque; a later release that writes another version goes on reading this one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::Head;

/// The version that is written.
const VERSION: u8 = 1;
const LENGTH: usize = 1 + 16 + 8 + 4;

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
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Malformed)?;
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| Malformed)?;
        let (said, sum) = bytes.split_at(LENGTH - 4);
        if said[0] != VERSION || crc32(said).to_be_bytes() != *sum {
            return Err(Malformed);
        }
        let epoch = Uuid::from_slice(&said[1..17]).map_err(|_| Malformed)?;
        let position: [u8; 8] = said[17..].try_into().map_err(|_| Malformed)?;
        let position = i64::try_from(u64::from_be_bytes(position)).map_err(|_| Malformed)?;
        Ok(Self { epoch, position })
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
