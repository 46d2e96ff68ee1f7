//! What stands before everything: the trace, limits, panics, and headers that protect visitors.

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use futures::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use liuyan_kit::{grpc::deadline, id, locale, telemetry};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, field::Empty};
use uuid::Uuid;

use super::client;
use crate::{
    api::{
        self,
        problem::{Fault, problem},
    },
    app::App,
    error::{Error, Failed},
    pages,
};

/// The header in which a request's id is told.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Only what the pages themselves need may be loaded, and only here may forms be sent.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// What the policy says of who may show the page in a frame: nobody.
const NOBODY: &str = "frame-ancestors 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: browsers would call the origin of our own forms `null`.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// For how long browsers ask over https alone (RFC 6797).
const ONLY_HTTPS: &str = "max-age=31536000; includeSubDomains";

/// The id of a request, told in its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub(crate) Uuid);

/// Stands in an answer that the pages of these origins may show in a frame; all others may not.
#[derive(Debug, Clone)]
pub(crate) struct Framed(pub(crate) Vec<String>);

/// Guards everything that is served.
pub(super) async fn guard(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = id::v7(app.now());
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let connection = connection.map_or(client::NOBODY, |ConnectInfo(address)| address.ip());
    let proxies = app.config.trusted_proxies;
    let address = client::address(request.headers(), connection, proxies);
    request.extensions_mut().insert(address);
    request.extensions_mut().insert(RequestId(request_id));
    let span = span(&request, request_id);
    let work = async {
        let mut response = answer(&app, request, next).await;
        let framed = response.extensions_mut().remove::<Framed>();
        dress(response.headers_mut(), request_id, app.config.is_https());
        if let Some(Framed(origins)) = framed {
            frame(response.headers_mut(), &origins);
        }
        let status = response.status();
        Span::current().record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            Span::current().record("otel.status_code", "ERROR");
        }
        response
    };
    work.instrument(span).await
}

/// The span of a request. Path and query are not in it: a path may hold a number, a query may hold
/// anything.
fn span(request: &Request, request_id: Uuid) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let span = tracing::info_span!(
        "http.page.serve",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = Empty,
        service = "portal",
        %request_id,
    );
    let parent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    telemetry::follow(&span, parent);
    span
}

async fn answer(app: &Arc<App>, request: Request, next: Next) -> Response {
    // Out here the visitor's choice is not known; the browser's is.
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE);
    let locale = locale::negotiate(accepted.and_then(|value| value.to_str().ok()));
    let for_programs = api::answers_for(request.uri().path());
    let request_id = request.extensions().get::<RequestId>().map_or(Uuid::nil(), |id| id.0);
    let failed = |error: Arc<Error>| {
        if for_programs {
            problem(locale, request_id, &Fault::Shared(error))
        } else {
            pages::fault::bare(app, locale, &error)
        }
    };
    let Ok(_permit) = app.permits.try_acquire() else { return failed(Error::Overloaded.into()) };
    let limits = &app.config;
    let long = pages::is_upload(&request) || api::is_upload(&request);
    let end = Instant::now() + if long { limits.files.upload() } else { limits.limits.page() };
    let work = AssertUnwindSafe(deadline::within(end, next.run(request))).catch_unwind();
    let response = match timeout_at(end, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let error = Error::Panicked(text.unwrap_or_default());
            tracing::error!(%error, "a page is not made");
            return failed(error.into());
        }
        Err(_) => return failed(Error::Late.into()),
    };
    // What failed outside of every page has no page around it yet.
    match response.extensions().get::<Failed>() {
        Some(Failed(error)) => failed(Arc::clone(error)),
        None => response,
    }
}

/// Lets the pages of `origins` show this one in a frame. A column's origins are scheme, host and port,
/// and nothing that could be more than one word of the policy.
fn frame(headers: &mut HeaderMap, origins: &[String]) {
    let word = |origin: &&String| !origin.contains([';', ',', ' ', '\'']);
    let origins: Vec<&str> = origins.iter().filter(word).map(String::as_str).collect();
    if origins.is_empty() {
        return;
    }
    let policy = POLICY.replace(NOBODY, &format!("frame-ancestors {}", origins.join(" ")));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        // It knows no list of origins, and the policy says more.
        headers.remove(header::X_FRAME_OPTIONS);
    }
}

fn dress(headers: &mut HeaderMap, request_id: Uuid, https: bool) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https {
        let value = HeaderValue::from_static(ONLY_HTTPS);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    if let Ok(value) = HeaderValue::try_from(request_id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    let no_store = HeaderValue::from_static("private, no-cache");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
}
