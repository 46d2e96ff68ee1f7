//! Leaving a message: one form, a preview, and nothing typed is ever lost.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Query, Request},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use liuyan_kit::{
    class::{Class, Classify as _},
    clock,
};
use liuyan_proto::liuyan::intake::v1::{Receipt, SubmitMessageResponse};
use serde::Deserialize;

use super::{
    faults::Faults,
    message::Text,
    receipt::{self, Kept},
    search::{Choice, choice},
};
use crate::{
    app::App,
    config::Fields,
    directory::named,
    error::Error,
    page::{Keep, page, page_with, see},
    session::Proof,
    visit::Visit,
};

mod chooser;
mod draft;
mod files;

use chooser::Chooser;
pub(crate) use draft::Draft;
pub(crate) use files::takes_files;

/// A domain with its topics, each of which may be chosen.
#[derive(Debug)]
struct Matter {
    name: String,
    whole: Choice,
    topics: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "new.html")]
struct New {
    v: Visit,
    draft: Draft,
    chooser: Chooser,
    kinds: Vec<Choice>,
    matters: Vec<Matter>,
    limits: Fields,
    /// That reviews take longer than usual, in words.
    backlog: Option<String>,
    f: Faults,
}

#[derive(Template)]
#[template(path = "preview.html")]
struct Preview {
    v: Visit,
    draft: Draft,
    text: Text,
    office: String,
    kind: String,
    domain: String,
}

/// What a link to the form may bring.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    division: String,
    office: String,
    kind: String,
    domain: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/new", get(blank).post(sent))
}

async fn blank(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let mut draft =
        Draft { office_id: ask.office, kind: ask.kind, matter: ask.domain, ..Draft::default() };
    chooser::begin(&v, &mut draft, &ask.division).await;
    form(v, draft, Faults::default(), StatusCode::OK).await
}

async fn sent(v: Visit, request: Request) -> Result<Response, Error> {
    let (pairs, files) = files::read(&v, request).await?;
    let mut draft = Draft::of(&pairs)?;
    draft.files = files;
    draft.mend();
    if draft.is_placeless() {
        // Who names the office need not look for it list by list.
        chooser::begin(&v, &mut draft, "").await;
    }
    if !draft.files.faults.is_empty() {
        // Nothing is sent without a file that its author has chosen.
        let f = Faults {
            fields: vec![(files::ELEMENT.to_owned(), draft.files.faults.join("\n"))],
            ..Faults::whole(v.t("new-files-missing"))
        };
        return form(v, draft, f, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    match draft.action.as_str() {
        "submit" => submit(v, draft).await,
        "preview" => preview(v, draft).await,
        _ => form(v, draft, Faults::default(), StatusCode::OK).await,
    }
}

async fn form(v: Visit, draft: Draft, f: Faults, status: StatusCode) -> Result<Response, Error> {
    let chooser = Chooser::of(&v, &draft).await;
    render(v, draft, chooser, f, status).await
}

async fn render(
    v: Visit,
    draft: Draft,
    chooser: Chooser,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let app = Arc::clone(v.app());
    let locale = v.locale();
    let (kinds, domains) = futures::join!(app.directory.kinds(), app.directory.domains());
    let kinds = kinds.unwrap_or_default();
    let domains = domains.unwrap_or_default();
    let matters = domains.iter().map(|it| Matter {
        name: named(locale, &it.name_zh, &it.name_en),
        whole: choice(&it.domain, v.t("new-whole-domain"), &draft.matter),
        topics: it
            .topics
            .iter()
            .map(|topic| choice(&format!("{}|{topic}", it.domain), topic.clone(), &draft.matter))
            .collect(),
    });
    let template = New {
        kinds: kinds
            .iter()
            .map(|it| choice(&it.kind, named(locale, &it.name_zh, &it.name_en), &draft.kind))
            .collect(),
        matters: matters.collect(),
        limits: app.config.fields,
        backlog: super::home::backlog(&v).await,
        chooser,
        draft,
        f,
        v,
    };
    page_with(&template, status, Keep::Private)
}

async fn preview(v: Visit, draft: Draft) -> Result<Response, Error> {
    let domain = draft.domain().to_owned();
    let names = v.app().directory.names([draft.office_id.as_str()], []).await;
    page(&Preview {
        text: Text {
            title: draft.title.clone(),
            body: draft.body.clone(),
            demand: draft.demand.clone(),
            details: draft.details.clone(),
        },
        office: names.office(&draft.office_id),
        kind: names.kind(v.locale(), &draft.kind),
        domain: names.domain(v.locale(), &domain),
        draft,
        v,
    })
}

/// Sends the message to intake. Whatever it says, the visitor has a receipt or the form as it was.
async fn submit(v: Visit, mut draft: Draft) -> Result<Response, Error> {
    let chooser = Chooser::of(&v, &draft).await;
    if !draft.is_placeless() && !chooser.offers(&draft.office_id) {
        // Another place was chosen after the office: the visitor has to say which is meant.
        draft.office_id.clear();
    }
    let request = v.call_from(draft.request(&v));
    let answer = v.app().backend.intake().submit_message(request).await;
    let error = match answer.map_err(Error::from) {
        Ok(answer) => match taken(&v, answer.into_inner()) {
            Some(kept) => {
                v.prove(&kept.number, Proof::Code(kept.code.clone()));
                receipt::keep(&v, &kept);
                return Ok(see("/receipt"));
            }
            None => Error::Broken("intake gave no receipt".into()),
        },
        Err(error) => error,
    };
    let mut f = Faults::of(&error, v.locale(), draft::id_of);
    let mut status = error.status();
    match error.class() {
        Class::Invalid => status = StatusCode::UNPROCESSABLE_ENTITY,
        Class::Exists => {
            // What they say is here already, or was said in another language: only its author knows
            // whether a second message is meant.
            draft.another = v.new_id();
            f.whole = Some(v.t("new-sent-before"));
        }
        Class::Internal => tracing::error!(%error, "a message was not taken"),
        _ => {}
    }
    let retry_after = error.retry_after();
    let mut response = render(v, draft, chooser, f, status).await?.into_response();
    if let Some(wait) = retry_after {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Ok(response)
}

fn taken(v: &Visit, answer: SubmitMessageResponse) -> Option<Kept> {
    let Receipt { number, office_id, submitted_at, .. } = answer.receipt?;
    let at = submitted_at.as_ref().and_then(clock::from_proto).unwrap_or_else(|| v.now());
    Some(Kept { number, code: answer.access_code, office_id, at })
}
