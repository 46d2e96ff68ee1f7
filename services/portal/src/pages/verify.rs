//! The link of an e-mail by which somebody proves that the address is theirs.
//!
//! Opening it does nothing yet: programs that look at mail open links, too. A button does it.

use std::sync::Arc;

use askama::Template;
use axum::{Form, Router, extract::Query, response::Response, routing::get};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::notification::v1::VerifyEndpointRequest;
use serde::Deserialize;

use super::faults::Faults;
use crate::{
    app::App,
    error::Error,
    page::{Keep, page_with},
    visit::Visit,
};

/// What the link brings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    #[serde(alias = "endpoint_id", alias = "id")]
    endpoint: String,
    code: String,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct Verify {
    v: Visit,
    ask: Ask,
    f: Faults,
    done: bool,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/verify", get(look).post(verify))
}

async fn look(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let page = Verify { v, ask, f: Faults::default(), done: false };
    page_with(&page, StatusCode::OK, Keep::Never)
}

async fn verify(v: Visit, Form(ask): Form<Ask>) -> Result<Response, Error> {
    let request =
        VerifyEndpointRequest { endpoint_id: ask.endpoint.clone(), code: ask.code.clone() };
    let answer = v.app().backend.subscriptions().verify_endpoint(v.call_public(request)).await;
    let (f, done, status) = match answer.map_err(Error::from) {
        Ok(_) => (Faults::default(), true, StatusCode::OK),
        Err(error) => {
            let status = match error.class() {
                Class::Invalid | Class::NotFound => StatusCode::UNPROCESSABLE_ENTITY,
                _ => error.status(),
            };
            (Faults::of(&error, v.locale(), |_| "code".to_owned()), false, status)
        }
    };
    page_with(&Verify { v, ask, f, done }, status, Keep::Never)
}
