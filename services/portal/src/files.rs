//! Files, passed on to intake as they come, and back again. Nothing of them is kept here.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::body::Bytes;
use futures::{SinkExt as _, Stream, StreamExt as _, channel::mpsc, stream};
use liuyan_proto::liuyan::intake::v1::{
    Attachment, AttachmentHeader, IssueUploadTokenRequest, IssueUploadTokenResponse,
    UploadAttachmentRequest, upload_attachment_request::Part,
};
use tonic::Request;

use crate::{app::App, error::Error};

/// The largest part that intake takes.
const PART: usize = 1 << 20;
/// How many pieces lie between the two ends of an upload.
const BETWEEN: usize = 2;

/// Asks for an upload token for somebody at this address, in the portal's own name.
///
/// # Errors
/// Intake's.
pub(crate) async fn token(
    app: &App,
    client: IpAddr,
    locale: &str,
) -> Result<IssueUploadTokenResponse, Error> {
    let request = app.backend.request_from(client, IssueUploadTokenRequest {}, locale, None);
    Ok(app.backend.intake().issue_upload_token(request).await?.into_inner())
}

/// How an upload is made.
#[derive(Debug)]
pub(crate) struct Upload<'a> {
    pub(crate) app: &'a App,
    pub(crate) locale: &'a str,
    /// The token of who uploads; the portal's own if nobody says.
    pub(crate) bearer: Option<&'a str>,
    pub(crate) header: AttachmentHeader,
}

impl Upload<'_> {
    /// Sends a file to intake, piece by piece, no faster than it takes them. What intake no longer
    /// wants is read no further, and `pieces` keeps the rest.
    ///
    /// # Errors
    /// Intake's, and what `pieces` fails with.
    pub(crate) async fn send(
        self,
        mut pieces: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin,
    ) -> Result<Attachment, Error> {
        let (mut sender, receiver) = mpsc::channel::<Bytes>(BETWEEN);
        let whole = Arc::new(AtomicBool::new(false));
        let first = header(self.header.clone());
        let parts = receiver.flat_map(|bytes| stream::iter(parts(bytes)));
        // Whatever breaks off here looks to intake like an end. So that it takes no part for the
        // whole, it is told something that it refuses.
        let (ended, last) = (Arc::clone(&whole), header(self.header));
        let last = stream::once(async move { (!ended.load(Ordering::Acquire)).then_some(last) });
        let body = stream::iter([first]).chain(parts).chain(last.filter_map(std::future::ready));
        let mut request = self.app.backend.request((), self.locale, self.bearer);
        request.set_timeout(self.app.config.files.upload());
        let (metadata, extensions, ()) = request.into_parts();
        let request = Request::from_parts(metadata, extensions, body);
        let mut intake = self.app.backend.intake();
        let mut call = Box::pin(async move { intake.upload_attachment(request).await });
        let pump = async move {
            while let Some(piece) = pieces.next().await {
                if sender.send(piece?).await.is_err() {
                    break;
                }
            }
            whole.store(true, Ordering::Release);
            Ok::<(), Error>(())
        };
        let answer = tokio::select! {
            pumped = pump => {
                pumped?;
                call.await
            }
            answer = &mut call => answer,
        };
        answer?.into_inner().attachment.ok_or(Error::NotFound)
    }
}

fn header(header: AttachmentHeader) -> UploadAttachmentRequest {
    UploadAttachmentRequest { part: Some(Part::Header(header)) }
}

/// Pieces that are not larger than intake takes.
fn parts(mut bytes: Bytes) -> Vec<UploadAttachmentRequest> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let part = bytes.split_to(bytes.len().min(PART));
        parts.push(UploadAttachmentRequest { part: Some(Part::Chunk(part)) });
    }
    parts
}
