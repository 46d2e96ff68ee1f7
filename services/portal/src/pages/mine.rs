//! One's own messages: found by number and code, or by being signed in.

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
use liuyan_proto::liuyan::{
    common::v1::Visibility,
    intake::v1::{ListMyMessagesRequest, LookUpMessageRequest, Message, MessageState},
};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    again::{self, Again},
    cards::{Heading, State, heading},
    faults::Faults,
};
use crate::{
    app::App,
    error::Error,
    format::When,
    page::{Keep, page, page_with, see},
    session::Proof,
    visit::Visit,
};

mod acts;
mod author;
mod decision;
mod held;
mod view;

pub(crate) use author::author;

/// How many of one's own messages are shown at a time.
const PAGE: i32 = 20;

/// One of one's own messages in the list.
#[derive(Debug)]
struct Own {
    number: String,
    message_id: String,
    heading: Heading,
    office: String,
    state: State,
    submitted: Option<When>,
}

#[derive(Template)]
#[template(path = "mine.html")]
struct Mine {
    v: Visit,
    number: String,
    f: Faults,
    /// Messages written while signed in; `None` for nobody signed in.
    own: Option<Vec<Own>>,
    next: Option<String>,
    own_away: bool,
    /// Numbers that this browser has shown the code of a while ago.
    recent: Vec<String>,
    /// What was typed before number and code were asked for.
    again: Again,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    number: String,
    page: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LookUp {
    number: String,
    code: String,
    again: String,
    form: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/mine", get(mine).post(look_up))
        .route("/mine/data", get(held::own_file))
        .route("/mine/erase", get(held::confirm_own).post(held::erase_own))
        .route("/mine/{number}", get(view::view))
        .route("/mine/{number}/data", get(held::file))
        .route("/mine/{number}/erase", get(held::confirm).post(held::erase))
        .route("/mine/{number}/resubmit", post(acts::resubmit))
        .route("/mine/{number}/appeal", post(acts::appeal))
        .route("/mine/{number}/rate", post(acts::rate))
        .route("/mine/{number}/resume", post(acts::resume))
        .route("/mine/{number}/object", post(acts::object))
        .route("/mine/{number}/follow-up", post(acts::ask_on))
        .route("/mine/{number}/withdraw", post(acts::withdraw))
        .route("/mine/{number}/forget", post(acts::forget))
}

/// What intake's word for a state is called, and how it looks.
fn state_of(state: MessageState) -> State {
    let (word, class) = match state {
        MessageState::Unspecified | MessageState::InReview => ("mine-in-review", "awaiting"),
        MessageState::Approved => ("mine-approved", "progress"),
        MessageState::Returned => ("mine-returned", "late"),
        MessageState::Declined => ("mine-declined", "declined"),
        MessageState::Withdrawn => ("mine-withdrawn", "plain"),
        MessageState::Erased => ("mine-erased", "plain"),
    };
    State { word, class }
}

async fn mine(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let (own, next, own_away) = own(&v, ask.page).await;
    let recent = v.proofs().numbers(v.now()).into_iter().map(str::to_owned).collect();
    let (f, again) = (Faults::default(), Again::default());
    page(&Mine { number: ask.number, f, own, next, own_away, recent, again, v })
}

async fn own(v: &Visit, page_token: String) -> (Option<Vec<Own>>, Option<String>, bool) {
    if v.session().is_none() {
        return (None, None, false);
    }
    let request = ListMyMessagesRequest { page_size: PAGE, page_token };
    match v.app().backend.intake().list_my_messages(v.call(request)).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let next = (!answer.next_page_token.is_empty()).then_some(answer.next_page_token);
            (Some(rows(v, answer.messages).await), next, false)
        }
        Err(status) => {
            let error = Error::from(status);
            tracing::debug!(%error, "one's own messages can't be listed");
            // Officials have no messages of their own; for everybody else it is worth telling.
            (None, None, error.class() != Class::Denied)
        }
    }
}

async fn rows(v: &Visit, messages: Vec<Message>) -> Vec<Own> {
    let offices = messages.iter().map(|message| message.office_id.as_str());
    let names = v.app().directory.names(offices, []).await;
    let row = |message: Message| Own {
        office: names.office(&message.office_id),
        state: state_of(message.state()),
        submitted: v.day(message.submitted_at.as_ref()),
        heading: heading(
            v,
            message.text.as_ref().map_or("", |text| text.title.as_str()),
            &message.number,
            message.visibility() == Visibility::Private,
        ),
        number: message.number,
        message_id: message.message_id,
    };
    messages.into_iter().map(row).collect()
}

/// Asks for number and code before anything else is done. What was typed comes along.
fn ask_for_proof(v: Visit, number: &str) -> Result<Response, Error> {
    let typed = v.typed().and_then(|form| Again::of(v.path(), form));
    let Some(again) = typed else {
        let number: String = form_urlencoded::byte_serialize(number.as_bytes()).collect();
        return Ok(see(&format!("/mine?number={number}")));
    };
    let template = Mine {
        number: number.to_owned(),
        f: Faults::default(),
        own: None,
        next: None,
        own_away: false,
        recent: vec![],
        again,
        v,
    };
    page_with(&template, StatusCode::UNAUTHORIZED, Keep::Never)
}

/// Remembers number and code if they are right. What is wrong with them is told in the form.
async fn look_up(v: Visit, Form(ask): Form<LookUp>) -> Result<Response, Error> {
    let again = Again::back(&v, &ask.again, ask.form);
    let request =
        LookUpMessageRequest { number: ask.number.clone(), access_code: ask.code.clone() };
    let answer = v.app().backend.intake().look_up_message(v.call_own_from(request)).await;
    let error = match answer.map_err(Error::from) {
        Ok(answer) => {
            let number = answer.into_inner().message.ok_or(Error::NotFound)?.number;
            v.prove(&number, Proof::Code(ask.code));
            if again.is_some() {
                let lead = v.t("again-proved");
                return again::confirm(v, lead, again, StatusCode::OK);
            }
            return Ok(see(&format!("/mine/{number}")));
        }
        Err(error) => error,
    };
    let id_of = |field: &str| {
        let id = if field == "access_code" { "code" } else { field };
        id.to_owned()
    };
    let mut f = Faults::of(&error, v.locale(), id_of);
    if error.class() == Class::Invalid {
        f.whole = Some(v.t("mine-check"));
    }
    let status = match error.class() {
        Class::Invalid | Class::NotFound | Class::Denied | Class::Unauthenticated => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => error.status(),
    };
    let template = Mine {
        number: ask.number,
        f,
        own: None,
        next: None,
        own_away: false,
        recent: vec![],
        again,
        v,
    };
    let mut response = page_with(&template, status, Keep::Never)?;
    if let Some(wait) = error.retry_after() {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Ok(response)
}
