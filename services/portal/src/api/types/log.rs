//! The transparency log.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use liuyan_proto::liuyan::intake::v1 as intake;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Time,
    attachments::LostFile,
    messages::{NewMessage, Receipt},
    some,
};

/// The newest signed head.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Head {
    /// The signed note in the form of C2SP tlog-checkpoint.
    checkpoint: String,
    /// How many entries it has.
    size: u64,
    /// The root hash, in hexadecimal digits.
    root_hash: String,
    /// When it was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_at: Option<Time>,
    /// The key of the log in the form of C2SP signed-note, `name+id+key`.
    verifier_key: String,
    /// Entries that wait for their place.
    waiting: u64,
}

impl From<intake::GetTreeHeadResponse> for Head {
    fn from(it: intake::GetTreeHeadResponse) -> Self {
        Self {
            signed_at: Time::of(it.signed_at.as_ref()),
            checkpoint: it.checkpoint,
            size: it.size,
            root_hash: hex::encode(it.root_hash),
            verifier_key: it.verifier_key,
            waiting: it.waiting,
        }
    }
}

/// The keys by which receipts and the log are checked.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Keys {
    /// Keys of receipts, the one of new receipts first.
    receipts: Vec<Key>,
    /// The key of the log in the form of C2SP signed-note, `name+id+key`.
    log: String,
}

/// A public key of receipts.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Key {
    /// Its id, as receipts name it.
    key_id: String,
    /// The Ed25519 key, 32 bytes in hexadecimal digits.
    public_key: String,
}

impl From<intake::GetTreeHeadResponse> for Keys {
    fn from(it: intake::GetTreeHeadResponse) -> Self {
        let key = |it: intake::ReceiptKey| Key {
            key_id: it.key_id,
            public_key: hex::encode(it.public_key),
        };
        Self { receipts: it.receipt_keys.into_iter().map(key).collect(), log: it.verifier_key }
    }
}

/// Hashes in hexadecimal digits.
fn digits(hashes: &[impl AsRef<[u8]>]) -> Vec<String> {
    hashes.iter().map(hex::encode).collect()
}

/// That an entry is in the log.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Inclusion {
    /// The place of the entry, from 0.
    index: u64,
    /// The size of the tree.
    tree_size: u64,
    /// The hashes, from the leaf's neighbour upwards, in hexadecimal digits.
    hashes: Vec<String>,
    /// The signed head of that size; absent where none was signed of just that size.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<String>,
}

impl From<intake::GetInclusionProofResponse> for Inclusion {
    fn from(it: intake::GetInclusionProofResponse) -> Self {
        Self {
            index: it.index,
            tree_size: it.tree_size,
            hashes: digits(&it.hashes),
            checkpoint: some(it.checkpoint),
        }
    }
}

/// The same as a file: C2SP tlog-proof.
pub(in crate::api) fn as_file(it: &intake::GetInclusionProofResponse) -> String {
    let mut text = format!("c2sp.org/tlog-proof@v1\nindex {}\n", it.index);
    for hash in &it.hashes {
        text.push_str(&STANDARD.encode(hash));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&it.checkpoint);
    text
}

/// That one tree continues another one.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Consistency {
    /// The size of the later tree.
    second: u64,
    /// The hashes of RFC 6962, 2.1.2, in hexadecimal digits.
    hashes: Vec<String>,
    /// The signed head of the later size; absent where none was signed of just that size.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<String>,
}

impl From<intake::GetConsistencyProofResponse> for Consistency {
    fn from(it: intake::GetConsistencyProofResponse) -> Self {
        Self { second: it.second, hashes: digits(&it.hashes), checkpoint: some(it.checkpoint) }
    }
}

/// Entries of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Entries {
    /// The entries, in order.
    items: Vec<Entry>,
    /// How many entries the newest signed tree has.
    tree_size: u64,
}

/// An entry of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Entry {
    /// Its place, from 0.
    index: u64,
    /// Its hash, in hexadecimal digits.
    leaf_hash: String,
}

impl From<intake::ListLogEntriesResponse> for Entries {
    fn from(it: intake::ListLogEntriesResponse) -> Self {
        let entry =
            |it: intake::LogEntry| Entry { index: it.index, leaf_hash: hex::encode(it.leaf_hash) };
        Self { items: it.entries.into_iter().map(entry).collect(), tree_size: it.tree_size }
    }
}

/// A message that is brought back, with the receipt that was given for it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct Lost {
    /// The receipt.
    receipt: LostReceipt,
    /// The message as it was submitted. Files that it names are uploads of the same bytes again.
    message: NewMessage,
    /// The files that went with it, in their order; those that are not uploaded again are kept as lost.
    #[serde(default)]
    attachments: Vec<LostFile>,
}

/// What of a receipt is needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct LostReceipt {
    /// The salt, in hexadecimal digits.
    salt: String,
    /// The bytes that are signed, in base64 (RFC 4648, 4).
    statement: String,
    /// Names the board's key.
    key_id: String,
    /// Ed25519 over `statement`, in base64 (RFC 4648, 4).
    signature: String,
}

impl Lost {
    /// What is asked; what can't be read is left empty, and intake says so.
    pub(in crate::api) fn into_proto(
        self,
        request_id: String,
        locale: &str,
    ) -> intake::RestoreMessageRequest {
        let bytes = |text: &str| STANDARD.decode(text).unwrap_or_default().into();
        let receipt = intake::Receipt {
            salt: hex::decode(&self.receipt.salt).unwrap_or_default().into(),
            statement: bytes(&self.receipt.statement),
            signature: bytes(&self.receipt.signature),
            key_id: self.receipt.key_id,
            ..intake::Receipt::default()
        };
        let message = self.message.into_proto(locale);
        intake::RestoreMessageRequest {
            request_id,
            receipt: Some(receipt),
            message: Some(message),
            attachments: self.attachments.into_iter().map(Into::into).collect(),
        }
    }
}

/// A message that is here again.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Restored {
    receipt: Receipt,
    /// Whether it was here already.
    known: bool,
    /// The secret that, with the number, gives access; absent where it was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_code: Option<String>,
}

impl From<intake::RestoreMessageResponse> for Restored {
    fn from(it: intake::RestoreMessageResponse) -> Self {
        Self {
            receipt: it.receipt.unwrap_or_default().into(),
            known: it.known,
            access_code: some(it.access_code),
        }
    }
}
