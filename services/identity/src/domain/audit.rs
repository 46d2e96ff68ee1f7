//! The chain of the audit log. Each row carries the hash of the one before it, so that a row that
//! was changed, lost, added or moved is noticed; the head, kept apart, notices a tail cut off.

use jiff::Timestamp;
use liuyan_kit::audit;
use uuid::Uuid;

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Signed in.
    SignedIn,
    /// Did not know the password, or may not sign in.
    SignInRefused,
    /// Ended a session.
    SignedOut,
    /// Used a refresh token twice, which ended the session.
    SessionReused,
    /// Changed the own password.
    PasswordChanged,
    /// Did not know the own password when it was asked for once more.
    PasswordRefused,
    /// Added or changed an account.
    AccountPut,
    /// Erased the own account.
    AccountErased,
    /// Read a list of accounts.
    AccountsListed,
    /// Read where people can be reached.
    ContactsRead,
    /// Added an agency.
    AgencyCreated,
    /// Gave an agency a new secret.
    SecretRotated,
    /// Got an agency's token.
    TokenIssued,
    /// Did not know the agency's secret, or gets no tokens.
    TokenRefused,
}

impl Action {
    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed-in",
            Self::SignInRefused => "sign-in-refused",
            Self::SignedOut => "signed-out",
            Self::SessionReused => "session-reused",
            Self::PasswordChanged => "password-changed",
            Self::PasswordRefused => "password-refused",
            Self::AccountPut => "account-put",
            Self::AccountErased => "account-erased",
            Self::AccountsListed => "accounts-listed",
            Self::ContactsRead => "contacts-read",
            Self::AgencyCreated => "agency-created",
            Self::SecretRotated => "secret-rotated",
            Self::TokenIssued => "token-issued",
            Self::TokenRefused => "token-refused",
        }
    }
}

/// One row.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When, in whole microseconds.
    pub at: Timestamp,
    /// Who: issuer and subject of the token; empty for somebody without one.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// The id of the account or agency that it is about; empty if there is no such one. Never a
    /// name.
    pub subject: String,
    /// By which request; the row of `requests` that it left behind has this id.
    pub request_id: Option<Uuid>,
    /// What else an auditor needs, as ids, codes and counts.
    pub detail: String,
}

impl Entry {
    /// A row without request and detail.
    pub fn new(at: Timestamp, actor: &str, action: Action, subject: impl ToString) -> Self {
        let (actor, subject) = (actor.to_owned(), subject.to_string());
        Self { at, actor, action, subject, request_id: None, detail: String::new() }
    }

    /// Names the request.
    #[must_use]
    pub fn by_request(mut self, request_id: Uuid) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// Adds what else an auditor needs.
    #[must_use]
    pub fn with(mut self, detail: String) -> Self {
        self.detail = detail;
        self
    }
}

/// The hash of a row: SHA-256 over the hash before it and the row's values, each but the first
/// preceded by U+001F. The database can compute the same:
///
/// ```sql
/// sha256(prev_hash || convert_to(concat_ws(chr(31), sequence,
///     (extract(epoch from at) * 1000000)::bigint, actor, action, subject,
///     coalesce(request_id::text, ''), detail), 'UTF8'))
/// ```
pub fn link(prev: &[u8], sequence: i64, entry: &Entry) -> [u8; 32] {
    let values = [
        sequence.to_string(),
        entry.at.as_microsecond().to_string(),
        entry.actor.clone(),
        entry.action.as_str().to_owned(),
        entry.subject.clone(),
        entry.request_id.map(|id| id.to_string()).unwrap_or_default(),
        entry.detail.clone(),
    ];
    audit::link(prev, &values)
}

#[cfg(test)]
mod tests {
    use liuyan_kit::audit::ORIGIN;

    use super::*;

    fn entry(actor: &str, detail: &str) -> Entry {
        Entry::new(Timestamp::UNIX_EPOCH, actor, Action::SignedIn, "s").with(detail.to_owned())
    }

    #[test]
    fn every_value_and_the_row_before_change_the_hash() {
        let first = link(&ORIGIN, 1, &entry("a", "b"));
        assert_eq!(first, link(&ORIGIN, 1, &entry("a", "b")));
        assert_ne!(first, link(&ORIGIN, 2, &entry("a", "b")));
        assert_ne!(first, link(&first, 1, &entry("a", "b")));
        assert_ne!(first, link(&ORIGIN, 1, &entry("ab", "")));
        assert_ne!(first, link(&ORIGIN, 1, &entry("a", "c")));
        assert_ne!(first, link(&ORIGIN, 1, &entry("a", "b").by_request(Uuid::nil())));
    }
}
