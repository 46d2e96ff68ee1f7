//! `ModelCaseService`.

use liuyan_kit::{auth::Caller, clock::to_proto};
use liuyan_proto::liuyan::routing::v1::{
    self as routing, model_case_service_server::ModelCaseService,
};
use tonic::{Request, Response, Status};

use super::{Checks, answer, cases::text, convert};
use crate::{
    app::{
        App,
        model_cases::{Shown, Wanted},
    },
    error::Error,
};

/// How long the reason why a case is shown is, in characters.
const WHY_LENGTHS: (usize, usize) = (5, 200);
/// The last place of the list.
const LAST_PLACE: i32 = 9_999;

/// Serves model cases.
#[derive(Debug)]
pub struct Grpc {
    app: App,
}

impl Grpc {
    /// Serves what `app` does.
    pub fn new(app: App) -> Self {
        Self { app }
    }

    async fn put(
        &self,
        caller: &Caller,
        request: routing::PutModelCaseRequest,
    ) -> Result<routing::PutModelCaseResponse, Error> {
        let mut checks = Checks::default();
        let case_id = checks.id("case_id", &request.case_id);
        text(&mut checks, ("why", "WHY_LENGTH"), &request.why, WHY_LENGTHS);
        let place = i32::try_from(request.place).ok().filter(|place| *place <= LAST_PLACE);
        if place.is_none() {
            checks.wrong("place", "PLACE_RANGE");
        }
        checks.done()?;
        let order = (case_id, request.why, place.unwrap_or(LAST_PLACE));
        let shown = self.app.put_model(caller, order).await?;
        Ok(routing::PutModelCaseResponse { model_case: Some(told(shown)) })
    }

    async fn list(
        &self,
        request: routing::ListModelCasesRequest,
    ) -> Result<routing::ListModelCasesResponse, Error> {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let wanted = Wanted {
            division_code: some(request.division_code),
            domain: some(request.domain),
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let (shown, next_page_token) = self.app.model_cases(&wanted).await?;
        let model_cases = shown.into_iter().map(told).collect();
        Ok(routing::ListModelCasesResponse { model_cases, next_page_token })
    }
}

fn told(shown: Shown) -> routing::ModelCase {
    routing::ModelCase {
        case: Some(convert::public(shown.view)),
        why: shown.model.why,
        place: shown.model.place.unsigned_abs(),
        picked_at: Some(to_proto(shown.model.picked_at)),
    }
}

#[tonic::async_trait]
impl ModelCaseService for Grpc {
    async fn put_model_case(
        &self,
        request: Request<routing::PutModelCaseRequest>,
    ) -> Result<Response<routing::PutModelCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.put(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn retire_model_case(
        &self,
        request: Request<routing::RetireModelCaseRequest>,
    ) -> Result<Response<routing::RetireModelCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let mut checks = Checks::default();
        let case_id = checks.id("case_id", &request.get_ref().case_id);
        let result = match checks.done() {
            Ok(()) => self.app.retire_model(&caller, case_id).await,
            Err(error) => Err(error),
        };
        answer(&caller, result.map(|()| routing::RetireModelCaseResponse {}))
    }

    async fn list_model_cases(
        &self,
        request: Request<routing::ListModelCasesRequest>,
    ) -> Result<Response<routing::ListModelCasesResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.list(request.into_inner()).await;
        answer(&caller, result)
    }
}
