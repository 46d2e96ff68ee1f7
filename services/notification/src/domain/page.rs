//! The token of a page: opaque to the caller, bound to the question it continues.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Changes when the layout changes, so that an old token is refused and never misread.
const LAYOUT: u8 = 1;
/// Length of the fields before the checksum.
const FIELDS: usize = 1 + 8 + 16;

/// The last row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub id: Uuid,
}

/// The token that continues `question` after `cursor`.
pub fn token(question: &str, cursor: Cursor) -> String {
    let mut bytes = Vec::with_capacity(FIELDS + 8);
    bytes.push(LAYOUT);
    bytes.extend(cursor.at.as_microsecond().to_be_bytes());
    bytes.extend(cursor.id.as_bytes());
    let check = checksum(question, &bytes);
    bytes.extend(check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token; `None` if it is none, or one of another question.
pub fn read(token: &str, question: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (fields, check) = bytes.split_at_checked(FIELDS)?;
    if check != checksum(question, fields) || fields[0] != LAYOUT {
        return None;
    }
    let micros = i64::from_be_bytes(fields[1..9].try_into().ok()?);
    Some(Cursor {
        at: Timestamp::from_microsecond(micros).ok()?,
        id: Uuid::from_slice(&fields[9..]).ok()?,
    })
}

fn checksum(question: &str, bytes: &[u8]) -> [u8; 8] {
    let hash: [u8; 32] = Sha256::new().chain_update(question).chain_update(bytes).finalize().into();
    let mut check = [0; 8];
    check.copy_from_slice(&hash[..8]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_continues_only_its_own_question() {
        let cursor = Cursor { at: Timestamp::UNIX_EPOCH, id: Uuid::from_u128(7) };
        let token = token("notices of a", cursor);
        assert_eq!(read(&token, "notices of a"), Some(cursor));
        assert_eq!(read(&token, "notices of b"), None);
        assert_eq!(read(&token[1..], "notices of a"), None);
        assert_eq!(read("", "notices of a"), None);
        assert_eq!(read("🙂", "notices of a"), None);
    }
}
