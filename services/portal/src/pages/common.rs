//! Common problems: many messages about one thing, and the one answer to all of them.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query},
    response::Response,
    routing::get,
};
use liuyan_proto::liuyan::routing::v1::{
    CommonProblem, CommonProblemState, GetCommonProblemRequest, ListCasesRequest,
    ListCommonProblemsRequest,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    cards::{Card, State, cards},
    consultations::encoded,
};
use crate::{app::App, directory::Names, error::Error, format::When, page::page, visit::Visit};

/// How many a page of a list has.
const PAGE: i32 = 20;

/// A common problem as pages show it.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) office: String,
    pub(crate) office_id: String,
    pub(crate) state: State,
    pub(crate) open: bool,
    /// How many messages are in it.
    pub(crate) cases: u32,
    pub(crate) rated: u32,
    /// How many authors had theirs taken out again; for officials.
    pub(crate) objected: u32,
    pub(crate) body: String,
    pub(crate) created: Option<When>,
    pub(crate) answered: Option<When>,
    /// For officials.
    pub(crate) etag: String,
}

#[derive(Template)]
#[template(path = "common_list.html")]
struct List {
    v: Visit,
    items: Vec<Problem>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "common.html")]
struct One {
    v: Visit,
    p: Problem,
    cards: Vec<Card>,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    page: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/common", get(list)).route("/common/{id}", get(one))
}

async fn list(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let request = ListCommonProblemsRequest {
        page_size: PAGE,
        page_token: ask.page,
        ..ListCommonProblemsRequest::default()
    };
    let mut client = v.app().backend.problems();
    let answer = client.list_common_problems(v.call_public(request)).await?.into_inner();
    let next = answer.next_page_token;
    page(&List {
        items: all_shown(&v, answer.common_problems).await,
        next: (!next.is_empty()).then(|| format!("/common?page={}", encoded(&next))),
        v,
    })
}

async fn one(v: Visit, Path(id): Path<String>, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let request = GetCommonProblemRequest { common_problem_id: id_of(&id)? };
    let answer = v.app().backend.problems().get_common_problem(v.call_public(request)).await;
    let problem = found(answer.map(|answer| answer.into_inner().common_problem))?;
    let request = ListCasesRequest {
        common_problem_id: problem.common_problem_id.clone(),
        page_size: PAGE,
        page_token: ask.page,
        ..ListCasesRequest::default()
    };
    let mut client = v.app().backend.cases();
    let answer = client.list_cases(v.call_public(request)).await?.into_inner();
    let public = answer.cases.into_iter().filter(|case| case.public);
    let views: Vec<_> = public.filter_map(|case| case.view).collect();
    let next = answer.next_page_token;
    page(&One {
        cards: cards(&v, &views).await,
        next: (!next.is_empty()).then(|| format!("/common/{id}?page={}", encoded(&next))),
        p: shown(&v, problem).await,
        v,
    })
}

/// What is no id names nothing.
pub(crate) fn id_of(id: &str) -> Result<String, Error> {
    id.parse::<Uuid>().map(|id| id.to_string()).map_err(|_| Error::NotFound)
}

/// What was found, or that there is nothing.
pub(crate) fn found(
    answer: Result<Option<CommonProblem>, tonic::Status>,
) -> Result<CommonProblem, Error> {
    match answer.map_err(Error::from) {
        Ok(found) => found.ok_or(Error::NotFound),
        Err(error) if error.is("COMMON_PROBLEM_NOT_FOUND") => Err(Error::NotFound),
        Err(error) => Err(error),
    }
}

/// A common problem as it is shown.
pub(crate) async fn shown(v: &Visit, problem: CommonProblem) -> Problem {
    let names = v.app().directory.names([problem.lead_office_id.as_str()], []).await;
    as_shown(v, problem, &names)
}

/// The same of many.
pub(crate) async fn all_shown(v: &Visit, all: Vec<CommonProblem>) -> Vec<Problem> {
    let offices: Vec<&str> = all.iter().map(|it| it.lead_office_id.as_str()).collect();
    let names = v.app().directory.names(offices, []).await;
    all.into_iter().map(|it| as_shown(v, it, &names)).collect()
}

fn as_shown(v: &Visit, problem: CommonProblem, names: &Names) -> Problem {
    let state = match problem.state() {
        CommonProblemState::Answered => State { word: "state-replied", class: "replied" },
        CommonProblemState::Dissolved => State { word: "common-dissolved", class: "plain" },
        CommonProblemState::Open | CommonProblemState::Unspecified => {
            State { word: "state-progress", class: "progress" }
        }
    };
    Problem {
        state,
        open: problem.state() == CommonProblemState::Open,
        office: names.office(&problem.lead_office_id),
        created: v.day(problem.created_at.as_ref()),
        answered: v.moment(problem.answered_at.as_ref()),
        id: problem.common_problem_id,
        title: problem.title,
        office_id: problem.lead_office_id,
        cases: problem.cases,
        rated: problem.rated,
        objected: problem.objected,
        body: problem.body,
        etag: problem.etag,
    }
}
