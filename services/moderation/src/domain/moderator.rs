//! Who works on reviews, and what is not theirs to work on.

use jiff::Timestamp;

use super::review::{Review, State};

/// A moderator who is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moderator {
    /// Issuer and subject of the token: the name by which acts are recorded.
    pub name: String,
    /// Their account: the subject of the token.
    pub account: String,
    /// Whether they may decide what is left to senior moderators.
    pub senior: bool,
}

/// Why a review is not for a moderator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// It does not wait for a person.
    NotWaiting(State),
    /// It is of a message that they wrote.
    Own,
    /// It is an appeal against what they decided on the message themselves.
    Decided,
    /// It is for senior moderators.
    Senior,
    /// Somebody else is working on it.
    ClaimedByAnother,
}

impl Moderator {
    /// Whether they wrote the message. Nobody works on their own.
    pub fn wrote(&self, review: &Review) -> bool {
        !self.account.is_empty() && review.submission.account_id == self.account
    }

    /// Whether they may take a review.
    ///
    /// # Errors
    /// See [`Bar`].
    pub fn may_take(&self, review: &Review, now: Timestamp) -> Result<(), Bar> {
        if !review.state.waits() {
            return Err(Bar::NotWaiting(review.state));
        }
        if self.wrote(review) {
            return Err(Bar::Own);
        }
        if review.state == State::Appealed && review.deciders.contains(&self.name) {
            return Err(Bar::Decided);
        }
        if review.senior_only && !self.senior {
            return Err(Bar::Senior);
        }
        match &review.claim {
            Some(claim) if claim.binds(now) && claim.holder != self.name => {
                Err(Bar::ClaimedByAnother)
            }
            _ => Ok(()),
        }
    }
}
