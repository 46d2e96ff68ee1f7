//! The chain of an audit log. Each row carries the hash of the one before it, so that a row that was
//! changed, lost, added or moved is noticed; a head that is kept apart notices a tail cut off.

use sha2::{Digest as _, Sha256};

/// The hash before the first row.
pub const ORIGIN: [u8; 32] = [0; 32];

/// The hash of a row: SHA-256 over the hash before it and the row's values, each but the first
/// preceded by U+001F. The database can compute the same:
///
/// ```sql
/// sha256(prev_hash || convert_to(concat_ws(chr(31), …), 'UTF8'))
/// ```
pub fn link(prev: &[u8], values: &[String]) -> [u8; 32] {
    Sha256::new().chain_update(prev).chain_update(values.join("\u{1f}")).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_the_row_before_change_the_hash() {
        let row = |values: [&str; 2]| link(&ORIGIN, &values.map(str::to_owned));
        let first = row(["a", "b"]);
        assert_eq!(first, row(["a", "b"]));
        assert_ne!(first, row(["ab", ""]));
        assert_ne!(first, link(&first, &["a".to_owned(), "b".to_owned()]));
    }
}
