//! `CommonProblemService`.

use std::collections::BTreeSet;

use liuyan_kit::{auth::Caller, clock::to_proto};
use liuyan_proto::liuyan::routing::v1::{
    self as routing, common_problem_service_server::CommonProblemService,
};
use prost::Message as _;
use tonic::{Request, Response, Status};

use super::{Checks, answer, cases::text};
use crate::{
    app::{
        App,
        common::{CommonAnswer, Grouping, Seen, Target, Ungrouping, Wanted},
    },
    domain::{
        CaseId,
        common::{FEWEST_CASES, Stage},
    },
    error::Error,
};

/// How long what a common problem is about is, in characters.
const TITLE_LENGTHS: (usize, usize) = (5, 50);
/// How long a reason is, in characters.
const REASON_LENGTHS: (usize, usize) = (2, 200);
/// How many cases one request groups at most.
const MOST_AT_ONCE: usize = 100;

/// Serves common problems.
#[derive(Debug)]
pub struct Grpc {
    app: App,
}

impl Grpc {
    /// Serves what `app` does.
    pub fn new(app: App) -> Self {
        Self { app }
    }

    async fn group(
        &self,
        caller: Caller,
        request: routing::GroupCasesRequest,
    ) -> Result<routing::GroupCasesResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "GroupCases", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        let case_ids: BTreeSet<CaseId> =
            request.case_ids.iter().map(|id| checks.id("case_ids", id)).collect();
        let fewest = if request.common_problem_id.is_empty() { FEWEST_CASES } else { 1 };
        if !(fewest..=MOST_AT_ONCE).contains(&case_ids.len()) {
            checks.wrong("case_ids", "CASES_COUNT");
        }
        let target = if request.common_problem_id.is_empty() {
            text(&mut checks, ("title", "TITLE_LENGTH"), &request.title, TITLE_LENGTHS);
            if request.lead_office_id.is_empty() {
                checks.wrong("lead_office_id", "FIELD_REQUIRED");
            }
            Target::New(request.title.trim().to_owned(), request.lead_office_id)
        } else {
            Target::Known(checks.id("common_problem_id", &request.common_problem_id))
        };
        checks.done()?;
        let order = Grouping {
            target,
            case_ids: case_ids.into_iter().collect(),
            reason: request.reason,
            request: named,
            encode: |seen| {
                routing::GroupCasesResponse { common_problem: Some(told(seen)) }.encode_to_vec()
            },
        };
        let response = self.app.group(caller, order).await?;
        Ok(routing::GroupCasesResponse::decode(response.as_slice())?)
    }

    async fn ungroup(
        &self,
        caller: Caller,
        request: routing::UngroupCaseRequest,
    ) -> Result<routing::UngroupCaseResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "UngroupCase", &request.request_id, &request);
        text(&mut checks, ("reason", "REASON_LENGTH"), &request.reason, REASON_LENGTHS);
        let order = Ungrouping {
            case_id: checks.id("case_id", &request.case_id),
            etag: request.etag,
            reason: request.reason,
            request: named,
            encode: |seen| {
                routing::UngroupCaseResponse { common_problem: Some(told(seen)) }.encode_to_vec()
            },
        };
        checks.done()?;
        let response = self.app.ungroup(caller, order).await?;
        Ok(routing::UngroupCaseResponse::decode(response.as_slice())?)
    }

    async fn reply(
        &self,
        caller: Caller,
        request: routing::AnswerCommonProblemRequest,
    ) -> Result<routing::AnswerCommonProblemResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "AnswerCommonProblem", &request.request_id, &request);
        let lengths = (self.app.config().reply_least, self.app.config().reply_most);
        text(&mut checks, ("body", "BODY_LENGTH"), &request.body, lengths);
        let order = CommonAnswer {
            problem_id: checks.id("common_problem_id", &request.common_problem_id),
            etag: request.etag,
            body: request.body,
            request: named,
            encode: |seen| {
                routing::AnswerCommonProblemResponse { common_problem: Some(told(seen)) }
                    .encode_to_vec()
            },
        };
        checks.done()?;
        let response = self.app.answer_common(caller, order).await?;
        Ok(routing::AnswerCommonProblemResponse::decode(response.as_slice())?)
    }

    async fn object(
        &self,
        caller: Caller,
        request: routing::ObjectToGroupingRequest,
    ) -> Result<routing::ObjectToGroupingResponse, Error> {
        let mut checks = Checks::default();
        let named = checks.request(&caller, "ObjectToGrouping", &request.request_id, &request);
        let order = Ungrouping {
            case_id: checks.id("case_id", &request.case_id),
            etag: String::new(),
            reason: String::new(),
            request: named,
            encode: |seen| {
                let common_problem_id = seen.problem.problem_id.to_string();
                routing::ObjectToGroupingResponse { common_problem_id }.encode_to_vec()
            },
        };
        checks.done()?;
        let response = self.app.object(caller, order).await?;
        Ok(routing::ObjectToGroupingResponse::decode(response.as_slice())?)
    }

    async fn list(
        &self,
        caller: &Caller,
        request: routing::ListCommonProblemsRequest,
    ) -> Result<routing::ListCommonProblemsResponse, Error> {
        let stage = match routing::CommonProblemState::try_from(request.state) {
            Err(_) => return Err(Error::invalid("state", "VALUE_UNKNOWN")),
            Ok(state) => Stage::ALL.into_iter().find(|stage| state_of(*stage) == state),
        };
        let wanted = Wanted {
            lead_office_id: Some(request.lead_office_id).filter(|id| !id.is_empty()),
            stage,
            own: request.own,
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let page = self.app.common_problems(caller, &wanted).await?;
        let common_problems = page.problems.iter().map(told).collect();
        Ok(routing::ListCommonProblemsResponse { common_problems, next_page_token: page.next })
    }

    async fn get(
        &self,
        caller: &Caller,
        request: routing::GetCommonProblemRequest,
    ) -> Result<routing::GetCommonProblemResponse, Error> {
        let mut checks = Checks::default();
        let problem_id = checks.id("common_problem_id", &request.common_problem_id);
        checks.done()?;
        let seen = self.app.common_problem(caller, problem_id).await?;
        Ok(routing::GetCommonProblemResponse { common_problem: Some(told(&seen)) })
    }
}

fn state_of(stage: Stage) -> routing::CommonProblemState {
    match stage {
        Stage::Open => routing::CommonProblemState::Open,
        Stage::Answered => routing::CommonProblemState::Answered,
        Stage::Dissolved => routing::CommonProblemState::Dissolved,
    }
}

fn told(seen: &Seen) -> routing::CommonProblem {
    let problem = &seen.problem;
    let number = |count: i64| u32::try_from(count).unwrap_or_default();
    let objected = if seen.whole { i64::from(problem.objected_count) } else { 0 };
    routing::CommonProblem {
        common_problem_id: problem.problem_id.to_string(),
        title: problem.title.clone(),
        lead_office_id: problem.lead_office_id.clone(),
        state: state_of(problem.stage).into(),
        body: problem.body.clone().unwrap_or_default(),
        created_at: Some(to_proto(problem.created_at)),
        answered_at: problem.answered_at.map(to_proto),
        cases: number(seen.cases),
        rated: number(seen.rated),
        objected: number(objected),
        etag: if seen.whole { problem.etag() } else { String::new() },
    }
}

#[tonic::async_trait]
impl CommonProblemService for Grpc {
    async fn group_cases(
        &self,
        request: Request<routing::GroupCasesRequest>,
    ) -> Result<Response<routing::GroupCasesResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.group(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn ungroup_case(
        &self,
        request: Request<routing::UngroupCaseRequest>,
    ) -> Result<Response<routing::UngroupCaseResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.ungroup(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn answer_common_problem(
        &self,
        request: Request<routing::AnswerCommonProblemRequest>,
    ) -> Result<Response<routing::AnswerCommonProblemResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.reply(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn object_to_grouping(
        &self,
        request: Request<routing::ObjectToGroupingRequest>,
    ) -> Result<Response<routing::ObjectToGroupingResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.object(caller.clone(), request.into_inner()).await;
        answer(&caller, result)
    }

    async fn get_common_problem(
        &self,
        request: Request<routing::GetCommonProblemRequest>,
    ) -> Result<Response<routing::GetCommonProblemResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.get(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_common_problems(
        &self,
        request: Request<routing::ListCommonProblemsRequest>,
    ) -> Result<Response<routing::ListCommonProblemsResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.list(&caller, request.into_inner()).await;
        answer(&caller, result)
    }
}
