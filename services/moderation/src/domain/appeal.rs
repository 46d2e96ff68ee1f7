//! An author's wish that somebody else decides again on what is not published.

use jiff::{SignedDuration, Timestamp};

use super::review::{Review, State};

/// Where an appeal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppealState {
    /// It waits for a moderator.
    Open,
    /// The decision stands.
    Upheld,
    /// The decision was wrong; another took its place.
    Overturned,
    /// It ended without a decision, because the author mended, withdrew or erased the message.
    Lapsed,
}

impl AppealState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Upheld, Self::Overturned, Self::Lapsed];

    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Upheld => "upheld",
            Self::Overturned => "overturned",
            Self::Lapsed => "lapsed",
        }
    }

    /// The state of a stored word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// An appeal, without the author's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    /// Where it stands.
    pub state: AppealState,
    /// The decision that it is against, counted from 1.
    pub decision: u32,
    /// When it was made.
    pub appealed_at: Timestamp,
    /// By when it is to be decided.
    pub due_at: Timestamp,
    /// What the author is told of the outcome; empty before.
    pub explanation: String,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

/// Why a decision can't be appealed against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The message was neither returned nor declined.
    NothingToAppeal(State),
    /// There was an appeal against this decision.
    Already,
    /// The period is over.
    TooLate,
}

/// Until when the author may appeal against the last decision, which may be in the past.
///
/// # Errors
/// [`Obstacle::NothingToAppeal`] and [`Obstacle::Already`].
pub fn appealable_until(review: &Review, period: SignedDuration) -> Result<Timestamp, Obstacle> {
    match review.state {
        State::Appealed => return Err(Obstacle::Already),
        State::Returned | State::Declined => {}
        other => return Err(Obstacle::NothingToAppeal(other)),
    }
    let Some(verdict) = review.verdict.as_ref().filter(|_| !review.erased) else {
        return Err(Obstacle::NothingToAppeal(review.state));
    };
    if review.appeal.as_ref().is_some_and(|appeal| appeal.decision == review.decisions) {
        return Err(Obstacle::Already);
    }
    Ok(verdict.decided_at.saturating_add(period).unwrap_or(verdict.decided_at))
}

/// Whether the author may appeal now.
///
/// # Errors
/// See [`Obstacle`].
pub fn may_appeal(review: &Review, period: SignedDuration, now: Timestamp) -> Result<(), Obstacle> {
    if now < appealable_until(review, period)? { Ok(()) } else { Err(Obstacle::TooLate) }
}
