//! The way of a request: what stands around every page.
//!
//! From the outside in: `guard` (trace, request id, limits, panics, headers), then `visiting`
//! (language, session, forms, and the page of whatever went wrong), then the page.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    sync::{Arc, OnceLock},
};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use liuyan_kit::{host::Host, id, locale};
use url::form_urlencoded;

use crate::{
    api,
    app::App,
    assets,
    cookies::{Jar, Life},
    embed,
    error::{Error, Failed},
    pages,
    session::{self, Found, Session},
    visit::{self, Inner, Visit},
};

mod client;
mod forms;
mod guard;
pub(crate) mod limiter;
mod patience;

pub(crate) use client::NOBODY;
pub(crate) use forms::{TOKEN, foreign, is_multipart, is_surely_from_here, multipart};
pub(crate) use guard::{Framed, RequestId};
pub(crate) use patience::Patience;

/// For how long a browser keeps the chosen language, in seconds.
const LANGUAGE_SECONDS: i64 = 365 * 86_400;

/// Everything that is served.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(pages::routes())
        .fallback(|| async { Error::NotFound })
        .method_not_allowed_fallback(|| async { Error::MethodNotAllowed })
        .layer(from_fn_with_state(Arc::clone(&app), visiting))
        .merge(assets::routes())
        .merge(embed::routes())
        .merge(api::router(&app))
        .layer(from_fn_with_state(Arc::clone(&app), guard::guard))
        .with_state(app)
}

/// Serves until the host stops; then takes nothing new and finishes what runs. Gives the address.
pub(crate) async fn serve(
    address: SocketAddr,
    app: Arc<App>,
    host: &Host,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("the pages cannot be served on {address}"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let listener = Arc::new(listener);
    let stopping = host.stopping();
    host.supervise("http", move || {
        let (listener, app, stopping) = (Arc::clone(&listener), Arc::clone(&app), stopping.clone());
        async move {
            let served = async {
                let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
                let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, service)
                    .with_graceful_shutdown(stopping.cancelled_owned())
                    .await
            };
            if let Err(error) = served.await {
                tracing::error!(%error, "the pages are no longer served");
            }
        }
    });
    tracing::info!(service = host.name(), %address, "serving pages");
    Ok(address)
}

/// Finds out who visits and in which language, lets no foreign form through, and makes a page of
/// whatever went wrong.
async fn visiting(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let (visit, failed) = visit_of(&app, &parts).await;
    if let Some(error) = failed {
        return finish(&visit, error.into_response()).await;
    }
    if let Some(language) = asked_language(&parts) {
        let to = without_language(&visit);
        visit.jar().set_plain(
            &app.cookies,
            visit::LANGUAGE,
            language,
            Life::Seconds(LANGUAGE_SECONDS),
        );
        return finish(&visit, Redirect::to(&to).into_response()).await;
    }
    let response = match forms::check(&visit, Request::from_parts(parts, body)).await {
        Ok(mut request) => {
            request.extensions_mut().insert(visit.clone());
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    finish(&visit, response).await
}

/// Puts a page around what went wrong, and adds the cookies that have changed.
async fn finish(visit: &Visit, mut response: Response) -> Response {
    if is_bare(&response) {
        // What axum can not read it refuses in words for programmers.
        response = Error::Unreadable.into_response();
    }
    if let Some(Failed(error)) = response.extensions_mut().remove::<Failed>() {
        if matches!(*error, Error::Refused(ref told) if told.reason.starts_with("TOKEN_")) {
            // The session was ended elsewhere.
            visit.forget(session::COOKIE);
        }
        response = pages::fault::page(visit, &error).await;
    }
    if visit.jar().write(response.headers_mut()) {
        // What sets a cookie is for this visitor, whatever the page has said of itself: a cache between
        // that keeps an answer for everybody would give the cookie to others, too.
        let kept = response.headers().get(header::CACHE_CONTROL);
        if kept.is_some_and(|kept| kept.as_bytes().starts_with(b"public")) {
            let never = HeaderValue::from_static("private, no-store");
            response.headers_mut().insert(header::CACHE_CONTROL, never);
        }
    }
    response
}

/// Whether a request was refused before it came to a page.
fn is_bare(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    plain && response.status().is_client_error()
}

/// A session that can't be refreshed now fails the visit: it must not look as if nobody were signed in.
async fn visit_of(app: &Arc<App>, request: &Parts) -> (Visit, Option<Error>) {
    let (now, headers) = (app.now(), &request.headers);
    let jar = app.cookies.jar(headers);
    let kept = jar.sealed::<Session>(&app.cookies, session::COOKIE);
    let (session, failed) = match kept {
        Some(kept) => match session::find(app, kept, now).await {
            Ok(Found::Good(session)) => (Some(session), None),
            Ok(Found::Renewed(session)) => {
                let life = Life::Seconds(session.seconds_left(now));
                jar.set_sealed(&app.cookies, session::COOKIE, &session, life);
                (Some(session), None)
            }
            Ok(Found::Ended) => {
                jar.remove(&app.cookies, session::COOKIE);
                (None, None)
            }
            Err(error) => (None, Some(error)),
        },
        None => (None, None),
    };
    let locale = language(app, &jar, headers);
    let unread = match &session {
        Some(session) => app.unread.of(session, locale).await,
        None => 0,
    };
    let visit = Visit::from(Inner {
        locale,
        path: request.uri.path().to_owned(),
        query: request.uri.query().unwrap_or_default().to_owned(),
        is_get: matches!(request.method, Method::GET | Method::HEAD),
        client: request.extensions.get::<IpAddr>().copied().unwrap_or(NOBODY),
        request_id: request
            .extensions
            .get::<guard::RequestId>()
            .map_or_else(|| id::v7(now), |id| id.0),
        app: Arc::clone(app),
        now,
        session,
        begun: OnceLock::new(),
        unread,
        typed: OnceLock::new(),
        jar,
    });
    (visit, failed)
}

/// The language that was chosen, or else the one that the browser asks for.
fn language(app: &App, jar: &Jar, headers: &HeaderMap) -> &'static str {
    let chosen = jar.plain(&app.cookies, visit::LANGUAGE);
    let chosen = locale::LOCALES.iter().find(|known| Some(**known) == chosen.as_deref());
    chosen.copied().unwrap_or_else(|| {
        let accepted = headers.get(header::ACCEPT_LANGUAGE);
        locale::negotiate(accepted.and_then(|value| value.to_str().ok()))
    })
}

/// The language that the address asks for.
fn asked_language(request: &Parts) -> Option<&'static str> {
    if request.method != Method::GET {
        return None;
    }
    let query = request.uri.query()?;
    let (_, asked) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang")?;
    Some(locale::negotiate(Some(&asked)))
}

fn without_language(visit: &Visit) -> String {
    let here = visit.here();
    let (_, query) = here.split_once('?').unwrap_or((&here, ""));
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "lang" {
            kept.append_pair(&name, &value);
        }
    }
    let kept = kept.finish();
    let path = visit.own_path();
    if kept.is_empty() { path } else { format!("{path}?{kept}") }
}
