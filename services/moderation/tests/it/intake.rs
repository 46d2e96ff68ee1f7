//! A stand-in for intake that serves texts.

use std::{
    collections::{BTreeMap, HashMap},
    iter,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::stream::BoxStream;
use liuyan_kit::testing;
use liuyan_proto::liuyan::intake::v1::{self as intake, intake_service_server as server};
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// Serves texts as intake would.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intake {
    texts: Arc<Mutex<HashMap<Uuid, BTreeMap<u32, intake::Text>>>>,
    away: Arc<AtomicBool>,
    old: Arc<AtomicBool>,
    purposes: Arc<Mutex<Vec<String>>>,
    gate: Arc<tokio::sync::Mutex<()>>,
}

impl Intake {
    /// Keeps a text.
    pub(crate) fn keep(&self, text: intake::Text) {
        let id = text.message_id.parse().unwrap();
        self.texts.lock().unwrap().entry(id).or_default().insert(text.revision, text);
    }

    /// Goes away, or comes back.
    pub(crate) fn away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Serves from now on as a release that knows no revisions, and gives the newest texts.
    pub(crate) fn grow_old(&self) {
        self.old.store(true, Ordering::SeqCst);
    }

    /// Holds back all answers as long as the guard lives.
    pub(crate) async fn hold_back(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.gate).lock_owned().await
    }

    /// Why texts were read so far.
    pub(crate) fn purposes(&self) -> Vec<String> {
        self.purposes.lock().unwrap().clone()
    }

    /// Serves the texts; gives the address.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let service = server::IntakeServiceServer::new(self.clone());
        testing::stub(tonic::service::Routes::new(service)).await
    }
}

fn not_served<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the stand-in serves texts only"))
}

#[tonic::async_trait]
impl server::IntakeService for Intake {
    type SubmitMessagesStream = BoxStream<'static, Result<intake::SubmitMessagesResponse, Status>>;

    async fn batch_get_text(
        &self,
        request: Request<intake::BatchGetTextRequest>,
    ) -> Result<Response<intake::BatchGetTextResponse>, Status> {
        if self.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let request = request.into_inner();
        assert!(request.message_ids.len() <= 256);
        self.purposes.lock().unwrap().push(request.purpose);
        drop(self.gate.lock().await);
        let texts = self.texts.lock().unwrap();
        let ids = request.message_ids.iter().map(|id| id.parse::<Uuid>().unwrap());
        let old = self.old.load(Ordering::SeqCst);
        let revisions = request.revisions.iter().copied().filter(|_| !old).chain(iter::repeat(0));
        let texts = ids.zip(revisions).filter_map(|(id, revision)| match revision {
            0 => texts.get(&id)?.values().next_back().cloned(),
            revision => texts.get(&id)?.get(&revision).cloned(),
        });
        let texts = texts.collect();
        Ok(Response::new(intake::BatchGetTextResponse { texts }))
    }

    async fn submit_message(
        &self,
        _: Request<intake::SubmitMessageRequest>,
    ) -> Result<Response<intake::SubmitMessageResponse>, Status> {
        not_served()
    }

    async fn submit_messages(
        &self,
        _: Request<tonic::Streaming<intake::SubmitMessagesRequest>>,
    ) -> Result<Response<Self::SubmitMessagesStream>, Status> {
        not_served()
    }

    type DownloadAttachmentStream =
        BoxStream<'static, Result<intake::DownloadAttachmentResponse, Status>>;

    async fn issue_upload_token(
        &self,
        _: Request<intake::IssueUploadTokenRequest>,
    ) -> Result<Response<intake::IssueUploadTokenResponse>, Status> {
        not_served()
    }

    async fn upload_attachment(
        &self,
        _: Request<tonic::Streaming<intake::UploadAttachmentRequest>>,
    ) -> Result<Response<intake::UploadAttachmentResponse>, Status> {
        not_served()
    }

    async fn download_attachment(
        &self,
        _: Request<intake::DownloadAttachmentRequest>,
    ) -> Result<Response<Self::DownloadAttachmentStream>, Status> {
        not_served()
    }

    async fn list_attachments(
        &self,
        _: Request<intake::ListAttachmentsRequest>,
    ) -> Result<Response<intake::ListAttachmentsResponse>, Status> {
        not_served()
    }

    async fn get_message(
        &self,
        _: Request<intake::GetMessageRequest>,
    ) -> Result<Response<intake::GetMessageResponse>, Status> {
        not_served()
    }

    async fn get_receipt(
        &self,
        _: Request<intake::GetReceiptRequest>,
    ) -> Result<Response<intake::GetReceiptResponse>, Status> {
        not_served()
    }

    async fn look_up_message(
        &self,
        _: Request<intake::LookUpMessageRequest>,
    ) -> Result<Response<intake::LookUpMessageResponse>, Status> {
        not_served()
    }

    async fn list_my_messages(
        &self,
        _: Request<intake::ListMyMessagesRequest>,
    ) -> Result<Response<intake::ListMyMessagesResponse>, Status> {
        not_served()
    }

    async fn issue_author_token(
        &self,
        _: Request<intake::IssueAuthorTokenRequest>,
    ) -> Result<Response<intake::IssueAuthorTokenResponse>, Status> {
        not_served()
    }

    async fn withdraw_message(
        &self,
        _: Request<intake::WithdrawMessageRequest>,
    ) -> Result<Response<intake::WithdrawMessageResponse>, Status> {
        not_served()
    }

    async fn export_author_data(
        &self,
        _: Request<intake::ExportAuthorDataRequest>,
    ) -> Result<Response<intake::ExportAuthorDataResponse>, Status> {
        not_served()
    }

    async fn erase_author_data(
        &self,
        _: Request<intake::EraseAuthorDataRequest>,
    ) -> Result<Response<intake::EraseAuthorDataResponse>, Status> {
        not_served()
    }

    async fn resubmit_message(
        &self,
        _: Request<intake::ResubmitMessageRequest>,
    ) -> Result<Response<intake::ResubmitMessageResponse>, Status> {
        not_served()
    }

    async fn get_tree_head(
        &self,
        _: Request<intake::GetTreeHeadRequest>,
    ) -> Result<Response<intake::GetTreeHeadResponse>, Status> {
        not_served()
    }

    async fn get_inclusion_proof(
        &self,
        _: Request<intake::GetInclusionProofRequest>,
    ) -> Result<Response<intake::GetInclusionProofResponse>, Status> {
        not_served()
    }

    async fn get_consistency_proof(
        &self,
        _: Request<intake::GetConsistencyProofRequest>,
    ) -> Result<Response<intake::GetConsistencyProofResponse>, Status> {
        not_served()
    }

    async fn list_log_entries(
        &self,
        _: Request<intake::ListLogEntriesRequest>,
    ) -> Result<Response<intake::ListLogEntriesResponse>, Status> {
        not_served()
    }

    async fn restore_message(
        &self,
        _: Request<intake::RestoreMessageRequest>,
    ) -> Result<Response<intake::RestoreMessageResponse>, Status> {
        not_served()
    }
}
