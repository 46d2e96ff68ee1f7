//! A message that is ready to be stored.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    draft::{Draft, Words},
    file::Attachment,
    log::{Hash, receipt_leaf},
    number::Number,
    state::State,
};

/// The signed proof that a message was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The message.
    pub message_id: Uuid,
    /// Its public number, as it is shown.
    pub number: String,
    /// The office it is for.
    pub office_id: String,
    /// When it became durable.
    pub submitted_at: Timestamp,
    /// When it was written, if it came from another system.
    pub occurred_at: Option<Timestamp>,
    /// SHA-256 of salt and content.
    pub content_hash: [u8; 32],
    /// The salt of that hash; `None` once the message was erased.
    pub salt: Option<[u8; 32]>,
    /// The bytes that are signed.
    pub statement: Vec<u8>,
    /// Names the board's key.
    pub key_id: String,
    /// Ed25519 over the statement.
    pub signature: [u8; 64],
}

impl Receipt {
    /// Its leaf in the transparency log, as long as its salt is there.
    pub fn leaf_hash(&self) -> Option<Hash> {
        self.salt.map(|salt| receipt_leaf(&salt, &self.statement))
    }
}

/// A message that is ready to be stored.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Its public number.
    pub number: Number,
    /// What its author wrote.
    pub draft: Arc<Draft>,
    /// The account of an author who is signed in.
    pub account_id: Option<Uuid>,
    /// Names the key of its access code.
    pub access_key_id: String,
    /// The keyed hash of its access code.
    pub access_hash: [u8; 32],
    /// Its receipt.
    pub receipt: Receipt,
    /// Whether it was here before, and its author brought it back.
    pub restored: bool,
}

impl NewMessage {
    /// Its id.
    pub fn message_id(&self) -> Uuid {
        self.receipt.message_id
    }
}

/// The original text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The message.
    pub message_id: Uuid,
    /// Which revision this is, from 1.
    pub revision: u32,
    /// The words.
    pub words: Words,
    /// The place in words.
    pub place: String,
    /// Whether the public may see the place.
    pub place_public: bool,
    /// The files that go with it, in the author's order.
    pub attachments: Vec<Attachment>,
}

/// A message as its author sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub message_id: Uuid,
    /// Its public number, as it is shown.
    pub number: String,
    /// The office it was written to.
    pub office_id: String,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain.
    pub domain: String,
    /// The topic.
    pub topic: String,
    /// Whether everybody may read it, once it is approved.
    pub public: bool,
    /// Where it stands.
    pub state: State,
    /// Why it was returned or declined.
    pub ground: String,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When it was written, if it came from another system.
    pub occurred_at: Option<Timestamp>,
    /// Its newest text.
    pub text: Text,
    /// Its case.
    pub case_id: Option<Uuid>,
    /// The date by which an answer is due.
    pub deadline_at: Option<Timestamp>,
    /// The column by which it came; empty for the board's own entrances.
    pub column_id: String,
}
