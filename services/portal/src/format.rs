//! How times and numbers look on a page. All times are those of China (UTC+8, no summer time).

use jiff::{Timestamp, civil::Date, tz::Offset};
use liuyan_kit::clock;

use crate::visit::Visit;

/// A moment as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// For programs (`<time datetime>`).
    pub(crate) iso: String,
    /// For people.
    pub(crate) text: String,
}

/// China Standard Time.
const CHINA: Offset = Offset::constant(8);

/// The day in China.
pub(crate) fn day_of(time: Timestamp) -> Date {
    CHINA.to_datetime(time).date()
}

impl Visit {
    /// Day and time of a moment that a service told; `None` for none.
    pub(crate) fn moment(&self, time: Option<&prost_types::Timestamp>) -> Option<When> {
        time.and_then(clock::from_proto).map(|time| self.moment_of(time))
    }

    /// Day and time of a moment.
    pub(crate) fn moment_of(&self, time: Timestamp) -> When {
        let zoned = CHINA.to_datetime(time);
        let clock = format!("{:02}:{:02}", zoned.hour(), zoned.minute());
        let date = self.date(zoned.date());
        let text = self.t2("format-moment", "date", date, "time", clock);
        When { iso: time.to_string(), text }
    }

    /// The day of a moment that a service told; `None` for none.
    pub(crate) fn day(&self, time: Option<&prost_types::Timestamp>) -> Option<When> {
        let time = time.and_then(clock::from_proto)?;
        let date = day_of(time);
        Some(When { iso: date.to_string(), text: self.date(date) })
    }

    /// A date.
    pub(crate) fn date(&self, date: Date) -> String {
        let month = if self.is_chinese() {
            date.month().to_string()
        } else {
            self.t(&format!("month-{}", date.month()))
        };
        crate::words::WORDS.text(
            self.locale(),
            "format-date",
            &[("year", date.year().to_string()), ("month", month), ("day", date.day().to_string())],
        )
    }

    /// A day as services write it, `2026-07-31`; what is no day stays as it is.
    pub(crate) fn date_of(&self, day: &str) -> String {
        day.parse().map_or_else(|_| day.to_owned(), |date| self.date(date))
    }

    /// A month, `2026-07`.
    pub(crate) fn month(&self, key: &str) -> String {
        let parts = key.split_once('-');
        let parts = parts.and_then(|(year, month)| Some((year, month.parse::<u8>().ok()?)));
        let Some((year, month @ 1..=12)) = parts else { return key.to_owned() };
        let month =
            if self.is_chinese() { month.to_string() } else { self.t(&format!("month-{month}")) };
        self.t2("format-month", "year", year, "month", month)
    }
}

/// A number with its thousands apart.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole, in percent with one decimal. What is not the whole is never shown as 100 %.
pub(crate) fn percent(ratio: f64) -> String {
    let tenths = (ratio * 1_000.0).round();
    let tenths = if ratio < 1.0 && tenths >= 1_000.0 { 999.0 } else { tenths };
    format!("{:.1}%", tenths / 10.0)
}

/// A number with one decimal.
pub(crate) fn decimal(number: f64) -> String {
    format!("{number:.1}")
}

/// A number of days: whole ones without a decimal.
pub(crate) fn days(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number:.0}") } else { decimal(number) }
}

/// The beginning of a text, in whole characters, with an ellipsis if something is left out.
pub(crate) fn beginning(text: &str, characters: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = text.chars().take(characters).collect();
    if short.len() < text.len() {
        short.push('\u{2026}');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_thousands_and_percents() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")]
        {
            assert_eq!(count(number), text);
        }
        for (ratio, text) in
            [(0.0, "0.0%"), (0.873_4, "87.3%"), (0.999_9, "99.9%"), (1.0, "100.0%")]
        {
            assert_eq!(percent(ratio), text);
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(beginning("a  b\nc", 9), "a b c");
        assert_eq!(beginning("路灯不亮了", 3), "路灯不\u{2026}");
    }

    #[test]
    fn a_day_is_that_of_china() {
        let time: Timestamp = "2026-07-03T16:30:00Z".parse().unwrap();
        assert_eq!(day_of(time).to_string(), "2026-07-04");
    }
}
