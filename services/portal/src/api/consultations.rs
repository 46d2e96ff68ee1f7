//! What offices ask the public.

use axum::{extract::Path, response::Response};
use liuyan_proto::liuyan::routing::v1::{
    ListConsultationMessagesRequest, ListConsultationsRequest,
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    ask::Ask,
    body::Query,
    directory::paging,
    keep::read,
    params::{Values, text},
    problem::{Fault, Problem},
    types::{
        Page,
        cases::PublicCase,
        consultations::{Consultation, ConsultationState},
    },
};
use crate::{error::Error, pages::consultation_found};

/// Which consultations.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfConsultations {
    /// Only those in this state.
    #[param(inline)]
    state: Option<ConsultationState>,
    /// Only those that ask the people of this division.
    division: Option<String>,
    /// Only those of this office.
    office: Option<String>,
    /// Up to 100; 20 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before; bound to the other parameters.
    cursor: Option<String>,
}

/// Public consultations, the newest first, without the statements of their results.
#[utoipa::path(
    get, path = "/api/v1/consultations", tag = "consultations", params(OfConsultations),
    responses((status = 200, body = Page<Consultation>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(ask: Ask, Query(of): Query<OfConsultations>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    values.end()?;
    let request = ListConsultationsRequest {
        state: of.state.map_or(0, i32::from),
        division_code: text(of.division),
        office_id: text(of.office),
        own: false,
        page_size,
        page_token: text(of.cursor),
    };
    let answer = ask.app.backend.consultations().list_consultations(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    let page = Page::<Consultation>::new(answer.consultations, answer.next_page_token);
    read(&ask, ask.app.config.limits.lists_seconds, &page)
}

/// One consultation with its result.
#[utoipa::path(
    get, path = "/api/v1/consultations/{consultation_id}", tag = "consultations",
    params(("consultation_id" = String, Path, description = "Its id.")),
    responses((status = 200, body = Consultation), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn get(ask: Ask, Path(id): Path<String>) -> Result<Response, Fault> {
    let request =
        liuyan_proto::liuyan::routing::v1::GetConsultationRequest { consultation_id: named(&id)? };
    let answer = ask.app.backend.consultations().get_consultation(ask.call(request)).await;
    let found = consultation_found(answer.map(|answer| answer.into_inner().consultation))?;
    read(&ask, ask.app.config.limits.lists_seconds, &Consultation::from(found))
}

/// A page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfMessages {
    /// Up to 100; 20 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before.
    cursor: Option<String>,
}

/// The public messages of a consultation, the newest first, as their cases.
#[utoipa::path(
    get, path = "/api/v1/consultations/{consultation_id}/cases", tag = "consultations",
    params(("consultation_id" = String, Path, description = "Its id."), OfMessages),
    responses((status = 200, body = Page<PublicCase>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn cases(
    ask: Ask,
    Path(id): Path<String>,
    Query(of): Query<OfMessages>,
) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    values.end()?;
    let request = ListConsultationMessagesRequest {
        consultation_id: named(&id)?,
        page_size,
        page_token: text(of.cursor),
    };
    let mut client = ask.app.backend.consultations();
    let answer = client.list_consultation_messages(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    let page = Page::<PublicCase>::new(answer.cases, answer.next_page_token);
    read(&ask, ask.app.config.limits.lists_seconds, &page)
}

/// What is no id names nothing.
fn named(id: &str) -> Result<String, Error> {
    id.parse::<Uuid>().map(|id| id.to_string()).map_err(|_| Error::NotFound)
}
