//! What somebody wants to be told of.

use super::event::{Happened, Kind};

/// What an endpoint is told of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Kinds of events; all if empty.
    pub event_types: Vec<String>,
    /// Divisions, with those below; all if empty.
    pub division_codes: Vec<String>,
}

impl Wish {
    /// Whether it asks for events of this kind.
    pub fn wants(&self, kind: Kind) -> bool {
        self.event_types.is_empty() || self.event_types.iter().any(|name| name == kind.name())
    }

    /// Whether an agency with this wish is told of an event.
    pub fn wants_public(&self, event: &Happened) -> bool {
        event.public
            && event.kind.tells_agencies()
            && self.wants(event.kind)
            && (self.division_codes.is_empty()
                || self.division_codes.iter().any(|code| is_within(code, &event.division_code)))
    }
}

/// Whether a code has the form of a division's (GB/T 2260): six digits.
pub fn is_division(code: &str) -> bool {
    code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether a division is another one or below it. Pairs of digits stand for province, city and
/// county, and `00` for "the whole of it".
fn is_within(above: &str, code: &str) -> bool {
    let mut prefix = above;
    while prefix.len() > 2 && prefix.ends_with("00") {
        prefix = &prefix[..prefix.len() - 2];
    }
    code.starts_with(prefix)
}

/// What a person has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Whether mail goes to the account's own address.
    pub email: bool,
    /// Kinds of which no mail is wanted.
    pub muted: Vec<String>,
}

impl Default for Preferences {
    /// Mail of everything.
    fn default() -> Self {
        Self { email: true, muted: Vec::new() }
    }
}

impl Preferences {
    /// Whether mail of this kind is wanted.
    pub fn wants(&self, kind: Kind) -> bool {
        self.email && !self.muted.iter().any(|name| name == kind.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_division_stands_for_those_below_it() {
        for (above, code, within) in [
            ("110000", "110101", true),
            ("110000", "120000", false),
            ("110100", "110101", true),
            ("110100", "110200", false),
            ("110101", "110101", true),
            ("110101", "110100", false),
            // A ministry is in no division.
            ("110000", "", false),
        ] {
            assert_eq!(is_within(above, code), within, "{above} {code}");
        }
    }

    #[test]
    fn a_muted_kind_is_not_mailed_and_an_empty_list_means_all() {
        let muted = Preferences { email: true, muted: vec!["case-accepted".to_owned()] };
        assert!(!muted.wants(Kind::CaseAccepted));
        assert!(muted.wants(Kind::CaseReplied));
        assert!(!Preferences { email: false, ..muted }.wants(Kind::CaseReplied));
        assert!(Wish::default().wants(Kind::CaseReplied));
        let only = Wish { event_types: vec!["case-replied".to_owned()], ..Wish::default() };
        assert!(only.wants(Kind::CaseReplied) && !only.wants(Kind::CaseClosed));
    }
}
