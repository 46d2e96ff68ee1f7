//! All that is held on an author, as one document however much it is: intake gives it page by page,
//! and it is passed on as it comes, so that no process ever holds the whole.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse as _, Response},
};
use futures::stream;
use http::{HeaderValue, header};
use liuyan_proto::liuyan::intake::v1::{
    AuthorSelector, ExportAuthorDataRequest, ExportAuthorDataResponse, author_selector::By,
};
use serde_json::{Value, json};

use crate::{app::App, error::Error};

/// Whose document is asked for, and by which token.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    pub(crate) app: Arc<App>,
    pub(crate) locale: &'static str,
    pub(crate) token: String,
    pub(crate) by: By,
}

/// What has to be sent.
struct Rest {
    export: Export,
    ready: VecDeque<Bytes>,
    /// The next page; empty after the last.
    next: String,
    ended: bool,
}

impl Export {
    /// The document as an answer that nobody keeps. If a later page can't be had, the connection is cut:
    /// nobody takes a part for the whole.
    ///
    /// # Errors
    /// If intake refuses, or is away.
    pub(crate) async fn response(self) -> Result<Response, Error> {
        let first = self.page(String::new()).await?;
        let mut response = if first.next_page_token.is_empty() {
            first.document.into_response()
        } else {
            self.joined(&first)?.into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    async fn page(&self, page_token: String) -> Result<ExportAuthorDataResponse, Error> {
        let author = Some(AuthorSelector { by: Some(self.by.clone()) });
        let request = ExportAuthorDataRequest { author, purpose: String::new(), page_token };
        let backend = &self.app.backend;
        let request = backend.request(request, self.locale, Some(&self.token));
        Ok(backend.intake().export_author_data(request).await?.into_inner())
    }

    /// The first page up to its messages, then the messages of all pages.
    fn joined(self, first: &ExportAuthorDataResponse) -> Result<Body, Error> {
        let (mut head, messages) = parts(&first.document)?;
        head["complete"] = json!(true);
        let head = head.to_string();
        let head = head.strip_suffix('}').ok_or_else(broken)?;
        let begin = format!("{head},\"messages\":[{messages}");
        let rest = Rest {
            export: self,
            ready: VecDeque::from([begin.into()]),
            next: first.next_page_token.clone(),
            ended: false,
        };
        let pieces = stream::try_unfold(rest, |mut rest| async move {
            if let Some(piece) = rest.ready.pop_front() {
                return Ok(Some((piece, rest)));
            }
            if rest.ended {
                return Ok(None);
            }
            if rest.next.is_empty() {
                rest.ended = true;
                return Ok(Some((Bytes::from_static(b"]}"), rest)));
            }
            let page = rest.export.page(std::mem::take(&mut rest.next)).await?;
            let (_, messages) = parts(&page.document)?;
            let comma = if messages.is_empty() { "" } else { "," };
            rest.next = page.next_page_token;
            Ok::<_, Error>(Some((format!("{comma}{messages}").into(), rest)))
        });
        Ok(Body::from_stream(pieces))
    }
}

/// A document without its messages, and these, with commas between.
fn parts(document: &[u8]) -> Result<(Value, String), Error> {
    let mut document: Value = serde_json::from_slice(document)?;
    let all = document.as_object_mut().ok_or_else(broken)?;
    let Some(Value::Array(messages)) = all.remove("messages") else { return Err(broken()) };
    let messages: Vec<String> = messages.iter().map(Value::to_string).collect();
    Ok((document, messages.join(",")))
}

fn broken() -> Error {
    Error::Broken("intake gave no document".into())
}
