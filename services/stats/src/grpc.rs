//! Requests in, answers out: contracts to domain to use cases and back.

mod convert;
mod parse;

use std::sync::Arc;

use liuyan_kit::{auth::Caller, clock::to_proto, locale::Words};
use liuyan_proto::liuyan::stats::v1::{self as proto, stats_service_server::StatsService};
use tonic::{Request, Response, Status};

use crate::{
    app::App,
    domain::{
        indicator::VERSION,
        report::{self, Report},
    },
    error::Error,
};

/// Serves `StatsService`.
pub struct Grpc {
    app: Arc<App>,
    words: Words,
}

impl Grpc {
    /// Serves the use cases of `app`.
    pub fn new(app: Arc<App>) -> Self {
        let words = Words::new(&[
            ("zh-CN", include_str!("../locales/zh-CN.ftl")),
            ("en", include_str!("../locales/en.ftl")),
        ]);
        Self { app, words }
    }

    /// Tells an error to the caller, in the caller's language.
    fn answer<T>(&self, caller: &Caller, result: Result<T, Error>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    fn list(&self, caller: &Caller) -> proto::ListIndicatorsResponse {
        let indicators = self.app.indicators.iter();
        let told = indicators.map(|one| convert::indicator(&self.words, &caller.locale, one));
        proto::ListIndicatorsResponse { indicators: told.collect(), version: VERSION }
    }

    async fn query(
        &self,
        request: &proto::QuerySeriesRequest,
    ) -> Result<proto::QuerySeriesResponse, Error> {
        let query = parse::query(&self.app, request, "")?;
        let figures = self.app.figures(&query).await?;
        let rows = figures.rows.iter();
        Ok(proto::QuerySeriesResponse {
            rows: rows.map(|(key, values)| convert::row(key, &query.indicators, values)).collect(),
            counted_until: figures.counted_until.map(to_proto),
            version: VERSION,
        })
    }

    async fn rank(
        &self,
        request: &proto::ListRankingRequest,
    ) -> Result<proto::ListRankingResponse, Error> {
        let query = parse::ranking(&self.app, request)?;
        let (ranking, counted_until) = self.app.ranking(query).await?;
        let rows = ranking.places.into_iter();
        Ok(proto::ListRankingResponse {
            rows: rows.map(|place| convert::place(&request.indicator, place)).collect(),
            left_out: ranking.left_out,
            counted_until: counted_until.map(to_proto),
            version: VERSION,
        })
    }

    async fn export(
        &self,
        request: &proto::ExportReportRequest,
    ) -> Result<proto::ExportReportResponse, Error> {
        let none = proto::QuerySeriesRequest::default();
        let query = request.query.as_ref().unwrap_or(&none);
        let query = parse::query(&self.app, query, "query.")?;
        let figures = self.app.figures(&query).await?;
        let counted_until = figures.counted_until.map(|at| at.to_string()).unwrap_or_default();
        let csv = report::csv(&Report {
            group_by: query.group_by,
            indicators: &query.indicators,
            rows: &figures.rows,
            counted_until: &counted_until,
            version: VERSION,
        })?;
        Ok(proto::ExportReportResponse { csv: csv.into() })
    }
}

#[tonic::async_trait]
impl StatsService for Grpc {
    async fn list_indicators(
        &self,
        request: Request<proto::ListIndicatorsRequest>,
    ) -> Result<Response<proto::ListIndicatorsResponse>, Status> {
        Ok(Response::new(self.list(&Caller::of(&request))))
    }

    async fn get_indicator(
        &self,
        request: Request<proto::GetIndicatorRequest>,
    ) -> Result<Response<proto::GetIndicatorResponse>, Status> {
        let caller = Caller::of(&request);
        let found = self.app.indicator(&request.get_ref().indicator);
        let told = found.ok_or(Error::IndicatorNotFound).map(|indicator| {
            let indicator = convert::indicator(&self.words, &caller.locale, indicator);
            proto::GetIndicatorResponse { indicator: Some(indicator) }
        });
        self.answer(&caller, told)
    }

    async fn query_series(
        &self,
        request: Request<proto::QuerySeriesRequest>,
    ) -> Result<Response<proto::QuerySeriesResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.query(request.get_ref()).await)
    }

    async fn list_ranking(
        &self,
        request: Request<proto::ListRankingRequest>,
    ) -> Result<Response<proto::ListRankingResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.rank(request.get_ref()).await)
    }

    async fn export_report(
        &self,
        request: Request<proto::ExportReportRequest>,
    ) -> Result<Response<proto::ExportReportResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.export(request.get_ref()).await)
    }

    async fn recount(
        &self,
        request: Request<proto::RecountRequest>,
    ) -> Result<Response<proto::RecountResponse>, Status> {
        let caller = Caller::of(&request);
        let recount = self.app.recount().await.map(|recount| proto::RecountResponse {
            facts: recount.facts,
            tallies: recount.tallies,
            differences: recount.differences,
        });
        self.answer(&caller, recount)
    }
}

#[cfg(test)]
mod tests {
    use liuyan_kit::locale::Words;

    use super::convert;
    use crate::domain::indicator::{self, DATA};

    #[test]
    fn every_text_is_there_in_both_languages() {
        let words = Words::new(&[
            ("zh-CN", include_str!("../locales/zh-CN.ftl")),
            ("en", include_str!("../locales/en.ftl")),
        ]);
        assert_eq!(words.faults(), Vec::<String>::new());
        for indicator in indicator::parse(DATA).unwrap() {
            let told = convert::indicator(&words, "en", &indicator);
            for text in [told.name, told.description, told.numerator, told.denominator] {
                assert!(!text.starts_with("indicator-"), "{text} is missing");
            }
        }
    }
}
