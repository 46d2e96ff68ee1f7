//! Requests in: proto to domain, domain to proto. What the guard could not check is checked here:
//! that an author's token is for the message in question, and who may import.

use std::{net::IpAddr, pin::Pin, sync::Arc};

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
    WithdrawMessageResponse, intake_service_server::IntakeService, submit_messages_response,
};
use prost::Message as _;
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    app::{App, Incoming, MOST_TEXTS, Once},
    domain::{
        draft::{self, Entrance},
        number::{AccessCode, Number},
        page,
        rule::{Breach, Rule},
        text::{self, Bounds, Lines},
    },
    error::Error,
};

mod columns;
mod convert;
mod files;
mod log;
mod own;
mod who;

use who::{IMPORT, account, name_of, own, readable};

/// How long the purpose of a reading may be.
const PURPOSE: Bounds = Bounds { min: 1, max: 200 };
/// Messages on a page, if the caller does not say, and at most.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;

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

    /// Takes a message; `bulk` says that it is one of a stream.
    async fn submit(
        &self,
        caller: &Caller,
        request: SubmitMessageRequest,
        address: Option<IpAddr>,
        bulk: bool,
    ) -> Result<SubmitMessageResponse, Error> {
        let import = request.historical.is_some();
        if import && !caller.has(IMPORT) {
            return Err(Error::ImportNotAllowed);
        }
        let once = self.once(caller, &request.request_id, "SubmitMessage", &request);
        let entrance = match &request.message {
            Some(message) => who::entrance(&self.app, caller, message).await?,
            None => Entrance::Board,
        };
        // What staff enter for somebody else is not theirs.
        let account_id = account(caller).filter(|_| !matches!(entrance, Entrance::Hotline { .. }));
        let raw = convert::raw(request, entrance, |token| self.uploader_of(caller, token))?;
        let agency = who::counted(caller);
        let import = import || caller.has(IMPORT);
        let incoming = Incoming { once, account_id, raw, address, agency, bulk, import };
        self.app.submit(&incoming).await.map(convert::accepted)
    }

    async fn batch_get_text(
        &self,
        caller: &Caller,
        request: &BatchGetTextRequest,
    ) -> Result<BatchGetTextResponse, Error> {
        let mut breaches = Vec::new();
        let purpose = text::clean(&request.purpose, Lines::One, PURPOSE).unwrap_or_else(|rule| {
            breaches.push(Breach::of("purpose", rule));
            String::new()
        });
        if request.message_ids.len() > MOST_TEXTS {
            breaches.push(Breach::of("message_ids", Rule::TooMany { max: MOST_TEXTS }));
        }
        let parsed: Result<Vec<Uuid>, _> =
            request.message_ids.iter().take(MOST_TEXTS).map(|id| id.parse()).collect();
        let ids = parsed.unwrap_or_else(|_| {
            breaches.push(Breach::of("message_ids", Rule::UuidMalformed));
            Vec::new()
        });
        if !breaches.is_empty() {
            return Err(Error::Fields(breaches));
        }
        let texts = self.app.texts(&ids).await?;
        tracing::info!(
            reader = %name_of(caller), %purpose, asked = ids.len(), read = texts.len(),
            "original texts were read"
        );
        Ok(BatchGetTextResponse { texts: texts.into_iter().map(convert::text).collect() })
    }

    async fn withdraw(
        &self,
        caller: &Caller,
        request: &WithdrawMessageRequest,
    ) -> Result<WithdrawMessageResponse, Error> {
        let message_id = own(caller, &request.message_id)?;
        let once = self
            .once(caller, &request.request_id, "WithdrawMessage", request)
            .map_err(|rule| Error::field("request_id", rule))?;
        let answer = self.app.withdraw(once, message_id, convert::withdrawn).await?;
        WithdrawMessageResponse::decode(answer.as_slice())
            .map_err(|_| Error::Lost("a readable answer"))
    }

    async fn resubmit(
        &self,
        caller: &Caller,
        request: ResubmitMessageRequest,
    ) -> Result<ResubmitMessageResponse, Error> {
        let message_id = own(caller, &request.message_id)?;
        let once = self
            .once(caller, &request.request_id, "ResubmitMessage", &request)
            .map_err(|rule| Error::field("request_id", rule))?;
        let words = draft::Words {
            title: request.title,
            body: request.body,
            demand: request.demand,
            details: request.details,
        };
        let answer = self.app.resubmit(once, message_id, words, convert::resubmitted).await?;
        ResubmitMessageResponse::decode(answer.as_slice())
            .map_err(|_| Error::Lost("a readable answer"))
    }

    async fn look_up(
        &self,
        request: &LookUpMessageRequest,
    ) -> Result<LookUpMessageResponse, Error> {
        let mut breaches = Vec::new();
        let number = Number::parse(&request.number);
        if number.is_none() {
            breaches.push(Breach::of("number", Rule::NumberMalformed));
        }
        let code = AccessCode::parse(&request.access_code);
        if code.is_none() {
            breaches.push(Breach::of("access_code", Rule::AccessCodeMalformed));
        }
        match (number, code) {
            (Some(number), Some(code)) => {
                self.app.look_up(number, code).await.map(convert::looked_up)
            }
            _ => Err(Error::Fields(breaches)),
        }
    }

    async fn list_own(
        &self,
        caller: &Caller,
        request: &ListMyMessagesRequest,
    ) -> Result<ListMyMessagesResponse, Error> {
        let account_id = account(caller).ok_or(Error::AccountNeeded)?;
        let mut breaches = Vec::new();
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE,
            Ok(size) => size.min(LARGEST_PAGE),
            Err(_) => {
                breaches.push(Breach::of("page_size", Rule::PageSizeNegative));
                PAGE
            }
        };
        let after = page::read(&request.page_token, account_id);
        if after.is_none() && !request.page_token.is_empty() {
            breaches.push(Breach::of("page_token", Rule::PageTokenInvalid));
        }
        if !breaches.is_empty() {
            return Err(Error::Fields(breaches));
        }
        let (messages, next) = self.app.own_messages(account_id, size, after).await?;
        Ok(ListMyMessagesResponse {
            messages: messages.iter().map(convert::message).collect(),
            next_page_token: next.map(|next| page::token(account_id, next)).unwrap_or_default(),
        })
    }

    async fn open_own(
        &self,
        caller: &Caller,
        request: &IssueAuthorTokenRequest,
    ) -> Result<IssueAuthorTokenResponse, Error> {
        let account_id = account(caller).ok_or(Error::AccountNeeded)?;
        let message_id = who::message_id(&request.message_id)?;
        self.app.open_own(account_id, message_id).await.map(convert::issued)
    }

    async fn message(
        &self,
        caller: &Caller,
        request: &GetMessageRequest,
    ) -> Result<GetMessageResponse, Error> {
        let message_id = readable(caller, &request.message_id)?;
        let message = self.app.message(message_id).await?;
        Ok(GetMessageResponse { message: Some(convert::message(&message)) })
    }

    async fn receipt(
        &self,
        caller: &Caller,
        request: &GetReceiptRequest,
    ) -> Result<GetReceiptResponse, Error> {
        let message_id = readable(caller, &request.message_id)?;
        let receipt = self.app.receipt(message_id).await?;
        Ok(GetReceiptResponse { receipt: Some(convert::receipt(receipt)) })
    }

    /// Answers one message of a stream, whatever becomes of it.
    async fn answer_one(
        self,
        caller: Arc<Caller>,
        request: SubmitMessagesRequest,
    ) -> SubmitMessagesResponse {
        let submission = request.submission.unwrap_or_default();
        let result = match self.submit(&caller, submission, None, true).await {
            Ok(accepted) => submit_messages_response::Result::Accepted(accepted),
            Err(error) => {
                let status = self.words.status(&error, &caller.locale);
                submit_messages_response::Result::Refused(convert::status(&status))
            }
        };
        SubmitMessagesResponse { sequence: request.sequence, result: Some(result) }
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
        self.told(Self::batch_get_text(self, &caller, request.get_ref()).await, &caller)
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
        self.told(self.look_up(request.get_ref()).await, &caller)
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
        self.told(self.upload_token(), &Caller::of(&request))
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
