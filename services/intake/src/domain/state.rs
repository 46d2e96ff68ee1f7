//! Where a message stands, as intake knows it.

use std::str::FromStr;

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Moderation has it.
    InReview,
    /// An office has it or will have it.
    Approved,
    /// Its author is to mend it.
    Returned,
    /// It will not be published.
    Declined,
    /// Its author took it back. Nothing comes after but erasure.
    Withdrawn,
    /// Its author had it erased. Nothing comes after.
    Erased,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::InReview,
        Self::Approved,
        Self::Returned,
        Self::Declined,
        Self::Withdrawn,
        Self::Erased,
    ];

    /// Its word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Returned => "returned",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Erased => "erased",
        }
    }
}

/// The database holds a word that this release does not know.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not known")]
pub struct Unknown(pub String);

impl FromStr for State {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        Self::ALL
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or_else(|| Unknown(word.to_owned()))
    }
}

/// Why a wish of the author cannot be met now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The message has been erased.
    Erased,
    /// The message has been withdrawn already.
    Withdrawn,
    /// The message has been declined: nothing of it is public, and nothing is under way.
    Declined,
    /// The withdrawal was refused, since an answer had been given.
    WithdrawalRefused,
    /// A withdrawal has been asked for.
    WithdrawalUnderWay,
    /// It was not sent back.
    NotReturned,
}

/// What decides about an author's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where the message stands.
    pub state: State,
    /// Whether a withdrawal has been asked for.
    pub withdrawal_requested: bool,
    /// Whether it was refused.
    pub withdrawal_refused: bool,
}

/// What a wish to withdraw leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawal {
    /// It is new and has to be said.
    New,
    /// It was said before.
    Known,
}

impl Standing {
    /// Whether a withdrawal may be asked for.
    ///
    /// # Errors
    /// What stands in its way.
    pub fn withdraw(self) -> Result<Withdrawal, Obstacle> {
        match self.state {
            State::Erased => Err(Obstacle::Erased),
            State::Withdrawn => Err(Obstacle::Withdrawn),
            State::Declined => Err(Obstacle::Declined),
            _ if self.withdrawal_refused => Err(Obstacle::WithdrawalRefused),
            _ if self.withdrawal_requested => Ok(Withdrawal::Known),
            State::InReview | State::Approved | State::Returned => Ok(Withdrawal::New),
        }
    }

    /// Whether a mended text may be handed in.
    ///
    /// # Errors
    /// What stands in its way.
    pub fn resubmit(self) -> Result<(), Obstacle> {
        match self.state {
            State::Returned if self.withdrawal_requested => Err(Obstacle::WithdrawalUnderWay),
            State::Returned => Ok(()),
            State::Erased => Err(Obstacle::Erased),
            State::Withdrawn => Err(Obstacle::Withdrawn),
            State::InReview | State::Approved | State::Declined => Err(Obstacle::NotReturned),
        }
    }

    /// Whether an erasure has to take the message back first: so everything that waits for it, a
    /// moderator or an office, ends by the same road as by a withdrawal.
    pub fn is_taken_back_first(self) -> bool {
        self.withdraw() == Ok(Withdrawal::New)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(state: State) -> Standing {
        Standing { state, withdrawal_requested: false, withdrawal_refused: false }
    }

    #[test]
    fn every_state_has_its_own_word() {
        for state in State::ALL {
            assert_eq!(state.word().parse::<State>().unwrap(), state);
        }
    }

    #[test]
    fn a_withdrawal_is_said_once_and_only_while_it_can_be_granted() {
        for (state, outcome) in [
            (State::InReview, Ok(Withdrawal::New)),
            (State::Approved, Ok(Withdrawal::New)),
            (State::Returned, Ok(Withdrawal::New)),
            (State::Declined, Err(Obstacle::Declined)),
            (State::Withdrawn, Err(Obstacle::Withdrawn)),
            (State::Erased, Err(Obstacle::Erased)),
        ] {
            assert_eq!(standing(state).withdraw(), outcome, "{state:?}");
        }
        let asked = Standing { withdrawal_requested: true, ..standing(State::Approved) };
        assert_eq!(asked.withdraw(), Ok(Withdrawal::Known));
        let refused = Standing { withdrawal_refused: true, ..asked };
        assert_eq!(refused.withdraw(), Err(Obstacle::WithdrawalRefused));
    }

    #[test]
    fn only_a_returned_message_comes_back() {
        for state in State::ALL {
            assert_eq!(standing(state).resubmit().is_ok(), state == State::Returned, "{state:?}");
        }
        let asked = Standing { withdrawal_requested: true, ..standing(State::Returned) };
        assert_eq!(asked.resubmit(), Err(Obstacle::WithdrawalUnderWay));
    }
}
