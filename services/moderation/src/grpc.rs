//! Requests in, answers out: contracts to domain to use cases and back.

mod appeals;
mod convert;
mod figures;
mod parse;
mod policies;
pub(crate) mod rules;

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    auth::{Caller, Claims, Signer},
    clock::to_proto,
    locale::Words,
};
use liuyan_proto::liuyan::moderation::v1::{self as proto, review_service_server::ReviewService};
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use crate::{
    app::{
        App,
        calls::{Call, Write},
        deciding::Wish,
    },
    domain::{moderator::Moderator, review::Review},
    error::Error,
};

/// The scope of moderators.
const WORK: &str = "review:work";
/// The scope of senior moderators.
const SENIOR: &str = "review:senior";
/// What intake asks of who wants to see files; the subject says of which message.
const FILES: &str = "attachment:read";
/// How long a token for files is good.
const FILES_LIFETIME: Duration = Duration::from_secs(120);

/// Serves `ReviewService`.
pub struct Grpc {
    app: Arc<App>,
    words: Words,
    signer: Signer,
    told: figures::Told,
}

impl Grpc {
    /// Serves the use cases of `app`; `signer` lets moderators see files at intake.
    pub fn new(app: Arc<App>, signer: Signer) -> Self {
        Self { app, words: words(), signer, told: figures::Told::default() }
    }

    /// Tells an error to the caller, in the caller's language.
    fn answer<T>(&self, caller: &Caller, result: Result<T, Error>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    async fn claim(
        &self,
        caller: &Caller,
        request: proto::ClaimReviewRequest,
    ) -> Result<proto::ClaimReviewResponse, Error> {
        let (request_id, named) = parse::claim(&request)?;
        let call = call(caller, "ClaimReview", &request, request_id, |review| {
            let review = Some(convert::review(review));
            proto::ClaimReviewResponse { review }.encode_to_vec()
        });
        let Some(answer) = self.app.claim(call, moderator(caller), named).await? else {
            return Ok(proto::ClaimReviewResponse { review: None });
        };
        let mut answer = decode::<proto::ClaimReviewResponse>(&answer)?;
        // The kept answer has no text in it; the claim is in the audit log by now.
        if let Some(review) = &mut answer.review {
            let message_id = parse::stored_id(&review.message_id)?;
            let text = self.app.text_under_review(message_id, review.revision).await?;
            review.text = text.map(convert::review_text);
            self.add_reason(message_id, review).await?;
        }
        Ok(answer)
    }

    async fn decide(
        &self,
        caller: &Caller,
        request: proto::DecideReviewRequest,
    ) -> Result<proto::DecideReviewResponse, Error> {
        let (request_id, wish): (_, Wish) =
            parse::decision(&request, self.app.config.accused_offices)?;
        let call = call(caller, "DecideReview", &request, request_id, |review| {
            let review = Some(convert::review(review));
            proto::DecideReviewResponse { review }.encode_to_vec()
        });
        decode(&self.app.decide(call, moderator(caller), wish).await?)
    }

    async fn redact(
        &self,
        caller: &Caller,
        request: proto::RedactMessageRequest,
    ) -> Result<proto::RedactMessageResponse, Error> {
        let (request_id, message_id, spans) = parse::redaction(&request)?;
        let call = call(caller, "RedactMessage", &request, request_id, |review| {
            let review = Some(convert::review(review));
            proto::RedactMessageResponse { review }.encode_to_vec()
        });
        decode(&self.app.redact(call, moderator(caller), message_id, spans).await?)
    }

    async fn list(
        &self,
        caller: &Caller,
        request: proto::ListReviewsRequest,
    ) -> Result<proto::ListReviewsResponse, Error> {
        let (filter, question, size) = parse::listing::page(&request)?;
        let page = (question, size);
        let listed =
            self.app.list_reviews(&moderator(caller), &filter, page, &request.page_token).await?;
        Ok(proto::ListReviewsResponse {
            reviews: listed.reviews.iter().map(|review| self.shown(review)).collect(),
            next_page_token: listed.next_page_token,
            total: listed.total,
        })
    }

    /// A review as it is now.
    fn shown(&self, review: &Review) -> proto::Review {
        let due = convert::due(review, self.app.clock.now(), self.app.config.work.near());
        proto::Review { due: due.into(), ..convert::review(review) }
    }

    /// An author learns of the decision on their own message and of no other, not even whether
    /// there is one.
    async fn decision(
        &self,
        caller: &Caller,
        request: proto::GetDecisionRequest,
    ) -> Result<proto::GetDecisionResponse, Error> {
        let message_id = parse::id("message_id", &request.message_id)?;
        if !caller.has(WORK) && !caller.author_of(message_id) {
            return Err(Error::OtherMessage);
        }
        let mut answer = convert::decision(&self.app.decision(message_id).await?);
        if let (Some(appeal), true) = (&mut answer.appeal, caller.author_of(message_id)) {
            appeal.reason = self.app.reason_of_appeal(message_id).await?;
        }
        Ok(answer)
    }

    async fn look(
        &self,
        caller: &Caller,
        request: proto::GetReviewRequest,
    ) -> Result<proto::GetReviewResponse, Error> {
        let message_id = parse::id("message_id", &request.message_id)?;
        let (review, text) = self.app.look(moderator(caller), message_id).await?;
        let mut review =
            proto::Review { text: text.map(convert::review_text), ..self.shown(&review) };
        self.add_reason(message_id, &mut review).await?;
        Ok(proto::GetReviewResponse { review: Some(review) })
    }
}

impl Grpc {
    /// The look is recorded, and only then the token is there.
    async fn files(
        &self,
        caller: &Caller,
        request: proto::IssueAttachmentTokenRequest,
    ) -> Result<proto::IssueAttachmentTokenResponse, Error> {
        let message_id = parse::id("message_id", &request.message_id)?;
        let who = name(caller);
        self.app.look_at_files(who.clone(), message_id).await?;
        let now = self.app.clock.now();
        let attachment_token = self.signer.sign(&Claims {
            sub: format!("files/{message_id}/{who}"),
            scopes: vec![FILES.to_owned()],
            offices: Vec::new(),
            divisions: Vec::new(),
            lifetime: FILES_LIFETIME,
        });
        let expires_at = now.saturating_add(FILES_LIFETIME).unwrap_or(now);
        Ok(proto::IssueAttachmentTokenResponse {
            attachment_token,
            expires_at: Some(to_proto(expires_at)),
        })
    }
}

/// Who works.
fn moderator(caller: &Caller) -> Moderator {
    let senior = caller.has(SENIOR);
    Moderator { name: name(caller), account: caller.subject.clone(), senior }
}

/// What callers are told, in their languages.
fn words() -> Words {
    Words::new(&[
        ("zh-CN", include_str!("../locales/zh-CN.ftl")),
        ("en", include_str!("../locales/en.ftl")),
    ])
}

/// Who calls, as it is stored: two issuers may use one subject.
fn name(caller: &Caller) -> String {
    format!("{}/{}", caller.issuer, caller.subject)
}

/// A write that its caller may repeat.
fn call(
    caller: &Caller,
    rpc: &str,
    request: &impl Message,
    request_id: uuid::Uuid,
    answer: fn(&Review) -> Vec<u8>,
) -> Call {
    let hash = Sha256::new().chain_update(rpc).chain_update(request.encode_to_vec()).finalize();
    let write = Write { caller: name(caller), request_id, body_hash: hash.into() };
    Call { write, answer }
}

fn decode<T: Message + Default>(answer: &[u8]) -> Result<T, Error> {
    T::decode(answer).map_err(|error| Error::BadData(error.into()))
}

#[tonic::async_trait]
impl ReviewService for Grpc {
    async fn list_reviews(
        &self,
        request: Request<proto::ListReviewsRequest>,
    ) -> Result<Response<proto::ListReviewsResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.list(&caller, request.into_inner()).await)
    }

    async fn get_review(
        &self,
        request: Request<proto::GetReviewRequest>,
    ) -> Result<Response<proto::GetReviewResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.look(&caller, request.into_inner()).await)
    }

    async fn issue_attachment_token(
        &self,
        request: Request<proto::IssueAttachmentTokenRequest>,
    ) -> Result<Response<proto::IssueAttachmentTokenResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.files(&caller, request.into_inner()).await)
    }

    async fn claim_review(
        &self,
        request: Request<proto::ClaimReviewRequest>,
    ) -> Result<Response<proto::ClaimReviewResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.claim(&caller, request.into_inner()).await)
    }

    async fn renew_claim(
        &self,
        request: Request<proto::RenewClaimRequest>,
    ) -> Result<Response<proto::RenewClaimResponse>, Status> {
        let caller = Caller::of(&request);
        let renewed = async {
            let id = parse::id("message_id", &request.get_ref().message_id)?;
            let until = self.app.renew_claim(name(&caller), id).await?;
            Ok(proto::RenewClaimResponse { claim_expires_at: Some(to_proto(until)) })
        };
        self.answer(&caller, renewed.await)
    }

    async fn release_review(
        &self,
        request: Request<proto::ReleaseReviewRequest>,
    ) -> Result<Response<proto::ReleaseReviewResponse>, Status> {
        let caller = Caller::of(&request);
        let released = async {
            let id = parse::id("message_id", &request.get_ref().message_id)?;
            self.app.release(name(&caller), id).await?;
            Ok(proto::ReleaseReviewResponse {})
        };
        self.answer(&caller, released.await)
    }

    async fn decide_review(
        &self,
        request: Request<proto::DecideReviewRequest>,
    ) -> Result<Response<proto::DecideReviewResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.decide(&caller, request.into_inner()).await)
    }

    async fn get_decision(
        &self,
        request: Request<proto::GetDecisionRequest>,
    ) -> Result<Response<proto::GetDecisionResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.decision(&caller, request.into_inner()).await)
    }

    async fn appeal_decision(
        &self,
        request: Request<proto::AppealDecisionRequest>,
    ) -> Result<Response<proto::AppealDecisionResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.appeal(&caller, request.into_inner()).await)
    }

    async fn decide_appeal(
        &self,
        request: Request<proto::DecideAppealRequest>,
    ) -> Result<Response<proto::DecideAppealResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.end_appeal(&caller, request.into_inner()).await)
    }

    async fn mark_accusation(
        &self,
        request: Request<proto::MarkAccusationRequest>,
    ) -> Result<Response<proto::MarkAccusationResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.accuse(&caller, request.into_inner()).await)
    }

    async fn preview_public_text(
        &self,
        request: Request<proto::PreviewPublicTextRequest>,
    ) -> Result<Response<proto::PreviewPublicTextResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.preview(&caller, request.into_inner()).await)
    }

    async fn get_workload(
        &self,
        request: Request<proto::GetWorkloadRequest>,
    ) -> Result<Response<proto::GetWorkloadResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.workload(&caller).await)
    }

    async fn get_backlog(
        &self,
        request: Request<proto::GetBacklogRequest>,
    ) -> Result<Response<proto::GetBacklogResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.backlog().await)
    }

    async fn redact_message(
        &self,
        request: Request<proto::RedactMessageRequest>,
    ) -> Result<Response<proto::RedactMessageResponse>, Status> {
        let caller = Caller::of(&request);
        self.answer(&caller, self.redact(&caller, request.into_inner()).await)
    }

    async fn batch_get_public_text(
        &self,
        request: Request<proto::BatchGetPublicTextRequest>,
    ) -> Result<Response<proto::BatchGetPublicTextResponse>, Status> {
        let caller = Caller::of(&request);
        let texts = async {
            let ids = parse::ids(&request.get_ref().message_ids)?;
            let texts = self.app.public_texts(&ids).await?;
            let texts = texts.into_iter().map(|(id, text)| convert::public_text(id, text));
            Ok(proto::BatchGetPublicTextResponse { texts: texts.collect() })
        };
        self.answer(&caller, texts.await)
    }

    async fn list_grounds(
        &self,
        request: Request<proto::ListGroundsRequest>,
    ) -> Result<Response<proto::ListGroundsResponse>, Status> {
        let caller = Caller::of(&request);
        let grounds = self.app.grounds().await.map(|grounds| proto::ListGroundsResponse {
            grounds: grounds.into_iter().map(convert::ground).collect(),
        });
        self.answer(&caller, grounds)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_text_is_there_in_both_languages() {
        assert_eq!(super::words().faults(), Vec::<String>::new());
    }
}
