//! Giving a case to the office that is competent for it.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::{CaseState, PublicCase, Visibility},
    routing::v1::{Case, TransferCaseRequest},
};

use super::{
    acts::{explain, kept_for, must_work},
    case::if_changed,
    theirs::own_case,
    wish::Wish,
};
use crate::{
    error::Error,
    page::{Keep, page_with, see},
    pages::{
        cards::{Heading, heading},
        faults::Faults,
        find_office::{Found, find, near},
    },
    visit::Visit,
};

#[derive(Template)]
#[template(path = "desk_transfer.html")]
struct Transfer {
    v: Visit,
    case_id: String,
    number: String,
    heading: Heading,
    office: String,
    /// Whether it is too late for it.
    late: bool,
    etag: String,
    offices: Vec<Found>,
    more: bool,
    wish: Wish,
    f: Faults,
}

pub(super) async fn choose(
    v: Visit,
    Path(id): Path<String>,
    Query(mut wish): Query<Wish>,
) -> Result<Response, Error> {
    must_work(&v)?;
    wish.mend(&v);
    let (case, view) = own_case(&v, &id).await?;
    render(v, case, view, wish, Faults::default(), StatusCode::OK).await
}

pub(super) async fn sent(
    v: Visit,
    Path(id): Path<String>,
    Form(mut wish): Form<Wish>,
) -> Result<Response, Error> {
    must_work(&v)?;
    wish.mend(&v);
    if wish.action != "send" {
        return show(v, &id, wish, Faults::default(), StatusCode::OK).await;
    }
    let request = v.call(TransferCaseRequest {
        case_id: id.clone(),
        etag: wish.etag.clone(),
        request_id: wish.request_id.clone(),
        office_id: wish.office_id.clone(),
        reason: wish.reason.clone(),
        historical: None,
    });
    let error = match v.app().backend.cases().transfer_case(request).await {
        Ok(_) => {
            v.notify("desk-transferred");
            return Ok(see("/desk"));
        }
        Err(status) => Error::from(status),
    };
    if error.class() == Class::Unauthenticated {
        return Err(error);
    }
    match explain(&v, &mut wish, &error) {
        Some((f, status)) => show(v, &id, wish, f, status).await,
        None => kept_for(v, "", wish, error),
    }
}

async fn show(
    v: Visit,
    id: &str,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    match own_case(&v, id).await {
        Ok((case, view)) => render(v, case, view, wish, f, status).await,
        Err(error) => kept_for(v, &format!("/desk/cases/{id}/transfer"), wish, error),
    }
}

async fn render(
    v: Visit,
    case: Case,
    view: PublicCase,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let names = v.app().directory.names([view.office_id.as_str()], []).await;
    let (mut offices, more) = if wish.q.trim().is_empty() {
        (near(&v, &view.office_id).await, false)
    } else {
        find(&v, &wish.q).await
    };
    // The office that has it can't get it.
    offices.retain(|it| it.office_id != view.office_id);
    if !wish.office_id.is_empty() && offices.iter().all(|it| it.office_id != wish.office_id) {
        offices.extend(Found::of(&v, &wish.office_id).await);
    }
    let private = case.visibility() == Visibility::Private;
    let template = Transfer {
        f: if_changed(&v, f, &wish, &case),
        late: !matches!(view.state(), CaseState::Assigned | CaseState::Accepted),
        office: names.office(&view.office_id),
        etag: case.etag,
        heading: heading(&v, &view.title, &view.number, private),
        case_id: view.case_id,
        number: view.number,
        offices,
        more,
        wish,
        v,
    };
    page_with(&template, status, Keep::Never)
}
