//! What is done to a case beside its states: waiting for the author, more time, going back, help,
//! corrections, and being watched.

use jiff::Timestamp;

use super::{
    ProblemId, ReplyId,
    assignment::{Rule, Unfit, heir, superior, triage_on},
    calendar,
    case::{Case, Fact, What},
    deadline::{later, waited},
    directory::Directory,
    state::{Act, Refusal, transition},
};

/// The longest extension, in counted days: Regulations on Petitions (2022), article 34.
pub const MAX_EXTENSION: u32 = 30;
/// The most offices that help with a case.
pub const MOST_HELPERS: usize = 8;

/// What was done to a case beside its states.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handling {
    /// Whether its deadline counts working days; else all days.
    pub working_days: bool,
    /// Since when its office waits for the author.
    pub paused_at: Option<Timestamp>,
    /// How often it waited.
    pub pause_count: i32,
    /// When the deadline was extended.
    pub extended_at: Option<Timestamp>,
    /// How often it was given back.
    pub return_count: i32,
    /// The offices that help, in the order in which they were asked.
    pub helpers: Vec<String>,
    /// Since when it is watched.
    pub supervised_at: Option<Timestamp>,
    /// How many corrections its replies have seen.
    pub correction_count: i32,
    /// How often its author asked on.
    pub follow_up_count: i32,
    /// How many promises its replies hold.
    pub promise_count: i32,
    /// When the next step of its clock is to be looked at; none if there is none.
    pub step_due_at: Option<Timestamp>,
    /// How many steps of its clock were said.
    pub step_count: i32,
    /// How many acts its log has.
    pub act_count: i32,
    /// The hash of the last act.
    pub act_hash: Vec<u8>,
    /// The common problem in which it is.
    pub problem_id: Option<ProblemId>,
    /// The office that leads that one.
    pub lead_office_id: Option<String>,
    /// Whether editors show it, or showed it, as one that was handled well.
    pub model: bool,
}

impl Handling {
    /// Of a new case, to which nothing was done.
    pub fn new(working_days: bool) -> Self {
        Self { working_days, ..Self::default() }
    }
}

/// Why an author asks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// The reply does not answer what was asked.
    NotAnswered,
    /// What the reply says was done, was not.
    NotDone,
    /// The reply can't be understood.
    Unclear,
    /// What the reply says is not so.
    Wrong,
}

impl Ground {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAnswered => "not_answered",
            Self::NotDone => "not_done",
            Self::Unclear => "unclear",
            Self::Wrong => "wrong",
        }
    }

    /// The ground with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::NotAnswered, Self::NotDone, Self::Unclear, Self::Wrong]
            .into_iter()
            .find(|ground| ground.code() == code)
    }
}

/// Why a case is worked on again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An official said so.
    Official,
    /// What a reply promised was not done in time.
    PromiseBroken,
    /// Its author wants no answer that others get, too.
    Objected,
}

impl Cause {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::PromiseBroken => "promise_broken",
            Self::Objected => "objected",
        }
    }
}

/// Why a case cannot be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReturn {
    /// Its standing does not allow it.
    Refused(Refusal),
    /// That office cannot have it.
    Unfit(Unfit),
}

/// Where a case was before, as far as that decides where it may go.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The offices that held it.
    pub held_by: &'a [String],
    /// The office that gave it back first, if one did.
    pub first_returner: Option<&'a str>,
    /// Offices, in order of choice, that decide where nobody stands above both.
    pub triage: &'a [String],
}

impl Case {
    /// Whether two offices have given it back and the one that has it is to decide.
    pub fn is_referred(&self) -> bool {
        self.assigned_by == Rule::Referred.code()
    }

    /// Whether a superior has decided who handles it.
    pub fn is_decided(&self) -> bool {
        self.assigned_by == Rule::Decided.code()
    }

    /// Gives it back to the office named: at the first time to that office, at the second to the
    /// nearest one above both that gave it back. Nobody gives it back a third time. The deadline
    /// stays.
    ///
    /// # Errors
    /// Why it cannot be done; then nothing is changed.
    pub fn give_back(
        &mut self,
        named: &str,
        way: Way<'_>,
        directory: &Directory,
        at: Timestamp,
    ) -> Result<Vec<Fact>, NoReturn> {
        transition(self.standing(), Act::Return).map_err(NoReturn::Refused)?;
        if self.handling.return_count >= 2 {
            return Err(NoReturn::Refused(Refusal::ReturnedTwice));
        }
        let offices = &directory.offices;
        let right = heir(offices, &self.office_id, named, &self.accused, calendar::day_of(at));
        let right = right.map_err(NoReturn::Unfit)?;
        let (to, rule) = match way.first_returner {
            None if way.held_by.iter().any(|held| held == named) => {
                return Err(NoReturn::Unfit(Unfit::HadIt));
            }
            None => (right.clone(), Rule::Returned),
            Some(first) => {
                let holder = self.office_id.clone();
                let (both, day) = ((holder.as_str(), first), calendar::day_of(at));
                let triage = triage_on(directory, way.triage, day);
                let found = superior(offices, both, &self.accused, &triage, day);
                (found.ok_or(NoReturn::Unfit(Unfit::NoSuperior))?.clone(), Rule::Referred)
            }
        };
        let from = self.hand_over(Act::Return, &to, rule, directory, at);
        let from = from.map_err(NoReturn::Refused)?;
        self.handling.return_count += 1;
        Ok(vec![self.fact(What::Returned(from, rule == Rule::Referred), at)])
    }

    /// Waits for the author: the clock stands.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn pause(&mut self, at: Timestamp) -> Result<Vec<Fact>, Refusal> {
        transition(self.standing(), Act::Pause)?;
        self.handling.paused_at = Some(at);
        self.handling.pause_count += 1;
        self.moved(at);
        Ok(vec![self.fact(What::Paused, at)])
    }

    /// Ends the wait. If it is not answered, the deadline is later by the days of waiting.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn resume(&mut self, directory: &Directory, at: Timestamp) -> Result<Vec<Fact>, Refusal> {
        transition(self.standing(), Act::Resume)?;
        let (working, calendar) = (self.handling.working_days, &directory.calendar);
        let from = self.handling.paused_at.unwrap_or(at);
        if self.reply_count == 0 {
            let days = waited(calendar, working, from, at);
            self.move_deadline(later(calendar, working, self.deadline_at, days));
        }
        let fact = self.end_wait(at);
        self.changes += 1;
        self.last_step_at = at;
        Ok(vec![fact])
    }

    /// Ends the wait with the deadline as it is.
    pub(super) fn end_wait(&mut self, at: Timestamp) -> Fact {
        self.handling.paused_at = None;
        self.revision += 1;
        self.fact(What::Resumed, at)
    }

    fn move_deadline(&mut self, moved: Option<(Timestamp, bool)>) {
        if let Some((deadline_at, known)) = moved {
            self.deadline_at = deadline_at;
            self.calendar_known &= known;
        }
    }

    /// Takes more time, once, before the deadline has passed.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn extend(
        &mut self,
        days: u32,
        directory: &Directory,
        at: Timestamp,
    ) -> Result<Vec<Fact>, Refusal> {
        transition(self.standing(), Act::Extend)?;
        if self.handling.extended_at.is_some() {
            return Err(Refusal::AlreadyExtended);
        }
        if at > self.deadline_at {
            return Err(Refusal::DeadlinePassed);
        }
        let (working, days) = (self.handling.working_days, days.clamp(1, MAX_EXTENSION));
        self.move_deadline(later(&directory.calendar, working, self.deadline_at, days));
        self.handling.extended_at = Some(at);
        self.moved(at);
        Ok(vec![self.fact(What::Extended, at)])
    }

    /// Asks another office to help, chosen by [`heir`].
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn invite(&mut self, helper: &str, at: Timestamp) -> Result<Vec<Fact>, Refusal> {
        transition(self.standing(), Act::Invite)?;
        if self.handling.helpers.iter().any(|it| it == helper) {
            return Err(Refusal::AlreadyHelps);
        }
        if self.handling.helpers.len() >= MOST_HELPERS {
            return Err(Refusal::EnoughHelpers);
        }
        self.handling.helpers.push(helper.to_owned());
        self.moved(at);
        Ok(vec![self.fact(What::HelperInvited(helper.to_owned()), at)])
    }

    /// Corrects a reply of this case.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn correct(&mut self, reply_id: ReplyId, at: Timestamp) -> Result<Vec<Fact>, Refusal> {
        transition(self.standing(), Act::Correct)?;
        self.handling.correction_count += 1;
        self.moved(at);
        Ok(vec![self.fact(What::Corrected(reply_id), at)])
    }

    /// Works on it again. Its office is taken to have held it all along.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn reopen(&mut self, cause: Cause, at: Timestamp) -> Result<Vec<Fact>, Refusal> {
        self.go_back(Act::Reopen, What::Reopened(cause.code()), at)
    }

    /// The author asks on because of a reply of this case.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn ask_on(
        &mut self,
        reply_id: ReplyId,
        ground: Ground,
        at: Timestamp,
    ) -> Result<Vec<Fact>, Refusal> {
        let facts = self.go_back(Act::AskOn, What::FollowUpAsked(reply_id, ground.code()), at)?;
        self.handling.follow_up_count += 1;
        Ok(facts)
    }

    fn go_back(&mut self, act: Act, what: What, at: Timestamp) -> Result<Vec<Fact>, Refusal> {
        for state in transition(self.standing(), act)? {
            self.state = *state;
        }
        self.closed_at = None;
        self.accepted_at.get_or_insert(at);
        self.moved(at);
        Ok(vec![self.fact(what, at)])
    }

    /// Watches it. `superior` is the office above that is told. The view stays as it is.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn supervise(
        &mut self,
        cause: &'static str,
        superior: Option<String>,
        at: Timestamp,
    ) -> Result<Vec<Fact>, Refusal> {
        transition(self.standing(), Act::Supervise)?;
        if self.handling.supervised_at.is_some() {
            return Err(Refusal::AlreadySupervised);
        }
        self.handling.supervised_at = Some(at);
        self.changes += 1;
        Ok(vec![self.fact(What::Supervised(cause, superior), at)])
    }
}

#[cfg(test)]
mod tests;
