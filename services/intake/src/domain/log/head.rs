//! Signed heads: a checkpoint (C2SP tlog-checkpoint) in a signed note (C2SP signed-note), by Ed25519.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use signed_note::{Note, Signature, StandardVerifier, Verifier as _, VerifierList};
use tlog_tiles::Checkpoint;

use super::Hash;

/// The algorithm Ed25519 in keys of signed notes.
const ED25519: u8 = 1;

/// How large a tree is, and its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many leaves it has.
    pub size: u64,
    /// Its root.
    pub root_hash: Hash,
}

/// Why a signed head is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The key has not the form of a verifier's key.
    #[error("the log's key is malformed: it has the form name+id+key")]
    Key,
    /// It is no signed note.
    #[error("the head of the log is malformed")]
    Note,
    /// It was not signed by this key.
    #[error("the head of the log is not signed by the log's key")]
    Signature,
    /// It is of another log.
    #[error("the head is of another log")]
    Origin,
}

/// Whether a name can be the name of a log.
pub fn is_origin(name: &str) -> bool {
    signed_note::is_key_name_valid(name) && !name.chars().any(char::is_control)
}

/// The key of a log that can be told to everybody, `name+id+key`.
pub fn verifier_key(origin: &str, key: &[u8; 32]) -> String {
    let key = [&[ED25519], key.as_slice()].concat();
    format!("{origin}+{:08x}+{}", signed_note::key_id(origin, &key), STANDARD.encode(&key))
}

/// Signs a head.
///
/// # Errors
/// [`Fault::Origin`] if the name can't be the name of a log.
pub fn sign(origin: &str, key: &SigningKey, head: Head) -> Result<String, Fault> {
    let hash = tlog_tiles::Hash(head.root_hash);
    let text = Checkpoint::new(origin, head.size, hash, "").map_err(|_| Fault::Origin)?.to_bytes();
    let public = [&[ED25519], key.verifying_key().as_bytes().as_slice()].concat();
    let id = signed_note::key_id(origin, &public);
    let signature = Signature::new(origin.to_owned(), id, key.sign(&text).to_bytes().to_vec());
    let note = Note::new(&text, &[signature.map_err(|_| Fault::Origin)?]);
    let note = note.map_err(|_| Fault::Origin)?;
    String::from_utf8(note.to_bytes()).map_err(|_| Fault::Origin)
}

/// Reads a signed head.
///
/// # Errors
/// Why it is none.
pub fn open(checkpoint: &str, verifier_key: &str) -> Result<Head, Fault> {
    let verifier = StandardVerifier::new(verifier_key).map_err(|_| Fault::Key)?;
    let origin = verifier.name().to_owned();
    let note = Note::from_bytes(checkpoint.as_bytes()).map_err(|_| Fault::Note)?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|_| Fault::Signature)?;
    let head = Checkpoint::from_bytes(note.text()).map_err(|_| Fault::Note)?;
    if head.origin() != origin {
        return Err(Fault::Origin);
    }
    Ok(Head { size: head.size(), root_hash: head.hash().0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head { size: 7, root_hash: [3; 32] };

    fn signed() -> (String, String) {
        let key = SigningKey::from_bytes(&[5; 32]);
        let told = verifier_key("board.example/log", key.verifying_key().as_bytes());
        (sign("board.example/log", &key, HEAD).unwrap(), told)
    }

    #[test]
    fn a_head_has_the_form_of_a_checkpoint() {
        let (checkpoint, told) = signed();
        let lines: Vec<&str> = checkpoint.lines().collect();
        assert_eq!(lines[0], "board.example/log");
        assert_eq!(lines[1], "7");
        assert_eq!(lines[2], STANDARD.encode([3; 32]));
        assert_eq!(lines[3], "");
        assert!(lines[4].starts_with("— board.example/log "));
        assert_eq!(lines.len(), 5);
        assert_eq!(open(&checkpoint, &told), Ok(HEAD));
    }

    #[test]
    fn what_is_not_the_log_s_own_head_is_refused() {
        let (checkpoint, told) = signed();
        let other = SigningKey::from_bytes(&[6; 32]);
        let key_of_other = verifier_key("board.example/log", other.verifying_key().as_bytes());
        assert_eq!(open(&checkpoint, &key_of_other), Err(Fault::Signature));
        let changed = checkpoint.replacen("\n7\n", "\n8\n", 1);
        assert_eq!(open(&changed, &told), Err(Fault::Signature));
        assert_eq!(open("7", &told), Err(Fault::Note));
        assert_eq!(open(&checkpoint, "key"), Err(Fault::Key));
        assert!(!is_origin("a b") && !is_origin("") && !is_origin("a+b"));
    }
}
