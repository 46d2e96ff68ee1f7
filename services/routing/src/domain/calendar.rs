//! Which days are working days in mainland China: Monday to Friday, except for the days off and
//! the make-up working days (调休) that the General Office of the State Council announces for
//! each year.

use std::collections::BTreeMap;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday, date},
    tz::Offset,
};

/// China Standard Time: eight hours ahead of UTC all year. It has known no summer time since 1992,
/// so a fixed offset is exact for every date that this board can see.
pub const CHINA: Offset = Offset::constant(8);

/// A day on which the rule of Monday to Friday does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The holiday's name.
    pub name: String,
    /// True for a day off, false for a make-up working day.
    pub off: bool,
}

/// What a day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// Monday to Friday, and worked.
    Working,
    /// Saturday or Sunday, and off.
    Weekend,
    /// Off by announcement.
    Holiday,
    /// Worked by announcement, to make up for a day off.
    MakeUp,
}

impl DayKind {
    /// Whether offices work on such a day.
    pub fn is_worked(self) -> bool {
        matches!(self, Self::Working | Self::MakeUp)
    }

    /// Its code in the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::Working => "working_day",
            Self::Weekend => "weekend",
            Self::Holiday => "holiday",
            Self::MakeUp => "make_up_day",
        }
    }
}

/// The published calendar.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    exceptions: BTreeMap<Date, Exception>,
    /// The year whose announcement contains each of these days.
    announced: BTreeMap<Date, i16>,
    /// The announcements from which editors put years.
    sources: BTreeMap<i16, String>,
    years: Option<(i16, i16)>,
    /// Its version.
    pub version: u32,
}

impl Calendar {
    /// A calendar of exceptions, each with the year whose announcement contains it. It covers the
    /// years from the first to the last announcement.
    pub fn new(version: u32, days: impl IntoIterator<Item = (Date, Exception, i16)>) -> Self {
        let mut calendar = Self { version, ..Self::default() };
        for (day, exception, year) in days {
            let (first, last) = calendar.years.unwrap_or((year, year));
            calendar.years = Some((first.min(year), last.max(year)));
            calendar.exceptions.insert(day, exception);
            calendar.announced.insert(day, year);
        }
        calendar
    }

    /// The calendar with the announcements from which editors put years.
    pub fn put_from(self, sources: impl IntoIterator<Item = (i16, String)>) -> Self {
        Self { sources: sources.into_iter().collect(), ..self }
    }

    /// The announcement from which an editor put a year.
    pub fn source_of(&self, year: i16) -> Option<&str> {
        self.sources.get(&year).map(String::as_str)
    }

    /// The years that are covered, the first and the last.
    pub fn years(&self) -> Option<(i16, i16)> {
        self.years
    }

    /// The year whose announcement contains a day on which Monday to Friday does not hold.
    pub fn announced_for(&self, day: Date) -> Option<i16> {
        self.announced.get(&day).copied()
    }

    /// What `day` is. Outside the published years this is the rule of Monday to Friday alone:
    /// ask [`Calendar::knows`].
    pub fn kind(&self, day: Date) -> DayKind {
        match self.exceptions.get(&day) {
            Some(Exception { off: true, .. }) => DayKind::Holiday,
            Some(Exception { off: false, .. }) => DayKind::MakeUp,
            None if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) => {
                DayKind::Weekend
            }
            None => DayKind::Working,
        }
    }

    /// Whether the announcement that decides about `day` is in this calendar.
    pub fn knows(&self, day: Date) -> bool {
        self.years.is_some_and(|(first, last)| (first..=last).contains(&day.year()))
    }

    /// The last day that it covers.
    pub fn last_day(&self) -> Option<Date> {
        self.years.map(|(_, last)| date(last, 12, 31))
    }

    /// The exceptions of one year, by date.
    pub fn of_year(&self, year: i16) -> impl Iterator<Item = (Date, &Exception)> {
        self.exceptions
            .iter()
            .filter(move |(day, _)| day.year() == year)
            .map(|(day, exception)| (*day, exception))
    }
}

/// The day in China at a moment.
pub fn day_of(moment: Timestamp) -> Date {
    CHINA.to_datetime(moment).date()
}

/// The last moment of a day in China, in the microseconds that the database keeps. `None` at the
/// end of time.
pub fn end_of(day: Date) -> Option<Timestamp> {
    CHINA.to_timestamp(day.at(23, 59, 59, 999_999_000)).ok()
}

/// The day after; `None` at the end of time.
pub fn next(day: Date) -> Option<Date> {
    day.checked_add(1.day()).ok()
}

/// The day before; `None` at the beginning of time.
pub fn previous(day: Date) -> Option<Date> {
    day.checked_sub(1.day()).ok()
}

/// The first moment of a day in China. `None` at the beginning of time.
pub fn start_of(day: Date) -> Option<Timestamp> {
    CHINA.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

/// Nine o'clock in China of a day.
pub fn morning_of(day: Date) -> Option<Timestamp> {
    CHINA.to_timestamp(day.at(9, 0, 0, 0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lists;

    fn calendar() -> &'static Calendar {
        &lists::shared().calendar
    }

    #[test]
    fn the_embedded_calendar_knows_make_up_days_and_holidays() {
        let calendar = calendar();
        for (day, kind) in [
            (date(2026, 9, 20), DayKind::MakeUp),
            (date(2026, 9, 25), DayKind::Holiday),
            (date(2026, 10, 10), DayKind::MakeUp),
            (date(2026, 10, 11), DayKind::Weekend),
            (date(2026, 10, 8), DayKind::Working),
            (date(2026, 2, 14), DayKind::MakeUp),
            (date(2026, 2, 21), DayKind::Holiday),
            (date(2006, 12, 30), DayKind::MakeUp),
        ] {
            assert_eq!(calendar.kind(day), kind, "{day}");
        }
    }

    #[test]
    fn it_does_not_pretend_to_know_years_that_were_not_announced() {
        let calendar = calendar();
        assert!(calendar.knows(date(2026, 12, 31)));
        assert!(!calendar.knows(date(2027, 1, 1)));
        assert!(!calendar.knows(date(2006, 12, 30)));
        assert_eq!(calendar.last_day(), Some(date(2026, 12, 31)));
        assert!(!Calendar::default().knows(date(2026, 1, 1)));
    }

    #[test]
    fn a_day_in_china_begins_eight_hours_before_that_of_greenwich() {
        let moment: Timestamp = "2026-09-30T15:59:59.999999Z".parse().unwrap();
        assert_eq!(day_of(moment), date(2026, 9, 30));
        assert_eq!(end_of(date(2026, 9, 30)), Some(moment));
        assert_eq!(day_of("2026-09-30T16:00:00Z".parse().unwrap()), date(2026, 10, 1));
    }
}
