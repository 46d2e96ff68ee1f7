//! The proof that a message was received.
//!
//! Two texts are made here, and both look the same for ever: receipts that citizens hold depend
//! on them. Each begins with the name of its form; a change of the form is a new name, and the old
//! form stays for the receipts that have it.
//!
//! **The content** is what the author wrote, one field a line: name, colon, length of the value in
//! bytes, colon, value, line feed. The lengths make it unambiguous whatever the values hold. A
//! message with files has the second form: at its end, one line `attachment` for each file, in the
//! author's order, with its SHA-256 in hexadecimal digits, a blank, and `public` or `private`.
//! `content_hash = SHA-256(salt ‖ content)`, with 32 random bytes of salt, so that nobody can find
//! a short text by trying.
//!
//! **The statement** is what the board signs (Ed25519, RFC 8032): one fact a line, UTF-8, each line
//! ended by a line feed, times in UTC with six digits of a second.

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{draft::Draft, number::Number};

pub mod file;

const CONTENT: &str = "liuyan-content-v1";
const CONTENT_WITH_FILES: &str = "liuyan-content-v2";
const STATEMENT: &str = "liuyan-receipt-v1";

/// What the author wrote, as bytes that are hashed.
pub fn content(draft: &Draft) -> String {
    let place = draft
        .place
        .location
        .map_or_else(String::new, |(latitude, longitude)| format!("{latitude:.6},{longitude:.6}"));
    let fields = [
        ("office", draft.office_id.as_str()),
        ("kind", &draft.kind),
        ("domain", &draft.domain),
        ("topic", &draft.topic),
        ("visibility", draft.visibility.word()),
        ("title", &draft.words.title),
        ("body", &draft.words.body),
        ("demand", &draft.words.demand),
        ("details", &draft.words.details),
        ("place", &draft.place.text),
        ("location", &place),
        ("remark", &draft.remark),
    ];
    let files = &draft.files.list;
    let form = if files.is_empty() { CONTENT } else { CONTENT_WITH_FILES };
    let length = fields.iter().map(|(name, value)| name.len() + value.len() + 8).sum::<usize>();
    let mut content = String::with_capacity(form.len() + length + 96 * files.len());
    content.push_str(form);
    content.push('\n');
    let mut add = |name: &str, value: &str| {
        let length = value.len().to_string();
        for part in [name, ":", &length, ":", value, "\n"] {
            content.push_str(part);
        }
    };
    for (name, value) in fields {
        add(name, value);
    }
    for file in files {
        add("attachment", &format!("{} {}", hex::encode(file.sha256), file.word()));
    }
    content
}

/// SHA-256 of salt and content.
pub fn content_hash(salt: &[u8; 32], content: &str) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(content).finalize().into()
}

/// What a receipt states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The board's name.
    pub board: &'a str,
    /// The message.
    pub message_id: Uuid,
    /// Its public number.
    pub number: Number,
    /// The office it is for.
    pub office_id: &'a str,
    /// When it became durable.
    pub submitted_at: Timestamp,
    /// When it was written, if it came from another system.
    pub occurred_at: Option<Timestamp>,
    /// The hash of its content.
    pub content_hash: [u8; 32],
}

/// The bytes that are signed.
pub fn statement(facts: &Facts<'_>) -> String {
    let occurred = facts.occurred_at.map_or_else(|| "-".to_owned(), |at| format!("{at:.6}"));
    format!(
        "{STATEMENT}\n\
         board: {}\n\
         message: {}\n\
         number: {}\n\
         office: {}\n\
         submitted: {:.6}\n\
         occurred: {occurred}\n\
         content: sha256:{}\n",
        facts.board,
        facts.message_id,
        facts.number,
        facts.office_id,
        facts.submitted_at,
        hex::encode(facts.content_hash),
    )
}

impl<'a> Facts<'a> {
    /// Reads a statement. Only what [`statement`] writes is one: no fact more or less, and no
    /// other order, space or zero.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.lines();
        if lines.next() != Some(STATEMENT) {
            return None;
        }
        let mut fact = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
        let facts = Facts {
            board: fact("board")?,
            message_id: fact("message")?.parse().ok()?,
            number: Number::parse(fact("number")?)?,
            office_id: fact("office")?,
            submitted_at: fact("submitted")?.parse().ok()?,
            occurred_at: match fact("occurred")? {
                "-" => None,
                at => Some(at.parse().ok()?),
            },
            content_hash: {
                let mut hash = [0; 32];
                hex::decode_to_slice(fact("content")?.strip_prefix("sha256:")?, &mut hash).ok()?;
                hash
            },
        };
        (statement(&facts) == text).then_some(facts)
    }
}

/// Whether a statement was signed by the board's key. Needs nothing of the board but that key.
pub fn verify(statement: &[u8], signature: &[u8], key: &[u8; 32]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(key) else { return false };
    Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify(statement, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;
    use crate::domain::{
        draft::{Channel, Entrance, Place, Visibility, Words},
        file::{File, Files},
    };

    fn draft() -> Draft {
        Draft {
            office_id: "110000-s".to_owned(),
            kind: "enquiry".to_owned(),
            domain: "7".to_owned(),
            topic: String::new(),
            words: Words {
                title: "路灯坏了".to_owned(),
                body: "a\nb:1:c".to_owned(),
                ..Words::default()
            },
            place: Place { text: String::new(), location: Some((39.9, 116.4)), public: true },
            remark: String::new(),
            visibility: Visibility::Public,
            contact: None,
            channel: Channel::Web,
            entrance: Entrance::Board,
            consultation_id: None,
            locale: "zh-CN".to_owned(),
            occurred_at: None,
            files: Files::default(),
        }
    }

    #[test]
    fn the_content_looks_the_same_for_ever() {
        assert_eq!(
            content(&draft()),
            "liuyan-content-v1\noffice:8:110000-s\nkind:7:enquiry\ndomain:1:7\ntopic:0:\n\
             visibility:6:public\ntitle:12:路灯坏了\nbody:7:a\nb:1:c\ndemand:0:\ndetails:0:\n\
             place:0:\nlocation:20:39.900000,116.400000\nremark:0:\n"
        );
    }

    #[test]
    fn the_content_of_a_message_with_files_looks_the_same_for_ever() {
        let file = |public, byte| File {
            attachment_id: Uuid::nil(),
            public,
            sha256: [byte; 32],
            lost: None,
        };
        let list = vec![file(true, 0xAB), file(false, 1)];
        let with = Draft { files: Files { owner: String::new(), list }, ..draft() };
        let without = content(&draft());
        let expected = format!(
            "{}attachment:71:{} public\nattachment:72:{} private\n",
            without.replace("liuyan-content-v1", "liuyan-content-v2"),
            "ab".repeat(32),
            "01".repeat(32),
        );
        assert_eq!(content(&with), expected);
    }

    fn facts() -> Facts<'static> {
        Facts {
            board: "liuyan",
            message_id: Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001),
            number: Number::from_bits(0x0123_4567_89AB_CDEF),
            office_id: "110000-s",
            submitted_at: Timestamp::from_microsecond(1_732_000_000_120_000).unwrap(),
            occurred_at: None,
            content_hash: content_hash(&[7; 32], &content(&draft())),
        }
    }

    #[test]
    fn the_statement_looks_the_same_for_ever() {
        assert_eq!(
            statement(&facts()),
            "liuyan-receipt-v1\nboard: liuyan\nmessage: 01920000-0000-7000-8000-000000000001\n\
             number: 28T5-CY4T-QKFF-4\noffice: 110000-s\nsubmitted: 2024-11-19T07:06:40.120000Z\n\
             occurred: -\ncontent: sha256:9ebc69f5087b84175f1e33839e5d156d49536224f5e3ece4156986e4719c56fe\n"
        );
        let earlier = Facts { occurred_at: Timestamp::from_second(0).ok(), ..facts() };
        assert!(statement(&earlier).contains("\noccurred: 1970-01-01T00:00:00.000000Z\n"));
    }

    #[test]
    fn a_statement_is_read_as_it_was_written_or_not_at_all() {
        let said = statement(&facts());
        assert_eq!(Facts::parse(said.as_bytes()), Some(facts()));
        for (from, to) in [
            ("liuyan-receipt-v1", "liuyan-receipt-v2"),
            ("number: 28T5", "number: 28t5"),
            ("120000Z", "12Z"),
            ("120000Z", "120000+00:00"),
            ("occurred: -", "occurred:"),
            ("content: sha256:9E", "content: sha256:9e"),
            ("office: 110000-s\n", ""),
            ("office: 110000-s\n", "office: 110000-s\noffice: 110000-s\n"),
        ] {
            let changed =
                if from.contains("9E") { said.replace("9e", "9E") } else { said.replace(from, to) };
            assert_ne!(changed, said, "{from}");
            assert_eq!(Facts::parse(changed.as_bytes()), None, "{changed}");
        }
    }

    #[test]
    fn only_the_board_s_own_statement_verifies() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let public = key.verifying_key().to_bytes();
        let said = statement(&facts());
        let signature = key.sign(said.as_bytes()).to_bytes();
        assert!(verify(said.as_bytes(), &signature, &public));
        assert!(!verify(said.replace("2024", "2023").as_bytes(), &signature, &public));
        let other = SigningKey::from_bytes(&[4; 32]).verifying_key().to_bytes();
        assert!(!verify(said.as_bytes(), &signature, &other));
        assert!(!verify(said.as_bytes(), &signature[..63], &public));
    }

    #[test]
    fn the_salt_hides_equal_texts() {
        let content = content(&draft());
        assert_ne!(content_hash(&[1; 32], &content), content_hash(&[2; 32], &content));
    }
}
