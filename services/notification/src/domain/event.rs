//! What may be told, and to whom.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A message may go to an office.
    MessageApproved,
    /// A message went back to its author.
    MessageReturned,
    /// A message will not be published.
    MessageDeclined,
    /// An author appealed.
    DecisionAppealed,
    /// Somebody else decided on an appeal.
    AppealDecided,
    /// Work on a message began.
    CaseOpened,
    /// An office was given a case.
    CaseAssigned,
    /// The office will act.
    CaseAccepted,
    /// Another office was given a case.
    CaseTransferred,
    /// An office gave a case back.
    CaseReturned,
    /// The office waits for more information from the author.
    CasePaused,
    /// The wait is over.
    CaseResumed,
    /// The office took more time.
    CaseExtended,
    /// The office answered.
    CaseReplied,
    /// The office corrected a reply.
    ReplyCorrected,
    /// The author asked on.
    FollowUpAsked,
    /// A case is worked on again.
    CaseReopened,
    /// What was promised is done.
    PromiseKept,
    /// What was promised was not done in time.
    PromiseBroken,
    /// A case is watched.
    CaseSupervised,
    /// A deadline passed long ago: the office above is told.
    CaseEscalated,
    /// Another office was asked to help.
    HelperInvited,
    /// A deadline is near.
    DeadlineNeared,
    /// A deadline has passed without an answer.
    DeadlineMissed,
    /// The public text changed.
    CaseTextChanged,
    /// A rating is final.
    CaseRated,
    /// The case ended.
    CaseClosed,
    /// A wish to withdraw was refused.
    WithdrawalRefused,
    /// The result of a consultation is public, and what it makes of a message.
    ResultTold,
    /// An endpoint failed for too long.
    EndpointDisabled,
    /// An endpoint is to be verified: said to itself alone.
    EndpointVerify,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::MessageApproved,
        Self::MessageReturned,
        Self::MessageDeclined,
        Self::DecisionAppealed,
        Self::AppealDecided,
        Self::CaseOpened,
        Self::CaseAssigned,
        Self::CaseAccepted,
        Self::CaseTransferred,
        Self::CaseReturned,
        Self::CasePaused,
        Self::CaseResumed,
        Self::CaseExtended,
        Self::CaseReplied,
        Self::ReplyCorrected,
        Self::FollowUpAsked,
        Self::CaseReopened,
        Self::PromiseKept,
        Self::PromiseBroken,
        Self::CaseSupervised,
        Self::CaseEscalated,
        Self::HelperInvited,
        Self::DeadlineNeared,
        Self::DeadlineMissed,
        Self::CaseTextChanged,
        Self::CaseRated,
        Self::CaseClosed,
        Self::WithdrawalRefused,
        Self::ResultTold,
        Self::EndpointDisabled,
        Self::EndpointVerify,
    ];

    /// Its name, as people choose it and tables keep it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessageApproved => "message-approved",
            Self::MessageReturned => "message-returned",
            Self::MessageDeclined => "message-declined",
            Self::DecisionAppealed => "decision-appealed",
            Self::AppealDecided => "appeal-decided",
            Self::CaseOpened => "case-opened",
            Self::CaseAssigned => "case-assigned",
            Self::CaseAccepted => "case-accepted",
            Self::CaseTransferred => "case-transferred",
            Self::CaseReturned => "case-returned",
            Self::CasePaused => "case-paused",
            Self::CaseResumed => "case-resumed",
            Self::CaseExtended => "case-extended",
            Self::ReplyCorrected => "reply-corrected",
            Self::FollowUpAsked => "follow-up-asked",
            Self::CaseReopened => "case-reopened",
            Self::PromiseKept => "promise-kept",
            Self::PromiseBroken => "promise-broken",
            Self::CaseSupervised => "case-supervised",
            Self::CaseEscalated => "case-escalated",
            Self::HelperInvited => "helper-invited",
            Self::DeadlineNeared => "deadline-neared",
            Self::DeadlineMissed => "deadline-missed",
            Self::CaseReplied => "case-replied",
            Self::CaseTextChanged => "case-text-changed",
            Self::CaseRated => "case-rated",
            Self::CaseClosed => "case-closed",
            Self::WithdrawalRefused => "withdrawal-refused",
            Self::ResultTold => "result-told",
            Self::EndpointDisabled => "endpoint-disabled",
            Self::EndpointVerify => "endpoint-verify",
        }
    }

    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The service that says it.
    pub const fn source(self) -> &'static str {
        match self {
            Self::MessageApproved
            | Self::MessageReturned
            | Self::MessageDeclined
            | Self::DecisionAppealed
            | Self::AppealDecided => "moderation",
            Self::EndpointDisabled | Self::EndpointVerify => "notification",
            _ => "routing",
        }
    }

    /// The event's full type. The code of an endpoint is no event of the bus and has a name of its
    /// own.
    pub fn event_type(self) -> String {
        match self {
            Self::EndpointVerify => "endpoint.verify".to_owned(),
            _ => format!("liuyan.{}.v1.{}", self.source(), self.name()),
        }
    }

    /// Whether the author of the message is told.
    pub const fn tells_author(self) -> bool {
        matches!(
            self,
            Self::MessageApproved
                | Self::MessageReturned
                | Self::MessageDeclined
                | Self::DecisionAppealed
                | Self::AppealDecided
                | Self::CaseOpened
                | Self::CaseAccepted
                | Self::CaseTransferred
                | Self::CaseReturned
                | Self::CasePaused
                | Self::CaseResumed
                | Self::CaseExtended
                | Self::CaseReplied
                | Self::ReplyCorrected
                | Self::CaseReopened
                | Self::DeadlineMissed
                | Self::PromiseKept
                | Self::PromiseBroken
                | Self::CaseClosed
                | Self::WithdrawalRefused
                | Self::ResultTold
        )
    }

    /// Whether the event itself names the office that is told, which has not the case: one that helps, or
    /// one above.
    pub const fn names_its_office(self) -> bool {
        matches!(self, Self::CaseEscalated | Self::HelperInvited)
    }

    /// Whether an office is told; that which has the case, unless it [`Self::names_its_office`]: that it was given one, that it has to act again or
    /// soon, or that its author took it back.
    pub const fn tells_office(self, withdrawn: bool) -> bool {
        match self {
            Self::CaseAssigned
            | Self::CaseTransferred
            | Self::CaseReturned
            | Self::CaseResumed
            | Self::FollowUpAsked
            | Self::CaseReopened
            | Self::CaseSupervised
            | Self::CaseEscalated
            | Self::HelperInvited
            | Self::PromiseBroken
            | Self::DeadlineNeared
            | Self::DeadlineMissed => true,
            Self::CaseClosed => withdrawn,
            _ => false,
        }
    }

    /// Whether the feed records it if the case is public: of what agencies are told, all but ratings.
    pub const fn is_in_feed(self) -> bool {
        self.tells_agencies() && !matches!(self, Self::CaseRated)
    }

    /// Whether agencies are told, if the case is public.
    pub const fn tells_agencies(self) -> bool {
        matches!(
            self,
            Self::CaseOpened
                | Self::CaseAssigned
                | Self::CaseAccepted
                | Self::CaseTransferred
                | Self::CaseReturned
                | Self::CasePaused
                | Self::CaseResumed
                | Self::CaseExtended
                | Self::CaseReplied
                | Self::ReplyCorrected
                | Self::FollowUpAsked
                | Self::CaseReopened
                | Self::PromiseKept
                | Self::PromiseBroken
                | Self::CaseTextChanged
                | Self::CaseRated
                | Self::CaseClosed
                | Self::WithdrawalRefused
        )
    }
}

/// An event, as far as it decides who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// Its id.
    pub event_id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// The message that it is about.
    pub message_id: Uuid,
    /// The case, if there is one yet.
    pub case_id: Option<Uuid>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was said.
    pub said_at: Timestamp,
    /// Whether it came from another system, long after.
    pub historical: bool,
    /// Whether everybody may see the case after it.
    pub public: bool,
    /// The office that has the case after it, or that [`Kind::names_its_office`], or that asked in a
    /// consultation; empty without a case.
    pub office_id: String,
    /// The division of that office; empty without one.
    pub division_code: String,
    /// Whether the author took the case back.
    pub withdrawn: bool,
    /// By when the citizen is to have an answer, if it tells that.
    pub deadline_at: Option<Timestamp>,
    /// The reply, if it is one.
    pub reply_id: Option<Uuid>,
    /// What became of what the author suggested, if it tells that; else empty.
    pub uptake: String,
    /// The trace of its cause.
    pub traceparent: Option<String>,
}

/// Whether something that happened at a time and was said at another came from another system.
pub fn is_historical(occurred_at: Timestamp, said_at: Timestamp, after: SignedDuration) -> bool {
    said_at.duration_since(occurred_at) > after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.name()), Some(kind));
        }
        assert_eq!(Kind::of("rating-changed"), None);
    }

    #[test]
    fn only_what_is_older_than_the_limit_is_historical() {
        let said = Timestamp::UNIX_EPOCH;
        let day = SignedDuration::from_hours(24);
        assert!(!is_historical(said - day, said, day));
        assert!(is_historical(said - day - SignedDuration::from_micros(1), said, day));
        // A source whose clock is ahead is not history.
        assert!(!is_historical(said + day + day, said, day));
    }
}
