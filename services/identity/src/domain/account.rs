//! People who can sign in.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    access::{Places, Role},
    name::Name,
    password::Password,
};

/// The longest name by which a person is addressed, in characters.
const LONGEST_DISPLAY_NAME: usize = 64;
/// The longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const LONGEST_EMAIL: usize = 254;

/// A person who can sign in, unsealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub account_id: Uuid,
    /// The name to sign in with, as it was written.
    pub name: String,
    /// How the person is addressed.
    pub display_name: String,
    /// The e-mail address, if there is one.
    pub email: Option<String>,
    /// What they do.
    pub roles: Vec<Role>,
    /// Where.
    pub places: Places,
    /// The language for what is sent to them.
    pub locale: String,
    /// Whether they can sign in.
    pub active: bool,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// Says nothing of the person, so that no log can.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// An account as somebody wants it to be.
pub struct Wish {
    /// The name to sign in with.
    pub name: Name,
    /// How the person is addressed.
    pub display_name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// What they do.
    pub roles: Vec<Role>,
    /// Where.
    pub places: Places,
    /// The language for what is sent to them.
    pub locale: String,
    /// A new password.
    pub password: Option<Password>,
    /// Whether they can sign in.
    pub active: bool,
}

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wish").field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Where somebody can be reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// The account's id.
    pub account_id: Uuid,
    /// The e-mail address, if there is one.
    pub email: Option<String>,
    /// The language for what is sent to them.
    pub locale: String,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// Whether this can be the name by which a person is addressed.
pub fn is_display_name(text: &str) -> bool {
    let length = text.chars().count();
    text.trim() == text
        && (1..=LONGEST_DISPLAY_NAME).contains(&length)
        && !text.contains(char::is_control)
}

/// Whether this can be an e-mail address. Whether it is one only a letter to it can tell.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';');
    text.len() <= LONGEST_EMAIL
        && !local.is_empty()
        && !local.contains('@')
        && domain.split('.').count() > 1
        && domain.split('.').all(|label| !label.is_empty())
        && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_two_sides_and_nothing_odd() {
        for (text, right) in [
            ("a@b.example", true),
            ("a.b+c@mail.b.example", true),
            ("", false),
            ("a", false),
            ("@b.example", false),
            ("a@b", false),
            ("a@b..example", false),
            ("a@@b.example", false),
            ("a b@c.example", false),
            ("a@b.example\r\nbcc: x", false),
            ("<a@b.example>", false),
        ] {
            assert_eq!(is_email(text), right, "{text:?}");
        }
        assert!(!is_email(&format!("{}@b.example", "a".repeat(250))));
    }

    #[test]
    fn people_are_addressed_by_one_line() {
        assert!(is_display_name("A clerk"));
        for text in ["", " a", "a\nb", &"a".repeat(65)] {
            assert!(!is_display_name(text), "{text:?}");
        }
    }

    #[test]
    fn an_account_tells_a_log_nothing_of_the_person() {
        let account = Account {
            account_id: Uuid::nil(),
            name: "canary-name".into(),
            display_name: "canary-display".into(),
            email: Some("canary@b.example".into()),
            roles: vec![Role::Citizen],
            places: Places::default(),
            locale: "en".into(),
            active: true,
            created_at: Timestamp::UNIX_EPOCH,
        };
        assert!(!format!("{account:?}").contains("canary"));
    }
}
