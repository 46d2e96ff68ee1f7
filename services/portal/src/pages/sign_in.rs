//! Signing in and out, and back to where somebody came from.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Router,
    extract::Query,
    response::Response,
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::identity::v1::{SignInRequest, SignOutRequest};
use serde::Deserialize;

use super::{
    again::{self, Again, own_path},
    faults::Faults,
};
use crate::{
    app::App,
    error::Error,
    page::{Keep, page_with, see},
    session::Session,
    visit::Visit,
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    v: Visit,
    name: String,
    next: String,
    again: Again,
    f: Faults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    next: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    name: String,
    password: String,
    next: String,
    again: String,
    form: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/sign-in", get(blank).post(sent)).route("/sign-out", post(sign_out))
}

async fn blank(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    if let Some(session) = v.session() {
        let landing = landing(session);
        return Ok(see(&own_path(&v, &ask.next).unwrap_or_else(|| landing.to_owned())));
    }
    let next = own_path(&v, &ask.next).unwrap_or_default();
    let (name, again, f) = (String::new(), Again::default(), Faults::default());
    page_with(&SignIn { name, next, again, f, v }, StatusCode::OK, Keep::Never)
}

/// The page for a form that came after its session had ended: nothing typed is lost. `None` if the
/// form is one that is not kept.
pub(crate) fn interrupted(v: &Visit) -> Option<Response> {
    let again = Again::of(v.path(), v.typed()?)?;
    let page = SignIn {
        v: v.clone(),
        name: String::new(),
        next: String::new(),
        again,
        f: Faults::default(),
    };
    page_with(&page, StatusCode::UNAUTHORIZED, Keep::Never).ok()
}

async fn sent(v: Visit, Form(wish): Form<Wish>) -> Result<Response, Error> {
    let next = own_path(&v, &wish.next).unwrap_or_default();
    let again = Again::back(&v, &wish.again, wish.form);
    let request = SignInRequest { name: wish.name.trim().to_owned(), password: wish.password };
    let answer = v.app().backend.identity().sign_in(v.call_own_from(request)).await;
    let error = match answer.map_err(Error::from) {
        Ok(answer) => {
            let answer = answer.into_inner();
            match Session::new(answer.session, answer.account) {
                Some(session) => {
                    v.sign_in(&session);
                    return welcome(v, &session, &next, again);
                }
                None => Error::Broken("identity gave no session".into()),
            }
        }
        Err(error) => error,
    };
    refused(v, wish.name, next, again, &error)
}

fn welcome(v: Visit, session: &Session, next: &str, again: Again) -> Result<Response, Error> {
    if again.is_some() {
        let lead = v.t1("again-lead", "who", &session.display_name);
        return again::confirm(v, lead, again, StatusCode::OK);
    }
    Ok(see(if next.is_empty() { landing(session) } else { next }))
}

/// The form once more, with one sentence and the name as it was typed.
fn refused(
    v: Visit,
    name: String,
    next: String,
    again: Again,
    error: &Error,
) -> Result<Response, Error> {
    let wait = error.retry_after();
    let text = match (error.class(), wait) {
        (Class::Exhausted, Some(wait)) if error.is("TRIES_EXHAUSTED") => {
            v.t1("sign-in-wait", "minutes", wait.as_secs().div_ceil(60).max(1))
        }
        // Name and password stand in no field of their own: which of them is wrong is not told.
        (Class::Invalid, _) => v.t("sign-in-empty"),
        _ => error.text(v.locale()),
    };
    let status = match error.class() {
        Class::Invalid | Class::Unauthenticated => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    let f = Faults::whole(text);
    let mut response = page_with(&SignIn { v, name, next, again, f }, status, Keep::Never)?;
    if let Some(wait) = wait {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Ok(response)
}

async fn sign_out(v: Visit) -> Result<Response, Error> {
    if let Some(session) = v.session() {
        v.app().refreshes.forget(session.refresh_token());
        let refresh_token = session.refresh_token().to_owned();
        let request = v.call_public(SignOutRequest { refresh_token });
        if let Err(status) = v.app().backend.identity().sign_out(request).await {
            // The browser forgets it all the same; where it is kept it ends by itself.
            let error = Error::from(status);
            tracing::warn!(%error, "a session was not ended where it is kept");
        }
    }
    v.sign_out();
    v.notify("signed-out");
    Ok(see("/"))
}

/// Where somebody goes who came from nowhere.
fn landing(session: &Session) -> &'static str {
    if session.works_on_cases() {
        "/desk"
    } else if session.reviews() {
        "/review"
    } else {
        "/account"
    }
}
