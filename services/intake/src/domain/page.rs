//! The token of a page: opaque to the caller, and bound to the account whose messages it continues.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Changes when the layout changes, so that an old token is refused and never misread.
const LAYOUT: u8 = 1;
/// Length of the fields before the checksum.
const FIELDS: usize = 1 + 8 + 16;
/// Length of the checksum.
pub(super) const CHECK: usize = 8;

/// The last message of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Its id.
    pub message_id: Uuid,
}

/// The token that continues the account's messages after `cursor`.
pub fn token(account_id: Uuid, cursor: Cursor) -> String {
    let mut bytes = Vec::with_capacity(FIELDS + CHECK);
    bytes.push(LAYOUT);
    bytes.extend(cursor.submitted_at.as_microsecond().to_be_bytes());
    bytes.extend(cursor.message_id.as_bytes());
    let check = checksum(&[account_id.as_bytes()], &bytes);
    bytes.extend(check);
    hex::encode(bytes)
}

/// Reads a token; `None` if it is none, or one of another account.
pub fn read(token: &str, account_id: Uuid) -> Option<Cursor> {
    let mut bytes = [0; FIELDS + CHECK];
    hex::decode_to_slice(token, &mut bytes).ok()?;
    let (fields, check) = bytes.split_at(FIELDS);
    if check != checksum(&[account_id.as_bytes()], fields) || fields[0] != LAYOUT {
        return None;
    }
    let micros = i64::from_be_bytes(fields[1..9].try_into().ok()?);
    Some(Cursor {
        submitted_at: Timestamp::from_microsecond(micros).ok()?,
        message_id: Uuid::from_slice(&fields[9..]).ok()?,
    })
}

/// Binds fields to what they go on with.
pub(super) fn checksum(list: &[&[u8]], fields: &[u8]) -> [u8; CHECK] {
    let mut hash = Sha256::new();
    for part in list {
        hash.update(part);
    }
    let hash = hash.chain_update(fields).finalize();
    let mut check = [0; CHECK];
    check.copy_from_slice(&hash[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_continues_the_messages_of_its_own_account_only() {
        let (mine, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let cursor = Cursor { submitted_at: Timestamp::UNIX_EPOCH, message_id: Uuid::from_u128(7) };
        let token = token(mine, cursor);
        assert_eq!(read(&token, mine), Some(cursor));
        assert_eq!(read(&token, theirs), None);
        assert_eq!(read(&token[2..], mine), None);
        assert_eq!(read(&format!("{token}00"), mine), None);
        assert_eq!(read("", mine), None);
        assert_eq!(read("🙂", mine), None);
    }
}
