//! Figures.

use liuyan_proto::liuyan::stats::v1 as stats;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, Word, some, words};

words! {
    /// What an indicator's value is.
    Unit of stats::Unit {
        /// A number of things.
        Count,
        /// A part of a whole, 0 to 1.
        Ratio,
        /// Days.
        Days,
        /// The mean of marks from 1 to 5.
        Mark,
    }
}

words! {
    /// By what rows are told apart.
    GroupBy of stats::GroupBy {
        /// The month of submission.
        Month,
        /// The divisions directly below.
        Division,
        /// The office that handles the case.
        Office,
        /// The domain.
        Domain,
        /// The kind.
        Kind,
        /// The ground of what was declined.
        Ground,
        /// The outcome of what was closed.
        Outcome,
    }
}

/// A number with a definition.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Indicator {
    /// Its code.
    indicator: String,
    /// The version of its definition.
    version: u32,
    /// Its name.
    name: String,
    /// What it says.
    description: String,
    /// What is counted.
    numerator: String,
    /// Out of what; absent for a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    denominator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
    /// Whether a greater value is better.
    higher_is_better: bool,
}

impl From<stats::Indicator> for Indicator {
    fn from(it: stats::Indicator) -> Self {
        Self {
            unit: Unit::of(it.unit),
            indicator: it.indicator,
            version: it.version,
            name: it.name,
            description: it.description,
            numerator: it.numerator,
            denominator: some(it.denominator),
            higher_is_better: it.higher_is_better,
        }
    }
}

/// The definitions.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Indicators {
    /// The indicators in their order.
    pub(in crate::api) items: Vec<Indicator>,
    /// The version of the definitions.
    pub(in crate::api) version: u32,
}

/// An indicator's value.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Value {
    /// Which indicator.
    indicator: String,
    /// The numerator.
    numerator: i64,
    /// The denominator; 0 for a count.
    denominator: i64,
    /// The value in the indicator's unit; absent where the denominator is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
}

impl From<stats::Value> for Value {
    fn from(it: stats::Value) -> Self {
        Self {
            indicator: it.indicator,
            numerator: it.numerator,
            denominator: it.denominator,
            value: it.value,
        }
    }
}

/// One row.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Row {
    /// What it is about: a month, a division's code …; empty for all.
    key: String,
    /// The values in the order asked.
    values: Vec<Value>,
}

/// Figures.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Series {
    /// The rows, by key.
    rows: Vec<Row>,
    /// The time of the last event that is counted in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_until: Option<Time>,
    /// The version of the definitions.
    version: u32,
}

impl From<stats::QuerySeriesResponse> for Series {
    fn from(it: stats::QuerySeriesResponse) -> Self {
        let row = |it: stats::Row| Row {
            key: it.key,
            values: it.values.into_iter().map(Value::from).collect(),
        };
        Self {
            counted_until: Time::of(it.counted_until.as_ref()),
            rows: it.rows.into_iter().map(row).collect(),
            version: it.version,
        }
    }
}

/// One place of a ranking.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RankingRow {
    /// The place, from 1; equal values share one.
    rank: u32,
    /// A division's code or an office's id.
    key: String,
    value: Option<Value>,
    /// The lower end of the 95 % Wilson interval; for ratios.
    #[serde(skip_serializing_if = "Option::is_none")]
    low: Option<f64>,
    /// Its upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    high: Option<f64>,
    /// For satisfaction: the part of the replied cases that was rated.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<f64>,
}

/// A ranking.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Ranking {
    /// The rows, the best first.
    rows: Vec<RankingRow>,
    /// How many were left out because they have too few cases.
    left_out: u32,
    /// The time of the last event that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    counted_until: Option<Time>,
    /// The version of the definitions.
    version: u32,
}

impl From<stats::ListRankingResponse> for Ranking {
    fn from(it: stats::ListRankingResponse) -> Self {
        let row = |it: stats::RankingRow| RankingRow {
            rank: it.rank,
            key: it.key,
            value: it.value.map(Value::from),
            low: it.low,
            high: it.high,
            coverage: it.coverage,
        };
        Self {
            counted_until: Time::of(it.counted_until.as_ref()),
            rows: it.rows.into_iter().map(row).collect(),
            left_out: it.left_out,
            version: it.version,
        }
    }
}
