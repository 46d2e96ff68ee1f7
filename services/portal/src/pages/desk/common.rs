//! Common problems on the desk: grouping cases, one answer to all, and taking a case out again.

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::{PublicCase, Visibility},
    identity::v1::Role,
    routing::v1::{
        AnswerCommonProblemRequest, CaseOrder, CommonProblem, CommonProblemState,
        GetCommonProblemRequest, GroupCasesRequest, ListCasesRequest, ListCommonProblemsRequest,
        UngroupCaseRequest,
    },
};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    ROLES,
    theirs::{own_case, own_offices},
};
use crate::{
    error::Error,
    page::{Keep, page, page_with, see},
    pages::{
        cards::{Heading, heading},
        common::{self, Problem},
        consultations::encoded,
        faults::Faults,
        search::{Choice, choice},
    },
    visit::Visit,
};

/// How many cases are offered to be grouped, how many of a problem are shown, and how many problems.
const OFFERED: i32 = 50;
const SHOWN: i32 = 200;
const PAGE: i32 = 20;

/// A case that can be grouped, or that is.
#[derive(Debug)]
struct Row {
    id: String,
    number: String,
    heading: Heading,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "desk_common_list.html")]
struct List {
    v: Visit,
    items: Vec<Problem>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "desk_group.html")]
struct Group {
    v: Visit,
    case_id: String,
    number: String,
    rows: Vec<Row>,
    /// Common problems that are not answered yet.
    known: Vec<Choice>,
    offices: Vec<Choice>,
    wish: Wish,
    f: Faults,
}

#[derive(Template)]
#[template(path = "desk_common.html")]
struct One {
    v: Visit,
    p: Problem,
    rows: Vec<Row>,
    next: Option<String>,
    /// Whether the person may answer.
    answers: bool,
    wish: Wish,
    f: Faults,
}

/// What is wished, as it was typed.
#[derive(Debug, Clone, Default)]
struct Wish {
    request_id: String,
    etag: String,
    problem_id: String,
    title: String,
    office_id: String,
    reason: String,
    body: String,
    case_ids: Vec<String>,
}

impl Wish {
    fn read(v: &Visit, form: &[u8]) -> Self {
        let mut wish = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            let value = value.replace("\r\n", "\n");
            match name.as_ref() {
                "request_id" => wish.request_id = value,
                "etag" => wish.etag = value,
                "problem_id" => wish.problem_id = value,
                "title" => wish.title = value,
                "office_id" => wish.office_id = value,
                "reason" => wish.reason = value,
                "body" => wish.body = value,
                "case_id" => wish.case_ids.push(value),
                _ => {}
            }
        }
        if wish.request_id.parse::<uuid::Uuid>().is_err() {
            wish.request_id = v.new_id();
        }
        wish
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    page: String,
}

pub(super) async fn list(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let request = ListCommonProblemsRequest {
        own: true,
        page_size: PAGE,
        page_token: ask.page,
        ..ListCommonProblemsRequest::default()
    };
    let mut client = v.app().backend.problems();
    let answer = client.list_common_problems(v.call(request)).await?.into_inner();
    let next = answer.next_page_token;
    page(&List {
        items: common::all_shown(&v, answer.common_problems).await,
        next: (!next.is_empty()).then(|| format!("/desk/common?page={}", encoded(&next))),
        v,
    })
}

/// The form in which a case is grouped with others.
pub(super) async fn group(v: Visit, Path(id): Path<String>) -> Result<Response, Error> {
    let mut wish = Wish::read(&v, b"");
    wish.case_ids = vec![id.clone()];
    render_group(v, &id, wish, Faults::default(), StatusCode::OK).await
}

pub(super) async fn grouped(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let mut wish = Wish::read(&v, &form);
    wish.case_ids.push(id.clone());
    wish.case_ids.sort();
    wish.case_ids.dedup();
    let of = wish.clone();
    let request = GroupCasesRequest {
        request_id: of.request_id,
        common_problem_id: of.problem_id,
        title: of.title,
        lead_office_id: of.office_id,
        case_ids: of.case_ids,
        reason: of.reason,
    };
    let answer = v.app().backend.problems().group_cases(v.call(request)).await;
    match answer.map_err(Error::from) {
        Ok(answer) => {
            let problem = answer.into_inner().common_problem.unwrap_or_default();
            v.notify("common-grouped");
            Ok(see(&format!("/desk/common/{}", problem.common_problem_id)))
        }
        Err(error) => {
            let (f, status) = explain(&v, &mut wish, error)?;
            render_group(v, &id, wish, f, status).await
        }
    }
}

async fn render_group(
    v: Visit,
    id: &str,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let own = own_case(&v, id).await?;
    let request = ListCasesRequest {
        own: true,
        unanswered: true,
        order: CaseOrder::Deadline.into(),
        page_size: OFFERED,
        ..ListCasesRequest::default()
    };
    let open = ListCommonProblemsRequest {
        own: true,
        state: CommonProblemState::Open.into(),
        page_size: OFFERED,
        ..ListCommonProblemsRequest::default()
    };
    let (mut cases, mut problems) = (v.app().backend.cases(), v.app().backend.problems());
    let (cases, problems) = futures::join!(
        Box::pin(cases.list_cases(v.call(request))),
        Box::pin(problems.list_common_problems(v.call(open)))
    );
    let chosen = |id: &String| wish.case_ids.contains(id);
    let mut rows = vec![row(&v, &own.view, own.case.visibility() == Visibility::Private, true)];
    for case in cases?.into_inner().cases {
        let private = case.visibility() == Visibility::Private;
        let Some(view) = case.view else { continue };
        if view.case_id != own.view.case_id && view.common_problem_id.is_empty() {
            rows.push(row(&v, &view, private, chosen(&view.case_id)));
        }
    }
    let known = problems?.into_inner().common_problems.into_iter();
    let known = known.map(|it| choice(&it.common_problem_id, it.title, &wish.problem_id));
    let template = Group {
        known: known.collect(),
        offices: offices(&v, &wish.office_id).await?,
        case_id: own.view.case_id,
        number: own.view.number,
        rows,
        wish,
        f,
        v,
    };
    page_with(&template, status, Keep::Never)
}

fn row(v: &Visit, view: &PublicCase, private: bool, chosen: bool) -> Row {
    Row {
        heading: heading(v, &view.title, &view.number, private),
        id: view.case_id.clone(),
        number: view.number.clone(),
        chosen,
    }
}

/// The offices that may lead.
async fn offices(v: &Visit, wish: &str) -> Result<Vec<Choice>, Error> {
    let offices = own_offices(v).await?;
    let only = offices.len() == 1;
    let offered = offices.into_iter().filter(|it| it.open).map(|it| {
        let mut offered = choice(&it.office_id, it.title, wish);
        offered.chosen |= only;
        offered
    });
    Ok(offered.collect())
}

pub(super) async fn one(
    v: Visit,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, Error> {
    let wish = Wish::read(&v, b"");
    render(v, &id, ask.page, wish, Faults::default(), StatusCode::OK).await
}

/// One answer to all.
pub(super) async fn reply(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    v.with_role(&[Role::Clerk])?;
    let mut wish = Wish::read(&v, &form);
    let of = wish.clone();
    let request = AnswerCommonProblemRequest {
        request_id: of.request_id,
        common_problem_id: common::id_of(&id)?,
        etag: of.etag,
        body: of.body,
    };
    let answer = v.app().backend.problems().answer_common_problem(v.call(request)).await;
    after(v, &id, &mut wish, answer.map(drop), "common-answered").await
}

/// A case is taken out before the answer.
pub(super) async fn ungroup(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let mut wish = Wish::read(&v, &form);
    let of = wish.clone();
    let request = UngroupCaseRequest {
        request_id: of.request_id,
        case_id: of.case_ids.into_iter().next().unwrap_or_default(),
        etag: String::new(),
        reason: of.reason,
    };
    let answer = v.app().backend.problems().ungroup_case(v.call(request)).await;
    after(v, &id, &mut wish, answer.map(drop), "common-ungrouped").await
}

async fn after(
    v: Visit,
    id: &str,
    wish: &mut Wish,
    done: Result<(), tonic::Status>,
    notice: &str,
) -> Result<Response, Error> {
    let Err(error) = done.map_err(Error::from) else {
        v.notify(notice);
        return Ok(see(&format!("/desk/common/{}", common::id_of(id)?)));
    };
    let (f, status) = explain(&v, wish, error)?;
    render(v, id, String::new(), wish.clone(), f, status).await
}

/// What the page says of a refusal.
fn explain(v: &Visit, wish: &mut Wish, error: Error) -> Result<(Faults, StatusCode), Error> {
    if error.class() == Class::Unauthenticated {
        return Err(error);
    }
    if error.class() == Class::Exists {
        wish.request_id = v.new_id();
    }
    let status = match error.class() {
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    let mut f = Faults::of(&error, v.locale(), |field| match field {
        "lead_office_id" => "office".to_owned(),
        "case_ids" => "cases".to_owned(),
        other => other.to_owned(),
    });
    if error.is("ETAG_MISMATCH") {
        f.whole = Some(v.t("common-changed"));
    }
    Ok((f, status))
}

async fn render(
    v: Visit,
    id: &str,
    page_token: String,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let session = v.with_role(&ROLES)?;
    let works = session.has(Role::Clerk);
    let problem = own(&v, id).await?;
    let request = ListCasesRequest {
        common_problem_id: problem.common_problem_id.clone(),
        own: true,
        page_size: SHOWN,
        page_token,
        ..ListCasesRequest::default()
    };
    let answer = v.app().backend.cases().list_cases(v.call(request)).await?.into_inner();
    let rows = answer.cases.into_iter().filter_map(|case| {
        let private = case.visibility() == Visibility::Private;
        case.view.map(|view| row(&v, &view, private, false))
    });
    let rows = rows.collect();
    let p = common::shown(&v, problem).await;
    let next = answer.next_page_token;
    let next = (!next.is_empty())
        .then(|| format!("/desk/common/{}?page={}#messages", p.id, encoded(&next)));
    let template = One { answers: works && p.open, rows, next, p, wish, f, v };
    page_with(&template, status, Keep::Never)
}

/// A common problem on which the person works: only to them its etag is told.
async fn own(v: &Visit, id: &str) -> Result<CommonProblem, Error> {
    let request = GetCommonProblemRequest { common_problem_id: common::id_of(id)? };
    let answer = v.app().backend.problems().get_common_problem(v.call(request)).await;
    let problem = common::found(answer.map(|answer| answer.into_inner().common_problem))?;
    if problem.etag.is_empty() { Err(Error::NotFound) } else { Ok(problem) }
}
