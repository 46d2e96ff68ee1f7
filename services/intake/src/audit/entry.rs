//! One entry: whether it is the hash of what is stored, and whether that is what was signed.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Auditor, DISORDER};
use crate::{
    domain::{
        draft::{Channel, Draft, Entrance, Visibility, Words},
        file::{File, Files},
        log::{Hash, Kind, Mended, about_leaf, event_leaf, receipt_leaf, text_leaf},
        number::Number,
        receipt::{self, Facts},
    },
    store::audit::{Content, Leaf, MendedText, Proof},
};

impl Auditor<'_> {
    /// Looks at the entry whose turn it is.
    pub(super) fn entry(&mut self, leaf: &Leaf, hash: Hash) {
        let index = leaf.index;
        let expected = match leaf.kind.parse() {
            Ok(Kind::Receipt) => return self.receipt(leaf, hash),
            Ok(Kind::Text) => return self.mended(leaf, hash),
            Ok(Kind::Event) => {
                let salt = leaf.salt.as_deref().and_then(|salt| salt.try_into().ok());
                match (salt, &leaf.preimage) {
                    (Some(salt), Some(text)) => Some(event_leaf(&salt, text)),
                    _ => {
                        self.absent.insert(hash, index);
                        return;
                    }
                }
            }
            Ok(kind) => {
                let target = leaf.target.as_deref().and_then(|target| target.try_into().ok());
                if let Some(target) = &leaf.target {
                    self.resolve(target);
                }
                target.map(|target| about_leaf(kind, &target, leaf.created_at))
            }
            Err(_) => None,
        };
        if expected != Some(hash) {
            self.report.breach(format!("what entry {index} is about was changed"));
        }
    }

    fn receipt(&mut self, leaf: &Leaf, hash: Hash) {
        let (index, message_id) = (leaf.index, leaf.subject_id);
        let (Some(proof), Some(message)) = (&leaf.receipt, &leaf.message) else {
            self.report.breach(format!("entry {index}: message {message_id} is gone"));
            return;
        };
        let salt: Option<[u8; 32]> = proof.salt.as_deref().and_then(|salt| salt.try_into().ok());
        match salt {
            None => {
                self.absent.insert(hash, index);
            }
            Some(salt) if receipt_leaf(&salt, &proof.statement) != hash => {
                self.report.breach(format!(
                    "entry {index}: the receipt of message {message_id} was changed"
                ));
                return;
            }
            Some(salt) => {
                if !content_is(message, &salt, proof) {
                    self.report.breach(format!("the text of message {message_id} was changed"));
                }
            }
        }
        let key = self.keys.receipts.get(&proof.key_id);
        if !key.is_some_and(|key| receipt::verify(&proof.statement, &proof.signature, key)) {
            self.report.breach(format!("the receipt of message {message_id} is not signed"));
        }
        match Facts::parse(&proof.statement) {
            Some(facts) if states(&facts, leaf, message, proof) => {
                self.time(index, hash, facts.submitted_at);
            }
            _ => self.report.breach(format!("message {message_id} is not what its receipt states")),
        }
    }

    fn mended(&mut self, leaf: &Leaf, hash: Hash) {
        let (index, message_id) = (leaf.index, leaf.subject_id);
        let Some(MendedText { revision, salt, words }) = &leaf.mended else {
            self.report
                .breach(format!("entry {index}: the later text of message {message_id} is gone"));
            return;
        };
        let salt: Option<[u8; 32]> = salt.as_deref().and_then(|salt| salt.try_into().ok());
        let mended = Mended { message_id, revision: *revision, words };
        match salt {
            None => {
                self.absent.insert(hash, index);
            }
            Some(salt) if text_leaf(&salt, &mended.text(&salt)) != hash => {
                self.report.breach(format!("text {revision} of message {message_id} was changed"));
            }
            Some(_) => {}
        }
    }

    /// Entries come in the order of their times, and none is later than a head that has it.
    fn time(&mut self, index: u64, hash: Hash, at: Timestamp) {
        let latest = self.latest.map_or(at, |latest| latest.max(at));
        if latest.duration_since(at) > DISORDER {
            self.late.insert(hash, (index, at));
        }
        self.latest = Some(latest);
        if let Some(head) = self.heads.front()
            && at.duration_since(head.signed_at) > DISORDER
        {
            self.report.breach(format!("entry {index} states {at}, which is later than its head"));
        }
    }
}

/// Whether message and receipt are what the statement states.
fn states(facts: &Facts<'_>, leaf: &Leaf, message: &Content, proof: &Proof) -> bool {
    facts.message_id == leaf.subject_id
        && Number::parse(&message.number) == Some(facts.number)
        && facts.office_id == message.office_id
        && facts.submitted_at == message.submitted_at
        && facts.occurred_at == message.occurred_at
        && facts.content_hash == proof.content_hash.as_slice()
}

/// Whether the receipt's hash is that of the message.
fn content_is(message: &Content, salt: &[u8; 32], proof: &Proof) -> bool {
    let [title, body, demand, details] = message.words.clone();
    let file = |(sha256, public): &(Vec<u8>, bool)| {
        let sha256 = sha256.as_slice().try_into().unwrap_or_default();
        File { attachment_id: Uuid::nil(), public: *public, sha256, lost: None }
    };
    let list = message.files.iter().map(file).collect();
    let draft = Draft {
        office_id: message.office_id.clone(),
        kind: message.kind.clone(),
        domain: message.domain.clone(),
        topic: message.topic.clone(),
        words: Words { title, body, demand, details },
        place: message.place.clone(),
        remark: message.remark.clone(),
        visibility: if message.public { Visibility::Public } else { Visibility::Private },
        // These are not hashed.
        contact: None,
        channel: Channel::Api,
        entrance: Entrance::Board,
        consultation_id: None,
        locale: String::new(),
        occurred_at: None,
        files: Files { owner: String::new(), list },
    };
    receipt::content_hash(salt, &receipt::content(&draft)) == proof.content_hash.as_slice()
}
