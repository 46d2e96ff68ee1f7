//! The page of whatever went wrong.

use std::sync::{Arc, OnceLock};

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use liuyan_kit::{class::Classify as _, id};
use url::form_urlencoded;

use crate::{
    app::App,
    error::{Error, FieldFault},
    page::{Keep, page_with, see},
    pages::{again, sign_in},
    visit::{Inner, Visit},
    web,
};

#[derive(Template)]
#[template(path = "fault.html")]
struct Fault<'a> {
    v: Visit,
    title: String,
    text: String,
    fields: &'a [FieldFault],
    code: &'a str,
    sign_in: Option<String>,
    /// Where to ask once more, if what went wrong may pass by itself.
    again: Option<String>,
}

/// The page of what went wrong on a visit. Who has to sign in is led there.
pub(crate) async fn page(visit: &Visit, error: &Error) -> Response {
    let sign_in = (error.status() == StatusCode::UNAUTHORIZED).then(|| {
        let next = form_urlencoded::byte_serialize(visit.here().as_bytes()).collect::<String>();
        format!("/sign-in?next={next}")
    });
    if let Some(path) = &sign_in
        && visit.is_get()
    {
        return see(path);
    }
    if sign_in.is_some()
        && let Some(page) = sign_in::interrupted(visit)
    {
        return page;
    }
    if matches!(error, Error::FormRefused(_))
        && let Some(page) = again::stale(visit)
    {
        return page;
    }
    render(visit, error, sign_in)
}

/// The page of what went wrong before anybody knew who visits.
pub(crate) fn bare(app: &Arc<App>, locale: &'static str, error: &Error) -> Response {
    let now = app.now();
    let visit = Visit::from(Inner {
        jar: app.cookies.jar(&HeaderMap::new()),
        app: Arc::clone(app),
        locale,
        path: "/".to_owned(),
        query: String::new(),
        is_get: false,
        now,
        client: web::NOBODY,
        request_id: id::v7(now),
        session: None,
        begun: OnceLock::new(),
        unread: 0,
        typed: OnceLock::new(),
    });
    render(&visit, error, None)
}

fn render(v: &Visit, error: &Error, sign_in: Option<String>) -> Response {
    let status = error.status();
    let template = Fault {
        v: v.clone(),
        title: v.t(title(status)),
        text: error.text(v.locale()),
        fields: error.fields(),
        code: error.code(),
        sign_in,
        again: again(v, error),
    };
    let mut response = match page_with(&template, status, Keep::Never) {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "the page of a fault is not made");
            status.into_response()
        }
    };
    if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(%error, request_id = %v.request_id(), "a page was not made");
    }
    if let Some(wait) = error.retry_after() {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// The same page, for a second try. Two slashes at the beginning would lead to another site.
fn again(v: &Visit, error: &Error) -> Option<String> {
    let here = v.here();
    let ours = !here.starts_with("//") && !here.contains('\\');
    (v.is_get() && error.class().passes() && ours).then_some(here)
}

/// The name of a page's heading.
fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "fault-title-sign-in",
        403 => "fault-title-denied",
        404 | 410 => "fault-title-not-found",
        409 | 422 => "fault-title-conflict",
        429 => "fault-title-too-many",
        500 => "fault-title-internal",
        503 | 504 => "fault-title-unavailable",
        _ => "fault-title-request",
    }
}
