//! Files in and out.

use std::{net::IpAddr, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use liuyan_kit::{auth::Caller, clock};
use liuyan_proto::liuyan::intake::v1::{
    AttachmentHeader, DownloadAttachmentRequest, DownloadAttachmentResponse,
    IssueUploadTokenResponse, ListAttachmentsRequest, ListAttachmentsResponse,
    UploadAttachmentRequest, UploadAttachmentResponse, download_attachment_response,
    upload_attachment_request::Part,
};
use sha2::{Digest as _, Sha256};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{
    Grpc, convert,
    who::{self, IMPORT},
};
use crate::{
    domain::{
        file::Attachment,
        rule::{Breach, Rule},
    },
    error::Error,
};

/// The scopes of agencies that bring messages.
const SUBMIT: &str = "message:submit";
/// The scope of those who read the files of a message for somebody who may.
const READ: &str = "attachment:read";
/// The scope of those who show what everybody may see.
const PUBLIC: &str = "attachment:public";
/// The subject of a token that is for the files of one message begins so; its id follows, a slash, and
/// who looks.
const ONE_MESSAGE: &str = "files/";
/// The largest piece of a file that is sent.
const PIECE: usize = 256 * 1024;

/// The answers of a download.
pub(super) type Pieces =
    Pin<Box<dyn Stream<Item = Result<DownloadAttachmentResponse, Status>> + Send>>;

impl Grpc {
    pub(super) fn upload_token(
        &self,
        address: Option<IpAddr>,
    ) -> Result<IssueUploadTokenResponse, Error> {
        let issued = self.app.issue_upload_token(address)?;
        Ok(IssueUploadTokenResponse {
            upload_token: issued.token,
            expires_at: Some(clock::to_proto(issued.expires_at)),
            files: issued.files,
            bytes: issued.bytes,
        })
    }

    pub(super) async fn upload(
        &self,
        caller: &Caller,
        mut parts: Streaming<UploadAttachmentRequest>,
    ) -> Result<UploadAttachmentResponse, Error> {
        let first = parts.message().await.map_err(|_| Error::UploadBroken)?;
        let header = match first.and_then(|it| it.part) {
            Some(Part::Header(header)) => header,
            _ => return Err(Error::field("header", Rule::PartsOutOfOrder)),
        };
        let (owner, request_id) = self.header(caller, &header)?;
        self.app.begin_upload(&owner)?;
        let bytes = parts.map(|part| match part.map(|it| it.part) {
            Ok(Some(Part::Chunk(chunk))) => Ok(chunk),
            Ok(_) => Err(Error::field("header", Rule::PartsOutOfOrder)),
            Err(_) => Err(Error::UploadBroken),
        });
        let attachment = self.app.upload(owner, request_id, bytes).await?;
        Ok(UploadAttachmentResponse { attachment: Some(convert::attachment(&attachment)) })
    }

    fn header(&self, caller: &Caller, header: &AttachmentHeader) -> Result<(String, Uuid), Error> {
        let mut breaches = Vec::new();
        let request_id = if header.request_id.is_empty() {
            Err(Rule::Required)
        } else {
            header.request_id.parse().map_err(|_| Rule::UuidMalformed)
        };
        let request_id = request_id.unwrap_or_else(|rule| {
            breaches.push(Breach::of("header.request_id", rule));
            Uuid::nil()
        });
        let now = self.app.now();
        let owner = match header.upload_token.as_str() {
            "" => uploader(caller),
            token => match self.app.uploader(token) {
                Ok((owner, until)) if now < until => Ok(owner),
                Ok(_) => Err(Rule::UploadTokenInvalid),
                Err(rule) => Err(rule),
            },
        };
        let owner = owner.unwrap_or_else(|rule| {
            breaches.push(Breach::of("header.upload_token", rule));
            String::new()
        });
        if breaches.is_empty() { Ok((owner, request_id)) } else { Err(Error::Fields(breaches)) }
    }

    /// Who has uploaded the files that a message names. A token whose time is over still tells.
    pub(super) fn uploader_of(&self, caller: &Caller, token: &str) -> Result<String, Rule> {
        match token {
            "" => uploader(caller),
            token => self.app.uploader(token).map(|(owner, _)| owner),
        }
    }

    pub(super) async fn list_files(
        &self,
        caller: &Caller,
        request: &ListAttachmentsRequest,
    ) -> Result<ListAttachmentsResponse, Error> {
        let (message_id, public) = seen(caller, &request.message_id)?;
        let files = self.app.attachments(message_id, public).await?;
        Ok(ListAttachmentsResponse { attachments: files.iter().map(convert::attachment).collect() })
    }

    pub(super) async fn download(
        &self,
        request: Request<DownloadAttachmentRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let caller = Caller::of(&request);
        let told = |error: &Error| self.words.status(error, &caller.locale);
        let opened = self.open(&caller, request.get_ref()).await;
        let (attachment, content) = opened.map_err(|error| told(&error))?;
        let (words, locale) = (Arc::clone(&self.words), caller.locale.clone());
        let pieces = checked(attachment.clone(), content);
        let pieces = pieces.map(move |piece| match piece {
            Ok(piece) => Ok(answer(download_attachment_response::Part::Chunk(piece))),
            Err(error) => {
                tracing::error!(%error, "a file can't be shown");
                Err(words.status(&error, &locale))
            }
        });
        let first =
            download_attachment_response::Part::Attachment(convert::attachment(&attachment));
        Ok(Response::new(Box::pin(stream::iter([Ok(answer(first))]).chain(pieces))))
    }

    async fn open(
        &self,
        caller: &Caller,
        request: &DownloadAttachmentRequest,
    ) -> Result<(Attachment, impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + use<>), Error>
    {
        let (message_id, public) = seen(caller, &request.message_id)?;
        let attachment_id = request.attachment_id.parse();
        let attachment_id =
            attachment_id.map_err(|_| Error::field("attachment_id", Rule::UuidMalformed))?;
        let (attachment, object) =
            self.app.open_attachment(message_id, attachment_id, public).await?;
        if !public {
            tracing::info!(
                reader = %who::name_of(caller), %message_id, %attachment_id, "a file was read"
            );
        }
        Ok((attachment, object.content.map(|piece| piece.map_err(Error::from))))
    }
}

fn answer(part: download_attachment_response::Part) -> DownloadAttachmentResponse {
    DownloadAttachmentResponse { part: Some(part) }
}

/// Who uploads without a token.
fn uploader(caller: &Caller) -> Result<String, Rule> {
    if let Some(account_id) = who::account(caller) {
        return Ok(format!("account {account_id}"));
    }
    if caller.has(SUBMIT) || caller.has(IMPORT) {
        return Ok(format!("agency {}", who::name_of(caller)));
    }
    Err(Rule::Required)
}

/// The message whose files the caller may see, and whether only those for everybody.
fn seen(caller: &Caller, text: &str) -> Result<(Uuid, bool), Error> {
    let message_id = who::message_id(text)?;
    if caller.author_of(message_id) {
        return Ok((message_id, false));
    }
    if caller.has(READ) {
        let one = caller.subject.strip_prefix(ONE_MESSAGE).and_then(|it| it.split('/').next());
        return match one {
            Some(one) if one != message_id.to_string() => Err(Error::OtherMessage),
            _ => Ok((message_id, false)),
        };
    }
    if caller.has(PUBLIC) { Ok((message_id, true)) } else { Err(Error::OtherMessage) }
}

/// The bytes of a file in pieces, the last of which comes only if all are what was kept.
fn checked(
    attachment: Attachment,
    content: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin,
) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    struct State<S> {
        content: S,
        rest: Bytes,
        hash: Sha256,
        read: u64,
    }
    let state = State { content, rest: Bytes::new(), hash: Sha256::new(), read: 0 };
    stream::try_unfold((state, attachment), |(mut state, file)| async move {
        while state.rest.is_empty() {
            match state.content.next().await.transpose()? {
                Some(bytes) => {
                    state.hash.update(&bytes);
                    state.read += bytes.len() as u64;
                    state.rest = bytes;
                }
                None => return Ok(None),
            }
        }
        let piece = state.rest.split_to(state.rest.len().min(PIECE));
        let last = state.rest.is_empty() && state.read >= file.size;
        if last && <[u8; 32]>::from(state.hash.clone().finalize()) != file.sha256 {
            return Err(Error::Lost("a file as it was kept"));
        }
        Ok(Some((piece, (state, file))))
    })
}
