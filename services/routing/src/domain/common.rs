//! Common problems: many cases about one thing, with one office that leads and one answer. Each author
//! stays one of their own: their clock, their case, their rating, and their wish to be answered alone.

use jiff::{SignedDuration, Timestamp};

use super::{
    ProblemId,
    case::{Case, Fact, What},
    state::{Refusal, State},
};

/// The most cases of a common problem, so that one answer is one transaction of a bounded length.
pub const MOST_CASES: usize = 200;
/// How many cases make a common problem.
pub const FEWEST_CASES: usize = 2;

/// For how long after the answer an author may object to having it together with others. Later they ask
/// on because of it, like everybody.
pub const OBJECTABLE_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Where a common problem stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has no answer yet.
    Open,
    /// It is answered.
    Answered,
    /// All its cases left before there was an answer.
    Dissolved,
}

impl Stage {
    /// All stages.
    pub const ALL: [Self; 3] = [Self::Open, Self::Answered, Self::Dissolved];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Dissolved => "dissolved",
        }
    }

    /// The stage with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }
}

/// Many cases about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its id.
    pub problem_id: ProblemId,
    /// What it is about.
    pub title: String,
    /// The office that leads.
    pub lead_office_id: String,
    /// Where it stands.
    pub stage: Stage,
    /// The answer, if there is one.
    pub body: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// How many cases are in it.
    pub case_count: i32,
    /// How many were in it and left.
    pub left_count: i32,
    /// How many of these because their authors objected.
    pub objected_count: i32,
    /// Counts its changes, from 1.
    pub changes: i64,
}

/// Why a case leaves a common problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// An official took it out.
    Removed,
    /// Its author wants an answer of their own.
    Objected,
    /// Its author withdrew it.
    Withdrawn,
    /// Its author had it erased.
    Erased,
}

impl Leaving {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Objected => "objected",
            Self::Withdrawn => "withdrawn",
            Self::Erased => "erased",
        }
    }
}

/// Why a common problem does not take something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPart {
    /// The case accuses somebody: it is nobody else's matter.
    #[error("the case accuses somebody")]
    Accuses,
    /// The case is in a common problem.
    #[error("the case is in a common problem")]
    InOne,
    /// The case is in none.
    #[error("the case is in no common problem")]
    InNone,
    /// It would have more cases than it can have.
    #[error("the common problem has enough cases")]
    Full,
    /// It is answered, or dissolved.
    #[error("the common problem is not open")]
    NotOpen,
    /// It was answered too long ago to object.
    #[error("the common problem was answered too long ago to object")]
    Late,
    /// The case's standing does not allow it.
    #[error("the case's standing does not allow it")]
    Refused(#[source] Refusal),
}

/// Until when, inclusive, an author may object to an answer that was given to many at `answered_at`.
pub fn objectable_until(answered_at: Timestamp) -> Timestamp {
    answered_at.saturating_add(OBJECTABLE_FOR).unwrap_or(Timestamp::MAX)
}

impl Problem {
    /// Changes with each change of it.
    pub fn etag(&self) -> String {
        format!("p{}", self.changes)
    }

    /// Takes so many more cases.
    ///
    /// # Errors
    /// Why not; then nothing is changed.
    pub fn take(&mut self, cases: usize) -> Result<(), NoPart> {
        if self.stage != Stage::Open {
            return Err(NoPart::NotOpen);
        }
        let more = i32::try_from(cases).map_err(|_| NoPart::Full)?;
        let all = self.case_count.saturating_add(more);
        if usize::try_from(all).is_ok_and(|all| all > MOST_CASES) {
            return Err(NoPart::Full);
        }
        self.case_count = all;
        self.changes += 1;
        Ok(())
    }

    /// Lets a case go. One without an answer that has no case left is dissolved.
    pub fn let_go(&mut self, leaving: Leaving) {
        self.case_count -= 1;
        self.left_count += 1;
        self.objected_count += i32::from(leaving == Leaving::Objected);
        self.changes += 1;
        if self.case_count == 0 && self.stage == Stage::Open {
            self.stage = Stage::Dissolved;
        }
    }

    /// Whether an author may object at a time: before the answer always, after it for a while.
    ///
    /// # Errors
    /// [`NoPart::Late`].
    pub fn hears_objection(&self, at: Timestamp) -> Result<(), NoPart> {
        match self.answered_at {
            Some(answered_at) if at > objectable_until(answered_at) => Err(NoPart::Late),
            _ => Ok(()),
        }
    }

    /// Is answered.
    ///
    /// # Errors
    /// If it is not open.
    pub fn answer(&mut self, body: &str, at: Timestamp) -> Result<(), NoPart> {
        if self.stage != Stage::Open {
            return Err(NoPart::NotOpen);
        }
        self.stage = Stage::Answered;
        self.body = Some(body.to_owned());
        self.answered_at = Some(at);
        self.changes += 1;
        Ok(())
    }
}

impl Case {
    /// Comes into a common problem. Its office, its clock and its state stay as they are.
    ///
    /// # Errors
    /// Why not; then nothing is changed.
    pub fn group(&mut self, problem: &Problem, at: Timestamp) -> Result<Fact, NoPart> {
        if !self.accused.is_empty() {
            return Err(NoPart::Accuses);
        }
        if self.handling.problem_id.is_some() {
            return Err(NoPart::InOne);
        }
        match self.state {
            State::Assigned | State::Accepted => {}
            State::Replied => return Err(NoPart::Refused(Refusal::AlreadyAnswered)),
            State::Closed(_) => return Err(NoPart::Refused(Refusal::Ended)),
        }
        self.handling.problem_id = Some(problem.problem_id);
        self.handling.lead_office_id = Some(problem.lead_office_id.clone());
        self.moved(at);
        Ok(self.fact(What::Grouped(problem.problem_id, problem.lead_office_id.clone()), at))
    }

    /// Leaves its common problem.
    ///
    /// # Errors
    /// [`NoPart::InNone`].
    pub fn ungroup(&mut self, leaving: Leaving, at: Timestamp) -> Result<Fact, NoPart> {
        let problem_id = self.handling.problem_id.take().ok_or(NoPart::InNone)?;
        self.handling.lead_office_id = None;
        self.moved(at);
        Ok(self.fact(What::Ungrouped(problem_id, leaving.code()), at))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn a_problem() -> Problem {
        Problem {
            problem_id: uuid::Uuid::from_u128(1).into(),
            title: "a title".to_owned(),
            lead_office_id: "130100-g".to_owned(),
            stage: Stage::Open,
            body: None,
            created_at: Timestamp::UNIX_EPOCH,
            answered_at: None,
            case_count: 0,
            left_count: 0,
            objected_count: 0,
            changes: 1,
        }
    }

    #[test]
    fn an_author_objects_until_fourteen_days_after_the_answer() {
        let (mut problem, answered) = (a_problem(), Timestamp::UNIX_EPOCH);
        let last = answered + OBJECTABLE_FOR;
        let late = last + SignedDuration::from_micros(1);
        problem.take(2).unwrap();
        assert_eq!(problem.hears_objection(late), Ok(()), "as long as there is no answer");
        problem.answer("done", answered).unwrap();
        assert_eq!(problem.hears_objection(last), Ok(()));
        assert_eq!(problem.hears_objection(late), Err(NoPart::Late));
    }

    proptest! {
        #[test]
        fn counts_add_up_whatever_comes(steps in prop::collection::vec((0..4_u8, 1..90_usize), 0..40)) {
            let (mut problem, mut inside, mut left) = (a_problem(), 0_usize, 0_usize);
            for (step, many) in steps {
                let before = problem.clone();
                match step {
                    0 | 1 => match problem.take(many) {
                        Ok(()) => inside += many,
                        Err(_) => prop_assert_eq!(&problem, &before),
                    },
                    2 if inside > 0 => {
                        problem.let_go(Leaving::Objected);
                        inside -= 1;
                        left += 1;
                    }
                    3 if inside > 0 => drop(problem.answer("done", Timestamp::UNIX_EPOCH)),
                    _ => {}
                }
                prop_assert_eq!(usize::try_from(problem.case_count).unwrap(), inside);
                prop_assert_eq!(usize::try_from(problem.left_count).unwrap(), left);
                prop_assert!(inside <= MOST_CASES);
                prop_assert!(problem.stage != Stage::Dissolved || inside == 0);
                prop_assert_eq!(problem.stage == Stage::Answered, problem.body.is_some());
            }
        }
    }
}
