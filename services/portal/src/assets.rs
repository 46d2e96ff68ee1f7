//! What pages load, all of it embedded: one stylesheet and one sign.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::header;
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use crate::{app::App, error::Error};

const STYLE: &str = include_str!("../static/board.css");
const SIGN: &str = include_str!("../static/favicon.svg");

/// The stylesheet's file name changes with its content, so that it can be kept for ever.
static STYLE_NAME: LazyLock<String> = LazyLock::new(|| {
    let hash = hex::encode(Sha256::digest(STYLE.as_bytes()));
    format!("board-{}.css", &hash[..12])
});

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_A_DAY: &str = "public, max-age=86400";

/// Pages that are of use to one visitor alone, or cost more than a robot's look is worth.
const ROBOTS: &str = "User-agent: *\nDisallow: /mine\nDisallow: /receipt\nDisallow: /new\n\
    Disallow: /verify\nDisallow: /search\nDisallow: /desk\nDisallow: /review\nDisallow: /sign-in\n\
    Disallow: /api/\n";

/// How long what `security.txt` says is good.
const SECURITY_DAYS: i64 = 180;

/// Where the stylesheet is.
pub(crate) fn style_path() -> String {
    format!("/static/{}", *STYLE_NAME)
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/static/{file}", get(style))
        .route("/favicon.svg", get(sign))
        .route("/favicon.ico", get(sign))
        .route("/robots.txt", get(robots))
        .route("/.well-known/security.txt", get(security))
}

async fn style(Path(file): Path<String>) -> Result<Response, Error> {
    if file != *STYLE_NAME {
        return Err(Error::NotFound);
    }
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, FOR_EVER)];
    Ok((headers, STYLE).into_response())
}

async fn sign() -> Response {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, FOR_A_DAY)];
    (headers, SIGN).into_response()
}

async fn robots() -> Response {
    ([(header::CACHE_CONTROL, FOR_A_DAY)], ROBOTS).into_response()
}

/// RFC 9116.
async fn security(State(app): State<Arc<App>>) -> Response {
    let days = SignedDuration::from_hours(24 * SECURITY_DAYS);
    let expires = app.now().saturating_add(days).unwrap_or_else(|_| app.now());
    let expires = jiff::Timestamp::from_second(expires.as_second()).unwrap_or(expires);
    let text = format!(
        "Contact: {}\nExpires: {expires}\nPreferred-Languages: zh, en\nCanonical: {}\n",
        app.config.board.security_contact,
        app.config.url_of("/.well-known/security.txt"),
    );
    ([(header::CACHE_CONTROL, FOR_A_DAY)], text).into_response()
}
