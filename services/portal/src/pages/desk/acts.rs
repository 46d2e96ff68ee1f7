//! What an office does with a case. Whatever comes of it, nothing typed is lost.

use askama::Template;
use axum::{body::Bytes, extract::Path, response::Response};
use http::{HeaderValue, StatusCode, header};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    identity::v1::Role,
    routing::v1::{AcceptCaseRequest, CloseCaseRequest, ResumeCaseRequest},
};

use super::{
    case::{Which, render},
    theirs::own_case,
    wish::Wish,
};
use crate::{
    error::Error,
    page::{Keep, page_with, see},
    pages::faults::Faults,
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

/// Who does not work on cases does not learn that there is something to do.
pub(super) fn must_work(v: &Visit) -> Result<(), Error> {
    v.with_role(&[Role::Clerk]).map(|_| ())
}

pub(super) async fn accept(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    must_work(&v)?;
    let wish = Wish::read(&v, &form);
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

/// Ends the wait for the author.
pub(super) async fn resume(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    must_work(&v)?;
    let wish = Wish::read(&v, &form);
    let request = v.call(ResumeCaseRequest {
        case_id: id.clone(),
        etag: wish.etag.clone(),
        request_id: wish.request_id.clone(),
        historical: None,
    });
    match v.app().backend.cases().resume_case(request).await {
        Ok(_) => Ok(done(&v, &id, "desk-resumed")),
        Err(status) => refused(v, &id, Which::Resume, wish, status.into()).await,
    }
}

pub(super) async fn close(
    v: Visit,
    Path(id): Path<String>,
    form: Bytes,
) -> Result<Response, Error> {
    must_work(&v)?;
    let wish = Wish::read(&v, &form);
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

/// Back to the case, with a notice.
pub(super) fn done(v: &Visit, id: &str, notice: &str) -> Response {
    v.notify(notice);
    see(&format!("/desk/cases/{id}"))
}

/// The case as it is now, with what was typed and why it was not done.
pub(super) async fn refused(
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

/// The id of the element of a field. The rule of a return is typed where others have their reason.
fn id_of(field: &str) -> String {
    let id = match field {
        "office_id" => "office",
        "rule" => "reason",
        "promises.what" | "promises.due_on" => "promises",
        other => other,
    };
    id.to_owned()
}

/// The case with a form of its page.
pub(super) async fn show(
    v: Visit,
    id: &str,
    which: Which,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    match own_case(&v, id).await {
        Ok(own) => render(v, own, (which, wish), f, status).await,
        Err(error) => kept(v, id, which, wish, error),
    }
}

/// A page for what was typed, where the case can't be shown.
pub(super) fn kept(
    v: Visit,
    id: &str,
    which: Which,
    wish: Wish,
    error: Error,
) -> Result<Response, Error> {
    let act = match which {
        Which::None => return Err(error),
        Which::Accept => "accept",
        Which::Reply => "reply",
        Which::Resume => "resume",
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
