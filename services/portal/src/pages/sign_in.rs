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
use url::form_urlencoded;

use super::faults::Faults;
use crate::{
    app::App,
    error::Error,
    page::{Keep, page_with, see},
    session::Session,
    visit::Visit,
};

/// Fields of our forms in which people write; they are shown to whoever has to sign in again.
const WRITTEN: [&str; 10] = [
    "title",
    "body",
    "demand",
    "details",
    "place",
    "remark",
    "reason",
    "explanation",
    "words",
    "address",
];
/// Forms in which a password is typed are not kept: they lead back to their page.
const SECRET: &str = "password";

/// A form that came after its session had ended, to be sent once more after signing in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Again {
    /// Where it goes; empty for none.
    path: String,
    /// Its fields, as browsers encode them.
    form: String,
}

impl Again {
    /// Keeps a form without what made it ours.
    fn of(path: &str, form: &[u8]) -> Option<Self> {
        let ends = path == "/sign-in" || path == "/sign-out";
        let mut kept = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(form) {
            if name.contains(SECRET) {
                return None;
            }
            if name != "_token" {
                kept.append_pair(&name, &value);
            }
        }
        (!ends).then(|| Self { path: path.to_owned(), form: kept.finish() })
    }

    fn is_some(&self) -> bool {
        !self.path.is_empty()
    }

    /// All fields.
    fn pairs(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.form.as_bytes()).into_owned().collect()
    }

    /// What was typed, to be read and copied.
    fn texts(&self) -> Vec<String> {
        let written = |(name, value): &(String, String)| {
            WRITTEN.contains(&name.as_str()) && !value.trim().is_empty()
        };
        self.pairs().into_iter().filter(written).map(|(_, value)| value).collect()
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    v: Visit,
    name: String,
    next: String,
    again: Again,
    f: Faults,
}

#[derive(Template)]
#[template(path = "again.html")]
struct SendAgain {
    v: Visit,
    who: String,
    again: Again,
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
    let again = own_path(&v, &wish.again).map(|path| Again { path, form: wish.form });
    let again = again.unwrap_or_default();
    let request = SignInRequest { name: wish.name.trim().to_owned(), password: wish.password };
    let answer = v.app().backend.identity().sign_in(v.call_public(request)).await;
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
        let who = session.display_name.clone();
        return page_with(&SendAgain { v, who, again }, StatusCode::OK, Keep::Never);
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

/// A path of this site, safe to lead to; `None` for anything else. Browsers read addresses in more
/// ways than one, so that what counts is what the address comes to.
fn own_path(v: &Visit, asked: &str) -> Option<String> {
    path_on(&v.app().config.public_url, asked)
}

fn path_on(base: &url::Url, asked: &str) -> Option<String> {
    let plain = |c: char| c != '\\' && !c.is_control();
    if !asked.starts_with('/') || !asked.chars().all(plain) {
        return None;
    }
    let url = base.join(asked).ok().filter(|url| url.origin() == base.origin())?;
    let path = url.path();
    if path.starts_with("//") || matches!(path, "/sign-in" | "/sign-out") {
        return None;
    }
    Some(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        let base = url::Url::parse("https://board.example/").unwrap();
        for (asked, expected) in [
            ("/desk", Some("/desk")),
            ("/search?q=路灯&page=2", Some("/search?q=%E8%B7%AF%E7%81%AF&page=2")),
            ("/desk/../account", Some("/account")),
            ("", None),
            ("desk", None),
            ("https://evil.example/", None),
            ("//evil.example/", None),
            ("///evil.example/", None),
            ("/\\evil.example/", None),
            ("/\t/evil.example/", None),
            ("/.//evil.example/", None),
            ("/desk/..//evil.example/", None),
            ("/%09/evil.example", Some("/%09/evil.example")),
            ("/sign-out", None),
            ("/sign-in?next=/sign-in", None),
        ] {
            assert_eq!(path_on(&base, asked).as_deref(), expected, "{asked}");
        }
    }

    #[test]
    fn an_interrupted_form_keeps_what_was_typed_and_no_secret() {
        let form = "_token=x&etag=7&body=%E6%82%A8%E5%A5%BD&reason=";
        let again = Again::of("/desk/cases/1/reply", form.as_bytes()).unwrap();
        assert_eq!(again.texts(), ["您好"]);
        assert!(!again.form.contains("_token"), "{}", again.form);
        assert_eq!(again.pairs().len(), 3);
        assert_eq!(Again::of("/account/password", b"password=secret"), None);
        assert_eq!(Again::of("/sign-out", b"a=b"), None);
    }
}
