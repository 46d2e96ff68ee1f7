//! Common problems: many messages about one thing, and the one answer to all of them.

use axum::{extract::Path, response::Response};
use liuyan_proto::liuyan::routing::v1::{
    GetCommonProblemRequest, ListCasesRequest, ListCommonProblemsRequest,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ask::Ask,
    body::Query,
    cases::page_of,
    directory,
    keep::read,
    params::{Values, text},
    problem::{Fault, Problem},
    types::{
        Page,
        cases::Case,
        common::{CommonProblem, CommonProblemState},
    },
};
use crate::{
    error::Error,
    pages::{common_problem_found, common_problem_id},
};

/// Which common problems.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfProblems {
    /// Only those that this office leads.
    office: Option<String>,
    /// Only those in this state.
    #[param(inline)]
    state: Option<CommonProblemState>,
    /// Only those that offices of the caller lead; needs a token.
    #[param(value_type = Option<bool>)]
    own: Option<String>,
    /// Up to 200; 50 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before; bound to the other parameters.
    cursor: Option<String>,
}

/// Common problems, the newest first: of what is not public, those alone on which the caller works.
#[utoipa::path(
    get, path = "/api/v1/common-problems", tag = "common problems", params(OfProblems), security((), ("bearer" = [])),
    responses((status = 200, body = Page<CommonProblem>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(ask: Ask, Query(of): Query<OfProblems>) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    let own = values.truth("own", of.own.as_ref());
    values.end()?;
    if own && !ask.is_personal() {
        return Err(Error::SignIn.into());
    }
    let request = ListCommonProblemsRequest {
        lead_office_id: text(of.office),
        state: of.state.map_or(0, i32::from),
        own,
        page_size,
        page_token: text(of.cursor),
    };
    let answer = ask.app.backend.problems().list_common_problems(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    let mut page = Page::<CommonProblem>::new(answer.common_problems, answer.next_page_token);
    if !ask.is_personal() {
        page.items = page.items.into_iter().map(CommonProblem::for_everybody).collect();
    }
    read(&ask, ask.app.config.limits.lists_seconds, &page)
}

/// One common problem with its answer.
#[utoipa::path(
    get, path = "/api/v1/common-problems/{common_problem_id}", tag = "common problems", security((), ("bearer" = [])),
    params(("common_problem_id" = String, Path, description = "Its id.")),
    responses((status = 200, body = CommonProblem), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn get(ask: Ask, Path(id): Path<String>) -> Result<Response, Fault> {
    let seen = one(&ask, &id).await?;
    read(&ask, ask.app.config.limits.lists_seconds, &seen)
}

async fn one(ask: &Ask, id: &str) -> Result<CommonProblem, Fault> {
    let request = GetCommonProblemRequest { common_problem_id: common_problem_id(id)? };
    let answer = ask.app.backend.problems().get_common_problem(ask.call(request)).await;
    let seen = common_problem_found(answer.map(|answer| answer.into_inner().common_problem))?;
    let seen = CommonProblem::from(seen);
    Ok(if ask.is_personal() { seen } else { seen.for_everybody() })
}

/// A page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfItsCases {
    /// Up to 200; 50 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// From the page before.
    cursor: Option<String>,
}

/// The cases of a common problem that the caller may see, the newest first.
#[utoipa::path(
    get, path = "/api/v1/common-problems/{common_problem_id}/cases", tag = "common problems", security((), ("bearer" = [])),
    params(("common_problem_id" = String, Path, description = "Its id."), OfItsCases),
    responses((status = 200, body = Page<Case>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn cases(
    ask: Ask,
    Path(id): Path<String>,
    Query(of): Query<OfItsCases>,
) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    values.end()?;
    // A list of cases is empty also of a common problem that is not there.
    one(&ask, &id).await?;
    let request = ListCasesRequest {
        common_problem_id: common_problem_id(&id)?,
        page_size,
        page_token: text(of.cursor),
        ..ListCasesRequest::default()
    };
    let answer = ask.app.backend.cases().list_cases(ask.call(request)).await;
    let answer = answer.map_err(|status| Fault::from(status).renamed(paging))?.into_inner();
    read(&ask, ask.app.config.limits.lists_seconds, &page_of(&ask, answer))
}

/// The API calls the office that leads as it calls every other one by which a list is cut.
fn paging(field: &str) -> String {
    match field {
        "lead_office_id" => "office".to_owned(),
        other => directory::paging(other),
    }
}
