//! A proof of inclusion as a file: C2SP tlog-proof. It can be checked without the board, for ever.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Hash,
    head::{self, Head},
    tree,
};

const FORM: &str = "c2sp.org/tlog-proof@v1";
/// A file with the longest proof and a hundred signatures is much shorter.
const LONGEST: usize = 64 * 1024;

/// That a leaf is in a signed tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The place of the leaf.
    pub index: u64,
    /// The way to the root.
    pub path: Vec<Hash>,
    /// The signed head.
    pub checkpoint: String,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has not the form of a proof.
    #[error("this is no proof of inclusion in the form {FORM}")]
    Form,
    /// Its head is not signed as it should be.
    #[error(transparent)]
    Head(#[from] head::Fault),
    /// The leaf is not in the tree of the head, or not by this way.
    #[error("the proof does not lead from this receipt to the signed head of the log")]
    Path,
}

impl Proof {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Fault::Form`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > LONGEST {
            return Err(Fault::Form);
        }
        let (own, checkpoint) = text.split_once("\n\n").ok_or(Fault::Form)?;
        let mut lines = own.split('\n');
        if lines.next() != Some(FORM) {
            return Err(Fault::Form);
        }
        let digits =
            lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(Fault::Form)?;
        let index: u64 = digits.parse().map_err(|_| Fault::Form)?;
        let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok();
        let path: Vec<Hash> = lines.map(hash).collect::<Option<_>>().ok_or(Fault::Form)?;
        let proof = Self { index, path, checkpoint: checkpoint.to_owned() };
        // One proof has one form: signs, zeros in front and the like are refused.
        if proof.to_string() == text { Ok(proof) } else { Err(Fault::Form) }
    }

    /// Checks that `leaf` is in the log that signs with `verifier_key`; gives the head.
    ///
    /// # Errors
    /// Why that is not proven.
    pub fn check(&self, leaf: &Hash, verifier_key: &str) -> Result<Head, Fault> {
        let head = head::open(&self.checkpoint, verifier_key)?;
        if tree::proves_inclusion(leaf, self.index, head.size, &self.path, &head.root_hash) {
            Ok(head)
        } else {
            Err(Fault::Path)
        }
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{FORM}\nindex {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;
    use crate::domain::log::Tiles;

    fn proven() -> (Proof, Hash, String) {
        let leaves: Vec<Hash> = (0..5).map(|n| [n; 32]).collect();
        let mut tiles = Tiles::new();
        tree::append(0, &leaves, &mut tiles).unwrap();
        let head = Head { size: 5, root_hash: tree::root(5, &tiles).unwrap() };
        let key = SigningKey::from_bytes(&[5; 32]);
        let checkpoint = head::sign("log", &key, head).unwrap();
        let path = tree::inclusion(5, 2, &tiles).unwrap();
        let told = head::verifier_key("log", key.verifying_key().as_bytes());
        (Proof { index: 2, path, checkpoint }, leaves[2], told)
    }

    #[test]
    fn a_saved_proof_proves_what_it_proved() {
        let (proof, leaf, told) = proven();
        let read = Proof::parse(&proof.to_string()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.check(&leaf, &told).unwrap().size, 5);
        assert_eq!(read.check(&[9; 32], &told), Err(Fault::Path));
        let moved = Proof { index: 3, ..proof.clone() };
        assert_eq!(moved.check(&leaf, &told), Err(Fault::Path));
        let changed = proof.to_string().replace("index 2", "index 02");
        assert_eq!(Proof::parse(&changed), Err(Fault::Form));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), cut in 0_usize..400) {
            let _ = Proof::parse(&text);
            let whole = proven().0.to_string();
            let cut = (0..=cut.min(whole.len())).rev().find(|at| whole.is_char_boundary(*at));
            let part = &whole[..cut.unwrap_or_default()];
            if let Ok(read) = Proof::parse(part) {
                prop_assert_eq!(read.to_string(), part);
            }
        }
    }
}
