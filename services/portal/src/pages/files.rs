//! The files of messages: lists of them on pages, and the files themselves, on a path of their own
//! where a browser runs nothing and shows nothing, but saves what it gets.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, Query},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::{StreamExt as _, future};
use http::{HeaderName, HeaderValue, header};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    identity::v1::Role,
    intake::v1::{
        Attachment, DownloadAttachmentRequest, ListAttachmentsRequest,
        download_attachment_response::Part,
    },
    moderation::v1 as moderation,
    routing::v1::{self as routing, GetCaseRequest, get_case_request::Name},
};
use serde::Deserialize;
use uuid::Uuid;

use super::mine::author;
use crate::{app::App, error::Error, visit::Visit};

/// The longest number that is asked for.
const LONGEST_NUMBER: usize = 40;
/// Who handles cases, and who reviews messages.
const OFFICIALS: [Role; 2] = [Role::Clerk, Role::Supervisor];
const REVIEWERS: [Role; 2] = [Role::Moderator, Role::SeniorModerator];
/// What a browser may do with a file: nothing.
const POLICY: &str = "sandbox; default-src 'none'";

/// A file in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) href: String,
    pub(crate) label: String,
    pub(crate) size: String,
    pub(crate) public: bool,
    /// Whether its bytes are gone.
    pub(crate) lost: bool,
}

/// By what right somebody sees files, as a part of a link.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Right<'a> {
    /// They wrote the message, or everybody may see it.
    Own,
    /// They handle this case.
    Case(&'a str),
    /// They review the message with this id.
    Review(&'a str),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    case: String,
    review: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/files/{number}/{file}", get(file))
}

/// Files as a page lists them.
pub(crate) fn rows(v: &Visit, number: &str, right: Right<'_>, files: &[Attachment]) -> Vec<Row> {
    let query = match right {
        Right::Own => String::new(),
        Right::Case(id) => format!("?case={}", encoded(id)),
        Right::Review(id) => format!("?review={}", encoded(id)),
    };
    let row = |(place, file): (usize, &Attachment)| Row {
        href: format!("/files/{}/{}{query}", encoded(number), file.attachment_id),
        label: v.t1(word(&file.media_type), "number", place + 1),
        size: size(v, file.size),
        public: file.public,
        lost: file.lost,
    };
    files.iter().enumerate().map(row).collect()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What a file is called.
pub(crate) fn word(media_type: &str) -> &'static str {
    match media_type {
        "application/pdf" => "files-document",
        "video/mp4" => "files-video",
        _ => "files-picture",
    }
}

/// How large a file is, in words.
pub(crate) fn size(v: &Visit, bytes: u64) -> String {
    if bytes < 1 << 20 {
        return v.t1("files-kilobytes", "size", bytes.div_ceil(1 << 10));
    }
    let tenths = bytes * 10 / (1 << 20);
    v.t1("files-megabytes", "size", format!("{}.{}", tenths / 10, tenths % 10))
}

/// The public files of a public message; `None` while they can't be asked for.
pub(crate) async fn of_public(v: &Visit, number: &str, message_id: &str) -> Option<Vec<Row>> {
    let files = list(v, None, message_id).await;
    told(files.map(|files| rows(v, number, Right::Own, &files)))
}

/// The files of a case, for an official who sees it whole. The look is recorded.
pub(crate) async fn of_case(v: &Visit, number: &str, case_id: &str) -> Option<Vec<Row>> {
    let files = async {
        let (token, message_id) = token_of_case(v, case_id).await?;
        list(v, Some(&token), &message_id).await
    };
    told(files.await.map(|files| rows(v, number, Right::Case(case_id), &files)))
}

/// The files of a message under review. The look is recorded.
pub(crate) async fn of_review(v: &Visit, number: &str, message_id: &str) -> Option<Vec<Row>> {
    let files = async {
        let token = token_of_review(v, message_id).await?;
        list(v, Some(&token), message_id).await
    };
    told(files.await.map(|files| rows(v, number, Right::Review(message_id), &files)))
}

/// What can't be seen is not there; what can't be asked for is told.
fn told(rows: Result<Vec<Row>, Error>) -> Option<Vec<Row>> {
    match rows {
        Ok(rows) => Some(rows),
        Err(error) if matches!(error.class(), Class::NotFound | Class::Denied) => Some(Vec::new()),
        Err(error) => {
            tracing::debug!(%error, "the files of a message can't be listed");
            None
        }
    }
}

async fn token_of_case(v: &Visit, case_id: &str) -> Result<(String, String), Error> {
    let request = routing::IssueAttachmentTokenRequest { case_id: case_id.to_owned() };
    let answer = v.app().backend.cases().issue_attachment_token(v.call(request)).await?;
    let answer = answer.into_inner();
    Ok((answer.attachment_token, answer.message_id))
}

async fn token_of_review(v: &Visit, message_id: &str) -> Result<String, Error> {
    let request = moderation::IssueAttachmentTokenRequest { message_id: message_id.to_owned() };
    let answer = v.app().backend.reviews().issue_attachment_token(v.call(request)).await?;
    Ok(answer.into_inner().attachment_token)
}

/// A request by a token, or in the portal's own name, which sees what everybody sees.
fn call<M>(v: &Visit, token: Option<&str>, message: M) -> tonic::Request<M> {
    match token {
        Some(token) => v.call_as(token, message),
        None => v.call_public(message),
    }
}

async fn list(v: &Visit, token: Option<&str>, message_id: &str) -> Result<Vec<Attachment>, Error> {
    let request = ListAttachmentsRequest { message_id: message_id.to_owned() };
    let answer = v.app().backend.intake().list_attachments(call(v, token, request)).await?;
    Ok(answer.into_inner().attachments)
}

/// By what somebody sees files: the token, the message, and whether everybody may.
struct Sight {
    token: Option<String>,
    message_id: String,
}

async fn sight(v: &Visit, number: &str, ask: &Ask) -> Result<Sight, Error> {
    if !ask.case.is_empty() {
        v.with_role(&OFFICIALS)?;
        let (token, message_id) = token_of_case(v, &ask.case).await?;
        return Ok(Sight { token: Some(token), message_id });
    }
    if !ask.review.is_empty() {
        v.with_role(&REVIEWERS)?;
        let token = token_of_review(v, &ask.review).await?;
        return Ok(Sight { token: Some(token), message_id: ask.review.clone() });
    }
    match author(v, number, "").await {
        Ok(author) => {
            Ok(Sight { token: Some(author.token), message_id: author.message.message_id })
        }
        Err(Error::ProofMissing) => {
            let asked = GetCaseRequest { name: Some(Name::Number(number.to_owned())) };
            let case = v.app().backend.cases().get_case(v.call_public(asked)).await?;
            let case = case.into_inner().case.filter(|case| case.public);
            let message_id = case.and_then(|case| case.view).ok_or(Error::NotFound)?.message_id;
            Ok(Sight { token: None, message_id })
        }
        Err(error) => Err(error),
    }
}

/// Whether a message, its file, or the right to see it is missing, is not told.
async fn file(
    v: Visit,
    Path((number, file)): Path<(String, String)>,
    Query(ask): Query<Ask>,
) -> Result<Response, Error> {
    let plain = |it: char| it.is_ascii_alphanumeric() || it == '-';
    if number.is_empty() || number.len() > LONGEST_NUMBER || !number.chars().all(plain) {
        return Err(Error::NotFound);
    }
    let id: Uuid = file.parse().map_err(|_| Error::NotFound)?;
    match open(&v, &number, &id.to_string(), &ask).await {
        Err(error) if matches!(error.class(), Class::NotFound | Class::Denied | Class::Invalid) => {
            Err(Error::NotFound)
        }
        response => response,
    }
}

async fn open(v: &Visit, number: &str, id: &str, ask: &Ask) -> Result<Response, Error> {
    let Sight { token, message_id } = sight(v, number, ask).await?;
    let files = list(v, token.as_deref(), &message_id).await?;
    let place = files.iter().position(|file| file.attachment_id == id).ok_or(Error::NotFound)?;
    let request =
        DownloadAttachmentRequest { message_id, attachment_id: files[place].attachment_id.clone() };
    let mut request = call(v, token.as_deref(), request);
    request.set_timeout(v.app().config.files.upload());
    let mut parts = v.app().backend.intake().download_attachment(request).await?.into_inner();
    let Some(Part::Attachment(file)) = parts.message().await?.and_then(|it| it.part) else {
        return Err(Error::Broken("a file came without its beginning".into()));
    };
    let bytes = parts.filter_map(|part| {
        future::ready(match part.map(|it| it.part) {
            Ok(Some(Part::Chunk(bytes))) => Some(Ok(bytes)),
            Ok(_) => None,
            // The connection is cut, so that nobody takes a part for the whole.
            Err(status) => Some(Err(Error::from(status))),
        })
    });
    let mut response = Body::from_stream(bytes).into_response();
    let keep = if token.is_none() { "public, max-age=60" } else { "private, no-store" };
    let name = format!("attachment; filename=\"{number}-{}.{}\"", place + 1, ending(&file));
    let headers = response.headers_mut();
    for (header, value) in [
        (header::CONTENT_TYPE, file.media_type.as_str()),
        (header::CONTENT_LENGTH, &file.size.to_string()),
        (header::CONTENT_DISPOSITION, &name),
        (header::CACHE_CONTROL, keep),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        let value = HeaderValue::try_from(value).map_err(|error| Error::Broken(error.into()))?;
        headers.insert(header, value);
    }
    Ok(response)
}

/// How the name of a file ends.
fn ending(file: &Attachment) -> &'static str {
    match file.media_type.as_str() {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        "application/pdf" => "pdf",
        "video/mp4" => "mp4",
        _ => "bin",
    }
}
