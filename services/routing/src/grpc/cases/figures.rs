//! How offices are rated, and by which decisions messages are routed.

use liuyan_kit::{auth::Caller, clock::to_proto};
use liuyan_proto::liuyan::routing::v1 as routing;
use prost::Message as _;

use super::{
    super::Checks,
    Grpc, some,
    working::{REASON_LENGTHS, text},
};
use crate::{
    app::precedents::{Retiring, Wanted},
    domain::rating::LABELS,
    error::Error,
    store::precedents::Precedent,
};

impl Grpc {
    pub(super) async fn rating_figures(
        &self,
        request: routing::GetRatingFiguresRequest,
    ) -> Result<routing::GetRatingFiguresResponse, Error> {
        let found = self.app.rating_figures(&request.office_id, request.include_below).await?;
        let part = |of: i64, all: i64| if all > 0 { precise(of) / precise(all) } else { 0.0 };
        let labels = LABELS.iter().zip(found.labels).map(|(label, count)| routing::LabelCount {
            label: (*label).to_owned(),
            count: count.unsigned_abs(),
        });
        Ok(routing::GetRatingFiguresResponse {
            replies: found.replies.unsigned_abs(),
            rated: found.rated.unsigned_abs(),
            coverage: part(found.rated, found.replies),
            counted: found.counted.unsigned_abs(),
            withheld: found.counted == 0,
            resolution: part(found.resolution, found.counted),
            attitude: part(found.attitude, found.counted),
            speed: part(found.speed, found.counted),
            labels: if found.counted > 0 { labels.collect() } else { Vec::new() },
        })
    }

    pub(super) async fn precedents(
        &self,
        caller: &Caller,
        request: routing::ListPrecedentsRequest,
    ) -> Result<routing::ListPrecedentsResponse, Error> {
        let wanted = Wanted {
            office_id: some(request.office_id),
            retired: request.include_retired,
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let (found, next_page_token) = self.app.precedents(caller, &wanted).await?;
        let precedents = found.iter().map(precedent).collect();
        Ok(routing::ListPrecedentsResponse { precedents, next_page_token })
    }

    pub(super) async fn retire_precedent(
        &self,
        caller: Caller,
        request: routing::RetirePrecedentRequest,
    ) -> Result<routing::RetirePrecedentResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "RetirePrecedent", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        let order = Retiring {
            precedent_id: checks.id("precedent_id", &request.precedent_id),
            reason: request.reason,
            request: named,
            encode: |retired| {
                routing::RetirePrecedentResponse { precedent: Some(precedent(retired)) }
                    .encode_to_vec()
            },
        };
        checks.done()?;
        let response = self.app.retire_precedent(caller, order).await?;
        Ok(routing::RetirePrecedentResponse::decode(response.as_slice())?)
    }
}

/// A count as a number with a point. Counts of a board are far below where these are inexact.
fn precise(count: i64) -> f64 {
    i32::try_from(count).map_or(f64::from(i32::MAX), f64::from)
}

fn precedent(precedent: &Precedent) -> routing::Precedent {
    routing::Precedent {
        precedent_id: precedent.precedent_id.to_string(),
        office_id: precedent.office_id.clone(),
        kind: precedent.kind.clone(),
        domain: precedent.domain.clone(),
        topic: precedent.topic.clone(),
        to_office_id: precedent.to_office_id.clone(),
        case_id: precedent.case_id.to_string(),
        decided_at: Some(to_proto(precedent.decided_at)),
        retired_at: precedent.retired_at.map(to_proto),
        cases: precedent.cases.unsigned_abs(),
    }
}
