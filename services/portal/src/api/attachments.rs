//! Files for messages that are left by programs.

use axum::{body::Bytes, extract::Request, response::Response};
use futures::{Stream, StreamExt as _, stream};
use http::{HeaderName, StatusCode, header};
use liuyan_proto::liuyan::intake::v1::AttachmentHeader;

use super::{
    ask::{Ask, KEY_FIELD, Key, text},
    keep::private,
    problem::{Fault, Problem},
    types::attachments::{Attachment, UploadToken},
};
use crate::{
    error::Error,
    files::{self, Upload},
    web::{self, Patience},
};

/// Where files are sent to.
pub(super) const PATH: &str = "/api/v1/attachments";
/// The header that holds an upload token.
const TOKEN: HeaderName = HeaderName::from_static("upload-token");
/// How violations call it.
const TOKEN_FIELD: &str = "Upload-Token";

/// Gives somebody without a token of their own the means to upload a few files.
#[utoipa::path(
    post, path = "/api/v1/upload-tokens", tag = "messages", security((), ("bearer" = [])),
    responses((status = 201, body = UploadToken), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn token(ask: Ask) -> Result<Response, Fault> {
    ask.spend_own()?;
    let issued = files::token(&ask.app, ask.client, ask.locale).await?;
    private(StatusCode::CREATED, &UploadToken::from(issued))
}

/// Takes one file: as the body itself, or as the first file of a `multipart/form-data`. What it is, its
/// bytes tell. It waits 24 hours for the message that names it.
#[utoipa::path(
    post, path = "/api/v1/attachments", tag = "messages", security((), ("bearer" = [])),
    params(
        ("Idempotency-Key" = Uuid, Header, description = "A UUID made by the caller."),
        ("Upload-Token" = Option<String>, Header, description = "Needed by somebody without a bearer token."),
    ),
    request_body(content(
        (Vec<u8> = "application/octet-stream"),
        (Vec<u8> = "image/jpeg"),
        (Vec<u8> = "image/png"),
        (Vec<u8> = "image/webp"),
        (Vec<u8> = "application/pdf"),
        (Vec<u8> = "video/mp4"),
        (Vec<u8> = "multipart/form-data"),
    )),
    responses((status = 201, body = Attachment), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn upload(
    ask: Ask,
    Key(request_id): Key,
    request: Request,
) -> Result<Response, Fault> {
    ask.spend()?;
    ask.spend_file()?;
    let place = || ask.app.uploads.try_acquire().map_err(|_| Error::Overloaded);
    let upload_token = text(request.headers(), &TOKEN).unwrap_or_default().to_owned();
    let media_type = text(request.headers(), &header::CONTENT_TYPE).unwrap_or_default().to_owned();
    let header = AttachmentHeader { request_id, upload_token, media_type };
    let upload = Upload { app: &ask.app, locale: ask.locale, bearer: ask.bearer(), header };
    let file = if web::is_multipart(request.headers()) {
        let mut form = web::multipart(request).await?;
        let (limits, mut read) = (&ask.app.config.limits, 0);
        let mut patience = Patience::new(limits);
        loop {
            let field = patience.with(form.next_field(), |_| Error::Unreadable).await?;
            let mut field = field.ok_or_else(|| Fault::invalid("file", "FIELD_REQUIRED"))?;
            if field.file_name().is_some() {
                // Before, intake has not seen by which token the file comes.
                let _place = place()?;
                let pieces = field.map(|piece| piece.map_err(|_| Error::Unreadable));
                break upload.send(limited(&ask, pieces)).await;
            }
            while let Some(piece) = patience.with(field.chunk(), |_| Error::Unreadable).await? {
                read += piece.len();
                if read > limits.form_bytes {
                    return Err(Error::TooLong.into());
                }
            }
        }
    } else {
        let _place = place()?;
        let body = request.into_body().into_data_stream();
        upload.send(limited(&ask, body.map(|piece| piece.map_err(|_| Error::Unreadable)))).await
    };
    let file = file.map_err(|error| Fault::from(error).renamed(name))?;
    private(StatusCode::CREATED, &Attachment::from(file))
}

/// No more than any file may have; intake knows how much each may.
fn limited(
    ask: &Ask,
    pieces: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + Unpin {
    let left = ask.app.config.files.form_bytes;
    Box::pin(stream::try_unfold((pieces, left), |(mut pieces, left)| async move {
        let Some(piece) = pieces.next().await.transpose()? else { return Ok(None) };
        let left = left.checked_sub(piece.len() as u64).ok_or(Error::TooLong)?;
        Ok(Some((piece, (pieces, left))))
    }))
}

/// How the API calls a field of an upload.
fn name(field: &str) -> String {
    match field {
        "header.request_id" => KEY_FIELD.to_owned(),
        "header.upload_token" => TOKEN_FIELD.to_owned(),
        "chunk" => "file".to_owned(),
        other => other.to_owned(),
    }
}
