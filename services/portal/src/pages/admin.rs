//! What editors of the board do: the directory with its tables, model cases, and the models that suggest
//! where messages belong.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{
    Router,
    response::Response,
    routing::{get, post},
};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::identity::v1::Role;
use url::form_urlencoded;

use super::faults::Faults;
use crate::{app::App, error::Error, page::page, visit::Visit};

mod calendar;
mod model_cases;
mod models;
mod offices;
mod tables;

/// For whom these pages are.
const ROLES: [Role; 1] = [Role::Editor];

#[derive(Template)]
#[template(path = "admin.html")]
struct Admin {
    v: Visit,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(admin))
        .route("/admin/model-cases", get(model_cases::list).post(model_cases::put))
        .route("/admin/model-cases/retire", post(model_cases::retire))
        .route("/admin/models", get(models::list).post(models::act))
        .route("/admin/offices", get(offices::look_for))
        .route("/admin/offices/new", get(offices::blank).post(offices::add))
        .route("/admin/offices/{office_id}", get(offices::one).post(offices::put))
        .route("/admin/calendar", get(calendar::year).post(calendar::put))
        .route("/admin/terms", get(tables::terms).post(tables::put_term))
        .route("/admin/terms/remove", post(tables::remove_term))
        .route("/admin/competences", get(tables::competences).post(tables::put_competence))
        .route("/admin/competences/remove", post(tables::remove_competence))
}

async fn admin(v: Visit) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    page(&Admin { v })
}

/// The fields of a form as they were typed; the last of several with one name.
#[derive(Debug, Clone, Default)]
struct Fields(HashMap<String, String>);

impl Fields {
    fn read(form: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(form);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    fn of(pairs: &[(&str, String)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// What was typed in a field; empty if nothing was.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// The same, owned.
    fn text(&self, name: &str) -> String {
        self.get(name).to_owned()
    }

    /// The number in a field; 0 if there is none.
    fn number(&self, name: &str) -> u32 {
        self.get(name).parse().unwrap_or(0)
    }
}

/// What a page says of a refusal. `id_of` gives the id of the element of a field.
///
/// # Errors
/// The error itself, if the session has ended.
fn explain(
    v: &Visit,
    error: Error,
    id_of: impl Fn(&str) -> String,
) -> Result<(Faults, StatusCode), Error> {
    if error.class() == Class::Unauthenticated {
        return Err(error);
    }
    let status = match error.class() {
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    Ok((Faults::of(&error, v.locale(), id_of), status))
}

/// The id of the element of a field: the last part of its path, where nothing else is called so.
fn last_part(field: &str) -> String {
    match field.rsplit('.').next().unwrap_or(field) {
        "days" => "term",
        "title" => "called",
        other => other,
    }
    .to_owned()
}
