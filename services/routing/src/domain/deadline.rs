//! The one clock of the citizen: by when a message must be answered.
//!
//! The day of submission is day 0, whether or not it is worked; days are counted from the next one
//! on, and the deadline is the end of the last day. It is never reset.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::{
    calendar::{self, Calendar},
    directory::Level,
};

/// The longest term that a list may ask for, in days. The law's longest is 60 (Regulations on
/// Petitions, 2022); a walk of days stays short.
pub const MAX_DAYS: u32 = 366;

/// How long an office has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// How many days, 1 to [`MAX_DAYS`].
    pub days: u32,
    /// True if only working days count.
    pub working: bool,
}

/// What is used where no list says anything: seven working days.
const UNLISTED: Term = Term { days: 7, working: true };

/// What a term is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The office; empty for offices without a term of their own.
    pub office_id: String,
    /// The kind; empty for kinds without a term of their own.
    pub kind: String,
    /// The level; none for levels without a term of their own.
    pub level: Option<Level>,
}

/// The terms by office, kind and level.
#[derive(Debug, Clone, Default)]
pub struct Terms(BTreeMap<Scope, Term>);

impl Terms {
    /// Terms by what they are for.
    pub fn new(terms: impl IntoIterator<Item = (Scope, Term)>) -> Self {
        Self(terms.into_iter().collect())
    }

    /// All of them, those for all offices first.
    pub fn iter(&self) -> impl Iterator<Item = (&Scope, Term)> {
        self.0.iter().map(|(scope, term)| (scope, *term))
    }

    /// The term of a kind for an office of a level: the most exact entry there is. What is for one office
    /// comes before what is for many.
    pub fn of(&self, kind: &str, level: Level, office_id: &str) -> Term {
        let scopes = [
            (office_id, kind, None),
            (office_id, "", None),
            ("", kind, Some(level)),
            ("", kind, None),
            ("", "", Some(level)),
            ("", "", None),
        ];
        // Without an office there is none to come before the others.
        let skipped = if office_id.is_empty() { 2 } else { 0 };
        let mut found = scopes.into_iter().skip(skipped).filter_map(|(office_id, kind, level)| {
            let (office_id, kind) = (office_id.to_owned(), kind.to_owned());
            self.0.get(&Scope { office_id, kind, level }).copied()
        });
        found.next().unwrap_or(UNLISTED)
    }
}

/// Why a day counts or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The day.
    pub day: Date,
    /// How many days are counted up to and with it.
    pub counted: u32,
    /// `submission`, `day`, or a code of [`calendar::DayKind`].
    pub reason: &'static str,
}

/// A deadline and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// The end of the last day.
    pub at: Timestamp,
    /// The last day.
    pub on: Date,
    /// What was given.
    pub term: Term,
    /// False if some day was decided by the rule of Monday to Friday for want of an announcement.
    pub calendar_known: bool,
    /// Each day that was passed, the day of submission first.
    pub steps: Vec<Step>,
}

/// Computes the deadline of what was submitted at a moment. `None` at the end of time.
pub fn compute(calendar: &Calendar, term: Term, submitted_at: Timestamp) -> Option<Deadline> {
    let day = calendar::day_of(submitted_at);
    let mut steps = vec![Step { day, counted: 0, reason: "submission" }];
    let days = term.days.clamp(1, MAX_DAYS);
    let (on, calendar_known, walked) = walk(calendar, term.working, day, days)?;
    steps.extend(walked);
    Some(Deadline { at: calendar::end_of(on)?, on, term, calendar_known, steps })
}

/// Goes on from a day until so many days are counted: the last one, whether the calendar was published
/// for all of them, and each day that was passed.
fn walk(
    calendar: &Calendar,
    working: bool,
    mut day: Date,
    days: u32,
) -> Option<(Date, bool, Vec<Step>)> {
    let (mut counted, mut known, mut steps) = (0, true, Vec::new());
    while counted < days {
        day = calendar::next(day)?;
        let kind = calendar.kind(day);
        if working {
            known &= calendar.knows(day);
        }
        if !working || kind.is_worked() {
            counted += 1;
        }
        let reason = if working { kind.code() } else { "day" };
        steps.push(Step { day, counted, reason });
    }
    Some((day, known, steps))
}

/// By what a deadline was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// `wait` or `extension`.
    pub reason: &'static str,
    /// By how many counted days.
    pub days: u32,
    /// The last day after it.
    pub on: Date,
    /// Each day that was passed.
    pub steps: Vec<Step>,
}

/// The deadline after waits for the author that ended and an extension by some counted days, in this
/// order, and each of these. Of a wait counts what lies after the day of submission, and of waits at the
/// same time each day once. `None` at the end of time.
pub fn moved(
    calendar: &Calendar,
    deadline: Deadline,
    waits: &[(Timestamp, Timestamp)],
    extension: u32,
) -> Option<(Deadline, Vec<Move>)> {
    let working = deadline.term.working;
    let waits = apart(deadline.steps.first().map(|step| step.day), waits).into_iter();
    let waits = waits.map(|(first, last)| waited_days(calendar, working, first, last));
    let all = waits.map(|days| ("wait", days)).chain([("extension", extension)]);
    let (mut deadline, mut moves) = (deadline, Vec::new());
    for (reason, days) in all.filter(|(_, days)| *days > 0) {
        let (on, known, steps) = walk(calendar, working, deadline.on, days.min(MAX_DAYS))?;
        deadline.on = on;
        deadline.at = calendar::end_of(on)?;
        deadline.calendar_known &= known;
        moves.push(Move { reason, days, on, steps });
    }
    Some((deadline, moves))
}

/// From which day to which day was waited, from day 0 on: in order, and what overlaps as one.
fn apart(submitted_on: Option<Date>, waits: &[(Timestamp, Timestamp)]) -> Vec<(Date, Date)> {
    let day = calendar::day_of;
    let mut days: Vec<(Date, Date)> = waits
        .iter()
        .map(|(from, until)| {
            (submitted_on.map_or(day(*from), |on| on.max(day(*from))), day(*until))
        })
        .filter(|(first, last)| first <= last)
        .collect();
    days.sort_unstable();
    let mut joined: Vec<(Date, Date)> = Vec::with_capacity(days.len());
    for (first, last) in days {
        match joined.last_mut().filter(|(_, before)| first < *before) {
            Some((_, before)) => *before = last.max(*before),
            None => joined.push((first, last)),
        }
    }
    joined
}

/// Whether a day counts.
fn counts(calendar: &Calendar, working: bool, day: Date) -> bool {
    !working || calendar.kind(day).is_worked()
}

/// A deadline, and whether the calendar was published for all the days on the way to it.
pub type Later = (Timestamp, bool);

/// The deadline that is later by some counted days. `None` at the end of time.
pub fn later(
    calendar: &Calendar,
    working: bool,
    deadline_at: Timestamp,
    days: u32,
) -> Option<Later> {
    let (mut day, mut known) = (calendar::day_of(deadline_at), true);
    for _ in 0..days.min(MAX_DAYS) {
        day = calendar::next(day)?;
        while !counts(calendar, working, day) {
            day = calendar::next(day)?;
        }
        known &= !working || calendar.knows(day);
    }
    Some((calendar::end_of(day)?, known))
}

/// The day that lies some counted days before that of a moment. `None` at the beginning of time.
pub fn earlier(calendar: &Calendar, working: bool, moment: Timestamp, days: u32) -> Option<Date> {
    let mut day = calendar::day_of(moment);
    for _ in 0..days.min(MAX_DAYS) {
        day = calendar::previous(day)?;
        while !counts(calendar, working, day) {
            day = calendar::previous(day)?;
        }
    }
    Some(day)
}

/// How many counted days an office waited: as with submission, the day on which it began is not one
/// of them; that on which it ended is. At most [`MAX_DAYS`].
pub fn waited(calendar: &Calendar, working: bool, from: Timestamp, until: Timestamp) -> u32 {
    waited_days(calendar, working, calendar::day_of(from), calendar::day_of(until))
}

fn waited_days(calendar: &Calendar, working: bool, mut day: Date, last: Date) -> u32 {
    let mut waited = 0;
    while day < last && waited < MAX_DAYS {
        let Some(next) = calendar::next(day) else { break };
        day = next;
        waited += u32::from(counts(calendar, working, day));
    }
    waited
}

#[cfg(test)]
mod tests;
