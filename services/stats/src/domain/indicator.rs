//! Indicators: data with a version, from which every figure follows.

use std::cmp::Ordering;

use super::measure::{Measure, Measures, Wait};

/// The definitions of this release.
pub const DATA: &str = include_str!("../../data/indicators.csv");
/// Their version; a release that changes the file raises it.
pub const VERSION: u32 = 2;

/// What an indicator's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A part of a whole.
    Ratio,
    /// Days.
    Days,
    /// The mean of marks from 1 to 5.
    Mark,
}

/// A sum of measures, each some times.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sum(Vec<(i64, Measure)>);

impl Sum {
    fn of(&self, measures: &Measures) -> i64 {
        self.0.iter().map(|(times, measure)| times * measures.get(*measure)).sum()
    }
}

/// How a value is made.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Formula {
    Count(Sum),
    Part { numerator: Sum, denominator: Sum, cases: Sum },
    Quantile { wait: Wait, percent: u8, cases: Sum },
}

/// A number with a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// Its code.
    pub code: String,
    /// The version of its definition.
    pub version: u32,
    /// What its value is.
    pub unit: Unit,
    /// Whether a greater value is better.
    pub higher_is_better: bool,
    formula: Formula,
}

/// A value of an indicator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The numerator; the days for an indicator in days.
    pub numerator: i64,
    /// The denominator; 0 for a count.
    pub denominator: i64,
    /// How many cases it stands on; 0 for a count.
    pub cases: i64,
    /// The value; absent where there is nothing to divide by.
    pub value: Option<f64>,
}

impl Value {
    /// Compares exactly; a value that is absent is the least.
    pub fn compare(&self, other: &Self, unit: Unit) -> Ordering {
        let key = |value: &Self| match (value.value, unit) {
            (None, _) => None,
            (Some(_), Unit::Ratio | Unit::Mark) => Some((value.numerator, value.denominator)),
            (Some(_), Unit::Count | Unit::Days) => Some((value.numerator, 1)),
        };
        match (key(self), key(other)) {
            (Some((a, b)), Some((c, d))) => {
                (i128::from(a) * i128::from(d)).cmp(&(i128::from(c) * i128::from(b)))
            }
            (one, other) => one.is_some().cmp(&other.is_some()),
        }
    }
}

impl Indicator {
    /// Its value in these numbers.
    pub fn value(&self, measures: &Measures) -> Value {
        match &self.formula {
            Formula::Count(count) => {
                let count = count.of(measures);
                Value { numerator: count, denominator: 0, cases: 0, value: Some(float(count)) }
            }
            Formula::Part { numerator, denominator, cases } => {
                let (numerator, denominator) = (numerator.of(measures), denominator.of(measures));
                let value = (denominator > 0).then(|| float(numerator) / float(denominator));
                Value { numerator, denominator, cases: cases.of(measures), value }
            }
            Formula::Quantile { wait, percent, cases } => {
                let (days, cases) = (measures.quantile(*wait, *percent), cases.of(measures));
                let numerator = days.unwrap_or_default();
                Value { numerator, denominator: cases, cases, value: days.map(float) }
            }
        }
    }

    /// Whether it is told from the histogram of days.
    pub fn needs_days(&self) -> bool {
        matches!(self.formula, Formula::Quantile { .. })
    }

    /// Whether it has a denominator.
    pub fn is_part(&self) -> bool {
        !matches!(self.formula, Formula::Count(_))
    }
}

#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

/// Why the definitions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no CSV with the right columns.
    #[error("the indicators are no CSV")]
    Csv(#[from] csv::Error),
    /// A field of an indicator.
    #[error("{0} of indicator {1} can't be read")]
    Field(&'static str, String),
}

#[derive(serde::Deserialize)]
struct Line {
    indicator: String,
    version: u32,
    unit: String,
    higher_is_better: bool,
    numerator: String,
    denominator: String,
    cases: String,
}

/// Reads definitions.
///
/// # Errors
/// See [`Unreadable`].
pub fn parse(text: &str) -> Result<Vec<Indicator>, Unreadable> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|line| indicator(line?)).collect()
}

fn indicator(line: Line) -> Result<Indicator, Unreadable> {
    let wrong = |field| Unreadable::Field(field, line.indicator.clone());
    let sum = |text: &str, field| sum(text).ok_or_else(|| wrong(field));
    let unit = match line.unit.as_str() {
        "count" => Unit::Count,
        "ratio" => Unit::Ratio,
        "days" => Unit::Days,
        "mark" => Unit::Mark,
        _ => return Err(wrong("unit")),
    };
    let formula = match unit {
        Unit::Count => Formula::Count(sum(&line.numerator, "numerator")?),
        Unit::Ratio | Unit::Mark => Formula::Part {
            numerator: sum(&line.numerator, "numerator")?,
            denominator: sum(&line.denominator, "denominator")?,
            cases: sum(&line.cases, "cases")?,
        },
        Unit::Days => {
            let of =
                |prefix| line.numerator.strip_prefix(prefix).and_then(|text| text.parse().ok());
            let (wait, percent) = match of("review_p") {
                Some(percent) => (Wait::Review, Some(percent)),
                None => (Wait::Reply, of("p")),
            };
            let percent = percent.filter(|percent| (1..=100).contains(percent));
            let percent = percent.ok_or_else(|| wrong("numerator"))?;
            Formula::Quantile { wait, percent, cases: sum(&line.cases, "cases")? }
        }
    };
    Ok(Indicator {
        version: line.version,
        unit,
        higher_is_better: line.higher_is_better,
        formula,
        code: line.indicator,
    })
}

/// Reads `replied+overdue` or `3*rated`.
fn sum(text: &str) -> Option<Sum> {
    let term = |term: &str| match term.split_once('*') {
        Some((times, measure)) => Some((times.parse().ok()?, Measure::of(measure)?)),
        None => Some((1, Measure::of(term)?)),
    };
    text.split('+').map(term).collect::<Option<_>>().map(Sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(code: &str, numbers: &[(Measure, i64)]) -> Value {
        let mut measures = Measures::default();
        for (measure, number) in numbers {
            measures.add(*measure, *number);
        }
        let all = parse(DATA).unwrap();
        all.iter().find(|indicator| indicator.code == code).unwrap().value(&measures)
    }

    #[test]
    fn the_definitions_of_this_release_can_be_read_and_differ() {
        let all = parse(DATA).unwrap();
        assert_eq!(all.len(), 18);
        let codes: std::collections::HashSet<_> = all.iter().map(|one| &one.code).collect();
        assert_eq!(codes.len(), all.len());
    }

    #[test]
    fn values_follow_from_the_definitions() {
        use Measure::{Marks, OnTime, Opened, Overdue, Rated, Replied, Solved};
        let rate = value("reply_rate", &[(Replied, 3), (Opened, 4)]);
        assert_eq!((rate.numerator, rate.denominator, rate.value), (3, 4, Some(0.75)));
        let rate = value("on_time_rate", &[(OnTime, 1), (Replied, 2), (Overdue, 2)]);
        assert_eq!(rate.value, Some(0.25));
        assert_eq!(value("solved_rate", &[(Solved, 2)]).value, Some(1.0));
        let marks = value("satisfaction", &[(Marks, 27), (Rated, 2)]);
        assert_eq!((marks.denominator, marks.cases, marks.value), (6, 2, Some(4.5)));
        assert_eq!(value("received", &[]).value, Some(0.0));
        assert_eq!(value("reply_rate", &[]).value, None);
        assert_eq!(value("median_days", &[]).value, None);
    }

    #[test]
    fn equal_parts_are_equal_however_large() {
        let part = |numerator, denominator| Value {
            numerator,
            denominator,
            cases: denominator,
            value: Some(0.0),
        };
        assert_eq!(part(1, 3).compare(&part(1_000, 3_000), Unit::Ratio), Ordering::Equal);
        assert_eq!(part(1, 3).compare(&part(334, 1_000), Unit::Ratio), Ordering::Less);
        let absent = Value { value: None, ..part(0, 0) };
        assert_eq!(absent.compare(&part(0, 1), Unit::Ratio), Ordering::Less);
    }
}
