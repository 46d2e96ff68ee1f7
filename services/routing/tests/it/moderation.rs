//! A double of moderation.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use liuyan_proto::liuyan::moderation::v1::{
    self as moderation, review_service_server::ReviewService,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// A double of moderation that serves public texts.
#[derive(Clone, Default)]
pub(crate) struct Moderation {
    titles: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    away: Arc<AtomicBool>,
}

impl Moderation {
    pub(crate) fn publish(&self, message_id: Uuid, title: &str) {
        self.titles.lock().unwrap().insert(message_id.to_string(), title.to_owned());
    }

    pub(crate) fn forget(&self, message_id: Uuid) {
        self.titles.lock().unwrap().remove(&message_id.to_string());
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    pub(crate) fn was_asked_for(&self, message_id: Uuid) -> bool {
        self.asked.lock().unwrap().contains(&message_id.to_string())
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn not_here<T>() -> Answer<T> {
    Err(Status::unimplemented("the double only serves public texts"))
}

#[tonic::async_trait]
impl ReviewService for Moderation {
    async fn batch_get_public_text(
        &self,
        request: Request<moderation::BatchGetPublicTextRequest>,
    ) -> Answer<moderation::BatchGetPublicTextResponse> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let ids = request.into_inner().message_ids;
        self.asked.lock().unwrap().extend(ids.iter().cloned());
        let titles = self.titles.lock().unwrap();
        let texts = ids.into_iter().filter_map(|message_id| {
            let title = titles.get(&message_id)?.clone();
            let body = "a body".to_owned();
            Some(moderation::PublicText { message_id, title, body, ..Default::default() })
        });
        Ok(Response::new(moderation::BatchGetPublicTextResponse { texts: texts.collect() }))
    }

    async fn list_reviews(
        &self,
        _: Request<moderation::ListReviewsRequest>,
    ) -> Answer<moderation::ListReviewsResponse> {
        not_here()
    }

    async fn issue_attachment_token(
        &self,
        _: Request<moderation::IssueAttachmentTokenRequest>,
    ) -> Answer<moderation::IssueAttachmentTokenResponse> {
        not_here()
    }

    async fn get_review(
        &self,
        _: Request<moderation::GetReviewRequest>,
    ) -> Answer<moderation::GetReviewResponse> {
        not_here()
    }

    async fn claim_review(
        &self,
        _: Request<moderation::ClaimReviewRequest>,
    ) -> Answer<moderation::ClaimReviewResponse> {
        not_here()
    }

    async fn renew_claim(
        &self,
        _: Request<moderation::RenewClaimRequest>,
    ) -> Answer<moderation::RenewClaimResponse> {
        not_here()
    }

    async fn release_review(
        &self,
        _: Request<moderation::ReleaseReviewRequest>,
    ) -> Answer<moderation::ReleaseReviewResponse> {
        not_here()
    }

    async fn decide_review(
        &self,
        _: Request<moderation::DecideReviewRequest>,
    ) -> Answer<moderation::DecideReviewResponse> {
        not_here()
    }

    async fn redact_message(
        &self,
        _: Request<moderation::RedactMessageRequest>,
    ) -> Answer<moderation::RedactMessageResponse> {
        not_here()
    }

    async fn appeal_decision(
        &self,
        _: Request<moderation::AppealDecisionRequest>,
    ) -> Answer<moderation::AppealDecisionResponse> {
        not_here()
    }

    async fn decide_appeal(
        &self,
        _: Request<moderation::DecideAppealRequest>,
    ) -> Answer<moderation::DecideAppealResponse> {
        not_here()
    }

    async fn mark_accusation(
        &self,
        _: Request<moderation::MarkAccusationRequest>,
    ) -> Answer<moderation::MarkAccusationResponse> {
        not_here()
    }

    async fn preview_public_text(
        &self,
        _: Request<moderation::PreviewPublicTextRequest>,
    ) -> Answer<moderation::PreviewPublicTextResponse> {
        not_here()
    }

    async fn get_workload(
        &self,
        _: Request<moderation::GetWorkloadRequest>,
    ) -> Answer<moderation::GetWorkloadResponse> {
        not_here()
    }

    async fn get_backlog(
        &self,
        _: Request<moderation::GetBacklogRequest>,
    ) -> Answer<moderation::GetBacklogResponse> {
        not_here()
    }

    async fn get_decision(
        &self,
        _: Request<moderation::GetDecisionRequest>,
    ) -> Answer<moderation::GetDecisionResponse> {
        not_here()
    }

    async fn list_grounds(
        &self,
        _: Request<moderation::ListGroundsRequest>,
    ) -> Answer<moderation::ListGroundsResponse> {
        not_here()
    }
}
