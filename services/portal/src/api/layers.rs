//! What stands around every route of the API.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use liuyan_kit::locale;

use super::problem::{Fault, Refused, problem};
use crate::{
    app::App,
    error::{Error, Failed},
    web::RequestId,
};

/// Headers by which a browser lets pages of other sites read what everybody may read.
const FROM_EVERYWHERE: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag, Retry-After, X-Request-Id"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
];

/// Lets every site read (Fetch, CORS), and answers browsers that ask first.
pub(super) async fn from_everywhere(request: Request, next: Next) -> Response {
    if *request.method() == Method::OPTIONS {
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "Accept-Language, If-None-Match, Last-Event-ID"),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ];
        return (StatusCode::NO_CONTENT, headers).into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in FROM_EVERYWHERE {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Tells whatever went wrong as a problem (RFC 9457), in the language that was asked for.
pub(super) async fn telling(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE);
    let locale = locale::negotiate(accepted.and_then(|value| value.to_str().ok()));
    let id = request.extensions().get::<RequestId>().map(|id| id.0);
    let id = id.unwrap_or_else(|| liuyan_kit::id::v7(app.now()));
    let mut response = next.run(request).await;
    let told = match response.extensions_mut().remove::<Refused>() {
        Some(Refused(fault)) => Some(problem(locale, id, &fault)),
        None => match response.extensions_mut().remove::<Failed>() {
            Some(Failed(error)) => Some(problem(locale, id, &Fault::Shared(error))),
            None if response.status() == StatusCode::METHOD_NOT_ALLOWED => {
                Some(problem(locale, id, &Fault::House(Error::MethodNotAllowed)))
            }
            None => None,
        },
    };
    let Some(mut told) = told else { return response };
    // What the route itself has said stays: which methods are allowed, and who may read it.
    for name in [header::ALLOW, header::WWW_AUTHENTICATE]
        .into_iter()
        .chain(FROM_EVERYWHERE.map(|(name, _)| name))
    {
        if let Some(value) = response.headers_mut().remove(&name) {
            told.headers_mut().insert(name, value);
        }
    }
    told
}
