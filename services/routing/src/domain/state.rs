//! The states of a case and the ways between them.

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// What was asked has been done.
    Solved,
    /// A part of it has been done.
    PartlySolved,
    /// Explained; nothing was to be done.
    Explained,
    /// Refused, with the provision cited.
    Refused,
    /// It cannot be done.
    Impossible,
    /// The same matter is handled in another case.
    Duplicate,
    /// The author withdrew it before the first reply.
    Withdrawn,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 7] = [
        Self::Solved,
        Self::PartlySolved,
        Self::Explained,
        Self::Refused,
        Self::Impossible,
        Self::Duplicate,
        Self::Withdrawn,
    ];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::PartlySolved => "partly_solved",
            Self::Explained => "explained",
            Self::Refused => "refused",
            Self::Impossible => "impossible",
            Self::Duplicate => "duplicate",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The outcome with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}

/// Where the office's work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// An office has it and has not yet said that it will act.
    Assigned,
    /// The office has said that it will act.
    Accepted,
    /// The office has answered.
    Replied,
    /// Ended.
    Closed(Outcome),
}

impl State {
    /// Its code, without the outcome.
    pub fn code(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Accepted => "accepted",
            Self::Replied => "replied",
            Self::Closed(_) => "closed",
        }
    }

    /// The outcome, if it ended.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Closed(outcome) => Some(outcome),
            Self::Assigned | Self::Accepted | Self::Replied => None,
        }
    }

    /// The state with this code and outcome; none if they do not fit together.
    pub fn of_codes(state: &str, outcome: Option<&str>) -> Option<Self> {
        match (state, outcome) {
            ("assigned", None) => Some(Self::Assigned),
            ("accepted", None) => Some(Self::Accepted),
            ("replied", None) => Some(Self::Replied),
            ("closed", Some(outcome)) => Outcome::of_code(outcome).map(Self::Closed),
            _ => None,
        }
    }
}

/// What can be done with a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// The office says that it will act.
    Accept,
    /// The office answers.
    Reply,
    /// The office ends it.
    Close(Outcome),
    /// The office gives it to another.
    Transfer,
    /// The author withdraws it.
    Withdraw,
}

/// Why something cannot be done in this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// It has ended.
    #[error("the case has ended")]
    Ended,
    /// It was accepted before.
    #[error("the case was accepted before")]
    AlreadyAccepted,
    /// This outcome needs a reply first.
    #[error("this outcome needs a reply first")]
    ReplyFirst,
    /// This outcome is not for an office to say.
    #[error("an office cannot withdraw a message")]
    NotForOffices,
    /// The office has answered already.
    #[error("the office has answered already")]
    AlreadyAnswered,
    /// What is answered stays with who answered it.
    #[error("what is answered stays with who answered it")]
    TransferTooLate,
}

/// The states that `act` leads through, in order. Total: every state and act has an answer.
///
/// - A reply to a case that nobody accepted accepts it on the way.
/// - Only a duplicate may be closed without a reply, because its answer stands in another case.
/// - Who gets a case by transfer has yet to accept it. What is answered stays where it is.
/// - What has ended stays as it ended: a withdrawal that comes after it is refused.
///
/// # Errors
/// Says why the act is refused.
pub fn transition(state: State, act: Act) -> Result<&'static [State], Refusal> {
    use Act::{Accept, Close, Reply, Transfer, Withdraw};
    use State::{Accepted, Assigned, Closed, Replied};
    match (state, act) {
        (_, Close(Outcome::Withdrawn)) => Err(Refusal::NotForOffices),
        (Closed(_), _) => Err(Refusal::Ended),
        (Assigned, Accept) => Ok(&[Accepted]),
        (Accepted | Replied, Accept) => Err(Refusal::AlreadyAccepted),
        (Assigned, Reply) => Ok(&[Accepted, Replied]),
        (Accepted | Replied, Reply) => Ok(&[Replied]),
        (Replied, Close(outcome)) => Ok(closed(outcome)),
        (Assigned | Accepted, Close(Outcome::Duplicate)) => Ok(closed(Outcome::Duplicate)),
        (Assigned | Accepted, Close(_)) => Err(Refusal::ReplyFirst),
        (Assigned | Accepted, Transfer) => Ok(&[Assigned]),
        (Replied, Transfer) => Err(Refusal::TransferTooLate),
        (Assigned | Accepted, Withdraw) => Ok(closed(Outcome::Withdrawn)),
        (Replied, Withdraw) => Err(Refusal::AlreadyAnswered),
    }
}

fn closed(outcome: Outcome) -> &'static [State] {
    match outcome {
        Outcome::Solved => &[State::Closed(Outcome::Solved)],
        Outcome::PartlySolved => &[State::Closed(Outcome::PartlySolved)],
        Outcome::Explained => &[State::Closed(Outcome::Explained)],
        Outcome::Refused => &[State::Closed(Outcome::Refused)],
        Outcome::Impossible => &[State::Closed(Outcome::Impossible)],
        Outcome::Duplicate => &[State::Closed(Outcome::Duplicate)],
        Outcome::Withdrawn => &[State::Closed(Outcome::Withdrawn)],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn acts() -> impl Strategy<Value = Act> {
        prop_oneof![
            Just(Act::Accept),
            Just(Act::Reply),
            Just(Act::Transfer),
            Just(Act::Withdraw),
            prop::sample::select(Outcome::ALL.to_vec()).prop_map(Act::Close),
        ]
    }

    #[test]
    fn codes_name_one_state_each() {
        let states = [State::Assigned, State::Accepted, State::Replied]
            .into_iter()
            .chain(Outcome::ALL.map(State::Closed));
        for state in states {
            let outcome = state.outcome().map(Outcome::code);
            assert_eq!(State::of_codes(state.code(), outcome), Some(state));
        }
        assert_eq!(State::of_codes("closed", None), None);
        assert_eq!(State::of_codes("assigned", Some("solved")), None);
    }

    #[test]
    fn a_duplicate_needs_no_reply_and_nothing_else_does_without() {
        for state in [State::Assigned, State::Accepted] {
            for outcome in Outcome::ALL {
                let expected = match outcome {
                    Outcome::Duplicate => None,
                    Outcome::Withdrawn => Some(Refusal::NotForOffices),
                    _ => Some(Refusal::ReplyFirst),
                };
                assert_eq!(transition(state, Act::Close(outcome)).err(), expected, "{outcome:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_done_a_case_only_moves_on(acts in prop::collection::vec(acts(), 0..30)) {
            let rank = |state: State| match state {
                State::Assigned => 0,
                State::Accepted => 1,
                State::Replied => 2,
                State::Closed(_) => 3,
            };
            let (mut state, mut replies, mut accepted) = (State::Assigned, 0, 0);
            let mut transfers = 0;
            for act in acts {
                let before = state;
                match transition(state, act) {
                    Ok(path) => {
                        prop_assert!(!path.is_empty());
                        for next in path {
                            let again = *next == state && act == Act::Reply;
                            let back = *next == State::Assigned && act == Act::Transfer;
                            prop_assert!(rank(*next) > rank(state) || again || back);
                            accepted += u32::from(*next == State::Accepted);
                            state = *next;
                        }
                        replies += u32::from(act == Act::Reply);
                        transfers += u32::from(act == Act::Transfer);
                        if matches!(act, Act::Withdraw | Act::Transfer) {
                            prop_assert_eq!(replies, 0);
                        }
                    }
                    Err(_) => prop_assert_eq!(state, before),
                }
                prop_assert!(accepted <= 1 + transfers);
                prop_assert_eq!(replies > 0 && state.outcome() == Some(Outcome::Withdrawn), false);
                if let State::Closed(outcome) = state {
                    prop_assert!(replies > 0 || matches!(outcome, Outcome::Duplicate | Outcome::Withdrawn));
                }
            }
        }
    }
}
