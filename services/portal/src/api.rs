//! The public HTTP API: the same calls as the pages, in JSON, for programs.
//!
//! No cookie is read here: who calls is told by a bearer token or not at all, so that nobody else's
//! page can act in a visitor's name. What everybody may read may be read from everywhere (CORS).

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};
use liuyan_kit::host::Host;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, config, error::Error};

mod ask;
mod attachments;
mod author;
mod body;
mod cases;
mod casework;
mod clerk;
mod common;
mod consultations;
mod directory;
mod document;
mod events;
mod held;
mod keep;
mod layers;
mod log;
mod messages;
mod oauth;
mod params;
mod precedents;
pub(crate) mod problem;
mod stats;
mod stream;
mod suggestions;
mod types;

/// What the API alone needs.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Places for streams.
    streams: Arc<Semaphore>,
    /// Cancelled when the portal is to end: streams end then, too.
    stopping: CancellationToken,
}

impl Shared {
    pub(crate) fn new(config: &config::Api, host: &Host) -> Self {
        let places = config.streams.min(Semaphore::MAX_PERMITS);
        Self { streams: Arc::new(Semaphore::new(places)), stopping: host.stopping() }
    }
}

/// Whether the API answers for a path, so that whatever goes wrong is told as JSON.
pub(crate) fn answers_for(path: &str) -> bool {
    path.starts_with("/api/") || path == oauth::TOKEN || path == oauth::JWKS || path == log::KEYS
}

/// Whether a request brings a file, and so may take long.
pub(crate) fn is_upload(request: &axum::extract::Request) -> bool {
    request.method() == http::Method::POST && request.uri().path() == attachments::PATH
}

/// What everybody may read, from everywhere.
fn public() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(document::head())
        .routes(routes!(directory::divisions))
        .routes(routes!(directory::division))
        .routes(routes!(directory::offices))
        .routes(routes!(directory::office))
        .routes(routes!(directory::figures))
        .routes(routes!(directory::kinds))
        .routes(routes!(directory::domains))
        .routes(routes!(cases::list))
        .routes(routes!(cases::get))
        .routes(routes!(cases::search))
        .routes(routes!(common::list))
        .routes(routes!(common::get))
        .routes(routes!(common::cases))
        .routes(routes!(suggestions::hot))
        .routes(routes!(consultations::list))
        .routes(routes!(consultations::get))
        .routes(routes!(consultations::cases))
        .routes(routes!(stats::indicators))
        .routes(routes!(stats::series))
        .routes(routes!(stats::ranking))
        .routes(routes!(stats::report))
        .routes(routes!(events::events))
        .routes(routes!(oauth::jwks))
        .routes(routes!(log::head))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::inclusion))
        .routes(routes!(log::proof))
        .routes(routes!(log::consistency))
        .routes(routes!(log::entries))
        .routes(routes!(log::keys))
}

/// What changes something, or is for one person alone.
fn personal() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(messages::submit))
        .routes(routes!(attachments::token))
        .routes(routes!(attachments::upload))
        .routes(routes!(messages::look_up))
        .routes(routes!(log::restore))
        .routes(routes!(author::message))
        .routes(routes!(author::receipt))
        .routes(routes!(author::decision))
        .routes(routes!(author::appeal))
        .routes(routes!(author::withdraw))
        .routes(routes!(author::resubmit))
        .routes(routes!(author::rate))
        .routes(routes!(held::of_message))
        .routes(routes!(held::of_account))
        .routes(routes!(held::erase_message))
        .routes(routes!(held::erase_account))
        .routes(routes!(clerk::accept))
        .routes(routes!(clerk::reply))
        .routes(routes!(clerk::transfer))
        .routes(routes!(clerk::close))
        .routes(routes!(casework::give_back))
        .routes(routes!(casework::pause))
        .routes(routes!(casework::resume))
        .routes(routes!(casework::extend))
        .routes(routes!(casework::invite))
        .routes(routes!(casework::correct))
        .routes(routes!(casework::reopen))
        .routes(routes!(casework::supervise))
        .routes(routes!(casework::keep))
        .routes(routes!(casework::ask_on))
        .routes(routes!(casework::check))
        .routes(routes!(casework::acts))
        .routes(routes!(precedents::list))
        .routes(routes!(precedents::retire))
        .routes(routes!(suggestions::suggest))
        .routes(routes!(oauth::token))
}

/// The routes of the API, and the document that describes them.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let (public, mut document) = public().split_for_parts();
    let (personal, own) = personal().split_for_parts();
    document.merge(own);
    let public = public
        .merge(document::routes(document, app))
        .layer(axum::middleware::from_fn(layers::from_everywhere));
    let nowhere = || axum::routing::any(|| async { problem::Fault::from(Error::NotFound) });
    let nowhere = Router::new().route("/api/", nowhere()).route("/api/{*rest}", nowhere());
    // Problems are written before the layer that lets other sites read them.
    let tell = from_fn_with_state(Arc::clone(app), layers::telling);
    public.merge(personal).merge(nowhere).layer(tell)
}
