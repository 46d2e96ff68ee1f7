//! Months and days as people in China count them.

use std::fmt;

use jiff::{
    Timestamp,
    civil::Date,
    tz::{self, Offset},
};

/// China Standard Time: one offset for the whole country, all year round.
const CHINA: Offset = tz::offset(8);

/// A month of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

impl Month {
    /// Before every month.
    pub const FIRST: Self = Self(0);
    /// After every month.
    pub const LAST: Self = Self(999_999);

    /// The month in China at a moment.
    pub fn of(moment: Timestamp) -> Self {
        let day = day_of(moment);
        Self(i32::from(day.year()) * 100 + i32::from(day.month()))
    }

    /// Reads `2026-07`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits = |part: &str, length| {
            let right = part.len() == length && part.bytes().all(|digit| digit.is_ascii_digit());
            right.then(|| part.parse::<i32>().ok()).flatten()
        };
        let (year, month) = (digits(year, 4)?, digits(month, 2)?);
        (year > 0 && (1..=12).contains(&month)).then_some(Self(year * 100 + month))
    }

    /// As it is stored: 202607.
    pub fn number(self) -> i32 {
        self.0
    }

    /// A month that was stored.
    pub fn stored(number: i32) -> Self {
        Self(number)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 100, self.0 % 100)
    }
}

/// The day in China at a moment.
fn day_of(moment: Timestamp) -> Date {
    CHINA.to_datetime(moment).date()
}

/// Calendar days in China from one moment to another; none if the second is not later.
pub fn days_between(from: Timestamp, to: Timestamp) -> u32 {
    let days = day_of(from).until(day_of(to)).map(|span| span.get_days());
    days.ok().and_then(|days| u32::try_from(days).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_begins_at_midnight_in_china() {
        assert_eq!(Month::of(at("2026-06-30T15:59:59Z")).to_string(), "2026-06");
        assert_eq!(Month::of(at("2026-06-30T16:00:00Z")).to_string(), "2026-07");
    }

    #[test]
    fn only_a_year_and_a_month_are_a_month() {
        assert_eq!(Month::parse("2026-07").map(Month::number), Some(202_607));
        for wrong in ["", "2026", "2026-13", "2026-00", "26-07", "2026-7", "0000-01", "+026-07"] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_are_counted_by_the_calendar() {
        let submitted = at("2026-07-01T15:00:00Z");
        assert_eq!(days_between(submitted, at("2026-07-01T15:59:00Z")), 0);
        assert_eq!(days_between(submitted, at("2026-07-01T16:00:00Z")), 1);
        assert_eq!(days_between(submitted, at("2026-09-01T01:00:00Z")), 62);
        assert_eq!(days_between(submitted, at("2020-01-01T00:00:00Z")), 0);
    }
}
