//! The token of a page: opaque to the caller, bound to the question it continues.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::review::State;

/// Changes when the layout changes, so that an old token is refused and never misread.
const LAYOUT: u8 = 1;
/// Length of the fields before the checksum.
const FIELDS: usize = 1 + 1 + 4 + 8 + 16;

/// The last row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When its message was submitted.
    pub submitted_at: Timestamp,
    /// Its message.
    pub message_id: Uuid,
}

/// The token that continues after `cursor`.
pub fn token(state: State, size: u32, cursor: Cursor) -> String {
    let mut bytes = Vec::with_capacity(FIELDS + 8);
    bytes.extend([LAYOUT, state as u8]);
    bytes.extend(size.to_be_bytes());
    bytes.extend(cursor.submitted_at.as_microsecond().to_be_bytes());
    bytes.extend(cursor.message_id.as_bytes());
    let check = checksum(&bytes);
    bytes.extend(check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token; `None` if it is none, or one of another question.
pub fn read(token: &str, state: State, size: u32) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (fields, check) = bytes.split_at_checked(FIELDS)?;
    if check != checksum(fields) || fields[..2] != [LAYOUT, state as u8] {
        return None;
    }
    if u32::from_be_bytes(fields[2..6].try_into().ok()?) != size {
        return None;
    }
    let micros = i64::from_be_bytes(fields[6..14].try_into().ok()?);
    Some(Cursor {
        submitted_at: Timestamp::from_microsecond(micros).ok()?,
        message_id: Uuid::from_slice(&fields[14..]).ok()?,
    })
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let mut check = [0; 8];
    check.copy_from_slice(&hash[..8]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_continues_only_its_own_question() {
        let cursor = Cursor { submitted_at: Timestamp::UNIX_EPOCH, message_id: Uuid::from_u128(7) };
        let token = token(State::Held, 50, cursor);
        assert_eq!(read(&token, State::Held, 50), Some(cursor));
        assert_eq!(read(&token, State::Approved, 50), None);
        assert_eq!(read(&token, State::Held, 51), None);
        assert_eq!(read(&token[1..], State::Held, 50), None);
        assert_eq!(read(&format!("{token}AA"), State::Held, 50), None);
        assert_eq!(read("", State::Held, 50), None);
        assert_eq!(read("🙂", State::Held, 50), None);
    }
}
