//! A case: the office's work on one approved message.

use jiff::Timestamp;

use super::{
    CaseId, ConsultationId, MessageId, ReplyId,
    assignment::{self, Rule},
    calendar,
    directory::{Directory, Level, Office, Place},
    handling::Handling,
    promise::Promise,
    routed::Suggested,
    state::{Act, Outcome, Refusal, Standing, State, ends_wait, transition},
};

mod apart;
mod facts;

pub use apart::Parted;
pub use facts::{Fact, What};

/// Who may read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Its author and its office.
    Private,
}

impl Visibility {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// The public text of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// A complaint's demand.
    pub demand: String,
    /// A complaint's details.
    pub details: String,
    /// The place, if its author made it public.
    pub place: String,
}

/// An approved message that waits for its case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The message.
    pub message_id: MessageId,
    /// Its public number.
    pub number: String,
    /// The office that it is for.
    pub office_id: String,
    /// Its kind.
    pub kind: String,
    /// Its domain; may be empty.
    pub domain: String,
    /// Its topic; may be empty.
    pub topic: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// When it was submitted here.
    pub submitted_at: Timestamp,
    /// When it was written in another system.
    pub occurred_at: Option<Timestamp>,
    /// The offices that it accuses.
    pub accused: Vec<String>,
    /// How often its public text was redacted so far.
    pub redactions: i64,
    /// The trace of its approval.
    pub traceparent: Option<String>,
    /// The office to which a superior's decision about the same kind of message leads.
    pub precedent: Option<String>,
    /// What models suggest, where its author chose too little.
    pub suggested: Option<Suggested>,
    /// The consultation to which it belongs.
    pub consultation_id: Option<ConsultationId>,
}

impl Opening {
    /// Whether its public text is kept here: only that of what everybody may read.
    pub fn keeps_text(&self) -> bool {
        self.visibility == Visibility::Public && self.accused.is_empty()
    }
}

/// A case, without its replies and its custody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub case_id: CaseId,
    /// Its message.
    pub message_id: MessageId,
    /// The message's public number.
    pub number: String,
    /// The office that handles it.
    pub office_id: String,
    /// Where that office is.
    pub place: Place,
    /// Kind of the message.
    pub kind: String,
    /// Domain of the message; may be empty.
    pub domain: String,
    /// Topic of the message; may be empty.
    pub topic: String,
    /// Who may read the message.
    pub visibility: Visibility,
    /// The offices that must never learn of it, nor any under them.
    pub accused: Vec<String>,
    /// The public text, of what everybody may read.
    pub text: Option<Text>,
    /// Day 0 of the clock.
    pub submitted_at: Timestamp,
    /// When the office got it.
    pub opened_at: Timestamp,
    /// By when the citizen is to have an answer.
    pub deadline_at: Timestamp,
    /// Whether the calendar was published for all of that time.
    pub calendar_known: bool,
    /// The code of the rule that chose the office.
    pub assigned_by: String,
    /// The version of the model that told its domain; none if its author chose it.
    pub suggested_by: Option<i32>,
    /// Where it stands.
    pub state: State,
    /// When the office accepted it.
    pub accepted_at: Option<Timestamp>,
    /// When it was first answered.
    pub replied_at: Option<Timestamp>,
    /// When it was answered last.
    pub last_replied_at: Option<Timestamp>,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// When the last step was made; none is made before it.
    pub last_step_at: Timestamp,
    /// Counts the changes of the public view, from 1.
    pub revision: i64,
    /// Counts the changes that an official has to know of before the next, from 1.
    pub changes: i64,
    /// How many replies it has.
    pub reply_count: i32,
    /// How many segments of custody it has.
    pub custody_count: i32,
    /// How many of its replies are rated.
    pub rating_count: i32,
    /// How many remembered requests are about it.
    pub request_count: i32,
    /// How often an official looked at its original text.
    pub look_count: i32,
    /// What was done to it beside its states.
    pub handling: Handling,
    /// The consultation to which its message belongs.
    pub consultation_id: Option<ConsultationId>,
}

/// A time in which one office held a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The office.
    pub office_id: String,
    /// The start, inclusive.
    pub from: Timestamp,
    /// The end, exclusive; none while it holds it.
    pub until: Option<Timestamp>,
}

/// An office's public answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its id.
    pub reply_id: ReplyId,
    /// The office that answers.
    pub office_id: String,
    /// The text.
    pub body: String,
    /// When.
    pub replied_at: Timestamp,
    /// When its text was corrected last.
    pub corrected_at: Option<Timestamp>,
    /// Whether it was given although the gate stopped it, with a reason.
    pub overridden: bool,
    /// What it promises, by date.
    pub promises: Vec<Promise>,
}

/// A time in which an office waited for the author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The start, inclusive.
    pub from: Timestamp,
    /// The end, exclusive; none while it waits.
    pub until: Option<Timestamp>,
}

/// Why a historical time cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongTime {
    /// It has not come yet.
    Future,
    /// It is before the last step of the case.
    BeforeLastStep,
}

/// After so many steps from office to office a superior decides.
const HOPS: usize = 2;

impl Case {
    /// Opens the case of an approved message, with its public text if that is kept; withdrawn at
    /// once if the author wished so before. Gives nothing if no office may have it.
    pub fn open(
        opening: &Opening,
        case_id: CaseId,
        text: Option<Text>,
        withdrawn: bool,
        directory: &Directory,
        triage: &[String],
        now: Timestamp,
    ) -> Option<(Self, Vec<Fact>)> {
        let (offices, day) = (&directory.offices, calendar::day_of(now));
        let chosen = assignment::choose(directory, opening, triage, day)?;
        let suggested = opening.suggested.as_ref().and_then(|it| it.domain.as_ref());
        let office = offices.get(&chosen.office_id);
        let level = office.map_or(Level::State, |office| office.level);
        let submitted_at = opening.occurred_at.unwrap_or(opening.submitted_at).min(now);
        // What comes from another system was with its office there from the beginning.
        let opened_at = if opening.occurred_at.is_some() { submitted_at } else { now };
        let deadline =
            directory.deadline(&opening.kind, (&chosen.office_id, level), submitted_at)?;
        let keeps_text = opening.keeps_text() && !withdrawn;
        let mut case = Self {
            case_id,
            message_id: opening.message_id,
            number: opening.number.clone(),
            place: directory.place(office.and_then(|office| office.division_code.as_deref())),
            office_id: chosen.office_id,
            kind: opening.kind.clone(),
            domain: suggested.map_or(&opening.domain, |it| &it.code).clone(),
            topic: opening.topic.clone(),
            visibility: opening.visibility,
            accused: offices.with_successors(&opening.accused),
            text: text.filter(|_| keeps_text),
            submitted_at,
            opened_at,
            deadline_at: deadline.at,
            calendar_known: deadline.calendar_known,
            assigned_by: Rule::code(chosen.rule).to_owned(),
            suggested_by: suggested.map(|it| it.version),
            state: State::Assigned,
            accepted_at: None,
            replied_at: None,
            last_replied_at: None,
            closed_at: None,
            last_step_at: opened_at,
            revision: 1,
            changes: 1,
            reply_count: 0,
            custody_count: 1,
            rating_count: 0,
            request_count: 0,
            look_count: 0,
            handling: Handling::new(deadline.term.working),
            consultation_id: opening.consultation_id,
        };
        let mut facts = vec![case.fact(What::Opened, opened_at)];
        if withdrawn {
            // An office that never had to act hears of no assignment.
            facts.extend(case.act(Act::Withdraw, now.max(opened_at), None).ok()?);
        } else {
            facts.push(case.fact(What::Assigned, opened_at));
        }
        Some((case, facts))
    }

    /// Whether everybody may see it. Nobody else decides this; the table's constraint
    /// `cases_public_rule` repeats it.
    pub fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
            && self.accused.is_empty()
            && self.state.outcome() != Some(Outcome::Withdrawn)
            && self.text.is_some()
    }

    /// Changes with each change that an official has to know of.
    pub fn etag(&self) -> String {
        format!("c{}", self.changes)
    }

    /// When something that is done now takes place: now, or at the time given, if it comes from
    /// another system. Time never goes back within a case.
    ///
    /// # Errors
    /// If the time given cannot be.
    pub fn moment(
        &self,
        historical: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Timestamp, WrongTime> {
        match historical {
            None => Ok(now.max(self.last_step_at)),
            Some(at) if at > now => Err(WrongTime::Future),
            Some(at) if at < self.last_step_at => Err(WrongTime::BeforeLastStep),
            Some(at) => Ok(at),
        }
    }

    /// Does `act` at `at`, with the id of the reply if it is one. A refused act changes nothing.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn act(
        &mut self,
        act: Act,
        at: Timestamp,
        reply_id: Option<ReplyId>,
    ) -> Result<Vec<Fact>, Refusal> {
        let path = transition(self.standing(), act)?;
        let mut facts = Vec::with_capacity(path.len() + 1);
        if self.handling.paused_at.is_some() && ends_wait(act) {
            facts.push(self.end_wait(at));
        }
        for state in path {
            self.state = *state;
            self.revision += 1;
            let what = match (state, reply_id) {
                (State::Assigned, _) => What::Assigned,
                (State::Replied, Some(reply_id)) => {
                    self.reply_count += 1;
                    self.replied_at.get_or_insert(at);
                    self.last_replied_at = Some(at);
                    What::Replied(reply_id, false, None)
                }
                (State::Accepted | State::Replied, _) => {
                    self.accepted_at.get_or_insert(at);
                    What::Accepted
                }
                (State::Closed(outcome), _) => {
                    self.closed_at = Some(at);
                    if *outcome == Outcome::Withdrawn {
                        self.text = None;
                    }
                    What::Closed(*outcome)
                }
            };
            facts.push(self.fact(what, at));
        }
        self.changes += 1;
        self.last_step_at = at;
        Ok(facts)
    }

    /// Whether its office may hand it on to another one by itself; `earlier` are the offices from which
    /// and to which it was handed on before. An office hands down to those below it as often as it
    /// wishes; otherwise a case goes from office to office twice, and then a superior decides.
    ///
    /// # Errors
    /// [`Refusal::HandedOnTwice`].
    pub fn may_hop(
        &self,
        to: &str,
        earlier: &[(String, String)],
        directory: &Directory,
    ) -> Result<(), Refusal> {
        let is_hop =
            |from: &str, to: &str| !directory.offices.upwards(to).any(|above| above == from);
        let hops = earlier.iter().filter(|(from, to)| is_hop(from, to)).count();
        match hops >= HOPS && is_hop(&self.office_id, to) {
            true => Err(Refusal::HandedOnTwice),
            false => Ok(()),
        }
    }

    /// Gives it to another office, chosen by [`assignment::heir`]. Its deadline stays.
    ///
    /// # Errors
    /// Why it cannot be done; then nothing is changed.
    pub fn transfer(
        &mut self,
        to: &Office,
        directory: &Directory,
        at: Timestamp,
    ) -> Result<Vec<Fact>, Refusal> {
        let rule = if self.is_referred() { Rule::Decided } else { Rule::Transferred };
        let from = self.hand_over(Act::Transfer, to, rule, directory, at)?;
        Ok(vec![self.fact(What::Transferred(from), at)])
    }

    /// Gives it to another office by an act that does so, and gives the one that had it.
    pub(super) fn hand_over(
        &mut self,
        act: Act,
        to: &Office,
        rule: Rule,
        directory: &Directory,
        at: Timestamp,
    ) -> Result<String, Refusal> {
        for state in transition(self.standing(), act)? {
            self.state = *state;
        }
        Ok(self.give_to(to, rule, directory, at))
    }

    /// Gives it to another office, in whatever state it is, and gives the one that had it.
    fn give_to(&mut self, to: &Office, rule: Rule, directory: &Directory, at: Timestamp) -> String {
        let from = std::mem::replace(&mut self.office_id, to.office_id.clone());
        self.place = directory.place(to.division_code.as_deref());
        rule.code().clone_into(&mut self.assigned_by);
        self.handling.helpers.retain(|helper| *helper != to.office_id);
        self.custody_count += 1;
        self.moved(at);
        from
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        Standing {
            state: self.state,
            answered: self.reply_count > 0,
            paused: self.handling.paused_at.is_some(),
        }
    }

    /// Counts a change of the view of which an official has to know.
    pub(super) fn moved(&mut self, at: Timestamp) {
        self.revision += 1;
        self.changes += 1;
        self.last_step_at = at;
    }

    /// Takes the public text as it is after a redaction. Gives nothing if none is kept, or if it
    /// is the same.
    pub fn change_text(&mut self, text: Text, at: Timestamp) -> Option<Fact> {
        let kept = self.text.as_mut()?;
        if *kept == text {
            return None;
        }
        *kept = text;
        self.revision += 1;
        self.changes += 1;
        Some(self.fact(What::TextChanged, at))
    }

    /// Loses its text for good, because its author had the message erased. Gives nothing if it kept
    /// none.
    pub fn erase(&mut self, at: Timestamp) -> Option<Fact> {
        self.text.take()?;
        self.revision += 1;
        self.changes += 1;
        Some(self.fact(What::TextChanged, at))
    }

    /// Something that happened and left the view as it was, or changed it just now.
    pub fn fact(&self, what: What, at: Timestamp) -> Fact {
        Fact { what, at, state: self.state, revision: self.revision, public: self.is_public() }
    }
}

#[cfg(test)]
pub(crate) mod tests;
