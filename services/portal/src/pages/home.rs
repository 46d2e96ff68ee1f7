//! The first page: what the board is, how it does, and what was said last.

use std::sync::Arc;

use askama::Template;
use axum::{Router, response::Response, routing::get};
use liuyan_proto::liuyan::{
    routing::v1::CaseOrder,
    stats::v1::{QuerySeriesRequest, QuerySeriesResponse, Value},
};

use super::cards::{Card, cards};
use crate::{
    app::App,
    directory::Division,
    error::Error,
    format::{When, count, days, decimal, percent},
    page::page,
    visit::Visit,
};

/// How many messages each list shows.
const SHOWN: i32 = 5;
/// The figures, in their order.
const FIGURES: [&str; 6] =
    ["received", "replied", "reply_rate", "on_time_rate", "satisfaction", "median_days"];
/// What satisfaction is never shown without: the part of the replied cases that was rated.
const COVERAGE: &str = "rating_coverage";

/// One of the living figures.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) note: Option<String>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    v: Visit,
    /// `None` while stats is away.
    figures: Option<Vec<Figure>>,
    until: Option<When>,
    answered: Vec<Card>,
    newest: Vec<Card>,
    lists_away: bool,
    /// That reviews take longer than usual, in words.
    backlog: Option<String>,
    provinces: Arc<Vec<Division>>,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/", get(home))
}

async fn home(v: Visit) -> Result<Response, Error> {
    let app = Arc::clone(v.app());
    let (series, answered, newest, provinces, backlog) = futures::join!(
        app.lists.series(&v, ask("")),
        app.lists.cases(&v, "", CaseOrder::Replied, SHOWN),
        app.lists.cases(&v, "", CaseOrder::Newest, SHOWN),
        app.directory.children(""),
        backlog(&v),
    );
    let lists_away = answered.is_err() || newest.is_err();
    let series = series.ok();
    page(&Home {
        figures: series.as_deref().map(|series| figures(&v, series)),
        until: series.and_then(|series| v.moment(series.counted_until.as_ref())),
        answered: cards(&v, &answered.unwrap_or_default()).await,
        newest: cards(&v, &newest.unwrap_or_default()).await,
        lists_away,
        provinces: provinces.unwrap_or_default(),
        backlog,
        v,
    })
}

/// That reviews take longer than usual, in words, while they do.
pub(crate) async fn backlog(v: &Visit) -> Option<String> {
    let hours = v.app().lists.backlog_hours(v).await?;
    Some(match hours {
        0..48 => v.t1("backlog-hours", "hours", hours),
        _ => v.t1("backlog-days", "days", hours.div_ceil(24)),
    })
}

/// Asks for the figures of a division, or of the whole board.
pub(crate) fn ask(division_code: &str) -> QuerySeriesRequest {
    let indicators = FIGURES.iter().chain([&COVERAGE]).map(|it| (*it).to_owned()).collect();
    let slice = liuyan_proto::liuyan::stats::v1::Slice {
        division_code: division_code.to_owned(),
        ..Default::default()
    };
    QuerySeriesRequest { indicators, slice: Some(slice), group_by: 0 }
}

/// The figures as they are shown; a dash where there is nothing to count yet.
pub(crate) fn figures(v: &Visit, series: &QuerySeriesResponse) -> Vec<Figure> {
    let values = series.rows.first().map_or(&[][..], |row| &row.values);
    let value = |name: &str| values.iter().find(|value| value.indicator == name);
    let ratio = |it: &Value| it.value.map(percent);
    FIGURES
        .iter()
        .map(|name| {
            let text = value(name).and_then(|it| match *name {
                "received" | "replied" => Some(count(it.numerator)),
                "satisfaction" => it.value.map(decimal),
                "median_days" => it.value.map(days),
                _ => ratio(it),
            });
            let note = match *name {
                "satisfaction" => value(COVERAGE)
                    .and_then(ratio)
                    .map(|part| v.t1("figure-coverage", "part", part)),
                "median_days" => Some(v.t("figure-calendar-days")),
                _ => None,
            };
            Figure { name: text_name(name), value: text.unwrap_or_else(|| "–".to_owned()), note }
        })
        .collect()
}

fn text_name(indicator: &str) -> &'static str {
    match indicator {
        "received" => "figure-received",
        "replied" => "figure-replied",
        "reply_rate" => "figure-reply-rate",
        "on_time_rate" => "figure-on-time-rate",
        "satisfaction" => "figure-satisfaction",
        _ => "figure-median-days",
    }
}
