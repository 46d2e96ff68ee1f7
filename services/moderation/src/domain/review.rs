//! Moderation's work on one message, and how it moves.

use jiff::Timestamp;
use uuid::Uuid;

use super::{appeal::Appeal, screen::Hit, text::Span};

/// Who decides where no person does.
pub const RULES: &str = "rules";

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The rules have not yet read it.
    Screening = 1,
    /// It waits for a person.
    Held = 2,
    /// The message was approved.
    Approved = 3,
    /// The message went back to its author.
    Returned = 4,
    /// The message was declined.
    Declined = 5,
    /// The author withdrew the message first.
    Withdrawn = 6,
    /// The author appealed; it waits for another moderator.
    Appealed = 7,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Screening,
        Self::Held,
        Self::Approved,
        Self::Returned,
        Self::Declined,
        Self::Withdrawn,
        Self::Appealed,
    ];

    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Screening => "screening",
            Self::Held => "held",
            Self::Approved => "approved",
            Self::Returned => "returned",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Appealed => "appealed",
        }
    }

    /// The state of a stored word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether it waits for a moderator.
    pub fn waits(self) -> bool {
        matches!(self, Self::Held | Self::Appealed)
    }

    /// Whether a wish to withdraw still takes effect here. Once a message is approved, routing
    /// decides about it.
    pub fn can_be_withdrawn(self) -> bool {
        match self {
            Self::Screening | Self::Held | Self::Returned | Self::Declined | Self::Appealed => true,
            Self::Approved | Self::Withdrawn => false,
        }
    }

    /// Whether a mended text starts the review again. Intake takes one only of a message that was
    /// returned; an appeal against that may be open.
    pub fn can_be_resubmitted(self) -> bool {
        match self {
            Self::Returned | Self::Appealed => true,
            Self::Screening | Self::Held | Self::Approved | Self::Declined | Self::Withdrawn => {
                false
            }
        }
    }
}

/// Who may read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody, once it is approved.
    Public,
    /// Only its author and the office that handles it.
    Private,
}

impl Visibility {
    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// The visibility of a stored word. What is not known is private.
    pub fn of(word: &str) -> Self {
        if word == "public" { Self::Public } else { Self::Private }
    }
}

/// What intake told about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The message.
    pub message_id: Uuid,
    /// The public number.
    pub number: String,
    /// The office it is for.
    pub office_id: String,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain; may be empty.
    pub domain: String,
    /// The topic; may be empty.
    pub topic: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// A pseudonym of the author; may be empty.
    pub author_id: String,
    /// The account of the author; may be empty.
    pub account_id: String,
    /// When it became durable.
    pub submitted_at: Timestamp,
    /// When it was written, if it came from another system.
    pub occurred_at: Option<Timestamp>,
    /// The consultation to which it belongs; may be empty.
    pub consultation_id: String,
    /// The revision of its text.
    pub revision: u32,
    /// The trace of the call that brought this revision.
    pub traceparent: Option<String>,
}

/// A mended text that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// The message.
    pub message_id: Uuid,
    /// The new revision of its text.
    pub revision: u32,
    /// The trace of the call that brought it.
    pub traceparent: Option<String>,
}

/// A lease of a moderator on a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who holds it.
    pub holder: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Claim {
    /// Whether it still binds.
    pub fn binds(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// How a review was decided last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why it was returned or declined; empty where it was approved.
    pub ground: String,
    /// What the author was told.
    pub explanation: String,
    /// Who decided.
    pub decided_by: String,
    /// When.
    pub decided_at: Timestamp,
}

/// What an author may know of the last decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Why it was returned or declined; empty where it was approved.
    pub ground: String,
    /// What the author is told.
    pub explanation: String,
    /// Where in the text.
    pub spans: Vec<Span>,
    /// The revision that was judged.
    pub revision: u32,
    /// When.
    pub decided_at: Timestamp,
}

/// Moderation's work on one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// What intake told; `revision` is the one under review.
    pub submission: Submission,
    /// Where it stands.
    pub state: State,
    /// The version of the rules that read it; 0 before that.
    pub rules_version: u32,
    /// The lease on it.
    pub claim: Option<Claim>,
    /// How it was decided last.
    pub verdict: Option<Verdict>,
    /// Offices that the message accuses.
    pub accused_office_ids: Vec<String>,
    /// Counts the changes of the review.
    pub change: i64,
    /// What the rules found in the revision under review.
    pub hits: Vec<Hit>,
    /// What is left out of the public text.
    pub redactions: Vec<Span>,
    /// By when there is to be a decision.
    pub decide_by: Timestamp,
    /// Whether only a senior moderator may decide.
    pub senior_only: bool,
    /// How often people decided.
    pub decisions: u32,
    /// Who decided, each once.
    pub deciders: Vec<String>,
    /// The last appeal.
    pub appeal: Option<Appeal>,
    /// Whether its author had the message erased.
    pub erased: bool,
}

impl Review {
    /// Changes with each change of the review.
    pub fn etag(&self) -> String {
        format!("{}-{}", self.submission.revision, self.change)
    }

    /// Whether `actor` may decide it now.
    pub fn is_held_by(&self, actor: &str, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.holder == actor && claim.binds(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approved_or_withdrawn_review_is_final_here() {
        for state in State::ALL {
            let last = matches!(state, State::Approved | State::Withdrawn);
            assert_eq!(state.can_be_withdrawn(), !last, "{state:?}");
            assert_eq!(State::of(state.as_str()), Some(state));
        }
        assert_eq!(State::ALL.into_iter().filter(|s| s.can_be_resubmitted()).count(), 2);
        assert_eq!(State::ALL.into_iter().filter(|s| s.waits()).count(), 2);
    }

    #[test]
    fn an_unknown_visibility_is_private() {
        assert_eq!(Visibility::of("public"), Visibility::Public);
        assert_eq!(Visibility::of("friends"), Visibility::Private);
    }
}
