//! What an editor may put into the calendar, the terms and the competences.

use std::{collections::BTreeSet, ops::RangeInclusive};

use jiff::civil::{Date, Weekday};

use super::{
    calendar::Exception,
    competence::Matter,
    deadline::{MAX_DAYS, Scope, Term},
    directory::Directory,
    editing::Fault,
    lists::Holiday,
};

/// How many days an announcement names.
const DAYS: RangeInclusive<usize> = 1..=100;
/// How long the name of an announcement, or of a holiday, is, in characters.
const SOURCE_LENGTHS: RangeInclusive<usize> = 2..=200;
const HOLIDAY_LENGTHS: RangeInclusive<usize> = 1..=30;

/// A year's announcement as an editor wants it.
#[derive(Debug, Clone)]
pub struct YearDraft {
    /// The year.
    pub year: i32,
    /// Dates as YYYY-MM-DD with what they are.
    pub days: Vec<(String, Exception)>,
    /// The announcement.
    pub source: String,
}

/// A year's announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Year {
    /// The year.
    pub year: i16,
    /// Its days.
    pub days: Vec<Holiday>,
    /// The announcement.
    pub source: String,
}

/// The announcement that a draft describes.
///
/// # Errors
/// Everything that is wrong with it.
pub fn year(directory: &Directory, draft: &YearDraft) -> Result<Year, Vec<Fault>> {
    let mut faults = Vec::new();
    let year = i16::try_from(draft.year).unwrap_or_default();
    // A year that is left out would count as known.
    let known = directory.calendar.years();
    if known.is_some_and(|(first, last)| !(first..=last.saturating_add(1)).contains(&year)) {
        faults.push(Fault::new("year", "YEAR_GAP"));
    }
    if !SOURCE_LENGTHS.contains(&draft.source.trim().chars().count()) {
        faults.push(Fault::new("source", "SOURCE_LENGTH"));
    }
    if !DAYS.contains(&draft.days.len()) {
        faults.push(Fault::new("days", "DAYS_COUNT"));
    }
    let (mut days, mut seen) = (Vec::new(), BTreeSet::new());
    for (date, exception) in draft.days.iter().take(*DAYS.end()) {
        match holiday(directory, year, date, exception) {
            Err((field, reason)) => faults.push(Fault::new(field, reason)),
            Ok(day) if !seen.insert(day.day) => {
                faults.push(Fault::new("days.date", "DAY_TWICE"));
            }
            Ok(day) => days.push(day),
        }
    }
    faults.dedup();
    let source = draft.source.trim().to_owned();
    if faults.is_empty() { Ok(Year { year, days, source }) } else { Err(faults) }
}

fn holiday(
    directory: &Directory,
    year: i16,
    date: &str,
    exception: &Exception,
) -> Result<Holiday, (&'static str, &'static str)> {
    let day = date.parse::<Date>().map_err(|_| ("days.date", "DATE_MALFORMED"))?;
    let near = match i32::from(day.year()) - i32::from(year) {
        0 => true,
        -1 => day.month() == 12,
        1 => day.month() == 1,
        _ => false,
    };
    let other = directory.calendar.announced_for(day).is_some_and(|of| of != year);
    let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    if !near || other {
        return Err(("days.date", "DAY_OF_OTHER_YEAR"));
    }
    if !exception.off && !weekend {
        return Err(("days.off", "MAKE_UP_ON_WEEKDAY"));
    }
    let name = exception.name.trim();
    if !HOLIDAY_LENGTHS.contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(("days.name", "TEXT_MALFORMED"));
    }
    Ok(Holiday { day, name: name.to_owned(), off: exception.off, schedule_year: year })
}

/// Whether a term may be put. What it is for is known, and the days are in bounds.
///
/// # Errors
/// Everything that is wrong with it.
pub fn term(directory: &Directory, scope: &Scope, term: Term) -> Result<(), Vec<Fault>> {
    let mut faults = scope_faults(directory, scope);
    if !(1..=MAX_DAYS).contains(&term.days) {
        faults.push(Fault::new("term.days", "TERM_DAYS"));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn scope_faults(directory: &Directory, scope: &Scope) -> Vec<Fault> {
    let mut faults = Vec::new();
    let known = |kind: &str| directory.kinds.iter().any(|it| it.kind == kind);
    if !scope.kind.is_empty() && !known(&scope.kind) {
        faults.push(Fault::new("term.kind", "VALUE_UNKNOWN"));
    }
    if !scope.office_id.is_empty() {
        if directory.offices.get(&scope.office_id).is_none() {
            faults.push(Fault::new("term.office_id", "OFFICE_NOT_FOUND"));
        }
        // An office has one level: a line with another would never be in force.
        if scope.level.is_some() {
            faults.push(Fault::new("term.level", "LEVEL_OF_OFFICE"));
        }
    }
    faults
}

/// Whether a competence may be put on a day: the office is there and takes messages, and is of the division
/// or of one above it, or of the state.
///
/// # Errors
/// Everything that is wrong with it.
pub fn competence(
    directory: &Directory,
    matter: &Matter,
    office_id: &str,
    today: Date,
) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let known = |kind: &str| directory.kinds.iter().any(|it| it.kind == kind);
    if directory.division(&matter.division_code).is_none() {
        faults.push(Fault::new("competence.division_code", "DIVISION_NOT_FOUND"));
    }
    match directory.domains.iter().find(|it| it.domain == matter.domain) {
        None => faults.push(Fault::new("competence.domain", "VALUE_UNKNOWN")),
        Some(domain) => {
            if !matter.topic.is_empty() && !domain.topics.contains(&matter.topic) {
                faults.push(Fault::new("competence.topic", "VALUE_UNKNOWN"));
            }
        }
    }
    if !matter.kind.is_empty() && !known(&matter.kind) {
        faults.push(Fault::new("competence.kind", "VALUE_UNKNOWN"));
    }
    match directory.offices.get(office_id) {
        None => faults.push(Fault::new("competence.office_id", "OFFICE_NOT_FOUND")),
        Some(office) if !office.open => {
            faults.push(Fault::new("competence.office_id", "OFFICE_CLOSED"));
        }
        Some(office) if !office.is_there(today) => {
            faults.push(Fault::new("competence.office_id", "OFFICE_EXPIRED"));
        }
        Some(office) => {
            let code = office.division_code.as_deref();
            if code.is_some_and(|top| !directory.lies_in(&matter.division_code, top)) {
                faults.push(Fault::new("competence.office_id", "OFFICE_OF_OTHER_DIVISION"));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lists;

    fn told(faults: &[Fault]) -> Vec<(&'static str, &'static str)> {
        faults.iter().map(|fault| (fault.field, fault.reason)).collect()
    }

    fn draft(year: i32, days: &[(&str, bool)]) -> YearDraft {
        let exception = |off| Exception { name: "春节".to_owned(), off };
        let days = days.iter().map(|(day, off)| ((*day).to_owned(), exception(*off))).collect();
        YearDraft { year, days, source: "a notice".to_owned() }
    }

    #[test]
    fn the_next_year_can_be_put_and_none_is_left_out() {
        let directory = lists::shared();
        let next = draft(2027, &[("2027-02-08", true), ("2027-02-20", false)]);
        assert_eq!(year(directory, &next).unwrap().days.len(), 2);
        for (draft, field, reason) in [
            (draft(2028, &[("2028-01-03", true)]), "year", "YEAR_GAP"),
            (draft(2027, &[]), "days", "DAYS_COUNT"),
            (draft(2027, &[("2027-02-30", true)]), "days.date", "DATE_MALFORMED"),
            (draft(2027, &[("2029-02-20", true)]), "days.date", "DAY_OF_OTHER_YEAR"),
            (draft(2027, &[("2026-10-01", true)]), "days.date", "DAY_OF_OTHER_YEAR"),
            (draft(2027, &[("2027-02-08", false)]), "days.off", "MAKE_UP_ON_WEEKDAY"),
            (draft(2027, &[("2027-02-08", true), ("2027-02-08", true)]), "days.date", "DAY_TWICE"),
            (YearDraft { source: String::new(), ..next.clone() }, "source", "SOURCE_LENGTH"),
        ] {
            let faults = year(directory, &draft).unwrap_err();
            assert_eq!(told(&faults), [(field, reason)]);
        }
    }
}
