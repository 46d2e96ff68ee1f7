//! A double of intake.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use liuyan_proto::liuyan::intake::v1::{self as intake, intake_service_server::IntakeService};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

/// How it was asked for a text.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) message_ids: Vec<String>,
    pub(crate) purpose: String,
    pub(crate) revisions: Vec<u32>,
    pub(crate) authorization: String,
}

/// A double of intake that serves original texts.
#[derive(Clone, Default)]
pub(crate) struct Intake {
    texts: Arc<Mutex<HashMap<String, intake::Text>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    away: Arc<AtomicBool>,
}

impl Intake {
    /// Keeps a text of which every part says that it is `secret`.
    pub(crate) fn keep(&self, message_id: Uuid, secret: &str) {
        self.keep_revision(message_id, 1, secret);
    }

    /// Gives this text from now on, as a release would that knows the newest text only.
    pub(crate) fn keep_revision(&self, message_id: Uuid, revision: u32, secret: &str) {
        let text = intake::Text {
            message_id: message_id.to_string(),
            revision,
            title: format!("{secret} title"),
            body: format!("{secret} body"),
            demand: format!("{secret} demand"),
            details: format!("{secret} details"),
            place: format!("{secret} place"),
            place_public: false,
            attachments: Vec::new(),
        };
        self.texts.lock().unwrap().insert(message_id.to_string(), text);
    }

    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// How it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn not_here<T>() -> Answer<T> {
    Err(Status::unimplemented("the double only serves original texts"))
}

#[tonic::async_trait]
impl IntakeService for Intake {
    async fn batch_get_text(
        &self,
        request: Request<intake::BatchGetTextRequest>,
    ) -> Answer<intake::BatchGetTextResponse> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let authorization = request.metadata().get("authorization");
        let authorization = authorization.map(|it| it.to_str().unwrap().to_owned());
        let intake::BatchGetTextRequest { message_ids, purpose, revisions } = request.into_inner();
        let texts = self.texts.lock().unwrap();
        let texts = message_ids.iter().filter_map(|id| texts.get(id).cloned()).collect();
        let authorization = authorization.unwrap_or_default();
        self.asked.lock().unwrap().push(Asked { message_ids, purpose, revisions, authorization });
        Ok(Response::new(intake::BatchGetTextResponse { texts }))
    }

    async fn submit_message(
        &self,
        _: Request<intake::SubmitMessageRequest>,
    ) -> Answer<intake::SubmitMessageResponse> {
        not_here()
    }

    type SubmitMessagesStream = tokio_stream::Empty<Result<intake::SubmitMessagesResponse, Status>>;

    async fn submit_messages(
        &self,
        _: Request<Streaming<intake::SubmitMessagesRequest>>,
    ) -> Answer<Self::SubmitMessagesStream> {
        not_here()
    }

    async fn issue_upload_token(
        &self,
        _: Request<intake::IssueUploadTokenRequest>,
    ) -> Answer<intake::IssueUploadTokenResponse> {
        not_here()
    }

    async fn upload_attachment(
        &self,
        _: Request<Streaming<intake::UploadAttachmentRequest>>,
    ) -> Answer<intake::UploadAttachmentResponse> {
        not_here()
    }

    type DownloadAttachmentStream =
        tokio_stream::Empty<Result<intake::DownloadAttachmentResponse, Status>>;

    async fn download_attachment(
        &self,
        _: Request<intake::DownloadAttachmentRequest>,
    ) -> Answer<Self::DownloadAttachmentStream> {
        not_here()
    }

    async fn list_attachments(
        &self,
        _: Request<intake::ListAttachmentsRequest>,
    ) -> Answer<intake::ListAttachmentsResponse> {
        not_here()
    }

    async fn get_message(
        &self,
        _: Request<intake::GetMessageRequest>,
    ) -> Answer<intake::GetMessageResponse> {
        not_here()
    }

    async fn get_receipt(
        &self,
        _: Request<intake::GetReceiptRequest>,
    ) -> Answer<intake::GetReceiptResponse> {
        not_here()
    }

    async fn look_up_message(
        &self,
        _: Request<intake::LookUpMessageRequest>,
    ) -> Answer<intake::LookUpMessageResponse> {
        not_here()
    }

    async fn list_my_messages(
        &self,
        _: Request<intake::ListMyMessagesRequest>,
    ) -> Answer<intake::ListMyMessagesResponse> {
        not_here()
    }

    async fn issue_author_token(
        &self,
        _: Request<intake::IssueAuthorTokenRequest>,
    ) -> Answer<intake::IssueAuthorTokenResponse> {
        not_here()
    }

    async fn withdraw_message(
        &self,
        _: Request<intake::WithdrawMessageRequest>,
    ) -> Answer<intake::WithdrawMessageResponse> {
        not_here()
    }

    async fn export_author_data(
        &self,
        _: Request<intake::ExportAuthorDataRequest>,
    ) -> Answer<intake::ExportAuthorDataResponse> {
        not_here()
    }

    async fn erase_author_data(
        &self,
        _: Request<intake::EraseAuthorDataRequest>,
    ) -> Answer<intake::EraseAuthorDataResponse> {
        not_here()
    }

    async fn resubmit_message(
        &self,
        _: Request<intake::ResubmitMessageRequest>,
    ) -> Answer<intake::ResubmitMessageResponse> {
        not_here()
    }

    async fn get_tree_head(
        &self,
        _: Request<intake::GetTreeHeadRequest>,
    ) -> Answer<intake::GetTreeHeadResponse> {
        not_here()
    }

    async fn get_inclusion_proof(
        &self,
        _: Request<intake::GetInclusionProofRequest>,
    ) -> Answer<intake::GetInclusionProofResponse> {
        not_here()
    }

    async fn get_consistency_proof(
        &self,
        _: Request<intake::GetConsistencyProofRequest>,
    ) -> Answer<intake::GetConsistencyProofResponse> {
        not_here()
    }

    async fn list_log_entries(
        &self,
        _: Request<intake::ListLogEntriesRequest>,
    ) -> Answer<intake::ListLogEntriesResponse> {
        not_here()
    }

    async fn restore_message(
        &self,
        _: Request<intake::RestoreMessageRequest>,
    ) -> Answer<intake::RestoreMessageResponse> {
        not_here()
    }
}
