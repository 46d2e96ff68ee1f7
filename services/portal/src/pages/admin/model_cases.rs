//! Which cases are shown as handled well.

use askama::Template;
use axum::{body::Bytes, extract::Query, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{
    GetCaseRequest, ListModelCasesRequest, PutModelCaseRequest, RetireModelCaseRequest,
    get_case_request::Name,
};
use serde::Deserialize;

use super::{Fields, ROLES, explain};
use crate::{
    error::Error,
    page::{Keep, page_with, see},
    pages::{
        consultations::encoded,
        faults::Faults,
        model_cases::{Shown, shown},
    },
    visit::Visit,
};

/// How many are shown at a time.
const PAGE: i32 = 100;
/// The place of what is put without one.
const USUAL_PLACE: u32 = 100;

#[derive(Template)]
#[template(path = "admin_model_cases.html")]
struct List {
    v: Visit,
    items: Vec<Shown>,
    next: Option<String>,
    typed: Fields,
    f: Faults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    page: String,
}

pub(super) async fn list(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    render(v, ask.page, Fields::default(), Faults::default(), StatusCode::OK).await
}

pub(super) async fn put(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::read(&form);
    let error = match order(&v, &typed).await {
        Ok(()) => {
            v.notify("admin-model-shown");
            return Ok(see("/admin/model-cases"));
        }
        Err(error) => error,
    };
    let unknown = error.is("CASE_NOT_FOUND");
    let (mut f, mut status) = explain(&v, error, |field| match field {
        "case_id" => "number".to_owned(),
        "place" => "rank".to_owned(),
        other => other.to_owned(),
    })?;
    if unknown {
        f.fields.push(("number".to_owned(), v.t("admin-model-unknown")));
        status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    render(v, String::new(), typed, f, status).await
}

async fn order(v: &Visit, typed: &Fields) -> Result<(), Error> {
    let name = Some(Name::Number(typed.get("number").to_uppercase()));
    let asked = v.call_public(GetCaseRequest { name });
    let found = v.app().backend.cases().get_case(asked).await?.into_inner().case;
    let case_id = found.and_then(|case| case.view).map(|view| view.case_id).unwrap_or_default();
    let place = if typed.get("place").is_empty() { USUAL_PLACE } else { typed.number("place") };
    let request = PutModelCaseRequest { case_id, why: typed.text("why"), place };
    v.app().backend.model_cases().put_model_case(v.call(request)).await?;
    Ok(())
}

pub(super) async fn retire(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let request = RetireModelCaseRequest { case_id: Fields::read(&form).text("case_id") };
    v.app().backend.model_cases().retire_model_case(v.call(request)).await?;
    v.notify("admin-model-retired");
    Ok(see("/admin/model-cases"))
}

async fn render(
    v: Visit,
    page_token: String,
    typed: Fields,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let request =
        ListModelCasesRequest { page_size: PAGE, page_token, ..ListModelCasesRequest::default() };
    let mut client = v.app().backend.model_cases();
    let answer = client.list_model_cases(v.call_public(request)).await?.into_inner();
    let items = shown(&v, answer.model_cases).await;
    let next = answer.next_page_token;
    let next = (!next.is_empty()).then(|| format!("/admin/model-cases?page={}", encoded(&next)));
    page_with(&List { items, next, typed, f, v }, status, Keep::Never)
}
