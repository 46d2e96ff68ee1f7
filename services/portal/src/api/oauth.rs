//! Tokens of agencies: the client credentials grant of OAuth 2 (RFC 6749, 4.4), and the keys by which
//! tokens are checked (RFC 7517).

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::identity::v1::{GetJwksRequest, IssueTokenRequest};
use url::form_urlencoded;

use super::{
    ask::{Ask, text},
    body,
    keep::kept,
    problem::{Fault, Problem},
    types::accounts::{Token, TokenFault, TokenRequest},
};
use crate::{app::App, error::Error};

/// Where tokens are given.
pub(super) const TOKEN: &str = "/oauth2/token";
/// Where the keys are.
pub(super) const JWKS: &str = "/.well-known/jwks.json";
/// How long keys are kept, in seconds.
const KEYS_SECONDS: u32 = 300;

/// Gives an agency an access token for its client id and secret.
#[utoipa::path(
    post, path = "/oauth2/token", tag = "tokens",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = Token), (status = "default", body = TokenFault)),
)]
pub(super) async fn token(
    State(app): State<Arc<App>>,
    ask: Result<Ask, Fault>,
    request: Request,
) -> Response {
    // `Authorization: Basic` is a scheme that only this route knows.
    let locale = ask.as_ref().map_or(liuyan_kit::locale::FIRST, |ask| ask.locale);
    let basic = request.headers().contains_key(header::AUTHORIZATION);
    let wish = match wish(&app, request).await {
        Ok(wish) => wish,
        Err(refusal) => return refused(&refusal, basic, None),
    };
    let call = app.backend.request(wish, locale, None);
    match app.backend.identity().issue_token(call).await.map_err(Error::from) {
        Ok(answer) => {
            let answer = answer.into_inner();
            let token = Token {
                access_token: answer.access_token,
                token_type: "Bearer",
                expires_in: answer.expires_in_seconds,
                scope: answer.scope,
            };
            answered(StatusCode::OK, &token)
        }
        Err(error) => refused(&of_identity(&error), basic, Some(&error)),
    }
}

/// Why there is no token.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    why: &'static str,
}

const fn bad(code: &'static str, why: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, code, why }
}

/// Reads the form (RFC 6749, 3.2 and 4.4.2): parameters without a value are as if left out, none
/// comes twice, and the client proves itself in one way.
async fn wish(app: &App, request: Request) -> Result<IssueTokenRequest, Refusal> {
    let kind = text(request.headers(), &header::CONTENT_TYPE).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(bad("invalid_request", "the body is application/x-www-form-urlencoded"));
    }
    let by_header = basic(request.headers())?;
    let bytes = body::read(request, app).await;
    let bytes = bytes.map_err(|_| bad("invalid_request", "the body is too long"))?;
    let mut form = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(&bytes) {
        if !value.is_empty() && form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(bad("invalid_request", "a parameter came twice"));
        }
    }
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some(_) => return Err(bad("unsupported_grant_type", "the grant is client_credentials")),
        None => return Err(bad("invalid_request", "grant_type is missing")),
    }
    let by_form = match (form.remove("client_id"), form.remove("client_secret")) {
        (Some(id), Some(secret)) => Some((id, secret)),
        // The id alone may stand beside the header.
        (_, None) => None,
        (None, Some(_)) => return Err(bad("invalid_request", "client_id is missing")),
    };
    let (client_id, client_secret) = match (by_header, by_form) {
        (Some(_), Some(_)) => {
            return Err(bad("invalid_request", "the client proves itself in one way"));
        }
        (Some(client), None) | (None, Some(client)) => client,
        (None, None) => return Err(unknown("the client has to prove itself")),
    };
    let scope = form.remove("scope").unwrap_or_default();
    Ok(IssueTokenRequest { client_id, client_secret, scope })
}

fn unknown(why: &'static str) -> Refusal {
    Refusal { status: StatusCode::UNAUTHORIZED, code: "invalid_client", why }
}

/// Client id and secret of the header (RFC 6749, 2.3.1): each is encoded as in a form.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let read = || {
        let (scheme, coded) = value.to_str().ok()?.split_once(' ')?;
        let coded = scheme.eq_ignore_ascii_case("basic").then(|| coded.trim())?;
        let plain = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
        let (id, secret) = plain.split_once(':')?;
        let decode = |part: &str| {
            let form = format!("x={part}");
            form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned())
        };
        Some((decode(id)?, decode(secret)?))
    };
    read().map(Some).ok_or_else(|| unknown("the header can't be read"))
}

/// What identity says, in the words of OAuth.
fn of_identity(error: &Error) -> Refusal {
    let status = error.status();
    match error.class() {
        Class::Unauthenticated => unknown("client id and secret do not belong together"),
        Class::Invalid | Class::Denied
            if error.is("SCOPE_NOT_ALLOWED")
                || error.fields().iter().any(|fault| fault.field == "scope") =>
        {
            bad("invalid_scope", "the client can't have this scope")
        }
        Class::Invalid | Class::Denied => bad("invalid_request", "the request is malformed"),
        _ => Refusal { status, code: "temporarily_unavailable", why: "try again later" },
    }
}

fn refused(refusal: &Refusal, basic: bool, error: Option<&Error>) -> Response {
    let told = TokenFault { error: refusal.code, error_description: refusal.why.to_owned() };
    let mut response = answered(refusal.status, &told);
    let headers = response.headers_mut();
    if refusal.status == StatusCode::UNAUTHORIZED && basic {
        let scheme = HeaderValue::from_static("Basic realm=\"liuyan\"");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    if let Some(wait) = error.and_then(|error| error.retry_after()) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

/// No answer of this route is kept (RFC 6749, 5.1).
fn answered<T: serde::Serialize>(status: StatusCode, value: &T) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ];
    (status, headers, serde_json::to_vec(value).unwrap_or_default()).into_response()
}

/// The public keys by which the house's tokens are checked.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "tokens",
    responses((status = 200, body = Object, content_type = "application/jwk-set+json"), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn jwks(ask: Ask) -> Result<Response, Fault> {
    let request = ask.app.backend.request(GetJwksRequest {}, ask.locale, None);
    let answer = ask.app.backend.identity().get_jwks(request).await?.into_inner();
    Ok(kept(&ask, KEYS_SECONDS, "application/jwk-set+json", answer.jwks.into_bytes()))
}
