//! Figures that anyone can recompute: in all, by month, by part, ranked, each with its definition.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::Query,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::stats::v1::{
    ExportReportRequest, GroupBy, Indicator, ListRankingRequest, QuerySeriesRequest,
    QuerySeriesResponse,
};

use super::{
    home::{self, Figure},
    search::{Choice, choice, division_choices},
};
use crate::{
    app::App,
    directory::{Division, named},
    error::Error,
    format::When,
    page::{Keep, page_with},
    visit::Visit,
};

mod ask;
mod chart;
mod table;

use ask::Ask;
use chart::{Bars, Lines};
use table::{Place, Row};

/// The columns of tables, and what is exported.
const COLUMNS: [&str; 7] = [
    "received",
    "replied",
    "reply_rate",
    "on_time_rate",
    "median_days",
    "satisfaction",
    "rating_coverage",
];
/// What is told of reviews.
const REVIEWS: [&str; 5] =
    ["declined", "returned", "review_median_days", "appealed", "overturn_rate"];
/// What can be ranked.
const RANKED: [&str; 5] =
    ["reply_rate", "on_time_rate", "median_days", "satisfaction", "solved_rate"];
/// How many places a ranking shows.
const PLACES: i32 = 50;
/// How many months a chart shows.
const MONTHS: usize = 24;

/// What the figures can be narrowed to, and to what they are.
struct Filters {
    /// From the top to the chosen division.
    line: Vec<Division>,
    divisions: Vec<Choice>,
    domains: Vec<Choice>,
    kinds: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "stats.html")]
struct Stats {
    v: Visit,
    ask: Ask,
    wrong: Option<String>,
    filters: Filters,
    indicators: Vec<Choice>,
    bys: [(&'static str, &'static str); 4],
    figures: Option<Vec<Figure>>,
    until: Option<When>,
    columns: Vec<String>,
    bars: Option<Bars>,
    lines: Option<Lines>,
    months: Vec<Row>,
    parts: Vec<Row>,
    places: Vec<Place>,
    ranked_name: String,
    left_out: u32,
    /// What is told of reviews: names and values.
    reviews: Vec<(String, String)>,
    /// Why messages were declined, and how many.
    grounds: Vec<(String, String)>,
    definitions: Vec<Indicator>,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/stats", get(stats)).route("/stats.csv", get(export))
}

async fn stats(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let app = Arc::clone(v.app());
    let query = |group_by: GroupBy| QuerySeriesRequest {
        indicators: COLUMNS.iter().map(|it| (*it).to_owned()).collect(),
        slice: Some(ask.slice()),
        group_by: group_by.into(),
    };
    let ranking = ListRankingRequest {
        indicator: ask.ranked(&RANKED).to_owned(),
        slice: Some(ask.slice()),
        group_by: ask.ranked_by().into(),
        min_n: ask.min_n(),
        page_size: PLACES,
    };
    let told = |indicators: &[&str], group_by: GroupBy| QuerySeriesRequest {
        indicators: indicators.iter().map(|it| (*it).to_owned()).collect(),
        slice: Some(ask.slice()),
        group_by: group_by.into(),
    };
    let (reviews, declined, grounds) = futures::join!(
        app.lists.series(&v, told(&REVIEWS, GroupBy::Unspecified)),
        app.lists.series(&v, told(&REVIEWS[..1], GroupBy::Ground)),
        app.directory.grounds(),
    );
    let (all, months, parts, ranking, indicators) = futures::join!(
        app.lists.series(&v, query(GroupBy::Unspecified)),
        app.lists.series(&v, query(GroupBy::Month)),
        app.lists.series(&v, query(ask.by())),
        app.lists.ranking(&v, ranking),
        app.lists.indicators(&v),
    );
    // A month that is none is the visitor's to mend; a service that is away is told as such.
    let wrong = match &all {
        Err(error) if error.class() == Class::Invalid => {
            let fault = error.fields().first().map(|fault| fault.text.clone());
            Some(fault.unwrap_or_else(|| error.text(v.locale())))
        }
        _ => None,
    };
    let all = match all {
        Ok(all) => Some(all),
        Err(_) if wrong.is_some() => None,
        Err(error) => return Err(error),
    };
    let months = months.map(|it| newest(&it)).unwrap_or_default();
    let definitions = indicators.map(|it| it.indicators.clone()).unwrap_or_default();
    let parts = parts.ok();
    let ranking = ranking.ok();
    let filters = filters(&v, &ask).await;
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = Stats {
        reviews: reviews.map(|it| table::first(&v, &definitions, &it)).unwrap_or_default(),
        grounds: declined
            .map(|it| table::grounds(&v, &grounds.unwrap_or_default(), &it))
            .unwrap_or_default(),
        wrong,
        indicators: RANKED
            .iter()
            .map(|it| choice(it, table::name(&v, &definitions, it), ask.ranked(&RANKED)))
            .collect(),
        bys: ask::BYS,
        figures: all.as_deref().map(|all| home::figures(&v, all)),
        until: all.as_ref().and_then(|all| v.moment(all.counted_until.as_ref())),
        columns: COLUMNS.iter().map(|it| table::name(&v, &definitions, it)).collect(),
        bars: chart::bars(&v, &months),
        lines: chart::lines(&v, &months),
        months: table::months(&v, &months),
        parts: match &parts {
            Some(parts) => table::parts(&v, &ask, &parts.rows).await,
            None => Vec::new(),
        },
        places: match &ranking {
            Some(ranking) => table::places(&v, &ask, &ranking.rows).await,
            None => Vec::new(),
        },
        ranked_name: table::name(&v, &definitions, ask.ranked(&RANKED)),
        left_out: ranking.map_or(0, |ranking| ranking.left_out),
        definitions,
        filters,
        ask,
        v,
    };
    page_with(&template, status, Keep::Private)
}

/// A directory that is away leaves the lists empty and the figures as they are.
async fn filters(v: &Visit, ask: &Ask) -> Filters {
    let (app, locale) = (Arc::clone(v.app()), v.locale());
    let (line, provinces, domains, kinds) = futures::join!(
        app.directory.line(&ask.division),
        app.directory.children(""),
        app.directory.domains(),
        app.directory.kinds(),
    );
    let line = line.unwrap_or_default();
    Filters {
        divisions: divisions(&provinces.unwrap_or_default(), &line, &ask.division),
        domains: domains
            .unwrap_or_default()
            .iter()
            .map(|it| choice(&it.domain, named(locale, &it.name_zh, &it.name_en), &ask.domain))
            .collect(),
        kinds: kinds
            .unwrap_or_default()
            .iter()
            .map(|it| choice(&it.kind, named(locale, &it.name_zh, &it.name_en), &ask.kind))
            .collect(),
        line,
    }
}

/// The rows of the newest months.
fn newest(series: &QuerySeriesResponse) -> Vec<liuyan_proto::liuyan::stats::v1::Row> {
    let from = series.rows.len().saturating_sub(MONTHS);
    series.rows[from..].to_vec()
}

/// The provinces, and the chosen division if it is none of them.
fn divisions(provinces: &[Division], line: &[Division], chosen: &str) -> Vec<Choice> {
    let mut choices = division_choices(provinces, chosen);
    if let [.., division] = line
        && line.len() > 1
    {
        choices.push(choice(&division.code, division.name.clone(), chosen));
    }
    choices
}

async fn export(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let query = QuerySeriesRequest {
        indicators: COLUMNS.iter().map(|it| (*it).to_owned()).collect(),
        slice: Some(ask.slice()),
        group_by: ask.exported_by().into(),
    };
    let request = v.call_public(ExportReportRequest { query: Some(query) });
    let csv = v.app().backend.stats().export_report(request).await?.into_inner().csv;
    let mut response = csv.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = HeaderValue::from_static("attachment; filename=\"figures.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
