//! Charts, drawn here: what is received and answered in each month, and how much of it in time.

use liuyan_proto::liuyan::stats::v1::Row;

use crate::{
    format::{count, percent},
    visit::Visit,
};

/// The drawing, in units of its own.
const WIDTH: f64 = 462.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 10.0;
const HEIGHT: f64 = 150.0;
/// The most labels below a chart.
const LABELS: usize = 6;
/// How many lines the scale has.
const STEPS: i64 = 4;

/// A line of the scale.
#[derive(Debug)]
pub(super) struct Tick {
    pub(super) y: f64,
    pub(super) text: String,
}

/// A label below.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) text: String,
}

/// A bar, or a dot of a line, with what it says when it is pointed at.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) text: String,
}

/// What is received and answered in each month.
#[derive(Debug)]
pub(super) struct Bars {
    pub(super) received: Vec<Mark>,
    pub(super) replied: Vec<Mark>,
    pub(super) ticks: Vec<Tick>,
    pub(super) labels: Vec<Label>,
    pub(super) summary: String,
}

/// How much is answered, by the month in which it was received.
#[derive(Debug)]
pub(super) struct Lines {
    /// The line, broken where a month has nothing.
    pub(super) path: String,
    pub(super) dots: Vec<Mark>,
    pub(super) ticks: Vec<Tick>,
    pub(super) labels: Vec<Label>,
    pub(super) summary: String,
}

fn number(row: &Row, indicator: &str) -> i64 {
    row.values.iter().find(|it| it.indicator == indicator).map_or(0, |it| it.numerator)
}

fn ratio(row: &Row, indicator: &str) -> Option<f64> {
    row.values.iter().find(|it| it.indicator == indicator).and_then(|it| it.value)
}

/// The place of each month: the middle, and how wide it is.
fn slot(index: usize, months: usize) -> (f64, f64) {
    let width = (WIDTH - LEFT) / months.max(1) as f64;
    (LEFT + width * (index as f64 + 0.5), width)
}

/// One decimal is more than a screen shows.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The least top of a scale above `most` whose lines stand at round numbers.
fn scale(most: i64) -> i64 {
    let mut unit = 1_i64;
    loop {
        for factor in [1, 2, 5] {
            let top = unit.saturating_mul(factor).saturating_mul(STEPS);
            if top >= most {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn y(part: f64) -> f64 {
    round(TOP + HEIGHT * (1.0 - part.clamp(0.0, 1.0)))
}

fn labels(rows: &[Row]) -> Vec<Label> {
    let every = rows.len().div_ceil(LABELS).max(1);
    let month = |(index, row): (usize, &Row)| {
        let text = row.key.clone();
        (index % every == 0).then(|| Label { x: round(slot(index, rows.len()).0), text })
    };
    rows.iter().enumerate().filter_map(month).collect()
}

fn ticks(text: impl Fn(i64) -> String) -> Vec<Tick> {
    (0..=STEPS).map(|step| Tick { y: y(step as f64 / STEPS as f64), text: text(step) }).collect()
}

/// The bars; `None` where there is nothing to draw.
pub(super) fn bars(v: &Visit, rows: &[Row]) -> Option<Bars> {
    let most = rows.iter().map(|row| number(row, "received")).max().filter(|most| *most > 0)?;
    let top = scale(most);
    let marks = |indicator: &str, name: &str, side: f64| {
        let mark = |(index, row): (usize, &Row)| {
            let (middle, width) = slot(index, rows.len());
            let bar = (width * 0.36).min(18.0);
            let value = number(row, indicator);
            let above = y(value as f64 / top as f64);
            Mark {
                x: round(middle + if side < 0.0 { -bar } else { 0.0 }),
                y: above,
                width: round(bar),
                height: round(TOP + HEIGHT - above),
                text: format!("{} · {} {}", v.month(&row.key), v.t(name), count(value)),
            }
        };
        rows.iter().enumerate().map(mark).collect::<Vec<_>>()
    };
    Some(Bars {
        received: marks("received", "figure-received", -1.0),
        replied: marks("replied", "figure-replied", 1.0),
        ticks: ticks(|step| count(top / STEPS * step)),
        labels: labels(rows),
        summary: summary(v, rows),
    })
}

/// The line of the reply rate; `None` where there is nothing to draw.
pub(super) fn lines(v: &Visit, rows: &[Row]) -> Option<Lines> {
    let (mut path, mut dots, mut begun) = (String::new(), Vec::new(), false);
    for (index, row) in rows.iter().enumerate() {
        let Some(rate) = ratio(row, "reply_rate") else {
            begun = false;
            continue;
        };
        let (x, y) = (round(slot(index, rows.len()).0), y(rate));
        path.push_str(&format!("{}{x} {y}", if begun { "L" } else { "M" }));
        begun = true;
        let text =
            format!("{} · {} {}", v.month(&row.key), v.t("figure-reply-rate"), percent(rate));
        dots.push(Mark { x, y, width: 0.0, height: 0.0, text });
    }
    (!dots.is_empty()).then(|| Lines {
        path,
        dots,
        ticks: ticks(|step| format!("{}%", 100 / STEPS * step)),
        labels: labels(rows),
        summary: summary(v, rows),
    })
}

/// From when to when the chart goes, for whoever does not see it.
fn summary(v: &Visit, rows: &[Row]) -> String {
    let month = |row: Option<&Row>| row.map(|row| v.month(&row.key)).unwrap_or_default();
    v.t2("stats-chart-summary", "from", month(rows.first()), "to", month(rows.last()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_number_that_is_not_too_small() {
        for (most, top) in [(1, 4), (4, 4), (5, 8), (9, 20), (37, 40), (1_234, 2_000)] {
            assert_eq!(scale(most), top, "{most}");
        }
    }

    #[test]
    fn months_stand_side_by_side_within_the_drawing() {
        for months in [1, 7, 24] {
            let (first, width) = slot(0, months);
            let (last, _) = slot(months - 1, months);
            assert!(first - width / 2.0 >= LEFT - 0.01);
            assert!(last + width / 2.0 <= WIDTH + 0.01);
        }
    }
}
