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
    /// The office gives it back, naming the right one.
    Return,
    /// The author withdraws it.
    Withdraw,
    /// The office waits for more information from the author.
    Pause,
    /// The wait is over.
    Resume,
    /// The office takes more time.
    Extend,
    /// The office asks another to help.
    Invite,
    /// The office corrects a reply.
    Correct,
    /// What was answered or closed is worked on again.
    Reopen,
    /// The author asks on, because of a reply.
    AskOn,
    /// It is watched from now on.
    Supervise,
}

/// Where a case stands, as far as that decides what can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Its state.
    pub state: State,
    /// Whether it was ever answered.
    pub answered: bool,
    /// Whether the office waits for its author.
    pub paused: bool,
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
    /// The office has not said that it will act.
    #[error("the case is not accepted")]
    AcceptFirst,
    /// There is no answer yet.
    #[error("there is no answer yet")]
    NotAnswered,
    /// It is being worked on.
    #[error("the case is being worked on")]
    StillOpen,
    /// The office waits for the author.
    #[error("the office waits for the author")]
    Paused,
    /// The office does not wait for anybody.
    #[error("the case is not paused")]
    NotPaused,
    /// The deadline was extended before.
    #[error("the deadline was extended before")]
    AlreadyExtended,
    /// The deadline has passed.
    #[error("the deadline has passed")]
    DeadlinePassed,
    /// Two offices have given it back; the superior decides.
    #[error("the case was returned twice")]
    ReturnedTwice,
    /// It went from office to office twice; now a superior decides.
    #[error("the case was handed on twice")]
    HandedOnTwice,
    /// The superior has decided who handles it.
    #[error("a superior has decided")]
    Decided,
    /// That office helps already, or handles it.
    #[error("the office helps already")]
    AlreadyHelps,
    /// It has as many helpers as it can have.
    #[error("the case has enough helpers")]
    EnoughHelpers,
    /// It is watched already.
    #[error("the case is watched already")]
    AlreadySupervised,
}

/// The states that `act` leads through, in order; none if it leaves the state as it is. Total: every
/// standing and act has an answer.
///
/// - A reply to a case that nobody accepted accepts it on the way.
/// - Nothing is closed without a reply; that of a duplicate says where the answer stands.
/// - Who gets a case by transfer or return has yet to accept it. What was ever answered stays where
///   it is, also when it is worked on again.
/// - While the office waits for the author it can answer, end the wait, and ask for help; it can
///   neither hand the case on nor take more time.
/// - What was answered or closed can be worked on again, and then needs another reply to be closed. An
///   author asks on also after the office has closed it: otherwise it could have the last word.
///   What was withdrawn has ended for good.
///
/// # Errors
/// Says why the act is refused.
pub fn transition(at: Standing, act: Act) -> Result<&'static [State], Refusal> {
    use Act::{
        Accept, AskOn, Close, Correct, Extend, Invite, Pause, Reopen, Reply, Resume, Return,
        Supervise, Transfer, Withdraw,
    };
    use State::{Accepted, Assigned, Closed, Replied};
    match (at.state, act) {
        (_, Close(Outcome::Withdrawn)) => Err(Refusal::NotForOffices),
        (Closed(Outcome::Withdrawn), _) => Err(Refusal::Ended),
        (Closed(_) | Replied, Reopen) => Ok(&[Accepted]),
        (Assigned | Accepted, Reopen) => Err(Refusal::StillOpen),
        (_, Correct | AskOn) if !at.answered => Err(Refusal::NotAnswered),
        (_, Correct) => Ok(&[]),
        (Closed(_) | Replied, AskOn) => Ok(&[Accepted]),
        (Closed(_), _) => Err(Refusal::Ended),
        (Assigned | Accepted, AskOn) => Err(Refusal::StillOpen),
        (_, Supervise) => Ok(&[]),
        (_, Resume) if at.paused => Ok(&[]),
        (_, Resume) => Err(Refusal::NotPaused),
        (_, Transfer | Return | Extend | Pause) if at.paused => Err(Refusal::Paused),
        (Assigned, Accept) => Ok(&[Accepted]),
        (Accepted | Replied, Accept) => Err(Refusal::AlreadyAccepted),
        (Assigned, Reply) => Ok(&[Accepted, Replied]),
        (Accepted | Replied, Reply) => Ok(&[Replied]),
        (Replied, Close(outcome)) => Ok(closed(outcome)),
        (Assigned | Accepted, Close(_)) => Err(Refusal::ReplyFirst),
        (_, Transfer | Return) if at.answered => Err(Refusal::TransferTooLate),
        (_, Withdraw | Extend) if at.answered => Err(Refusal::AlreadyAnswered),
        (Replied, Transfer | Return) => Err(Refusal::TransferTooLate),
        (Replied, Withdraw | Extend | Pause | Invite) => Err(Refusal::AlreadyAnswered),
        (Assigned | Accepted, Transfer | Return) => Ok(&[Assigned]),
        (Assigned | Accepted, Withdraw) => Ok(closed(Outcome::Withdrawn)),
        (Assigned, Pause) => Err(Refusal::AcceptFirst),
        (Accepted, Pause) | (Assigned | Accepted, Extend | Invite) => Ok(&[]),
    }
}

/// Whether an act that was done ends the office's wait for the author.
pub fn ends_wait(act: Act) -> bool {
    matches!(act, Act::Resume | Act::Reply | Act::Close(_) | Act::Withdraw)
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
mod tests;
