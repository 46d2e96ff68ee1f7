//! A receipt as citizens keep it. Two forms are read:
//!
//! - the text, which is also in the code to scan: the signed statement as it is, an empty line, and
//!   `salt`, `leaf`, `key` and `signature`, one a line;
//! - `liuyan.intake.v1.Receipt` in the JSON of protobuf.
//!
//! Nothing but these is read. Line ends may have become those of Windows, and a byte order mark may
//! stand in front, since that is what happens to files that people keep.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Deserialize;

use super::Facts;
use crate::domain::log::{Hash, receipt_leaf};

/// No receipt is longer.
const LONGEST: usize = 16 * 1024;

/// A receipt that was kept. What it states has the right form; whether the board said it is to be
/// checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The bytes that are signed.
    pub statement: Vec<u8>,
    /// The salt of content and leaf.
    pub salt: [u8; 32],
    /// Names the board's key.
    pub key_id: String,
    /// Ed25519 over the statement.
    pub signature: [u8; 64],
}

/// Why a file is no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is far too long.
    #[error("the file is too long for a receipt")]
    TooLong,
    /// It is no text.
    #[error("the file is not a text in UTF-8")]
    NoText,
    /// A part is missing, or there is something more.
    #[error("the file does not have the form of a receipt")]
    Form,
    /// What would be signed has not the form of a statement.
    #[error("the statement in the file does not have the form of a receipt's statement")]
    Statement,
    /// What stands beside the statement says something else.
    #[error("what stands beside the statement says something else than the statement: {0}")]
    Contradiction(&'static str),
}

impl Kept {
    /// Reads a file.
    ///
    /// # Errors
    /// Why it is no receipt.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > LONGEST {
            return Err(Fault::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::NoText)?;
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if text.trim_start().starts_with('{') { Self::of_json(text) } else { Self::of_text(text) }
    }

    /// What it states.
    ///
    /// # Errors
    /// [`Fault::Statement`].
    pub fn facts(&self) -> Result<Facts<'_>, Fault> {
        Facts::parse(&self.statement).ok_or(Fault::Statement)
    }

    /// Its leaf in the log.
    pub fn leaf_hash(&self) -> Hash {
        receipt_leaf(&self.salt, &self.statement)
    }

    fn of_text(text: &str) -> Result<Self, Fault> {
        let unified = text.replace("\r\n", "\n");
        let (statement, rest) = unified.split_once("\n\n").ok_or(Fault::Form)?;
        let mut lines = rest.split('\n');
        let mut part = |name: &str| {
            lines
                .next()
                .and_then(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .ok_or(Fault::Form)
        };
        let salt = digits(part("salt")?).ok_or(Fault::Form)?;
        let leaf = digits(part("leaf")?).ok_or(Fault::Form)?;
        let key_id = part("key")?.to_owned();
        let signature = part("signature")?;
        let kept = Self {
            statement: format!("{statement}\n").into_bytes(),
            salt,
            key_id,
            signature: base64(signature).ok_or(Fault::Form)?,
        };
        kept.facts()?;
        if kept.leaf_hash() != leaf {
            return Err(Fault::Contradiction("leaf"));
        }
        // The last line may have lost its end.
        let written = kept.to_string();
        let whole = unified == written || written.strip_suffix('\n') == Some(&unified);
        if whole { Ok(kept) } else { Err(Fault::Form) }
    }

    fn of_json(text: &str) -> Result<Self, Fault> {
        let json: Json = serde_json::from_str(text).map_err(|_| Fault::Form)?;
        let kept = Self {
            statement: STANDARD.decode(&json.statement).map_err(|_| Fault::Form)?,
            salt: base64(&json.salt).ok_or(Fault::Form)?,
            key_id: json.key_id,
            signature: base64(&json.signature).ok_or(Fault::Form)?,
        };
        let facts = kept.facts()?;
        // Whoever looks at the file believes what stands there in clear.
        let said = |field, same: bool| if same { Ok(()) } else { Err(Fault::Contradiction(field)) };
        said("messageId", json.message_id == facts.message_id.to_string())?;
        said("number", json.number == facts.number.to_string())?;
        said("officeId", json.office_id == facts.office_id)?;
        said("submittedAt", json.submitted_at == facts.submitted_at)?;
        said("occurredAt", json.occurred_at == facts.occurred_at)?;
        said("contentHash", base64(&json.content_hash) == Some(facts.content_hash))?;
        if let Some(leaf) = json.leaf_hash {
            said("leafHash", base64(&leaf) == Some(kept.leaf_hash()))?;
        }
        Ok(kept)
    }
}

/// The text form.
impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}\nsalt: {}\nleaf: {}\nkey: {}\nsignature: {}\n",
            String::from_utf8_lossy(&self.statement),
            hex::encode(self.salt),
            hex::encode(self.leaf_hash()),
            self.key_id,
            STANDARD.encode(self.signature),
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Json {
    message_id: String,
    number: String,
    office_id: String,
    submitted_at: Timestamp,
    #[serde(default)]
    occurred_at: Option<Timestamp>,
    content_hash: String,
    salt: String,
    statement: String,
    key_id: String,
    signature: String,
    #[serde(default)]
    leaf_hash: Option<String>,
}

fn digits(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

fn base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
