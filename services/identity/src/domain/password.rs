//! Passwords, before they are hashed.

use secrecy::{ExposeSecret as _, SecretString};
use unicode_normalization::UnicodeNormalization as _;

use super::name::fold;

/// The shortest and the longest password, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 10..=200;
/// The longest password that is looked at, in bytes.
const LONGEST: usize = 1_024;

/// A password. Shown nowhere, wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    /// A password that somebody gives to be compared. Normalised (NFKC), so that it does not matter
    /// which keyboard it was typed on (NIST SP 800-63B, 5.1.1.2).
    ///
    /// # Errors
    /// The reason, if it is longer than any password.
    pub fn given(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("PASSWORD_LENGTH");
        }
        Ok(Self(text.nfkc().collect::<String>().into()))
    }

    /// A password that somebody chooses.
    ///
    /// # Errors
    /// The reason, if it is too short or too long.
    pub fn chosen(text: &str) -> Result<Self, &'static str> {
        let password = Self::given(text)?;
        if LENGTHS.contains(&password.0.expose_secret().chars().count()) {
            Ok(password)
        } else {
            Err("PASSWORD_LENGTH")
        }
    }

    /// Whether it is the name, which everybody tries first; `name_key` is the name as it is compared.
    pub fn is(&self, name_key: &str) -> bool {
        fold(self.0.expose_secret()) == name_key
    }

    /// What is hashed.
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_ten_to_two_hundred_characters() {
        for (length, right) in [(9, false), (10, true), (200, true), (201, false)] {
            assert_eq!(Password::chosen(&"x".repeat(length)).is_ok(), right, "{length}");
        }
        assert!(Password::chosen(&"\u{5bc6}".repeat(10)).is_ok());
        assert!(Password::given(&"x".repeat(1_025)).is_err());
    }

    #[test]
    fn it_does_not_matter_which_keyboard_it_was_typed_on() {
        let wide = Password::given("\u{ff11}\u{ff12}\u{ff13}").unwrap();
        assert_eq!(wide.bytes(), Password::given("123").unwrap().bytes());
        assert_ne!(wide.bytes(), Password::given("124").unwrap().bytes());
    }

    #[test]
    fn the_name_is_no_password_in_any_case() {
        let key = fold("Some.Clerk");
        assert!(Password::chosen("SOME.clerk").unwrap().is(&key));
        assert!(!Password::chosen("some.clerk1").unwrap().is(&key));
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        assert!(!format!("{:?}", Password::given("canary").unwrap()).contains("canary"));
    }
}
