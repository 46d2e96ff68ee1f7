//! What was found.

use serde::Serialize;
use serde_json::Value;

use crate::Output;

/// A promise and what was measured of it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Which promise.
    pub(crate) row: &'static str,
    /// What was measured.
    pub(crate) figure: f64,
    /// In what.
    pub(crate) unit: &'static str,
    /// What is promised.
    pub(crate) target: String,
    /// Whether it is kept.
    pub(crate) holds: bool,
    /// Whence the figure comes.
    pub(crate) detail: Value,
}

impl Row {
    /// A ratio that is to be at least `least`.
    pub(crate) fn at_least(row: &'static str, figure: f64, least: f64, detail: Value) -> Self {
        let target = format!(">= {least}");
        Self { row, figure: round(figure), unit: "ratio", target, holds: figure >= least, detail }
    }

    /// A ratio that is to be at most `most`.
    pub(crate) fn at_most(row: &'static str, figure: f64, most: f64, detail: Value) -> Self {
        let target = format!("<= {most}");
        Self { row, figure: round(figure), unit: "ratio", target, holds: figure <= most, detail }
    }
}

/// Three digits after the point.
pub(crate) fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

/// The middle one of several figures; the lower of two.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// The figure that `share` of all do not exceed (nearest rank).
pub(crate) fn quantile(sorted: &[u64], share: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of one run are far below 2^52"
    )]
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// Prints the rows.
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
pub(crate) fn tell(rows: &[Row], output: Output) {
    for row in rows {
        match output {
            Output::Json => println!("{}", serde_json::json!(row)),
            Output::Text => println!(
                "{:<4} {:>10} {:<6} {:<9} {:<6} {}",
                row.row,
                row.figure,
                row.unit,
                row.target,
                if row.holds { "holds" } else { "BROKEN" },
                row.detail
            ),
        }
    }
}
