//! All that is held on an author, as one document that explains itself.

use jiff::Timestamp;
use serde::Serialize;

use super::{draft::Contact, file::Attachment};

/// What each key means, in the board's languages.
const KEYS: &str = include_str!("../../data/author-data.json");

/// A revision of a text.
#[derive(Debug, Clone, Serialize)]
pub struct HeldText {
    /// Which, from 1.
    pub revision: i32,
    /// When it came.
    pub created_at: Timestamp,
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// A complaint's demand.
    pub demand: String,
    /// A complaint's details.
    pub details: String,
    /// The place in words.
    pub place: String,
    /// The place on the map.
    pub latitude: Option<f64>,
    /// The place on the map.
    pub longitude: Option<f64>,
    /// Whether the public may see the place.
    pub place_public: bool,
}

/// A receipt, its bytes in hex.
#[derive(Debug, Clone, Serialize)]
pub struct HeldReceipt {
    /// What is signed.
    pub statement: String,
    /// The hash of the content.
    pub content_hash: String,
    /// The salt of that hash.
    pub salt: Option<String>,
    /// The board's key.
    pub key_id: String,
    /// The signature.
    pub signature: String,
}

/// A file; its bytes are downloaded by themselves.
#[derive(Debug, Clone, Serialize)]
pub struct HeldFile {
    /// Its id.
    pub attachment_id: uuid::Uuid,
    /// What it is.
    pub media_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// SHA-256 of them, in hex.
    pub sha256: String,
    /// Whether the public may see it.
    pub public: bool,
    /// Whether its bytes are lost.
    pub lost: bool,
}

impl From<&Attachment> for HeldFile {
    fn from(file: &Attachment) -> Self {
        Self {
            attachment_id: file.attachment_id,
            media_type: file.media_type.word().to_owned(),
            size: file.size,
            sha256: hex::encode(file.sha256),
            public: file.public,
            lost: file.lost,
        }
    }
}

/// A message with all that belongs to it.
#[derive(Debug, Clone, Serialize)]
pub struct HeldMessage {
    /// Its id.
    pub message_id: uuid::Uuid,
    /// Its public number.
    pub number: String,
    /// Where it stands.
    pub state: String,
    /// Why it was returned or declined.
    pub ground: String,
    /// Name and phone as given with it.
    pub author: Option<Contact>,
    /// The author's account.
    pub account_id: Option<uuid::Uuid>,
    /// The office it was written to.
    pub office_id: String,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain.
    pub domain: String,
    /// The topic.
    pub topic: String,
    /// Who may read it.
    pub visibility: String,
    /// The entrance.
    pub channel: String,
    /// The author's language.
    pub locale: String,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When it was written, if it came from another system.
    pub occurred_at: Option<Timestamp>,
    /// When a withdrawal was asked for.
    pub withdrawal_requested_at: Option<Timestamp>,
    /// When it was refused.
    pub withdrawal_refused_at: Option<Timestamp>,
    /// When words of the public text were removed.
    pub redacted_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When name and phone were destroyed.
    pub contact_erased_at: Option<Timestamp>,
    /// When it was erased.
    pub erased_at: Option<Timestamp>,
    /// Its case.
    pub case_id: Option<uuid::Uuid>,
    /// By when an answer was due.
    pub deadline_at: Option<Timestamp>,
    /// The consultation that it answers.
    pub consultation_id: Option<uuid::Uuid>,
    /// The partner's column by which it came.
    pub column_id: Option<String>,
    /// When that column was last told of it.
    pub column_changed_at: Option<Timestamp>,
    /// The number of the hotline's operator who wrote it down.
    pub operator: Option<String>,
    /// The program of the hotline that entered it.
    pub entered_by: Option<String>,
    /// Every revision of its text.
    pub texts: Vec<HeldText>,
    /// The files that go with it.
    pub attachments: Vec<HeldFile>,
    /// What was told to the office alone.
    pub remark: Option<String>,
    /// The proof.
    pub receipt: Option<HeldReceipt>,
    /// When requests about it came.
    pub requests: Vec<Timestamp>,
}

#[derive(Serialize)]
struct Document<'a> {
    form: &'static str,
    board: &'a str,
    made_at: Timestamp,
    /// False if there are more messages than one document holds: others come after it.
    complete: bool,
    keys: serde_json::Value,
    messages: &'a [HeldMessage],
}

/// The document. Gives nothing if it can't be made.
pub fn document(
    board: &str,
    made_at: Timestamp,
    complete: bool,
    messages: &[HeldMessage],
) -> Option<Vec<u8>> {
    let keys = serde_json::from_str(KEYS).ok()?;
    let form = "liuyan-author-data-v1";
    serde_json::to_vec_pretty(&Document { form, board, made_at, complete, keys, messages }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_message_is_explained_in_every_language() {
        let message = HeldMessage {
            message_id: uuid::Uuid::nil(),
            number: String::new(),
            state: String::new(),
            ground: String::new(),
            author: Some(Contact::default()),
            account_id: None,
            office_id: String::new(),
            kind: String::new(),
            domain: String::new(),
            topic: String::new(),
            visibility: String::new(),
            channel: String::new(),
            locale: String::new(),
            submitted_at: Timestamp::UNIX_EPOCH,
            occurred_at: None,
            withdrawal_requested_at: None,
            withdrawal_refused_at: None,
            redacted_at: None,
            ended_at: None,
            contact_erased_at: None,
            erased_at: None,
            case_id: None,
            deadline_at: None,
            consultation_id: None,
            column_id: None,
            column_changed_at: None,
            operator: None,
            entered_by: None,
            texts: vec![HeldText {
                revision: 1,
                created_at: Timestamp::UNIX_EPOCH,
                title: String::new(),
                body: String::new(),
                demand: String::new(),
                details: String::new(),
                place: String::new(),
                latitude: None,
                longitude: None,
                place_public: false,
            }],
            attachments: vec![HeldFile {
                attachment_id: uuid::Uuid::nil(),
                media_type: String::new(),
                size: 1,
                sha256: String::new(),
                public: true,
                lost: false,
            }],
            remark: None,
            receipt: Some(HeldReceipt {
                statement: String::new(),
                content_hash: String::new(),
                salt: None,
                key_id: String::new(),
                signature: String::new(),
            }),
            requests: Vec::new(),
        };
        let document = document("b", Timestamp::UNIX_EPOCH, true, &[message]).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        fn names(value: &serde_json::Value, into: &mut Vec<String>) {
            match value {
                serde_json::Value::Object(map) => {
                    for (name, value) in map {
                        into.push(name.clone());
                        names(value, into);
                    }
                }
                serde_json::Value::Array(all) => all.iter().for_each(|value| names(value, into)),
                _ => {}
            }
        }
        let mut used = Vec::new();
        names(&document["messages"], &mut used);
        for name in used {
            for language in ["zh-CN", "en"] {
                assert!(document["keys"][&name][language].is_string(), "{name} in {language}");
            }
        }
    }
}
