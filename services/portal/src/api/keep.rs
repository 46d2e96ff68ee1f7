//! Answers, and who may keep them for how long.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{ask::Ask, problem::Fault};
use crate::error::Error;

/// How much of the hash names a version.
const HASH: usize = 24;

/// What everybody may read: kept for a moment by everybody, and longer while a newer answer is
/// fetched or can't be had (RFC 5861). An answer for one person is kept by nobody.
pub(super) fn read<T: Serialize>(ask: &Ask, seconds: u32, value: &T) -> Result<Response, Fault> {
    let body = serde_json::to_vec(value).map_err(Error::from)?;
    Ok(kept(ask, seconds, "application/json", body))
}

/// The same for any type of body.
pub(super) fn kept(ask: &Ask, seconds: u32, kind: &'static str, body: Vec<u8>) -> Response {
    let hash = hex::encode(Sha256::digest(&body));
    let etag = format!("\"{}\"", &hash[..HASH]);
    let same = ask.if_none_match.as_deref().is_some_and(|known| matches(known, &etag));
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], body).into_response()
    };
    let stale = ask.app.config.limits.stale_seconds;
    let keep = if ask.is_personal() {
        "private, no-store".to_owned()
    } else {
        format!(
            "public, max-age={seconds}, stale-while-revalidate={}, stale-if-error={stale}",
            seconds.saturating_mul(10),
        )
    };
    let headers = response.headers_mut();
    for (name, value) in [(header::ETAG, etag), (header::CACHE_CONTROL, keep)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    let vary = HeaderValue::from_static("Accept, Accept-Language, Authorization");
    headers.insert(header::VARY, vary);
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(ask.locale));
    response
}

/// Whether the caller has this version (RFC 9110, 13.1.2: weak comparison).
fn matches(known: &str, etag: &str) -> bool {
    known.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/") == etag)
}

/// An answer for one person, or to something that was done.
pub(super) fn private<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Fault> {
    let body = serde_json::to_vec(value).map_err(Error::from)?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((status, headers, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_again() {
        for (known, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
        ] {
            assert_eq!(matches(known, "\"a\""), expected, "{known}");
        }
    }
}
