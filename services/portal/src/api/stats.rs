//! Figures that anyone can recompute.

use axum::response::Response;
use http::{HeaderValue, header};
use liuyan_proto::liuyan::stats::v1::{
    ExportReportRequest, ListIndicatorsRequest, ListRankingRequest, QuerySeriesRequest, Slice,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ask::Ask,
    body::Query,
    keep::{kept, read},
    params::{Values, list, text},
    problem::{Fault, Problem},
    types::stats::{GroupBy, Indicator, Indicators, Ranking, Series},
};

/// The figures' definitions.
#[utoipa::path(
    get, path = "/api/v1/stats/indicators", tag = "stats",
    responses((status = 200, body = Indicators), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn indicators(ask: Ask) -> Result<Response, Fault> {
    let request = ask.call(ListIndicatorsRequest {});
    let answer = ask.app.backend.stats().list_indicators(request).await?.into_inner();
    let items = answer.indicators.into_iter().map(Indicator::from).collect();
    let told = Indicators { items, version: answer.version };
    read(&ask, ask.app.config.limits.fresh_seconds, &told)
}

/// Which figures.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfSeries {
    /// Up to 20 indicators, with commas between.
    #[param(required = true)]
    indicators: Option<String>,
    /// Of this division with those below.
    division: Option<String>,
    /// Of this office.
    office: Option<String>,
    /// Of this domain.
    domain: Option<String>,
    /// Of this kind.
    kind: Option<String>,
    /// Submitted in this month or later, `2026-01`.
    from_month: Option<String>,
    /// Submitted in this month or earlier.
    to_month: Option<String>,
    /// Told apart by what; one row in all if left out.
    #[param(inline)]
    group_by: Option<GroupBy>,
}

impl OfSeries {
    fn into_proto(self) -> QuerySeriesRequest {
        QuerySeriesRequest {
            indicators: list(self.indicators.as_ref()),
            slice: Some(Slice {
                division_code: text(self.division),
                office_id: text(self.office),
                domain: text(self.domain),
                kind: text(self.kind),
                from_month: text(self.from_month),
                to_month: text(self.to_month),
            }),
            group_by: self.group_by.map_or(0, i32::from),
        }
    }
}

/// Figures of a part of the board, in all or row by row.
#[utoipa::path(
    get, path = "/api/v1/stats/series", tag = "stats", params(OfSeries),
    responses((status = 200, body = Series), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn series(ask: Ask, Query(of): Query<OfSeries>) -> Result<Response, Fault> {
    let request = ask.call(of.into_proto());
    let answer = ask.app.backend.stats().query_series(request).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    read(&ask, ask.app.config.limits.lists_seconds, &Series::from(answer))
}

/// Which ranking.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfRanking {
    /// By which indicator: a ratio, days or marks.
    #[param(required = true)]
    indicator: Option<String>,
    /// Divisions or offices.
    #[param(required = true, inline)]
    group_by: Option<GroupBy>,
    /// Of this division with those below.
    division: Option<String>,
    /// Of this domain.
    domain: Option<String>,
    /// Of this kind.
    kind: Option<String>,
    /// Submitted in this month or later, `2026-01`.
    from_month: Option<String>,
    /// Submitted in this month or earlier.
    to_month: Option<String>,
    /// The least denominator with which one is ranked; 10 if left out.
    #[param(value_type = Option<u32>)]
    min_n: Option<String>,
    /// Up to 200; 50 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
}

/// Divisions or offices, the best first.
#[utoipa::path(
    get, path = "/api/v1/stats/ranking", tag = "stats", params(OfRanking),
    responses((status = 200, body = Ranking), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn ranking(ask: Ask, Query(of): Query<OfRanking>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let min_n = values.number("min_n", of.min_n.as_ref());
    let page_size = values.number("page_size", of.page_size.as_ref());
    values.end()?;
    let request = ListRankingRequest {
        indicator: text(of.indicator),
        slice: Some(Slice {
            division_code: text(of.division),
            office_id: String::new(),
            domain: text(of.domain),
            kind: text(of.kind),
            from_month: text(of.from_month),
            to_month: text(of.to_month),
        }),
        group_by: of.group_by.map_or(0, i32::from),
        min_n,
        page_size,
    };
    let answer = ask.app.backend.stats().list_ranking(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    read(&ask, ask.app.config.limits.lists_seconds, &Ranking::from(answer))
}

/// The rows of the series as a file: CSV (RFC 4180) in UTF-8, with a header.
#[utoipa::path(
    get, path = "/api/v1/stats/report.csv", tag = "stats", params(OfSeries),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn report(ask: Ask, Query(of): Query<OfSeries>) -> Result<Response, Fault> {
    let request = ask.call(ExportReportRequest { query: Some(of.into_proto()) });
    let answer = ask.app.backend.stats().export_report(request).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(name))?.into_inner();
    let seconds = ask.app.config.limits.lists_seconds;
    let mut response = kept(&ask, seconds, "text/csv; charset=utf-8", answer.csv.to_vec());
    let name = HeaderValue::from_static("attachment; filename=\"report.csv\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// How the API calls a field of stats.
fn name(field: &str) -> String {
    let field = field.strip_prefix("query.").unwrap_or(field);
    match field.strip_prefix("slice.").unwrap_or(field) {
        "division_code" => "division".to_owned(),
        "office_id" => "office".to_owned(),
        other => other.to_owned(),
    }
}
