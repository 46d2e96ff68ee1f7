//! The domain's words to the contract's.

use liuyan_kit::locale::Words;
use liuyan_proto::liuyan::stats::v1 as proto;

use crate::domain::{
    indicator::{Indicator, Unit, Value},
    ranking::Place,
};

/// An indicator, in the caller's language.
pub(super) fn indicator(words: &Words, locale: &str, indicator: &Indicator) -> proto::Indicator {
    let code = indicator.code.replace('_', "-");
    let text = |part: &str| words.text(locale, &format!("indicator-{code}-{part}"), &[]);
    proto::Indicator {
        indicator: indicator.code.clone(),
        version: indicator.version,
        name: text("name"),
        description: text("description"),
        numerator: text("numerator"),
        denominator: if indicator.is_part() { text("denominator") } else { String::new() },
        unit: match indicator.unit {
            Unit::Count => proto::Unit::Count,
            Unit::Ratio => proto::Unit::Ratio,
            Unit::Days => proto::Unit::Days,
            Unit::Mark => proto::Unit::Mark,
        }
        .into(),
        higher_is_better: indicator.higher_is_better,
    }
}

/// A row.
pub(super) fn row(key: &str, indicators: &[Indicator], values: &[Value]) -> proto::Row {
    let values = indicators.iter().zip(values).map(|(indicator, it)| value(&indicator.code, it));
    proto::Row { key: key.to_owned(), values: values.collect() }
}

/// A place of a ranking.
pub(super) fn place(indicator: &str, place: Place) -> proto::RankingRow {
    proto::RankingRow {
        rank: place.rank,
        key: place.key,
        value: Some(value(indicator, &place.value)),
        low: place.interval.map(|(low, _)| low),
        high: place.interval.map(|(_, high)| high),
        coverage: place.coverage,
    }
}

fn value(indicator: &str, value: &Value) -> proto::Value {
    proto::Value {
        indicator: indicator.to_owned(),
        numerator: value.numerator,
        denominator: value.denominator,
        value: value.value,
    }
}
