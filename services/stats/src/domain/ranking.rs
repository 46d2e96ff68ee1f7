//! Rankings that chance does not decide.

use std::cmp::Ordering;

use super::{
    indicator::{Indicator, Unit, Value},
    measure::Measures,
};

/// The quantile of the normal distribution for an interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// One place.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// From 1; equal values share one.
    pub rank: u32,
    /// A division's code or an office's id.
    pub key: String,
    /// The value.
    pub value: Value,
    /// The ends of the 95 % interval, for ratios.
    pub interval: Option<(f64, f64)>,
    /// The part of the replied cases that was rated, for marks.
    pub coverage: Option<f64>,
}

/// A ranking.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranking {
    /// The places, the best first.
    pub places: Vec<Place>,
    /// How many have too few cases.
    pub left_out: u32,
}

/// Ranks by `indicator` those that stand on at least `min_n` cases. For marks, `coverage` tells
/// which part was rated.
pub fn rank(
    indicator: &Indicator,
    coverage: Option<&Indicator>,
    numbers: Vec<(String, Measures)>,
    min_n: u32,
) -> Ranking {
    let all = numbers.len();
    let better = |one: &Value, other: &Value| {
        let order = one.compare(other, indicator.unit);
        if indicator.higher_is_better { order.reverse() } else { order }
    };
    let mut places: Vec<Place> = numbers
        .into_iter()
        .map(|(key, measures)| {
            let value = indicator.value(&measures);
            let interval = (indicator.unit == Unit::Ratio)
                .then(|| wilson(value.numerator, value.denominator))
                .flatten();
            let coverage = coverage
                .filter(|_| indicator.unit == Unit::Mark)
                .and_then(|coverage| coverage.value(&measures).value);
            Place { rank: 0, key, value, interval, coverage }
        })
        .filter(|place| place.value.value.is_some() && place.value.cases >= i64::from(min_n))
        .collect();
    places.sort_by(|one, other| better(&one.value, &other.value).then(one.key.cmp(&other.key)));
    for at in 0..places.len() {
        let shares = at > 0 && better(&places[at - 1].value, &places[at].value) == Ordering::Equal;
        let next = u32::try_from(at + 1).unwrap_or(u32::MAX);
        places[at].rank = if shares { places[at - 1].rank } else { next };
    }
    let left_out = u32::try_from(all - places.len()).unwrap_or(u32::MAX);
    Ranking { places, left_out }
}

/// The 95 % interval of a part, by Wilson (Journal of the American Statistical Association 22,
/// 1927); `None` of nothing.
#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
pub fn wilson(numerator: i64, denominator: i64) -> Option<(f64, f64)> {
    if denominator <= 0 {
        return None;
    }
    let n = denominator as f64;
    let p = numerator as f64 / n;
    let z2 = Z * Z;
    let middle = p + z2 / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).max(0.0).sqrt();
    let whole = 1.0 + z2 / n;
    Some((((middle - spread) / whole).max(0.0), ((middle + spread) / whole).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        indicator::{self, DATA},
        measure::Measure,
    };

    fn ranked(code: &str, numbers: &[(&str, i64, i64)], min_n: u32) -> Ranking {
        let all = indicator::parse(DATA).unwrap();
        let indicator = all.iter().find(|one| one.code == code).unwrap();
        let numbers = numbers.iter().map(|(key, replied, opened)| {
            let mut measures = Measures::default();
            measures.add(Measure::Replied, *replied);
            measures.add(Measure::Opened, *opened);
            ((*key).to_owned(), measures)
        });
        rank(indicator, None, numbers.collect(), min_n)
    }

    /// Values of `prop.test(x, n, correct = FALSE)` in R.
    #[test]
    fn the_interval_is_wilsons() {
        for (numerator, denominator, low, high) in [
            (0, 10, 0.0, 0.277_532_8),
            (1, 10, 0.017_876_21, 0.404_150_0),
            (5, 10, 0.236_593_1, 0.763_406_9),
            (10, 10, 0.722_467_2, 1.0),
            (90, 100, 0.825_632_0, 0.944_771_4),
        ] {
            let (found_low, found_high) = wilson(numerator, denominator).unwrap();
            assert!((found_low - low).abs() < 1e-5, "{numerator}/{denominator}: {found_low}");
            assert!((found_high - high).abs() < 1e-5, "{numerator}/{denominator}: {found_high}");
        }
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn equal_values_share_a_rank_and_few_cases_have_none() {
        let numbers = [("c", 10, 20), ("a", 20, 40), ("b", 19, 20), ("d", 9, 9), ("e", 0, 10)];
        let ranking = ranked("reply_rate", &numbers, 10);
        let places: Vec<_> = ranking.places.iter().map(|it| (it.rank, it.key.as_str())).collect();
        assert_eq!(places, [(1, "b"), (2, "a"), (2, "c"), (4, "e")]);
        assert_eq!(ranking.left_out, 1);
    }

    #[test]
    fn where_less_is_better_the_least_is_first() {
        let all = indicator::parse(DATA).unwrap();
        let indicator = all.iter().find(|one| one.code == "median_days").unwrap();
        let numbers = [("slow", 9), ("fast", 2)].map(|(key, days)| {
            let mut measures = Measures::default();
            measures.add(Measure::Replied, 1);
            measures.add_days(crate::domain::measure::Wait::Reply, days, 1);
            (key.to_owned(), measures)
        });
        let ranking = rank(indicator, None, numbers.to_vec(), 1);
        assert_eq!(ranking.places[0].key, "fast");
        assert_eq!(ranking.places[0].interval, None);
    }
}
