//! A page as an answer.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use crate::error::Error;

/// Who may keep a page, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The visitor's own browser, which asks each time whether it has changed.
    Private,
    /// Nobody: there is a secret on it.
    Never,
}

/// A page that was made.
///
/// # Errors
/// [`Error::Broken`] if a template fails.
pub(crate) fn page<T: Template>(template: &T) -> Result<Response, Error> {
    page_with(template, StatusCode::OK, Keep::Private)
}

/// The same with another status or another rule of keeping.
///
/// # Errors
/// [`Error::Broken`] if a template fails.
pub(crate) fn page_with<T: Template>(
    template: &T,
    status: StatusCode,
    keep: Keep,
) -> Result<Response, Error> {
    let mut response = (status, Html(template.render()?)).into_response();
    let keep = match keep {
        Keep::Private => "private, no-cache",
        Keep::Never => "no-store",
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("Cookie, Accept-Language"));
    Ok(response)
}

/// Leads to another page of ours by GET.
pub(crate) fn see(path: &str) -> Response {
    axum::response::Redirect::to(path).into_response()
}
