//! All that is held on an author: to keep as a file, and to have erased. By the proof of one message,
//! or for every message of the account of whoever is signed in.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::intake::v1::{
    AuthorSelector, EraseAuthorDataRequest, MessageState, author_selector::By,
};
use serde::Deserialize;
use tonic::Request;

use super::{ask_for_proof, author::author};
use crate::{
    author_data::Export,
    error::Error,
    page::{Keep, page_with, see},
    pages::faults::Faults,
    visit::Visit,
};

/// What the form says when the messages go, too.
const MESSAGES: &str = "messages";
/// What it says when only name and phone go.
const CONTACT: &str = "contact";

#[derive(Template)]
#[template(path = "mine_erase.html")]
struct Page {
    v: Visit,
    f: Faults,
    /// The message; empty for all messages of the account.
    number: String,
    /// Where the form goes, and where it leads back to.
    path: String,
    back: String,
    request_id: String,
    what: String,
    /// Whether nothing but name and phone could still go.
    is_erased: bool,
}

/// What is to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    request_id: String,
    what: String,
    sure: String,
}

/// What a link may bring.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    id: String,
}

/// Whose data are asked for, and by which token.
struct Whose {
    by: By,
    /// The author's token; the session's is used without one.
    token: Option<String>,
    number: String,
    is_erased: bool,
}

impl Whose {
    fn selector(&self) -> Option<AuthorSelector> {
        Some(AuthorSelector { by: Some(self.by.clone()) })
    }

    fn call<T>(&self, v: &Visit, request: T) -> Request<T> {
        match &self.token {
            Some(token) => v.call_as(token, request),
            None => v.call(request),
        }
    }

    fn back(&self) -> String {
        if self.number.is_empty() { "/mine".to_owned() } else { format!("/mine/{}", self.number) }
    }

    fn path(&self) -> String {
        format!("{}/erase", self.back())
    }
}

async fn of_message(v: &Visit, number: &str, id: &str) -> Result<Whose, Error> {
    let author = author(v, number, id).await?;
    Ok(Whose {
        is_erased: author.message.state() == MessageState::Erased,
        by: By::MessageId(author.message.message_id),
        token: Some(author.token),
        number: author.message.number,
    })
}

fn of_account(v: &Visit) -> Option<Whose> {
    v.session().as_ref()?;
    let (token, number) = (None, String::new());
    Some(Whose { by: By::OwnAccount(true), token, number, is_erased: false })
}

/// What is held on the author of one message, as a file.
pub(super) async fn file(
    v: Visit,
    Path(number): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, Error> {
    match of_message(&v, &number, &ask.id).await {
        Ok(whose) => document(&v, &whose).await,
        Err(Error::ProofMissing) => ask_for_proof(v, &number),
        Err(error) => Err(error),
    }
}

/// What is held on whoever is signed in, as a file.
pub(super) async fn own_file(v: Visit) -> Result<Response, Error> {
    match of_account(&v) {
        Some(whose) => document(&v, &whose).await,
        None => Err(Error::SignIn),
    }
}

async fn document(v: &Visit, whose: &Whose) -> Result<Response, Error> {
    let token = match &whose.token {
        Some(token) => token.clone(),
        None => v.signed_in()?.access.clone(),
    };
    let export =
        Export { app: Arc::clone(v.app()), locale: v.locale(), token, by: whose.by.clone() };
    let mut response = export.response().await?;
    // A number has letters, digits and hyphens only.
    let name = if whose.number.is_empty() { "all" } else { whose.number.as_str() };
    let name = format!("attachment; filename=\"my-data-{name}.json\"");
    let name = HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment"));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Asks once more, and says exactly what would happen.
pub(super) async fn confirm(
    v: Visit,
    Path(number): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, Error> {
    match of_message(&v, &number, &ask.id).await {
        Ok(whose) => show(v, &whose, Wish::default(), Faults::default(), StatusCode::OK),
        Err(Error::ProofMissing) => ask_for_proof(v, &number),
        Err(error) => Err(error),
    }
}

/// The same for all messages of the account.
pub(super) async fn confirm_own(v: Visit) -> Result<Response, Error> {
    match of_account(&v) {
        Some(whose) => show(v, &whose, Wish::default(), Faults::default(), StatusCode::OK),
        None => Err(Error::SignIn),
    }
}

/// Erases, once the author has said what and that they are sure.
pub(super) async fn erase(
    v: Visit,
    Path(number): Path<String>,
    Form(wish): Form<Wish>,
) -> Result<Response, Error> {
    match of_message(&v, &number, "").await {
        Ok(whose) => carry_out(v, whose, wish).await,
        Err(Error::ProofMissing) => ask_for_proof(v, &number),
        Err(error) => Err(error),
    }
}

/// The same for all messages of the account.
pub(super) async fn erase_own(v: Visit, Form(wish): Form<Wish>) -> Result<Response, Error> {
    match of_account(&v) {
        Some(whose) => carry_out(v, whose, wish).await,
        None => Err(Error::SignIn),
    }
}

async fn carry_out(v: Visit, whose: Whose, wish: Wish) -> Result<Response, Error> {
    if wish.sure.is_empty() || ![CONTACT, MESSAGES].contains(&wish.what.as_str()) {
        let faults = Faults::whole(v.t("erase-choose"));
        return show(v, &whose, wish, faults, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let request = EraseAuthorDataRequest {
        author: whose.selector(),
        request_id: wish.request_id.clone(),
        messages_too: wish.what == MESSAGES,
        purpose: String::new(),
    };
    match v.app().backend.intake().erase_author_data(whose.call(&v, request)).await {
        Ok(_) => {
            v.notify("erase-done");
            Ok(see(&whose.back()))
        }
        Err(status) => {
            let error = Error::from(status);
            let faults = Faults::of(&error, v.locale(), |field| field.to_owned());
            let status = match error.class() {
                Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                _ => error.status(),
            };
            show(v, &whose, wish, faults, status)
        }
    }
}

fn show(
    v: Visit,
    whose: &Whose,
    wish: Wish,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let request_id = if wish.request_id.is_empty() { v.new_id() } else { wish.request_id };
    let page = Page {
        f,
        number: whose.number.clone(),
        path: whose.path(),
        back: whose.back(),
        request_id,
        what: wish.what,
        is_erased: whose.is_erased,
        v,
    };
    page_with(&page, status, Keep::Never)
}
