//! The chain of the audit log. Each row carries the hash of the one before it, so that a row that
//! was changed, lost, added or moved is noticed; the head, kept apart, notices a tail cut off.

use jiff::Timestamp;
use liuyan_kit::audit;
use uuid::Uuid;

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Loaded the list of grounds or a set of rules.
    DataLoaded,
    /// Wrote a set of rules and had it tried.
    RulesTried,
    /// Put a set of rules in force.
    RulesPublished,
    /// Put an earlier set of rules in force again.
    RulesRolledBack,
    /// Chose whether an office's clean messages pass by themselves.
    PolicySet,
    /// Looked at a review with its text.
    ReviewRead,
    /// Took a review under a lease.
    ReviewClaimed,
    /// Lengthened the lease.
    ClaimRenewed,
    /// Gave a review back.
    ReviewReleased,
    /// Published, sent back or declined.
    ReviewDecided,
    /// Removed words from a published message.
    MessageRedacted,
    /// Appealed, as the author.
    DecisionAppealed,
    /// Decided on an appeal.
    AppealDecided,
    /// Looked at a text as its readers would see it.
    PreviewRead,
    /// Marked the offices that a message accuses.
    AccusationMarked,
}

impl Action {
    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataLoaded => "data-loaded",
            Self::RulesTried => "rules-tried",
            Self::RulesPublished => "rules-published",
            Self::RulesRolledBack => "rules-rolled-back",
            Self::PolicySet => "policy-set",
            Self::ReviewRead => "review-read",
            Self::ReviewClaimed => "review-claimed",
            Self::ClaimRenewed => "claim-renewed",
            Self::ReviewReleased => "review-released",
            Self::ReviewDecided => "review-decided",
            Self::MessageRedacted => "message-redacted",
            Self::DecisionAppealed => "decision-appealed",
            Self::AppealDecided => "appeal-decided",
            Self::PreviewRead => "preview-read",
            Self::AccusationMarked => "accusation-marked",
        }
    }
}

/// One look or act.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When, in whole microseconds.
    pub at: Timestamp,
    /// Who: issuer and subject of the token, or `moderation`.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// To which message.
    pub message_id: Option<Uuid>,
    /// By which request; the row of `requests` that it left behind has this id.
    pub request_id: Option<Uuid>,
    /// What else an auditor needs, as ids and codes; never a text.
    pub detail: String,
}

/// The hash of a row: SHA-256 over the hash before it and the row's values, each but the first
/// preceded by U+001F. The database can compute the same:
///
/// ```sql
/// sha256(prev_hash || convert_to(concat_ws(chr(31), sequence,
///     (extract(epoch from at) * 1000000)::bigint, actor, action,
///     coalesce(message_id::text, ''), coalesce(request_id::text, ''), detail), 'UTF8'))
/// ```
pub fn link(prev: &[u8], sequence: i64, entry: &Entry) -> [u8; 32] {
    let optional = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let values = [
        sequence.to_string(),
        entry.at.as_microsecond().to_string(),
        entry.actor.clone(),
        entry.action.as_str().to_owned(),
        optional(entry.message_id),
        optional(entry.request_id),
        entry.detail.clone(),
    ];
    audit::link(prev, &values)
}

#[cfg(test)]
mod tests {
    use liuyan_kit::audit::ORIGIN;

    use super::*;

    fn entry(actor: &str, detail: &str) -> Entry {
        Entry {
            at: Timestamp::UNIX_EPOCH,
            actor: actor.into(),
            action: Action::ReviewRead,
            message_id: None,
            request_id: None,
            detail: detail.into(),
        }
    }

    #[test]
    fn every_value_and_the_row_before_change_the_hash() {
        let first = link(&ORIGIN, 1, &entry("a", "b"));
        assert_eq!(first, link(&ORIGIN, 1, &entry("a", "b")));
        assert_ne!(first, link(&ORIGIN, 2, &entry("a", "b")));
        assert_ne!(first, link(&first, 1, &entry("a", "b")));
        assert_ne!(first, link(&ORIGIN, 1, &entry("ab", "")));
        assert_ne!(first, link(&ORIGIN, 1, &entry("a", "c")));
    }
}
