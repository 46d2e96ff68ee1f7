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
use jiff::SignedDuration;
use liuyan_kit::{
    class::{Class, Classify as _},
    clock,
};
use liuyan_proto::liuyan::{
    intake::v1::{Receipt, SubmitMessageResponse},
    routing::v1::SuggestRouteRequest,
};
use serde::Deserialize;

use super::{
    cards::Card,
    consultations::{self, Asked},
    faults::Faults,
    message::Text,
    receipt::{self, Kept},
    search::{Choice, choice},
    similar::{self, Wanted},
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

mod by;
mod chooser;
mod draft;
mod files;

pub(crate) use by::By;
use chooser::Chooser;
pub(crate) use draft::Draft;

/// How much older than its request a receipt may be and still be the answer to it, and not to one that
/// was sent before with the same words: clocks differ, and a button that is pressed again gets what the
/// first press got.
const MEANWHILE: SignedDuration = SignedDuration::from_mins(2);

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
    by: By,
    /// Whether the board's own page would take what this column does not take now.
    elsewhere: bool,
    /// Whether the receipt of the same words, sent before, can be seen.
    receipt: bool,
    draft: Draft,
    chooser: Chooser,
    /// The consultation to which it belongs; boxed because most belong to none.
    asked: Option<Box<Asked>>,
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
    by: By,
    draft: Draft,
    text: Text,
    office: String,
    kind: String,
    domain: String,
    /// Of which domain it seems to be, if none is chosen, in words.
    seems: Option<String>,
    /// What was answered to others before.
    similar: Vec<Card>,
}

/// What a link to the form may bring.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    division: String,
    office: String,
    kind: String,
    domain: String,
    consultation: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/new", get(blank).post(sent))
}

async fn blank(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    begin(v, By::default(), ask).await
}

async fn sent(v: Visit, request: Request) -> Result<Response, Error> {
    sent_by(v, By::default(), request).await
}

/// The empty form.
pub(crate) async fn begin(v: Visit, by: By, ask: Ask) -> Result<Response, Error> {
    let mut draft =
        Draft { office_id: ask.office, kind: ask.kind, matter: ask.domain, ..Draft::default() };
    if draft.office_id.is_empty() && ask.division.is_empty() {
        by.default_office().clone_into(&mut draft.office_id);
    }
    if !ask.consultation.is_empty() && !by.is_column() {
        let asked = consultations::asked(&v, &ask.consultation).await?;
        draft.answers(&asked);
    }
    chooser::begin(&v, &mut draft, &ask.division).await;
    form(v, by, draft, Faults::default(), StatusCode::OK).await
}

/// What becomes of a form that was sent.
pub(crate) async fn sent_by(v: Visit, by: By, request: Request) -> Result<Response, Error> {
    let (pairs, files) = files::read(&v, request).await?;
    let mut draft = Draft::of(&pairs)?;
    draft.files = files;
    draft.mend();
    if by.is_collated() {
        draft.make_private();
    }
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
        return form(v, by, draft, f, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    match draft.action.as_str() {
        "submit" => submit(v, by, draft).await,
        "preview" => preview(v, by, draft).await,
        _ => form(v, by, draft, Faults::default(), StatusCode::OK).await,
    }
}

async fn form(
    v: Visit,
    by: By,
    draft: Draft,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let chooser = Chooser::of(&v, &draft).await;
    render(v, by, draft, chooser, Answer::of(f, status)).await
}

/// What the form tells whoever has sent it.
struct Answer {
    f: Faults,
    status: StatusCode,
    elsewhere: bool,
    receipt: bool,
}

impl Answer {
    fn of(f: Faults, status: StatusCode) -> Self {
        Self { f, status, elsewhere: false, receipt: false }
    }
}

async fn render(
    v: Visit,
    by: By,
    draft: Draft,
    chooser: Chooser,
    answer: Answer,
) -> Result<Response, Error> {
    let Answer { f, status, elsewhere, receipt } = answer;
    let app = Arc::clone(v.app());
    let locale = v.locale();
    let (kinds, domains, asked) = futures::join!(
        app.directory.kinds(),
        app.directory.domains(),
        Box::pin(asked_by(&v, &draft))
    );
    let kinds = kinds.unwrap_or_default();
    let domains = domains.unwrap_or_default();
    let matters = domains.iter().filter(|it| by.takes(&it.domain)).map(|it| Matter {
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
        asked,
        draft,
        f,
        by,
        elsewhere,
        receipt,
        v,
    };
    page_with(&template, status, Keep::Private)
}

/// The consultation that the message answers; what can't be asked now is left out.
async fn asked_by(v: &Visit, draft: &Draft) -> Option<Box<Asked>> {
    if draft.consultation.is_empty() {
        return None;
    }
    let found = consultations::asked(v, &draft.consultation).await.ok()?;
    Some(Box::new(consultations::shown(v, found).await))
}

async fn preview(v: Visit, by: By, draft: Draft) -> Result<Response, Error> {
    let domain = draft.domain().to_owned();
    let said = [&draft.body, &draft.demand, &draft.details];
    let body = said.map(|text| text.trim()).join("\n").trim().to_owned();
    let seems = Box::pin(async {
        let asked = SuggestRouteRequest {
            title: draft.title.clone(),
            body: body.clone(),
            kind: draft.kind.clone(),
            office_id: draft.office_id.clone(),
            ..SuggestRouteRequest::default()
        };
        if domain.is_empty() { similar::of_domain(&v, asked).await } else { None }
    });
    let wanted = Wanted { title: draft.title.clone(), body: body.clone(), ..Wanted::default() };
    let (names, seems, similar) = futures::join!(
        v.app().directory.names([draft.office_id.as_str()], []),
        seems,
        Box::pin(similar::similar(&v, wanted)),
    );
    page(&Preview {
        seems,
        similar,
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
        by,
        v,
    })
}

/// Sends the message to intake. Whatever it says, the visitor has a receipt or the form as it was.
async fn submit(v: Visit, by: By, mut draft: Draft) -> Result<Response, Error> {
    let chooser = Chooser::of(&v, &draft).await;
    if !draft.is_placeless() && !chooser.offers(&draft.office_id) {
        // Another place was chosen after the office: the visitor has to say which is meant.
        draft.office_id.clear();
        if !by.default_office().is_empty() {
            // A column would take it for its own office.
            let fields = vec![("office".to_owned(), v.t("column-which-office"))];
            let f = Faults { fields, ..Faults::whole(v.t("column-which-office")) };
            let answer = Answer::of(f, StatusCode::UNPROCESSABLE_ENTITY);
            return render(v, by, draft, chooser, answer).await;
        }
    }
    let request = draft.request(&v, by.column_id());
    // By a column the portal speaks for whoever writes there; an account's token can name none.
    let request = if by.is_column() { v.call_own_from(request) } else { v.call_from(request) };
    let answer = v.app().backend.intake().submit_message(request).await;
    let error = match answer.map_err(Error::from) {
        Ok(answer) => match taken(&v, answer.into_inner()) {
            Some(kept) => {
                v.prove(&kept.number, Proof::Code(kept.code.clone()));
                receipt::keep(&v, &kept);
                if v.now().duration_since(kept.at) > MEANWHILE {
                    return sent_before(v, by, draft, chooser, &kept).await;
                }
                return Ok(see("/receipt"));
            }
            None => Error::Broken("intake gave no receipt".into()),
        },
        Err(error) => error,
    };
    let mut f = Faults::of(&error, v.locale(), draft::id_of);
    let mut status = error.status();
    match error.class() {
        Class::Invalid => {
            status = StatusCode::UNPROCESSABLE_ENTITY;
            f.whole = Some(v.t("new-not-sent"));
        }
        Class::Exists => {
            // What they say is here already, was said in another language, or was taken back: only its
            // author knows whether a second message is meant.
            f.whole = Some(v.t(match error.code() {
                "MESSAGE_WITHDRAWN" | "SUBMISSION_WITHDRAWN" => "new-sent-withdrawn",
                "MESSAGE_ERASED" | "SUBMISSION_ERASED" => "new-sent-erased",
                _ => "new-sent-before",
            }));
            renew(&v, &mut draft, &mut f);
        }
        Class::Internal => tracing::error!(%error, "a message was not taken"),
        _ => {}
    }
    let retry_after = error.retry_after();
    let elsewhere = by.is_column() && of_column(&error);
    let answer = Answer { elsewhere, ..Answer::of(f, status) };
    let mut response = render(v, by, draft, chooser, answer).await?.into_response();
    if let Some(wait) = retry_after {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    Ok(response)
}

/// The form as it was, for whoever has sent the same words some time ago: they have the receipt of then,
/// and may mean a second message.
async fn sent_before(
    v: Visit,
    by: By,
    mut draft: Draft,
    chooser: Chooser,
    kept: &Kept,
) -> Result<Response, Error> {
    let when = v.moment_of(kept.at).text;
    let mut f = Faults::whole(v.t2("new-sent-already", "number", &kept.number, "when", when));
    renew(&v, &mut draft, &mut f);
    let answer = Answer { receipt: true, ..Answer::of(f, StatusCode::CONFLICT) };
    render(v, by, draft, chooser, answer).await
}

/// Makes the draft another message, and tells which of it has to be chosen once more.
fn renew(v: &Visit, draft: &mut Draft, f: &mut Faults) {
    if draft.renew(v) {
        f.fields.push((files::ELEMENT.to_owned(), v.t("new-files-anew")));
    }
}

/// Whether it is the column that does not take the message, and not the board.
fn of_column(error: &Error) -> bool {
    error.is("COLUMN_QUOTA_USED")
        || error.is("COLUMN_LIMIT_REACHED")
        || error.fields().iter().any(|fault| fault.reason == "COLUMN_CLOSED")
}

fn taken(v: &Visit, answer: SubmitMessageResponse) -> Option<Kept> {
    let Receipt { number, office_id, submitted_at, .. } = answer.receipt?;
    let at = submitted_at.as_ref().and_then(clock::from_proto).unwrap_or_else(|| v.now());
    Some(Kept { number, code: answer.access_code, office_id, at })
}
