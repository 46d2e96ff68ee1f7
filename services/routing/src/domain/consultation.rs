//! Consultations: an office asks the public one question for some time, collects suggestions, and then
//! publishes what it took up.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use liuyan_kit::class::Violation;

use super::{
    CaseId, ConsultationId, calendar,
    directory::{Directory, Office},
};

/// How long the fields are, in characters.
const QUESTION_LENGTHS: (usize, usize) = (5, 100);
const DESCRIPTION_LENGTHS: (usize, usize) = (10, 5_000);
const SUMMARY_LENGTHS: (usize, usize) = (10, 5_000);
const WHAT_LENGTHS: (usize, usize) = (5, 1_000);
const TAKEN_UP_BY_LENGTHS: (usize, usize) = (0, 200);
/// How many days lie between the first and the last one at most.
const LONGEST: i32 = 366;
/// How many statements a result has at most, and of how many messages one speaks.
const MOST_STATEMENTS: usize = 50;
const MOST_NUMBERS: usize = 100;

/// Where a consultation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is planned.
    Draft,
    /// It takes messages on its days.
    Open,
    /// It was ended, or its last day is over.
    Closed,
    /// Its result is public.
    Published,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Open, Self::Closed, Self::Published];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Published => "published",
        }
    }

    /// The one with this code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }
}

/// Whether what people suggested was taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uptake {
    /// It was.
    Taken,
    /// A part of it was.
    Partly,
    /// It was not.
    Not,
}

impl Uptake {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Taken, Self::Partly, Self::Not];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Partly => "partly",
            Self::Not => "not",
        }
    }

    /// The one with this code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|uptake| uptake.code() == code)
    }

    /// What several statements together make of one message; none if none speaks of it.
    pub fn together(all: &[Self]) -> Option<Self> {
        let (first, rest) = all.split_first()?;
        Some(if rest.iter().all(|other| other == first) { *first } else { Self::Partly })
    }
}

/// Why something cannot be done with a consultation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not planned any more.
    NotDraft,
    /// It is not open.
    NotOpen,
    /// It is over.
    Over,
    /// It still takes messages, or never did.
    NotOver,
    /// The office that asks, or its division, is no more, or not yet there.
    OfficeExpired,
    /// The office that asks takes no messages.
    OfficeClosed,
}

impl Fault {
    /// Its reason, as callers are told it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotDraft => "CONSULTATION_NOT_PLANNED",
            Self::NotOpen => "CONSULTATION_NOT_OPEN",
            Self::Over => "CONSULTATION_OVER",
            Self::NotOver => "CONSULTATION_NOT_OVER",
            Self::OfficeExpired => "OFFICE_EXPIRED",
            Self::OfficeClosed => "OFFICE_CLOSED",
        }
    }
}

/// Whether an office may ask the public on a day.
fn may_ask(office: &Office, today: Date) -> Result<(), Fault> {
    match (office.is_there(today), office.open) {
        (false, _) => Err(Fault::OfficeExpired),
        (true, false) => Err(Fault::OfficeClosed),
        (true, true) => Ok(()),
    }
}

/// What is asked, by whom and when, as somebody wishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The office that asks.
    pub office_id: String,
    /// The division whose people are asked; empty for that of the office.
    pub division_code: String,
    /// The domain of which it is; may be empty.
    pub domain: String,
    /// What is asked.
    pub question: String,
    /// What people should know to answer.
    pub description: String,
    /// The first day, as it was written.
    pub from_on: String,
    /// The last one.
    pub until_on: String,
}

/// What became of some of the suggestions, by the public numbers of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether they were taken up; none if that is not known.
    pub uptake: Option<Uptake>,
    /// What was suggested, and what the office says of it.
    pub what: String,
    /// By what it was taken up.
    pub taken_up_by: String,
    /// The public numbers.
    pub numbers: Vec<String>,
}

/// A result, as somebody wishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In sum.
    pub summary: String,
    /// What was taken up and what was not.
    pub statements: Vec<Said>,
}

/// A statement of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whether they were taken up.
    pub uptake: Uptake,
    /// What was suggested, and what the office says of it.
    pub what: String,
    /// By what it was taken up.
    pub taken_up_by: String,
    /// The cases of which it speaks, in the order of their ids.
    pub cases: Vec<CaseId>,
}

/// A consultation, without the statements of its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consultation {
    /// Its id.
    pub consultation_id: ConsultationId,
    /// The office that asks.
    pub office_id: String,
    /// The division whose people are asked; none for the whole country.
    pub division_code: Option<String>,
    /// That division and those above it, the highest first.
    pub division_path: Vec<String>,
    /// The domain of which it is; may be empty.
    pub domain: String,
    /// What is asked.
    pub question: String,
    /// What people should know to answer.
    pub description: String,
    /// The first day.
    pub from_on: Date,
    /// The last one.
    pub until_on: Date,
    /// Where it stands.
    pub stage: Stage,
    /// What came out, in sum.
    pub summary: Option<String>,
    /// When it was planned first.
    pub created_at: Timestamp,
    /// When its result was published.
    pub published_at: Option<Timestamp>,
    /// When the result was corrected last.
    pub corrected_at: Option<Timestamp>,
    /// How many statements the result has.
    pub statement_count: i32,
    /// Counts its changes, from 1.
    pub changes: i64,
}

impl Consultation {
    /// Changes with each change.
    pub fn etag(&self) -> String {
        format!("q{}", self.changes)
    }

    /// From when on it takes messages, and until when, exclusive.
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let after = calendar::next(self.until_on)?;
        Some((calendar::start_of(self.from_on)?, calendar::start_of(after)?))
    }

    /// Where it stands on a day: what was opened is over after its last day.
    pub fn stage_on(&self, today: Date) -> Stage {
        match self.stage {
            Stage::Open if today > self.until_on => Stage::Closed,
            stage => stage,
        }
    }

    /// Whether it takes messages on a day.
    pub fn takes(&self, today: Date) -> bool {
        self.stage == Stage::Open && today >= self.from_on && today <= self.until_on
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`Fault::NotDraft`], [`Fault::Over`] if its last day has passed, and [`Fault::OfficeExpired`] or
    /// [`Fault::OfficeClosed`] if its office may not ask any more.
    pub fn open(&mut self, directory: &Directory, today: Date) -> Result<(), Fault> {
        match self.stage {
            Stage::Draft if today > self.until_on => Err(Fault::Over),
            Stage::Draft => {
                let office = directory.offices.get(&self.office_id);
                may_ask(office.ok_or(Fault::OfficeExpired)?, today)?;
                self.step(Stage::Open);
                Ok(())
            }
            _ => Err(Fault::NotDraft),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`Fault::NotOpen`].
    pub fn close(&mut self) -> Result<(), Fault> {
        if self.stage != Stage::Open {
            return Err(Fault::NotOpen);
        }
        self.step(Stage::Closed);
        Ok(())
    }

    /// Publishes its result, or corrects what was published.
    ///
    /// # Errors
    /// [`Fault::NotOver`].
    pub fn publish(
        &mut self,
        summary: String,
        statements: i32,
        now: Timestamp,
    ) -> Result<(), Fault> {
        match self.stage_on(calendar::day_of(now)) {
            Stage::Closed => self.published_at = Some(now),
            Stage::Published => self.corrected_at = Some(now),
            Stage::Draft | Stage::Open => return Err(Fault::NotOver),
        }
        self.step(Stage::Published);
        self.summary = Some(summary);
        self.statement_count = statements;
        Ok(())
    }

    fn step(&mut self, stage: Stage) {
        self.stage = stage;
        self.changes += 1;
    }
}

/// Makes a consultation of a plan, or changes the one that is there. What is asked, by whom, of whom, of
/// which domain and from when on stands once it is open; and nothing is changed once its office is no more.
///
/// # Errors
/// Everything that is wrong.
pub fn plan(
    directory: &Directory,
    wish: Plan,
    known: Option<&Consultation>,
    consultation_id: ConsultationId,
    now: Timestamp,
) -> Result<Consultation, Vec<Violation>> {
    let (today, mut wrong) = (calendar::day_of(now), Vec::new());
    let open = known.is_some_and(|it| it.stage != Stage::Draft);
    length(&mut wrong, "question", &wish.question, QUESTION_LENGTHS);
    length(&mut wrong, "description", &wish.description, DESCRIPTION_LENGTHS);
    let division_code = match directory.offices.get(&wish.office_id) {
        None if wish.office_id.is_empty() => {
            wrong.push(Violation::new("office_id", "FIELD_REQUIRED"));
            None
        }
        None => {
            wrong.push(Violation::new("office_id", "OFFICE_NOT_FOUND"));
            None
        }
        Some(office) => {
            match may_ask(office, today) {
                // What is open goes on while its office takes no messages for a while.
                Err(Fault::OfficeClosed) if open => {}
                Err(fault) => wrong.push(Violation::new("office_id", fault.reason())),
                Ok(()) => {}
            }
            asked(directory, office, &wish.division_code, &mut wrong)
        }
    };
    if !wish.domain.is_empty() && !directory.domains.iter().any(|it| it.domain == wish.domain) {
        wrong.push(Violation::new("domain", "DOMAIN_NOT_FOUND"));
    }
    let first = day(&mut wrong, "from_on", &wish.from_on);
    let last = day(&mut wrong, "until_on", &wish.until_on);
    if first.is_some_and(|first| !open && first < today) {
        wrong.push(Violation::new("from_on", "DAY_PAST"));
    }
    if last.is_some_and(|last| last < today) {
        wrong.push(Violation::new("until_on", "DAY_PAST"));
    }
    if let (Some(first), Some(last)) = (first, last) {
        let days = (last - first).get_days();
        if !(0..=LONGEST).contains(&days) {
            wrong.push(Violation::new("until_on", "SPAN_OF_CONSULTATION"));
        }
    }
    let question = wish.question.trim().to_owned();
    if let Some(known) = known.filter(|_| open) {
        let stands = |wrong: &mut Vec<Violation>, field: &'static str, same: bool| {
            if !same {
                wrong.push(Violation::new(field, "CONSULTATION_STANDS"));
            }
        };
        stands(&mut wrong, "question", known.question == question);
        stands(&mut wrong, "office_id", known.office_id == wish.office_id);
        stands(&mut wrong, "division_code", known.division_code == division_code);
        stands(&mut wrong, "domain", known.domain == wish.domain);
        stands(&mut wrong, "from_on", first.is_none_or(|first| known.from_on == first));
    }
    let (Some(from_on), Some(until_on), true) = (first, last, wrong.is_empty()) else {
        return Err(wrong);
    };
    Ok(Consultation {
        consultation_id,
        division_path: directory.path(division_code.as_deref()),
        office_id: wish.office_id,
        division_code,
        domain: wish.domain,
        question,
        description: wish.description.trim().to_owned(),
        from_on,
        until_on,
        stage: known.map_or(Stage::Draft, |it| it.stage),
        summary: None,
        created_at: known.map_or(now, |it| it.created_at),
        published_at: None,
        corrected_at: None,
        statement_count: 0,
        changes: known.map_or(0, |it| it.changes) + 1,
    })
}

/// The division whose people an office asks: its own, one above it, or one below it.
fn asked(
    directory: &Directory,
    office: &Office,
    wish: &str,
    wrong: &mut Vec<Violation>,
) -> Option<String> {
    let own = office.division_code.as_deref();
    if wish.is_empty() {
        return own.map(str::to_owned);
    }
    let known = directory.division(wish).is_some();
    let near = own.is_none_or(|own| directory.lies_in(wish, own) || directory.lies_in(own, wish));
    if !known || !near {
        let reason = if known { "DIVISION_NOT_OF_OFFICE" } else { "DIVISION_NOT_FOUND" };
        wrong.push(Violation::new("division_code", reason));
    }
    Some(wish.to_owned())
}

/// Checks a result against the cases of its consultation, by their public numbers.
///
/// # Errors
/// Everything that is wrong.
pub fn statements(
    outcome: &Outcome,
    cases: &BTreeMap<String, CaseId>,
) -> Result<Vec<Statement>, Vec<Violation>> {
    let mut wrong = Vec::new();
    length(&mut wrong, "summary", &outcome.summary, SUMMARY_LENGTHS);
    if !(1..=MOST_STATEMENTS).contains(&outcome.statements.len()) {
        wrong.push(Violation::new("statements", "STATEMENTS_COUNT"));
    }
    let mut made = Vec::new();
    for (place, said) in outcome.statements.iter().take(MOST_STATEMENTS).enumerate() {
        let field = |name: &str| format!("statements[{place}].{name}");
        length(&mut wrong, &field("what"), &said.what, WHAT_LENGTHS);
        length(&mut wrong, &field("taken_up_by"), &said.taken_up_by, TAKEN_UP_BY_LENGTHS);
        if said.numbers.len() > MOST_NUMBERS {
            wrong.push(Violation::new(field("numbers"), "NUMBERS_COUNT"));
        }
        let found: Vec<Option<CaseId>> =
            said.numbers.iter().map(|number| cases.get(number).copied()).collect();
        if found.iter().any(Option::is_none) {
            wrong.push(Violation::new(field("numbers"), "NUMBER_NOT_OF_CONSULTATION"));
        }
        let Some(uptake) = said.uptake else {
            wrong.push(Violation::new(field("uptake"), "FIELD_REQUIRED"));
            continue;
        };
        let mut cases: Vec<CaseId> = found.into_iter().flatten().collect();
        cases.sort_unstable();
        cases.dedup();
        let what = said.what.trim().to_owned();
        let taken_up_by = said.taken_up_by.trim().to_owned();
        made.push(Statement { uptake, what, taken_up_by, cases });
    }
    if wrong.is_empty() { Ok(made) } else { Err(wrong) }
}

fn length(wrong: &mut Vec<Violation>, field: &str, text: &str, (least, most): (usize, usize)) {
    let has = text.trim().chars().count();
    if !(least..=most).contains(&has) {
        let reason = match field.rsplit('.').next().unwrap_or(field) {
            "question" => "QUESTION_LENGTH",
            "description" => "DESCRIPTION_LENGTH",
            "summary" => "SUMMARY_LENGTH",
            "what" => "STATEMENT_LENGTH",
            _ => "TAKEN_UP_BY_LENGTH",
        };
        let violation = Violation::new(field, reason).with("least", least).with("most", most);
        wrong.push(violation.with("has", has));
    }
}

fn day(wrong: &mut Vec<Violation>, field: &'static str, text: &str) -> Option<Date> {
    let day = text.parse().ok();
    if day.is_none() {
        let reason = if text.is_empty() { "FIELD_REQUIRED" } else { "DATE_MALFORMED" };
        wrong.push(Violation::new(field, reason));
    }
    day
}

#[cfg(test)]
mod tests;
