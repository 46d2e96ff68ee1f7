//! Requests in: proto to domain, domain to proto. What the guard could not check is checked here:
//! that an author's token is for the message in question, and who may import.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt as _};
use liuyan_kit::{auth::Caller, locale::Words};
use liuyan_proto::liuyan::intake::v1::{
    BatchGetTextRequest, BatchGetTextResponse, DownloadAttachmentRequest, EraseAuthorDataRequest,
    EraseAuthorDataResponse, ExportAuthorDataRequest, ExportAuthorDataResponse,
    GetConsistencyProofRequest, GetConsistencyProofResponse, GetInclusionProofRequest,
    GetInclusionProofResponse, GetMessageRequest, GetMessageResponse, GetReceiptRequest,
    GetReceiptResponse, GetTreeHeadRequest, GetTreeHeadResponse, IssueAuthorTokenRequest,
    IssueAuthorTokenResponse, IssueUploadTokenRequest, IssueUploadTokenResponse,
    ListAttachmentsRequest, ListAttachmentsResponse, ListLogEntriesRequest, ListLogEntriesResponse,
    ListMyMessagesRequest, ListMyMessagesResponse, LookUpMessageRequest, LookUpMessageResponse,
    RestoreMessageRequest, RestoreMessageResponse, ResubmitMessageRequest, ResubmitMessageResponse,
    SubmitMessageRequest, SubmitMessageResponse, SubmitMessagesRequest, SubmitMessagesResponse,
    UploadAttachmentRequest, UploadAttachmentResponse, WithdrawMessageRequest,
    WithdrawMessageResponse, intake_service_server::IntakeService,
};
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument as _;

use crate::{
    app::{App, Once},
    domain::rule::Rule,
    error::Error,
};

mod columns;
mod convert;
mod files;
mod log;
mod messages;
mod own;
mod who;

use who::name_of;

/// `liuyan.intake.v1.IntakeService`.
#[derive(Debug, Clone)]
pub struct Grpc {
    app: App,
    words: Arc<Words>,
}

/// The answers of a stream.
type Answers = Pin<Box<dyn Stream<Item = Result<SubmitMessagesResponse, Status>> + Send>>;

impl Grpc {
    /// Serves `app`.
    pub fn new(app: App) -> Self {
        Self { app, words: Arc::new(words()) }
    }

    fn told<T>(&self, result: Result<T, Error>, caller: &Caller) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    /// What makes a request one that takes effect once.
    fn once(
        &self,
        caller: &Caller,
        request_id: &str,
        rpc: &str,
        body: &impl prost::Message,
    ) -> Result<Once, Rule> {
        let malformed =
            |_| if request_id.is_empty() { Rule::Required } else { Rule::UuidMalformed };
        let request_id = request_id.parse().map_err(malformed)?;
        let body_hash = self.app.body_hash(rpc, &body.encode_to_vec());
        Ok(Once { caller: name_of(caller), request_id, body_hash })
    }
}

/// The texts of this service.
pub(crate) fn words() -> Words {
    Words::new(&[
        ("zh-CN", include_str!("../locales/zh-CN.ftl")),
        ("en", include_str!("../locales/en.ftl")),
    ])
}

#[tonic::async_trait]
impl IntakeService for Grpc {
    async fn submit_message(
        &self,
        request: Request<SubmitMessageRequest>,
    ) -> Result<Response<SubmitMessageResponse>, Status> {
        let caller = Caller::of(&request);
        let address = who::address(&caller, request.metadata());
        self.told(self.submit(&caller, request.into_inner(), address, false).await, &caller)
    }

    type SubmitMessagesStream = Answers;

    async fn submit_messages(
        &self,
        request: Request<Streaming<SubmitMessagesRequest>>,
    ) -> Result<Response<Self::SubmitMessagesStream>, Status> {
        let caller = Arc::new(Caller::of(&request));
        let in_flight = self.app.config().stream_in_flight.max(1);
        let grpc = self.clone();
        // The messages are caused by this call, though it has returned by the time they are read.
        let span = tracing::Span::current();
        // What waits for an answer is bounded; beyond that nothing more is read, and the caller
        // feels it. Each message is a task of its own, so that checking and signing use all cores
        // and a caller who goes away stops none.
        let answers = request
            .into_inner()
            .map(move |message| {
                let (grpc, caller) = (grpc.clone(), Arc::clone(&caller));
                let span = span.clone();
                async move {
                    // A stream may be longer than its token.
                    if caller.expires_at.is_some_and(|end| end <= grpc.app.now()) {
                        return Err(grpc.words.status(&Error::TokenExpired, &caller.locale));
                    }
                    let task = tokio::spawn(grpc.answer_one(caller, message?).instrument(span));
                    task.await.map_err(|_| Status::internal("a message could not be handled"))
                }
            })
            .buffer_unordered(in_flight);
        Ok(Response::new(Box::pin(answers)))
    }

    async fn batch_get_text(
        &self,
        request: Request<BatchGetTextRequest>,
    ) -> Result<Response<BatchGetTextResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.texts(&caller, request.get_ref()).await, &caller)
    }

    async fn get_message(
        &self,
        request: Request<GetMessageRequest>,
    ) -> Result<Response<GetMessageResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.message(&caller, request.get_ref()).await, &caller)
    }

    async fn get_receipt(
        &self,
        request: Request<GetReceiptRequest>,
    ) -> Result<Response<GetReceiptResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.receipt(&caller, request.get_ref()).await, &caller)
    }

    async fn look_up_message(
        &self,
        request: Request<LookUpMessageRequest>,
    ) -> Result<Response<LookUpMessageResponse>, Status> {
        let caller = Caller::of(&request);
        let address = who::address(&caller, request.metadata());
        self.told(self.look_up(request.get_ref(), address).await, &caller)
    }

    async fn list_my_messages(
        &self,
        request: Request<ListMyMessagesRequest>,
    ) -> Result<Response<ListMyMessagesResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.list_own(&caller, request.get_ref()).await, &caller)
    }

    async fn issue_author_token(
        &self,
        request: Request<IssueAuthorTokenRequest>,
    ) -> Result<Response<IssueAuthorTokenResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.open_own(&caller, request.get_ref()).await, &caller)
    }

    async fn withdraw_message(
        &self,
        request: Request<WithdrawMessageRequest>,
    ) -> Result<Response<WithdrawMessageResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.withdraw(&caller, request.get_ref()).await, &caller)
    }

    async fn resubmit_message(
        &self,
        request: Request<ResubmitMessageRequest>,
    ) -> Result<Response<ResubmitMessageResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.resubmit(&caller, request.into_inner()).await, &caller)
    }

    async fn export_author_data(
        &self,
        request: Request<ExportAuthorDataRequest>,
    ) -> Result<Response<ExportAuthorDataResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.export(&caller, request.get_ref()).await, &caller)
    }

    async fn erase_author_data(
        &self,
        request: Request<EraseAuthorDataRequest>,
    ) -> Result<Response<EraseAuthorDataResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.erase(&caller, request.get_ref()).await, &caller)
    }

    async fn issue_upload_token(
        &self,
        request: Request<IssueUploadTokenRequest>,
    ) -> Result<Response<IssueUploadTokenResponse>, Status> {
        let caller = Caller::of(&request);
        let address = who::address(&caller, request.metadata());
        self.told(self.upload_token(address), &caller)
    }

    async fn upload_attachment(
        &self,
        request: Request<Streaming<UploadAttachmentRequest>>,
    ) -> Result<Response<UploadAttachmentResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.upload(&caller, request.into_inner()).await, &caller)
    }

    type DownloadAttachmentStream = files::Pieces;

    async fn download_attachment(
        &self,
        request: Request<DownloadAttachmentRequest>,
    ) -> Result<Response<Self::DownloadAttachmentStream>, Status> {
        self.download(request).await
    }

    async fn list_attachments(
        &self,
        request: Request<ListAttachmentsRequest>,
    ) -> Result<Response<ListAttachmentsResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.list_files(&caller, request.get_ref()).await, &caller)
    }

    async fn get_tree_head(
        &self,
        request: Request<GetTreeHeadRequest>,
    ) -> Result<Response<GetTreeHeadResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.tree_head().await, &caller)
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<GetInclusionProofRequest>,
    ) -> Result<Response<GetInclusionProofResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.inclusion(request.get_ref()).await, &caller)
    }

    async fn get_consistency_proof(
        &self,
        request: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.consistency(request.get_ref()).await, &caller)
    }

    async fn list_log_entries(
        &self,
        request: Request<ListLogEntriesRequest>,
    ) -> Result<Response<ListLogEntriesResponse>, Status> {
        let caller = Caller::of(&request);
        self.told(self.entries(request.get_ref()).await, &caller)
    }

    async fn restore_message(
        &self,
        request: Request<RestoreMessageRequest>,
    ) -> Result<Response<RestoreMessageResponse>, Status> {
        let caller = Caller::of(&request);
        let address = who::address(&caller, request.metadata());
        self.told(self.restore(&caller, request.into_inner(), address).await, &caller)
    }
}
