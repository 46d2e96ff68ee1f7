//! The transparency log: what its entries look like, and the tree over them (RFC 6962).
//!
//! Entries are texts, and they look the same for ever: proofs that citizens hold depend on them. An
//! entry tells nothing of what it is about: it is a hash of salt and text, and whoever has both can
//! show that the text was there. Once the salt is destroyed nobody can find the text by trying.
//!
//! The leaf of a receipt is `SHA-256(0x00 ‖ entry)` of the entry
//! `liuyan-entry-v1⏎receipt: sha256:⟨SHA-256(salt ‖ statement)⟩⏎`, with the salt of the receipt, so
//! that whoever holds the receipt can make it. That of a text that was handed in again begins with `text:`
//! instead, and that of what another service said with `event:`.

use std::collections::HashMap;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::draft::Words;

pub mod frontier;
pub mod head;
pub mod proof;
pub mod tree;

/// A hash of the tree.
pub type Hash = [u8; 32];

const ENTRY: &str = "liuyan-entry-v1";
const EVENT: &str = "liuyan-event-v1";
const TEXT: &str = "liuyan-text-v1";

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A receipt that was given.
    Receipt,
    /// A text that was handed in again.
    Text,
    /// What another service said.
    Event,
    /// What an earlier entry is the hash of was destroyed.
    Redaction,
    /// A message came back from the receipt of its author, so that its entry may be late.
    Restoration,
}

impl Kind {
    /// Its word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Text => "text",
            Self::Event => "event",
            Self::Redaction => "redaction",
            Self::Restoration => "restoration",
        }
    }
}

/// A word that names no kind of entry.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0:?} is no kind of entry")]
pub struct NoKind(String);

impl std::str::FromStr for Kind {
    type Err = NoKind;

    fn from_str(word: &str) -> Result<Self, NoKind> {
        [Self::Receipt, Self::Text, Self::Event, Self::Redaction, Self::Restoration]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| NoKind(word.to_owned()))
    }
}

/// An entry that is to enter the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub kind: Kind,
    /// The message, or the subject of the event.
    pub subject_id: Uuid,
    /// Its hash in the tree.
    pub leaf_hash: Hash,
    /// The salt of an event's text.
    pub salt: Option<[u8; 32]>,
    /// An event's text.
    pub preimage: Option<Vec<u8>>,
    /// The leaf that a redaction or a restoration is about.
    pub target: Option<Hash>,
    /// When it was caused.
    pub at: Timestamp,
}

impl Entry {
    /// A receipt was given.
    pub fn receipt(message_id: Uuid, salt: &[u8; 32], statement: &[u8], at: Timestamp) -> Self {
        let leaf_hash = receipt_leaf(salt, statement);
        Self::new(Kind::Receipt, message_id, leaf_hash, at)
    }

    /// A text was handed in again. The salt is the text's.
    pub fn text(mended: &Mended<'_>, salt: &[u8; 32], at: Timestamp) -> Self {
        Self::new(Kind::Text, mended.message_id, text_leaf(salt, &mended.text(salt)), at)
    }

    /// Another service said something.
    pub fn event(said: &Said<'_>, salt: [u8; 32], at: Timestamp) -> Self {
        let preimage = said.text().into_bytes();
        Self {
            salt: Some(salt),
            leaf_hash: event_leaf(&salt, &preimage),
            preimage: Some(preimage),
            ..Self::new(Kind::Event, said.subject_id, [0; 32], at)
        }
    }

    /// What the entry `target` of a message is the hash of was destroyed.
    pub fn redaction(message_id: Uuid, target: Hash, at: Timestamp) -> Self {
        Self::about(Kind::Redaction, message_id, target, at)
    }

    /// The message whose entry is `target` came back.
    pub fn restoration(message_id: Uuid, target: Hash, at: Timestamp) -> Self {
        Self::about(Kind::Restoration, message_id, target, at)
    }

    fn about(kind: Kind, message_id: Uuid, target: Hash, at: Timestamp) -> Self {
        let leaf_hash = about_leaf(kind, &target, at);
        Self { target: Some(target), ..Self::new(kind, message_id, leaf_hash, at) }
    }

    fn new(kind: Kind, subject_id: Uuid, leaf_hash: Hash, at: Timestamp) -> Self {
        Self { kind, subject_id, leaf_hash, salt: None, preimage: None, target: None, at }
    }
}

/// A text that was handed in again, as it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mended<'a> {
    /// The message.
    pub message_id: Uuid,
    /// Which revision it is, from 2.
    pub revision: i32,
    /// Its words.
    pub words: &'a Words,
}

impl Mended<'_> {
    /// The text that is hashed.
    pub fn text(&self, salt: &[u8; 32]) -> String {
        let Words { title, body, demand, details } = self.words;
        let hash = |words: &String| hex::encode(salted(salt, words.as_bytes()));
        format!(
            "{TEXT}\nmessage: {}\nrevision: {}\ntitle: sha256:{}\nbody: sha256:{}\n\
             demand: sha256:{}\ndetails: sha256:{}\n",
            self.message_id,
            self.revision,
            hash(title),
            hash(body),
            hash(demand),
            hash(details),
        )
    }
}

/// What another service said, as it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// The type of the event.
    pub kind: &'a str,
    /// Its id.
    pub event_id: Uuid,
    /// What it is about.
    pub subject_id: Uuid,
    /// Which event of its subject it is.
    pub version: i64,
    /// SHA-256 of its payload.
    pub payload_hash: [u8; 32],
}

impl Said<'_> {
    /// The text that is hashed.
    pub fn text(&self) -> String {
        format!(
            "{EVENT}\ntype: {}\nevent: {}\nsubject: {}\nversion: {}\npayload: sha256:{}\n",
            self.kind,
            self.event_id,
            self.subject_id,
            self.version,
            hex::encode(self.payload_hash),
        )
    }
}

/// The leaf of a receipt.
pub fn receipt_leaf(salt: &[u8; 32], statement: &[u8]) -> Hash {
    leaf(&format!("{ENTRY}\nreceipt: sha256:{}\n", hex::encode(salted(salt, statement))))
}

/// The leaf of a text that was handed in again.
pub fn text_leaf(salt: &[u8; 32], text: &str) -> Hash {
    leaf(&format!("{ENTRY}\ntext: sha256:{}\n", hex::encode(salted(salt, text.as_bytes()))))
}

/// The leaf of an event.
pub fn event_leaf(salt: &[u8; 32], text: &[u8]) -> Hash {
    leaf(&format!("{ENTRY}\nevent: sha256:{}\n", hex::encode(salted(salt, text))))
}

/// The leaf of an entry about another one.
pub fn about_leaf(kind: Kind, target: &Hash, at: Timestamp) -> Hash {
    leaf(&format!("{ENTRY}\n{}: {}\nat: {at:.6}\n", kind.word(), hex::encode(target)))
}

fn salted(salt: &[u8; 32], text: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(text).finalize().into()
}

fn leaf(entry: &str) -> Hash {
    tlog_tiles::record_hash(entry.as_bytes()).0
}

/// Tiles by their places.
pub type Tiles = HashMap<tree::Place, Vec<u8>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_look_the_same_for_ever() {
        let at = Timestamp::from_microsecond(1_732_000_000_120_000).unwrap();
        let receipt = Entry::receipt(Uuid::nil(), &[7; 32], b"liuyan-receipt-v1\n", at);
        let inner =
            Sha256::new().chain_update([7; 32]).chain_update("liuyan-receipt-v1\n").finalize();
        let entry = format!("liuyan-entry-v1\nreceipt: sha256:{}\n", hex::encode(inner));
        let plain = Sha256::new().chain_update([0]).chain_update(&entry).finalize();
        assert_eq!(receipt.leaf_hash, plain.as_slice());
        let redaction = Entry::redaction(Uuid::nil(), receipt.leaf_hash, at);
        let entry = format!(
            "liuyan-entry-v1\nredaction: {}\nat: 2024-11-19T07:06:40.120000Z\n",
            hex::encode(receipt.leaf_hash)
        );
        let plain = Sha256::new().chain_update([0]).chain_update(&entry).finalize();
        assert_eq!(redaction.leaf_hash, plain.as_slice());
    }

    #[test]
    fn a_mended_text_is_hashed_word_for_word() {
        let words =
            Words { title: "A title".to_owned(), body: "A body".to_owned(), ..Words::default() };
        let mended = Mended { message_id: Uuid::from_u128(2), revision: 3, words: &words };
        let hash = |text: &str| {
            hex::encode(Sha256::new().chain_update([7; 32]).chain_update(text).finalize())
        };
        let text = format!(
            "liuyan-text-v1\nmessage: 00000000-0000-0000-0000-000000000002\nrevision: 3\n\
             title: sha256:{}\nbody: sha256:{}\ndemand: sha256:{}\ndetails: sha256:{}\n",
            hash("A title"),
            hash("A body"),
            hash(""),
            hash(""),
        );
        assert_eq!(mended.text(&[7; 32]), text);
        let entry = format!("liuyan-entry-v1\ntext: sha256:{}\n", hash(&text));
        let plain = Sha256::new().chain_update([0]).chain_update(&entry).finalize();
        assert_eq!(text_leaf(&[7; 32], &text), plain.as_slice());
    }

    #[test]
    fn an_event_is_hashed_with_all_that_names_it() {
        let said = Said {
            kind: "liuyan.routing.v1.case-opened",
            event_id: Uuid::from_u128(1),
            subject_id: Uuid::from_u128(2),
            version: 3,
            payload_hash: [4; 32],
        };
        assert_eq!(
            said.text(),
            format!(
                "liuyan-event-v1\ntype: liuyan.routing.v1.case-opened\n\
                 event: 00000000-0000-0000-0000-000000000001\n\
                 subject: 00000000-0000-0000-0000-000000000002\nversion: 3\n\
                 payload: sha256:{}\n",
                "04".repeat(32)
            )
        );
    }
}
