//! The log of what was done with a case. Each act carries the hash of the one before it, so that one
//! that was changed, lost, added or moved is noticed; the end, kept with the case, notices a tail
//! cut off.

use jiff::Timestamp;
use liuyan_kit::audit;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Who acts, where something happens by itself.
pub const ROUTING: &str = "routing";

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was entered, in whole microseconds.
    pub at: Timestamp,
    /// Who did it: issuer and subject of the token, or [`ROUTING`].
    pub actor: String,
    /// What, as noun and verb.
    pub action: &'static str,
    /// The office that had the case before it.
    pub office_id: String,
    /// By which request.
    pub request_id: Option<Uuid>,
    /// What belongs to it, as codes and ids; never a text.
    pub detail: String,
    /// What an official wrote about it; empty if nothing.
    pub note: String,
}

impl Entry {
    /// Something that happened by itself.
    pub fn of_itself(at: Timestamp, action: &'static str, office_id: &str, detail: String) -> Self {
        Self {
            at,
            actor: ROUTING.to_owned(),
            action,
            office_id: office_id.to_owned(),
            request_id: None,
            detail,
            note: String::new(),
        }
    }
}

/// The hash of a note, in hexadecimal digits. The chain holds this in the place of the text, so that
/// the text can be taken out and the chain still holds.
pub fn note_hash(note: &str) -> String {
    Sha256::digest(note).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of an act: SHA-256 over the hash before it and the act's values, each but the first
/// preceded by U+001F. The database can compute the same:
///
/// ```sql
/// sha256(prev_hash || convert_to(concat_ws(chr(31), case_id, position,
///     (extract(epoch from at) * 1000000)::bigint, actor, action, office_id,
///     coalesce(request_id::text, ''), detail, note_hash), 'UTF8'))
/// ```
pub fn link(prev: &[u8], case_id: Uuid, position: i32, entry: &Entry) -> [u8; 32] {
    let values = [
        case_id.to_string(),
        position.to_string(),
        entry.at.as_microsecond().to_string(),
        entry.actor.clone(),
        entry.action.to_owned(),
        entry.office_id.clone(),
        entry.request_id.map(|id| id.to_string()).unwrap_or_default(),
        entry.detail.clone(),
        note_hash(&entry.note),
    ];
    audit::link(prev, &values)
}

#[cfg(test)]
mod tests {
    use liuyan_kit::audit::ORIGIN;

    use super::*;

    #[test]
    fn every_value_and_the_act_before_change_the_hash() {
        let entry = |detail: &str, note: &str| Entry {
            note: note.to_owned(),
            ..Entry::of_itself(Timestamp::UNIX_EPOCH, "case-paused", "o1", detail.to_owned())
        };
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = link(&ORIGIN, one, 1, &entry("a", "b"));
        assert_eq!(first, link(&ORIGIN, one, 1, &entry("a", "b")));
        for changed in [
            link(&first, one, 1, &entry("a", "b")),
            link(&ORIGIN, other, 1, &entry("a", "b")),
            link(&ORIGIN, one, 2, &entry("a", "b")),
            link(&ORIGIN, one, 1, &entry("ab", "")),
            link(&ORIGIN, one, 1, &entry("a", "c")),
        ] {
            assert_ne!(first, changed);
        }
    }
}
