//! Forms: sent from our own pages, and no longer than they may be.

use axum::{
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request},
};
use http::{HeaderMap, Method, header};
use subtle::ConstantTimeEq as _;
use url::{Url, form_urlencoded};

use crate::{error::Error, pages::takes_files, visit::Visit};

/// The hidden field that every form has.
pub(crate) const TOKEN: &str = "_token";
/// The type of form that pages send, and the one with files in it.
const TYPE: &str = "application/x-www-form-urlencoded";
const TYPE_WITH_FILES: &str = "multipart/form-data";

/// Lets a request through that changes nothing, or that brings a form of ours.
pub(super) async fn check(visit: &Visit, request: Request) -> Result<Request, Error> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(request);
    }
    if *request.method() != Method::POST {
        return Err(Error::MethodNotAllowed);
    }
    let app = visit.app();
    if !app.forms.passes(visit.client(), visit.now()) {
        return Err(Error::TooManyForms);
    }
    if !is_from_here(request.headers(), &app.config.public_url) {
        return Err(Error::FormRefused("another site sent it"));
    }
    if is_multipart(request.headers()) && takes_files(visit.path()) {
        // Its page reads it piece by piece, and the token first; see `pages::new::files`.
        return Ok(request);
    }
    if !kind(request.headers()).starts_with(TYPE) {
        return Err(Error::Unreadable);
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, app.config.limits.form_bytes).await.map_err(|_| Error::TooLong)?;
    let refused = refused(visit, &body);
    if refused.is_none() || is_surely_from_here(&parts.headers) {
        visit.keep_typed(&body);
    }
    match refused {
        Some(why) => Err(Error::FormRefused(why)),
        None => Ok(Request::from_parts(parts, Body::from(body))),
    }
}

fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

/// Whether a form may have files in it.
pub(crate) fn is_multipart(headers: &HeaderMap) -> bool {
    kind(headers).starts_with(TYPE_WITH_FILES)
}

/// A form with files in it, to be read piece by piece. How long it may be, its reader decides: axum
/// would take two megabytes.
///
/// # Errors
/// [`Error::Unreadable`] if it is none.
pub(crate) async fn multipart(mut request: Request) -> Result<Multipart, Error> {
    DefaultBodyLimit::disable().apply(&mut request);
    Multipart::from_request(request, &()).await.map_err(|_| Error::Unreadable)
}

/// Why a form is none of those that this browser was shown.
fn refused(visit: &Visit, body: &[u8]) -> Option<&'static str> {
    let mut fields = form_urlencoded::parse(body);
    let token = fields.find(|(name, _)| name == TOKEN).map(|(_, value)| value);
    foreign(visit, token.as_deref())
}

/// Why a form with this token is none of those that this browser was shown.
pub(crate) fn foreign(visit: &Visit, token: Option<&str>) -> Option<&'static str> {
    let Some(expected) = visit.expected_token() else { return Some("there is no cookie") };
    let Some(token) = token else { return Some("there is no token") };
    let same = bool::from(token.as_bytes().ct_eq(expected.as_bytes()));
    (!same).then_some("the token is another one")
}

/// Whether the browser itself says that a page of ours has sent the form. Then it is of a page that
/// was open for too long, and what was typed there is shown to be sent once more.
pub(crate) fn is_surely_from_here(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}

/// What browsers say about where a request comes from (Fetch Metadata; RFC 6454). One that says
/// nothing still needs the token.
fn is_from_here(headers: &HeaderMap, public: &Url) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let fetched = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = text("origin").is_none_or(|origin| {
        let ours = public.origin().ascii_serialization() == origin;
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        ours || (authority.is_some() && authority == text("host"))
    });
    fetched && origin
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_our_own_pages_send_forms() {
        let public = Url::parse("https://board.example").unwrap();
        for (site, origin, host, expected) in [
            (None, None, "board.example", true),
            (Some("same-origin"), Some("https://board.example"), "board.example", true),
            (None, Some("https://board.example"), "inner:8080", true),
            (None, Some("http://127.0.0.1:8080"), "127.0.0.1:8080", true),
            (Some("cross-site"), None, "board.example", false),
            (Some("same-site"), Some("https://board.example"), "board.example", false),
            (None, Some("https://evil.example"), "board.example", false),
            (None, Some("null"), "board.example", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static(host));
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            if let Some(origin) = origin {
                headers.insert("origin", HeaderValue::from_static(origin));
            }
            assert_eq!(is_from_here(&headers, &public), expected, "{site:?} {origin:?} {host}");
        }
    }
}
