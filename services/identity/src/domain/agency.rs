//! Organisations whose programs use the board.

use jiff::Timestamp;
use uuid::Uuid;

use super::access::{OF_AGENCIES, Places};

/// The shortest and the longest client id.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=64;
/// The longest name of an agency, in characters.
const LONGEST_TITLE: usize = 100;

/// An agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// Its client id.
    pub client_id: String,
    /// Its name.
    pub title: String,
    /// The scopes that it can have.
    pub scopes: Vec<String>,
    /// Where.
    pub places: Places,
    /// Whether it gets tokens.
    pub active: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Whether this can be a client id. One never looks like a UUID: those are the ids of accounts, and
/// both are the subjects of tokens.
pub fn is_client_id(text: &str) -> bool {
    LENGTHS.contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        && text.parse::<Uuid>().is_err()
}

/// Whether this can be the name of an agency.
pub fn is_title(text: &str) -> bool {
    let length = text.chars().count();
    text.trim() == text && (1..=LONGEST_TITLE).contains(&length) && !text.contains(char::is_control)
}

/// Whether an agency may have this scope at all.
pub fn may_have(scope: &str) -> bool {
    OF_AGENCIES.contains(&scope)
}

/// Whether these scopes are of use only somewhere.
pub fn needs_places(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope.starts_with("case:"))
}

impl Agency {
    /// The scopes that a token gets: those wanted, separated by spaces, or all (RFC 6749, 3.3).
    /// `None` if one is wanted that the agency does not have.
    pub fn grant(&self, wanted: &str) -> Option<Vec<String>> {
        let mut granted: Vec<String> = Vec::new();
        for scope in wanted.split_ascii_whitespace() {
            if !self.scopes.iter().any(|known| known == scope) {
                return None;
            }
            if !granted.iter().any(|known| known == scope) {
                granted.push(scope.to_owned());
            }
        }
        if granted.is_empty() { Some(self.scopes.clone()) } else { Some(granted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_never_looks_like_the_id_of_an_account() {
        for (text, right) in [
            ("city-hall", true),
            ("abc", true),
            ("ab", false),
            ("City", false),
            ("a_b_c", false),
            ("0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80", false),
            ("0192f0c47d1e7a439b1c3f2a5d6e7f80", false),
            ("0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f8", true),
        ] {
            assert_eq!(is_client_id(text), right, "{text}");
        }
    }

    #[test]
    fn an_agency_gets_what_it_asks_for_out_of_what_it_has() {
        let agency = Agency {
            client_id: "abc".into(),
            title: "ABC".into(),
            scopes: vec!["feed:read".into(), "message:submit".into()],
            places: Places::default(),
            active: true,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let granted = |wanted| agency.grant(wanted).map(|scopes| scopes.join(" "));
        assert_eq!(granted("").as_deref(), Some("feed:read message:submit"));
        assert_eq!(granted("  feed:read feed:read").as_deref(), Some("feed:read"));
        assert_eq!(granted("feed:read case:work"), None);
        assert_eq!(granted("*"), None);
    }
}
