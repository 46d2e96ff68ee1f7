//! Public lists and figures, kept for a moment: the same ones are asked for by everybody.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;
use liuyan_kit::clock::{self, SharedClock};
use liuyan_proto::liuyan::{
    common::v1::PublicCase,
    moderation::v1::{GetBacklogRequest, GetBacklogResponse},
    routing::v1::{
        CaseOrder, GetRatingFiguresRequest, GetRatingFiguresResponse, GetReplyFiguresRequest,
        GetReplyFiguresResponse, ListCasesRequest,
    },
    stats::v1::{
        ListIndicatorsRequest, ListIndicatorsResponse, ListRankingRequest, ListRankingResponse,
        QuerySeriesRequest, QuerySeriesResponse,
    },
};

use crate::{backend::Backends, cache::Cache, config::Limits, error::Error, visit::Visit};

/// Public lists and figures. What is asked for here is never asked in the name of a person.
#[derive(Debug)]
pub(crate) struct Lists {
    backend: Backends,
    cases: Cache<ListCasesRequest, Vec<PublicCase>>,
    series: Cache<QuerySeriesRequest, QuerySeriesResponse>,
    rankings: Cache<ListRankingRequest, ListRankingResponse>,
    indicators: Cache<&'static str, ListIndicatorsResponse>,
    backlog: Cache<(), GetBacklogResponse>,
    /// By the office's id.
    replies: Cache<String, GetReplyFiguresResponse>,
    /// By the office's id.
    ratings: Cache<String, GetRatingFiguresResponse>,
    /// The time of the last event that is counted in figures, in microseconds; 0 before the first.
    counted_until: Arc<AtomicI64>,
}

impl Lists {
    pub(crate) fn new(backend: Backends, clock: SharedClock, limits: &Limits) -> Self {
        let fresh = limits.lists();
        Self {
            backend,
            cases: Cache::new(clock.clone(), fresh, limits),
            series: Cache::new(clock.clone(), fresh, limits),
            rankings: Cache::new(clock.clone(), fresh, limits),
            indicators: Cache::new(clock.clone(), limits.fresh(), limits),
            backlog: Cache::new(clock.clone(), fresh, limits),
            replies: Cache::new(clock.clone(), fresh, limits),
            ratings: Cache::new(clock, fresh, limits),
            counted_until: Arc::default(),
        }
    }

    /// Public cases of a division (of all, if empty) in an order.
    pub(crate) async fn cases(
        &self,
        visit: &Visit,
        division_code: &str,
        order: CaseOrder,
        page_size: i32,
    ) -> Result<Arc<Vec<PublicCase>>, Error> {
        let ask = ListCasesRequest {
            division_code: division_code.to_owned(),
            order: order.into(),
            page_size,
            ..ListCasesRequest::default()
        };
        self.listed(visit, ask).await
    }

    /// Public cases of an office in an order.
    pub(crate) async fn cases_of(
        &self,
        visit: &Visit,
        office_id: &str,
        order: CaseOrder,
        page_size: i32,
    ) -> Result<Arc<Vec<PublicCase>>, Error> {
        let ask = ListCasesRequest {
            office_id: office_id.to_owned(),
            order: order.into(),
            page_size,
            ..ListCasesRequest::default()
        };
        self.listed(visit, ask).await
    }

    async fn listed(
        &self,
        visit: &Visit,
        ask: ListCasesRequest,
    ) -> Result<Arc<Vec<PublicCase>>, Error> {
        let (backend, request) = (self.backend.clone(), visit.call_public(ask.clone()));
        self.cases
            .get(ask, || async move {
                let answer = backend.cases().list_cases(request).await?.into_inner();
                let public = answer.cases.into_iter().filter(|case| case.public);
                Ok(public.filter_map(|case| case.view).collect())
            })
            .await
    }

    /// How an office answers.
    pub(crate) async fn reply_figures(
        &self,
        visit: &Visit,
        office_id: &str,
    ) -> Result<Arc<GetReplyFiguresResponse>, Error> {
        let ask = GetReplyFiguresRequest { office_id: office_id.to_owned() };
        let (backend, request) = (self.backend.clone(), visit.call_public(ask));
        self.replies
            .get(office_id.to_owned(), || async move {
                Ok(backend.cases().get_reply_figures(request).await?.into_inner())
            })
            .await
    }

    /// How the replies of an office are rated.
    pub(crate) async fn rating_figures(
        &self,
        visit: &Visit,
        office_id: &str,
    ) -> Result<Arc<GetRatingFiguresResponse>, Error> {
        let ask = GetRatingFiguresRequest { office_id: office_id.to_owned(), include_below: false };
        let (backend, request) = (self.backend.clone(), visit.call_public(ask));
        self.ratings
            .get(office_id.to_owned(), || async move {
                Ok(backend.cases().get_rating_figures(request).await?.into_inner())
            })
            .await
    }

    /// How many hours reviews are expected to take while they take longer than usual; `None` while they
    /// don't, or nobody can tell.
    pub(crate) async fn backlog_hours(&self, visit: &Visit) -> Option<u32> {
        let (backend, request) = (self.backend.clone(), visit.call_public(GetBacklogRequest {}));
        let told = self.backlog.get((), || async move {
            Ok(backend.reviews().get_backlog(request).await?.into_inner())
        });
        told.await.ok().filter(|it| it.backlog).map(|it| it.expected_hours)
    }

    /// Figures.
    pub(crate) async fn series(
        &self,
        visit: &Visit,
        ask: QuerySeriesRequest,
    ) -> Result<Arc<QuerySeriesResponse>, Error> {
        let (backend, request) = (self.backend.clone(), visit.call_public(ask.clone()));
        let newest = Arc::clone(&self.counted_until);
        self.series
            .get(ask, || async move {
                let answer = backend.stats().query_series(request).await?.into_inner();
                if let Some(until) = answer.counted_until.as_ref().and_then(clock::from_proto) {
                    newest.fetch_max(until.as_microsecond(), Ordering::Relaxed);
                }
                Ok(answer)
            })
            .await
    }

    /// The time of the last event that was counted in any figures so far.
    pub(crate) fn counted_until(&self) -> Option<Timestamp> {
        let micros = self.counted_until.load(Ordering::Relaxed);
        (micros > 0).then(|| Timestamp::from_microsecond(micros).ok()).flatten()
    }

    /// A ranking.
    pub(crate) async fn ranking(
        &self,
        visit: &Visit,
        ask: ListRankingRequest,
    ) -> Result<Arc<ListRankingResponse>, Error> {
        let (backend, request) = (self.backend.clone(), visit.call_public(ask.clone()));
        self.rankings
            .get(
                ask,
                || async move { Ok(backend.stats().list_ranking(request).await?.into_inner()) },
            )
            .await
    }

    /// What the figures mean, in the visitor's language.
    pub(crate) async fn indicators(
        &self,
        visit: &Visit,
    ) -> Result<Arc<ListIndicatorsResponse>, Error> {
        let backend = self.backend.clone();
        let request = visit.call_public(ListIndicatorsRequest {});
        self.indicators
            .get(visit.locale(), || async move {
                Ok(backend.stats().list_indicators(request).await?.into_inner())
            })
            .await
    }
}
