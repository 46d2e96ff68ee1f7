//! The token of a page: opaque to the caller, bound to the question it continues.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Changes when the layout changes, so that an old token is refused and never misread.
const LAYOUT: u8 = 2;
/// Length of the fields before the checksum.
const FIELDS: usize = 1 + 8 + 8 + 16;

/// What was asked, without the token: pages of one question follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question([u8; 8]);

impl Question {
    /// The question that these bytes are.
    pub fn of(bytes: &[u8]) -> Self {
        Self(checksum(bytes))
    }
}

/// The last row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// By when it is to be decided.
    pub decide_by: Timestamp,
    /// Its message.
    pub message_id: Uuid,
}

/// The token that continues after `cursor`.
pub fn token(question: Question, cursor: Cursor) -> String {
    let mut bytes = Vec::with_capacity(FIELDS + 8);
    bytes.push(LAYOUT);
    bytes.extend(question.0);
    bytes.extend(cursor.decide_by.as_microsecond().to_be_bytes());
    bytes.extend(cursor.message_id.as_bytes());
    let check = checksum(&bytes);
    bytes.extend(check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token; `None` if it is none, or one of another question.
pub fn read(token: &str, question: Question) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (fields, check) = bytes.split_at_checked(FIELDS)?;
    if check != checksum(fields) || fields[0] != LAYOUT || fields[1..9] != question.0 {
        return None;
    }
    let micros = i64::from_be_bytes(fields[9..17].try_into().ok()?);
    Some(Cursor {
        decide_by: Timestamp::from_microsecond(micros).ok()?,
        message_id: Uuid::from_slice(&fields[17..]).ok()?,
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
        let cursor = Cursor { decide_by: Timestamp::UNIX_EPOCH, message_id: Uuid::from_u128(7) };
        let (one, other) = (Question::of(b"held"), Question::of(b"approved"));
        let token = token(one, cursor);
        assert_eq!(read(&token, one), Some(cursor));
        assert_eq!(read(&token, other), None);
        assert_eq!(read(&token[1..], one), None);
        assert_eq!(read(&format!("{token}AA"), one), None);
        assert_eq!(read("", one), None);
        assert_eq!(read("🙂", one), None);
    }
}
