//! What an office does with a case. Whatever comes of it, nothing typed is lost.

use askama::Template;
use axum::{Form, extract::Path, response::Response};
use http::{HeaderValue, StatusCode, header};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    identity::v1::Role,
    routing::v1::{AcceptCaseRequest, CloseCaseRequest, ReplyToCaseRequest},
};

use super::{
    case::{Which, render},
    theirs::own_case,
    wish::Wish,
};
use crate::{
    error::Error,
    page::{Keep, page_with, see},
    pages::{
        cards::{Heading, heading},
        faults::Faults,
    },
    visit::Visit,
};

/// What was typed, where the case itself can't be shown.
#[derive(Template)]
#[template(path = "desk_kept.html")]
struct Kept {
    v: Visit,
    title: String,
    text: String,
    /// Where to send it once more; `None` if that would help nobody.
    path: Option<String>,
    wish: Wish,
}

#[derive(Template)]
#[template(path = "desk_reply.html")]
struct Preview {
    v: Visit,
    case_id: String,
    heading: Heading,
    office: String,
    private: bool,
    length: usize,
    wish: Wish,
}

/// Who does not work on cases does not learn that there is something to do.
pub(super) fn must_work(v: &Visit) -> Result<(), Error> {
    v.with_role(&[Role::Clerk]).map(|_| ())
}

pub(super) async fn accept(
    v: Visit,
    Path(id): Path<String>,
    Form(mut wish): Form<Wish>,
) -> Result<Response, Error> {
    must_work(&v)?;
    wish.mend(&v);
    let request = v.call(AcceptCaseRequest {
        case_id: id.clone(),
        etag: wish.etag.clone(),
        request_id: wish.request_id.clone(),
        historical: None,
    });
    match v.app().backend.cases().accept_case(request).await {
        Ok(_) => Ok(done(&v, &id, "desk-accepted")),
        Err(status) => refused(v, &id, Which::Accept, wish, status.into()).await,
    }
}

pub(super) async fn reply(
    v: Visit,
    Path(id): Path<String>,
    Form(mut wish): Form<Wish>,
) -> Result<Response, Error> {
    must_work(&v)?;
    wish.mend(&v);
    match wish.action.as_str() {
        "preview" => return preview(v, &id, wish).await,
        "edit" => return show(v, &id, Which::Reply, wish, Faults::default(), StatusCode::OK).await,
        _ => {}
    }
    let request = v.call(ReplyToCaseRequest {
        case_id: id.clone(),
        etag: wish.etag.clone(),
        request_id: wish.request_id.clone(),
        body: wish.body.clone(),
        override_reason: wish.reason.clone(),
        ..ReplyToCaseRequest::default()
    });
    match v.app().backend.cases().reply_to_case(request).await {
        Ok(_) => Ok(done(&v, &id, "desk-replied")),
        Err(status) => refused(v, &id, Which::Reply, wish, status.into()).await,
    }
}

pub(super) async fn close(
    v: Visit,
    Path(id): Path<String>,
    Form(mut wish): Form<Wish>,
) -> Result<Response, Error> {
    must_work(&v)?;
    wish.mend(&v);
    let request = v.call(CloseCaseRequest {
        case_id: id.clone(),
        etag: wish.etag.clone(),
        request_id: wish.request_id.clone(),
        outcome: wish.outcome().into(),
        historical: None,
    });
    match v.app().backend.cases().close_case(request).await {
        Ok(_) => Ok(done(&v, &id, "desk-closed")),
        Err(status) => refused(v, &id, Which::Close, wish, status.into()).await,
    }
}

fn done(v: &Visit, id: &str, notice: &str) -> Response {
    v.notify(notice);
    see(&format!("/desk/cases/{id}"))
}

async fn preview(v: Visit, id: &str, wish: Wish) -> Result<Response, Error> {
    let (case, view) = match own_case(&v, id).await {
        Ok(found) => found,
        Err(error) => return kept(v, id, Which::Reply, wish, error),
    };
    let names = v.app().directory.names([view.office_id.as_str()], []).await;
    let private = case.visibility() == Visibility::Private;
    let template = Preview {
        heading: heading(&v, &view.title, &view.number, private),
        private,
        office: names.office(&view.office_id),
        length: unicode_segmentation::UnicodeSegmentation::graphemes(wish.body.as_str(), true)
            .count(),
        case_id: view.case_id,
        wish,
        v,
    };
    page_with(&template, StatusCode::OK, Keep::Never)
}

/// The case as it is now, with what was typed and why it was not done.
async fn refused(
    v: Visit,
    id: &str,
    which: Which,
    mut wish: Wish,
    error: Error,
) -> Result<Response, Error> {
    if error.class() == Class::Unauthenticated {
        return Err(error);
    }
    match explain(&v, &mut wish, &error) {
        Some((f, status)) => show(v, id, which, wish, f, status).await,
        None => kept(v, id, which, wish, error),
    }
}

/// What the page says of a refusal; `None` if the case is no longer there for this person.
pub(super) fn explain(v: &Visit, wish: &mut Wish, error: &Error) -> Option<(Faults, StatusCode)> {
    if error.is("CASE_NOT_FOUND") || error.is("CASE_NOT_YOURS") {
        return None;
    }
    let mut f = Faults::of(error, v.locale(), id_of);
    let status = match error.class() {
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    if error.is("ETAG_MISMATCH") {
        f.whole = Some(v.t("desk-changed"));
        f.passes = false;
    } else if error.class() == Class::Exists {
        wish.request_id = v.new_id();
        f.whole = Some(v.t("desk-sent-before"));
    } else if error.is("OFFICE_NOT_FOUND") {
        f.fields.push(("office".to_owned(), error.text(v.locale())));
    }
    Some((f, status))
}

/// The id of the element of a field.
fn id_of(field: &str) -> String {
    if field == "office_id" { "office".to_owned() } else { field.to_owned() }
}

async fn show(
    v: Visit,
    id: &str,
    which: Which,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    match own_case(&v, id).await {
        Ok((case, view)) => render(v, case, view, (which, wish), f, status).await,
        Err(error) => kept(v, id, which, wish, error),
    }
}

/// A page for what was typed, where the case can't be shown.
fn kept(v: Visit, id: &str, which: Which, wish: Wish, error: Error) -> Result<Response, Error> {
    let act = match which {
        Which::None => return Err(error),
        Which::Accept => "accept",
        Which::Reply => "reply",
        Which::Close => "close",
    };
    kept_for(v, &format!("/desk/cases/{id}/{act}"), wish, error)
}

/// The same for any form.
pub(super) fn kept_for(v: Visit, path: &str, wish: Wish, error: Error) -> Result<Response, Error> {
    if error.class() == Class::Unauthenticated {
        return Err(error);
    }
    let gone = matches!(error, Error::NotFound)
        || error.is("CASE_NOT_FOUND")
        || error.is("CASE_NOT_YOURS");
    let (title, text, status) = if gone {
        (v.t("fault-title-not-found"), v.t("desk-gone"), StatusCode::NOT_FOUND)
    } else {
        (v.t("fault-title-unavailable"), error.text(v.locale()), error.status())
    };
    let path = (!gone && error.class().passes()).then(|| path.to_owned());
    let wait = error.retry_after();
    let mut response = page_with(&Kept { v, title, text, path, wish }, status, Keep::Never)?;
    if let Some(wait) = wait {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Ok(response)
}
