//! What this board promises, and how to check it.

use std::sync::Arc;

use askama::Template;
use axum::{Router, response::Response, routing::get};

use crate::{app::App, error::Error, page::page, visit::Visit};

#[derive(Template)]
#[template(path = "about.html")]
struct About {
    v: Visit,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/about", get(about))
}

async fn about(v: Visit) -> Result<Response, Error> {
    page(&About { v })
}
