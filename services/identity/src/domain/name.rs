//! The names that people sign in with.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// The shortest and the longest name, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=64;
/// The longest text that is folded at all, in bytes; compatibility forms of one character can be
/// eighteen.
const LONGEST: usize = 512;

/// A name to sign in with.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    shown: String,
    key: String,
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name([redacted])")
    }
}

impl Name {
    /// Reads a name: letters and digits of any script, and `. _ - + @`.
    ///
    /// # Errors
    /// The reason why it is none.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("NAME_LENGTH");
        }
        let shown: String = text.nfkc().collect();
        if !LENGTHS.contains(&shown.chars().count()) {
            return Err("NAME_LENGTH");
        }
        let known = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
        if !shown.chars().all(known) {
            return Err("NAME_MALFORMED");
        }
        let key = fold(&shown);
        Ok(Self { shown, key })
    }

    /// As it is shown.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// As it is compared.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A text as names are compared: without regard to case, width and other forms of compatibility
/// (Unicode, annex 15, NFKC).
pub fn fold(text: &str) -> String {
    let mut cut = text.len().min(LONGEST);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text[..cut].nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn case_and_width_make_no_other_name() {
        let key = |text| Name::parse(text).unwrap().key().to_owned();
        assert_eq!(key("Clerk.1"), key("clerk.1"));
        assert_eq!(key("\u{ff23}\u{ff2c}\u{ff25}\u{ff32}\u{ff2b}.1"), key("clerk.1"));
        assert_eq!(key("\u{c5}ngstrom"), key("a\u{30a}ngstrom"));
        assert_ne!(key("clerk.1"), key("clerk.2"));
    }

    #[test]
    fn a_name_is_one_word_of_some_length() {
        for (text, reason) in [
            ("ab", "NAME_LENGTH"),
            ("", "NAME_LENGTH"),
            ("a b c", "NAME_MALFORMED"),
            ("abc\n", "NAME_MALFORMED"),
            ("ab\u{200b}c", "NAME_MALFORMED"),
            ("a/b/c", "NAME_MALFORMED"),
        ] {
            assert_eq!(Name::parse(text).err(), Some(reason), "{text:?}");
        }
        assert!(Name::parse(&"a".repeat(64)).is_ok());
        assert_eq!(Name::parse(&"a".repeat(65)).err(), Some("NAME_LENGTH"));
        assert_eq!(Name::parse(&"\u{fdfa}".repeat(300)).err(), Some("NAME_LENGTH"));
    }

    proptest! {
        #[test]
        fn a_folded_name_folds_to_itself(text in "[\\p{L}\\p{N}._+@-]{1,20}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn any_text_can_be_folded(text in any::<String>()) {
            fold(&text);
        }
    }
}
