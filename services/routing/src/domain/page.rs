//! Tokens of pages: opaque, and good for the list that they came from alone.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// How many bytes of the filter's hash a token carries.
const BOUND: usize = 8;

/// Makes the token of the page after `key`, for the list that `filter` describes.
pub fn token(filter: &str, key: &str) -> String {
    let mut bytes = Sha256::digest(filter)[..BOUND].to_vec();
    bytes.extend_from_slice(key.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token; `None` if it is none of ours, or that of another list.
pub fn key(filter: &str, token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (bound, key) = bytes.split_at_checked(BOUND)?;
    if Sha256::digest(filter)[..BOUND] != *bound {
        return None;
    }
    String::from_utf8(key.to_vec()).ok()
}

/// How many rows a page has: what was asked, within the limits. `None` if it is negative.
pub fn size(asked: i32, usual: usize, most: usize) -> Option<usize> {
    match usize::try_from(asked).ok()? {
        0 => Some(usual),
        asked => Some(asked.min(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_list_alone() {
        let made = token("office=1", "key");
        assert_eq!(key("office=1", &made).as_deref(), Some("key"));
        assert_eq!(key("office=2", &made), None);
        for wrong in ["", "x", "AAAA", &made[1..]] {
            assert_eq!(key("office=1", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_page_has_a_limit() {
        assert_eq!(size(0, 50, 200), Some(50));
        assert_eq!(size(7, 50, 200), Some(7));
        assert_eq!(size(1_000, 50, 200), Some(200));
        assert_eq!(size(-1, 50, 200), None);
    }
}
