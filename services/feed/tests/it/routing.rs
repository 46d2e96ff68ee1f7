//! A double of routing.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use liuyan_proto::liuyan::{
    common::v1::PublicCase,
    routing::v1::{
        self as routing,
        case_service_server::{CaseService, CaseServiceServer},
    },
};
use tonic::{Request, Response, Status, service::Routes};

use crate::helpers::Case;

/// A double of routing: it gives the views that the test has put there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routing {
    views: Arc<Mutex<HashMap<String, PublicCase>>>,
    away: Arc<AtomicBool>,
}

impl Routing {
    pub(crate) fn routes(&self) -> Routes {
        Routes::new(CaseServiceServer::new(self.clone()))
    }

    pub(crate) fn shows(&self, view: PublicCase) {
        self.views.lock().unwrap().insert(view.case_id.clone(), view);
    }

    pub(crate) fn hides(&self, case: &Case) {
        self.views.lock().unwrap().remove(&case.id.to_string());
    }

    pub(crate) fn goes_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }
}

#[tonic::async_trait]
impl CaseService for Routing {
    async fn batch_get_public_case(
        &self,
        request: Request<routing::BatchGetPublicCaseRequest>,
    ) -> Result<Response<routing::BatchGetPublicCaseResponse>, Status> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let ids = request.into_inner().case_ids;
        assert!(ids.len() <= 256, "routing takes 256 ids");
        let views = self.views.lock().unwrap();
        let cases = ids.iter().filter_map(|id| views.get(id).cloned()).collect();
        Ok(Response::new(routing::BatchGetPublicCaseResponse { cases }))
    }

    async fn get_case(
        &self,
        _: Request<routing::GetCaseRequest>,
    ) -> Result<Response<routing::GetCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn issue_attachment_token(
        &self,
        _: Request<routing::IssueAttachmentTokenRequest>,
    ) -> Result<Response<routing::IssueAttachmentTokenResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn list_cases(
        &self,
        _: Request<routing::ListCasesRequest>,
    ) -> Result<Response<routing::ListCasesResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn accept_case(
        &self,
        _: Request<routing::AcceptCaseRequest>,
    ) -> Result<Response<routing::AcceptCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn reply_to_case(
        &self,
        _: Request<routing::ReplyToCaseRequest>,
    ) -> Result<Response<routing::ReplyToCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn close_case(
        &self,
        _: Request<routing::CloseCaseRequest>,
    ) -> Result<Response<routing::CloseCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn search_cases(
        &self,
        _: Request<routing::SearchCasesRequest>,
    ) -> Result<Response<routing::SearchCasesResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn transfer_case(
        &self,
        _: Request<routing::TransferCaseRequest>,
    ) -> Result<Response<routing::TransferCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn return_case(
        &self,
        _: Request<routing::ReturnCaseRequest>,
    ) -> Result<Response<routing::ReturnCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn pause_case(
        &self,
        _: Request<routing::PauseCaseRequest>,
    ) -> Result<Response<routing::PauseCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn resume_case(
        &self,
        _: Request<routing::ResumeCaseRequest>,
    ) -> Result<Response<routing::ResumeCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn extend_deadline(
        &self,
        _: Request<routing::ExtendDeadlineRequest>,
    ) -> Result<Response<routing::ExtendDeadlineResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn invite_helper(
        &self,
        _: Request<routing::InviteHelperRequest>,
    ) -> Result<Response<routing::InviteHelperResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn correct_reply(
        &self,
        _: Request<routing::CorrectReplyRequest>,
    ) -> Result<Response<routing::CorrectReplyResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn reopen_case(
        &self,
        _: Request<routing::ReopenCaseRequest>,
    ) -> Result<Response<routing::ReopenCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn ask_follow_up(
        &self,
        _: Request<routing::AskFollowUpRequest>,
    ) -> Result<Response<routing::AskFollowUpResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn supervise_case(
        &self,
        _: Request<routing::SuperviseCaseRequest>,
    ) -> Result<Response<routing::SuperviseCaseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn list_acts(
        &self,
        _: Request<routing::ListActsRequest>,
    ) -> Result<Response<routing::ListActsResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn keep_promise(
        &self,
        _: Request<routing::KeepPromiseRequest>,
    ) -> Result<Response<routing::KeepPromiseResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn get_rating_figures(
        &self,
        _: Request<routing::GetRatingFiguresRequest>,
    ) -> Result<Response<routing::GetRatingFiguresResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn list_precedents(
        &self,
        _: Request<routing::ListPrecedentsRequest>,
    ) -> Result<Response<routing::ListPrecedentsResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn retire_precedent(
        &self,
        _: Request<routing::RetirePrecedentRequest>,
    ) -> Result<Response<routing::RetirePrecedentResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn check_reply(
        &self,
        _: Request<routing::CheckReplyRequest>,
    ) -> Result<Response<routing::CheckReplyResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn get_reply_figures(
        &self,
        _: Request<routing::GetReplyFiguresRequest>,
    ) -> Result<Response<routing::GetReplyFiguresResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }

    async fn rate_reply(
        &self,
        _: Request<routing::RateReplyRequest>,
    ) -> Result<Response<routing::RateReplyResponse>, Status> {
        Err(Status::unimplemented("the double gives views only"))
    }
}
