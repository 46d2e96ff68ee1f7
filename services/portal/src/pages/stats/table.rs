//! Tables of figures.

use liuyan_proto::liuyan::{
    moderation::v1::Ground,
    stats::v1::{Indicator, QuerySeriesResponse, RankingRow, Row as Told, Unit, Value},
};

use super::ask::Ask;
use crate::{
    directory::named,
    format::{count, days, decimal, percent},
    visit::Visit,
};

/// What stands where there is nothing to count.
const NOTHING: &str = "–";

/// A row of a table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// Whether the name is Chinese whatever the page is.
    pub(super) chinese: bool,
    pub(super) link: Option<String>,
    pub(super) values: Vec<String>,
}

/// A place of a ranking.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) rank: u32,
    pub(super) name: String,
    pub(super) link: Option<String>,
    pub(super) value: String,
    pub(super) of: String,
    pub(super) interval: Option<String>,
    pub(super) coverage: Option<String>,
}

/// What an indicator is called: as stats says it, or else by its code.
pub(super) fn name(v: &Visit, definitions: &[Indicator], code: &str) -> String {
    let known = definitions.iter().find(|it| it.indicator == code);
    known.map_or_else(
        || match code {
            "received" => v.t("figure-received"),
            "replied" => v.t("figure-replied"),
            "reply_rate" => v.t("figure-reply-rate"),
            "on_time_rate" => v.t("figure-on-time-rate"),
            "satisfaction" => v.t("figure-satisfaction"),
            "median_days" => v.t("figure-median-days"),
            other => other.to_owned(),
        },
        |it| it.name.clone(),
    )
}

/// What an indicator's value is, for the indicators that have a column or a ranking here.
fn unit(indicator: &str) -> Unit {
    match indicator {
        "received" | "replied" | "declined" | "returned" | "appealed" => Unit::Count,
        "median_days" | "review_median_days" => Unit::Days,
        "satisfaction" => Unit::Mark,
        _ => Unit::Ratio,
    }
}

fn told(value: &Value) -> String {
    let text = match unit(&value.indicator) {
        Unit::Count | Unit::Unspecified => Some(count(value.numerator)),
        Unit::Ratio => value.value.map(percent),
        Unit::Days => value.value.map(days),
        Unit::Mark => value.value.map(decimal),
    };
    text.unwrap_or_else(|| NOTHING.to_owned())
}

fn values(row: &Told) -> Vec<String> {
    row.values.iter().map(told).collect()
}

/// Names and values of the only row.
pub(super) fn first(
    v: &Visit,
    definitions: &[Indicator],
    told_of: &QuerySeriesResponse,
) -> Vec<(String, String)> {
    let values = told_of.rows.first().map_or(&[][..], |row| &row.values);
    values.iter().map(|value| (name(v, definitions, &value.indicator), told(value))).collect()
}

/// Grounds and how many messages were declined on each, the most frequent first.
pub(super) fn grounds(
    v: &Visit,
    grounds: &[Ground],
    told_of: &QuerySeriesResponse,
) -> Vec<(String, String)> {
    let mut rows: Vec<(i64, String)> = told_of
        .rows
        .iter()
        .map(|row| {
            let known = grounds.iter().find(|it| it.ground == row.key);
            let name = known.map(|it| named(v.locale(), &it.name_zh, &it.name_en));
            let declined = row.values.first().map_or(0, |value| value.numerator);
            (declined, name.unwrap_or_else(|| row.key.clone()))
        })
        .collect();
    rows.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    rows.into_iter().map(|(declined, name)| (name, count(declined))).collect()
}

/// The months, the newest first.
pub(super) fn months(v: &Visit, rows: &[Told]) -> Vec<Row> {
    let row = |row: &Told| Row {
        name: v.month(&row.key),
        chinese: false,
        link: None,
        values: values(row),
    };
    rows.iter().rev().map(row).collect()
}

/// The parts, by name; what belongs to none has a name of its own.
pub(super) async fn parts(v: &Visit, ask: &Ask, rows: &[Told]) -> Vec<Row> {
    let by = ask.by_word();
    let keys = || rows.iter().map(|row| row.key.as_str());
    let names = match by {
        "office" => v.app().directory.names(keys(), []).await,
        "division" => v.app().directory.names([], keys()).await,
        _ => v.app().directory.names([], []).await,
    };
    let row = |row: &Told| {
        let key = row.key.as_str();
        let name = match by {
            _ if key.is_empty() => v.t("stats-none"),
            "office" => names.office(key),
            "division" => names.division(key),
            "domain" => names.domain(v.locale(), key),
            _ => names.kind(v.locale(), key),
        };
        let link = (!key.is_empty() && by != "office").then(|| ask.link("/stats", by, key));
        let chinese = matches!(by, "office" | "division") && !key.is_empty();
        Row { name, chinese, link, values: values(row) }
    };
    rows.iter().map(row).collect()
}

/// The places of a ranking.
pub(super) async fn places(v: &Visit, ask: &Ask, rows: &[RankingRow]) -> Vec<Place> {
    let keys = || rows.iter().map(|row| row.key.as_str());
    let offices = ask.ranks_offices();
    let names = if offices {
        v.app().directory.names(keys(), []).await
    } else {
        v.app().directory.names([], keys()).await
    };
    let place = |row: &RankingRow| {
        let key = row.key.as_str();
        Place {
            rank: row.rank,
            name: if offices { names.office(key) } else { names.division(key) },
            link: (!offices).then(|| ask.link("/stats", "division", key)),
            value: row.value.as_ref().map_or_else(|| NOTHING.to_owned(), told),
            of: row.value.as_ref().map_or_else(String::new, |it| count(base(it))),
            interval: row
                .low
                .zip(row.high)
                .map(|(low, high)| format!("{}–{}", percent(low), percent(high))),
            coverage: row.coverage.map(percent),
        }
    };
    rows.iter().map(place).collect()
}

/// Out of how many cases a value comes: each rating has three marks.
fn base(value: &Value) -> i64 {
    if unit(&value.indicator) == Unit::Mark { value.denominator / 3 } else { value.denominator }
}
