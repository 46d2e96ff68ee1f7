//! Files that go with messages: taken piece by piece, within limits, and kept with their message.

use std::time::Duration;

use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::intake::v1::{
    AttachedFile, Attachment, AttachmentHeader, DownloadAttachmentRequest, IssueUploadTokenRequest,
    ListAttachmentsRequest, NewMessage, UploadAttachmentRequest, download_attachment_response,
    intake_service_client::IntakeServiceClient, intake_service_server::IntakeService as _,
    upload_attachment_request::Part,
};
use sha2::{Digest as _, Sha256};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Status, transport::Channel};
use uuid::Uuid;

use crate::{
    helpers::{Desk, a_message, a_submission_of, anonymous, as_caller, author_of, request_id},
    stream::client_as,
};

mod failing;
mod limits;
mod restored;
mod seen;
mod used;

#[path = "../../src/domain/file/samples.rs"]
#[expect(dead_code, reason = "the tests of the rules use the rest")]
pub(crate) mod samples;

/// How long a piece is that tests send.
const PIECE: usize = 64 * 1024;

type Client = IntakeServiceClient<Channel>;

/// Somebody who uploads without an account.
pub(crate) async fn uploader(desk: &Desk) -> (Client, String) {
    let answer = desk.grpc.issue_upload_token(as_caller(&anonymous(), IssueUploadTokenRequest {}));
    let token = answer.await.unwrap().into_inner().upload_token;
    (client_as(desk, anonymous()).await, token)
}

fn header_of(request_id: &str, token: &str) -> UploadAttachmentRequest {
    let header = AttachmentHeader {
        request_id: request_id.to_owned(),
        upload_token: token.to_owned(),
        media_type: "image/gif".to_owned(),
    };
    UploadAttachmentRequest { part: Some(Part::Header(header)) }
}

fn pieces(bytes: &[u8]) -> Vec<UploadAttachmentRequest> {
    let piece = |it: &[u8]| UploadAttachmentRequest { part: Some(Part::Chunk(it.to_vec().into())) };
    bytes.chunks(PIECE).map(piece).collect()
}

/// All parts of an upload.
pub(crate) fn parts(request_id: &str, token: &str, bytes: &[u8]) -> Vec<UploadAttachmentRequest> {
    std::iter::once(header_of(request_id, token)).chain(pieces(bytes)).collect()
}

async fn send(
    client: &Client,
    parts: impl Stream<Item = UploadAttachmentRequest> + Send + 'static,
) -> Result<Attachment, Status> {
    let answer = client.clone().upload_attachment(parts).await?;
    Ok(answer.into_inner().attachment.unwrap())
}

/// Uploads a file under an id.
pub(crate) async fn upload_as(
    client: &Client,
    request_id: &str,
    token: &str,
    bytes: &[u8],
) -> Result<Attachment, Status> {
    send(client, tokio_stream::iter(parts(request_id, token, bytes))).await
}

/// Uploads a file.
pub(crate) async fn upload(
    client: &Client,
    token: &str,
    bytes: &[u8],
) -> Result<Attachment, Status> {
    upload_as(client, &request_id(), token, bytes).await
}

/// A message with files, the first of which is public.
pub(crate) fn a_message_with(token: &str, files: &[&Attachment]) -> NewMessage {
    let attachments = files
        .iter()
        .enumerate()
        .map(|(number, file)| AttachedFile {
            attachment_id: file.attachment_id.clone(),
            public: number == 0,
        })
        .collect();
    NewMessage { attachments, upload_token: token.to_owned(), ..a_message() }
}

/// A message with a picture for everybody and a document for its office.
async fn a_message_with_two(desk: &Desk) -> (Uuid, Attachment, Attachment) {
    let (client, token) = uploader(desk).await;
    let picture = upload(&client, &token, &samples::jpeg(40, 20)).await.unwrap();
    let document = upload(&client, &token, &samples::pdf()).await.unwrap();
    let message = a_message_with(&token, &[&picture, &document]);
    let answer = desk.submit(a_submission_of(message)).await.unwrap();
    (answer.receipt.unwrap().message_id.parse().unwrap(), picture, document)
}

async fn download(
    desk: &Desk,
    who: &Caller,
    message_id: Uuid,
    file: &Attachment,
) -> Result<Vec<u8>, Status> {
    let request = DownloadAttachmentRequest {
        message_id: message_id.to_string(),
        attachment_id: file.attachment_id.clone(),
    };
    let answer = desk.grpc.download_attachment(as_caller(who, request)).await?;
    let mut parts = answer.into_inner();
    let mut bytes = Vec::new();
    let mut told = None;
    while let Some(part) = parts.next().await {
        match part?.part.unwrap() {
            download_attachment_response::Part::Attachment(it) => told = Some(it),
            download_attachment_response::Part::Chunk(it) => bytes.extend_from_slice(&it),
        }
    }
    let told = told.unwrap();
    assert_eq!(told.attachment_id, file.attachment_id);
    assert_eq!((told.size, &told.sha256), (bytes.len() as u64, &hash(&bytes)));
    Ok(bytes)
}

async fn list(desk: &Desk, who: &Caller, message_id: Uuid) -> Result<Vec<Attachment>, Status> {
    let request = ListAttachmentsRequest { message_id: message_id.to_string() };
    let answer = desk.grpc.list_attachments(as_caller(who, request)).await?;
    Ok(answer.into_inner().attachments)
}

fn hash(bytes: &[u8]) -> bytes::Bytes {
    Sha256::digest(bytes).to_vec().into()
}

/// Whether all files that are kept are those of rows.
async fn kept(desk: &Desk) -> usize {
    desk.objects.list("attachments").unwrap().filter_map(Result::ok).fold(0, |n, _| n + 1).await
}

/// As long as a test waits for what happens beside it.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn files_of_every_type_are_taken_and_come_back_clean() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    for (bytes, media_type, hidden) in [
        (samples::phone_photo(40, 20), "image/jpeg", samples::PLACE),
        (samples::png(40, 20), "image/png", samples::PLACE),
        (samples::webp(40, 20), "image/jpeg", samples::PLACE),
        (samples::pdf(), "application/pdf", samples::SCRIPT),
        (samples::phone_video(), "video/mp4", samples::PLACE),
        (samples::dashcam_video(), "video/mp4", samples::PLACE),
        (samples::fragmented_video(), "video/mp4", samples::PLACE),
        ([samples::jpeg(40, 20), samples::zip()].concat(), "image/jpeg", b"PK\x05\x06"),
    ] {
        let kept = upload(&client, &token, &bytes).await.unwrap();
        assert_eq!(kept.media_type, media_type);
        let message = a_message_with(&token, &[&kept]);
        let receipt = desk.submit(a_submission_of(message)).await.unwrap().receipt.unwrap();
        let id = receipt.message_id.parse().unwrap();
        let back = download(&desk, &author_of(id), id, &kept).await.unwrap();
        assert_eq!(hash(&back), kept.sha256);
        assert!(!samples::holds(&back, hidden));
    }
}
