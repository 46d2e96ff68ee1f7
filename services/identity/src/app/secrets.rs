//! Secrets of the service's own making: refresh tokens and the secrets of agencies. Each is 256
//! random bits, told once; only its SHA-256 is kept, which is enough for what nobody can guess.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use liuyan_kit::id;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A new secret.
pub(crate) struct Fresh {
    /// As it is told.
    pub text: String,
    /// As it is kept.
    pub hash: [u8; 32],
}

/// Makes a secret.
pub(crate) fn fresh() -> Fresh {
    let text = URL_SAFE_NO_PAD.encode(id::secret());
    let hash = hash(&text);
    Fresh { text, hash }
}

/// What is kept of a secret.
pub(crate) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Whether two hashes are the same, decided in a time that does not tell how much of them is.
pub(crate) fn same(one: &[u8; 32], other: &[u8]) -> bool {
    one.as_slice().ct_eq(other).into()
}
