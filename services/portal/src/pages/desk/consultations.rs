//! Asking the public: an office plans a consultation, opens it, ends it, and publishes what came out.

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, Query},
    response::Response,
};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    identity::v1::Role,
    routing::v1::{
        CloseConsultationRequest, Consultation, ConsultationState, GetConsultationRequest,
        ListConsultationMessagesRequest, ListConsultationsRequest, OpenConsultationRequest,
        PublishConsultationRequest, PutConsultationRequest,
    },
};
use serde::Deserialize;
use uuid::Uuid;

use super::theirs::own_offices;
use crate::{
    directory::named,
    error::Error,
    page::{Keep, page, page_with, see},
    pages::{
        cards::{Card, cards},
        consultations::{Asked, all_shown, encoded, found, shown},
        faults::Faults,
        search::{Choice, choice},
    },
    visit::Visit,
};

/// Who asks.
const ASKS: [Role; 1] = [Role::Clerk];

mod typed;

use typed::{Plan, Result as Outcome};

/// How many a page of a list has, and how many messages the page of a result shows beside the form.
const PAGE: i32 = 20;
const MESSAGES: i32 = 100;

#[derive(Template)]
#[template(path = "desk_consultations.html")]
struct List {
    v: Visit,
    items: Vec<Asked>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "desk_consultation.html")]
struct One {
    v: Visit,
    /// None for one that is only being planned.
    q: Option<Asked>,
    /// Where its forms go.
    path: String,
    plan: Plan,
    offices: Vec<Choice>,
    divisions: Vec<Choice>,
    domains: Vec<Choice>,
    /// Whether what is asked stands.
    stands: bool,
    may_put: bool,
    may_open: bool,
    may_close: bool,
    may_publish: bool,
    outcome: Outcome,
    messages: Vec<Card>,
    f: Faults,
}

impl One {
    /// The id of a field of a statement.
    #[expect(clippy::unused_self, reason = "a template calls it")]
    fn at(&self, name: &str, place: impl std::fmt::Display) -> String {
        format!("{name}-{place}")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    page: String,
}

pub(super) async fn list(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    v.with_role(&ASKS)?;
    let request = ListConsultationsRequest {
        own: true,
        page_size: PAGE,
        page_token: ask.page,
        ..ListConsultationsRequest::default()
    };
    let mut client = v.app().backend.consultations();
    let answer = client.list_consultations(v.call(request)).await?.into_inner();
    let next = answer.next_page_token;
    page(&List {
        items: all_shown(&v, answer.consultations).await,
        next: (!next.is_empty()).then(|| format!("/desk/consultations?page={}", encoded(&next))),
        v,
    })
}

/// The form for a new one.
pub(super) async fn blank(v: Visit) -> Result<Response, Error> {
    v.with_role(&ASKS)?;
    let plan = Plan { id: v.new_id(), ..Plan::default() };
    render(v, None, (plan, None), Faults::default(), StatusCode::OK).await
}

/// A new one was sent.
pub(super) async fn planned(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ASKS)?;
    let mut plan = Plan::read(&form);
    if plan.id.parse::<Uuid>().is_err() {
        plan.id = v.new_id();
    }
    let Err(error) = put(&v, &plan).await else {
        v.notify("consultation-saved");
        return Ok(see(&format!("/desk/consultations/{}", plan.id)));
    };
    let (f, status) = explain(&v, &error)?;
    render(v, None, (plan, None), f, status).await
}

pub(super) async fn one(v: Visit, Path(id): Path<String>) -> Result<Response, Error> {
    v.with_role(&ASKS)?;
    let known = own(&v, &id).await?;
    let plan = Plan::of(&known);
    render(v, Some(known), (plan, None), Faults::default(), StatusCode::OK).await
}

/// One of the forms of its page was sent.
pub(super) async fn sent(v: Visit, Path(id): Path<String>, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ASKS)?;
    let known = own(&v, &id).await?;
    let typed = Plan { id: known.consultation_id.clone(), ..Plan::read(&form) };
    let outcome = Outcome::read(&form);
    let consultation_id = known.consultation_id.clone();
    let etag = typed.etag.clone();
    let mut client = v.app().backend.consultations();
    let (done, notice) = match typed.action.as_str() {
        "put" => (put(&v, &typed.standing(&known)).await, "consultation-saved"),
        "open" => {
            let ask = OpenConsultationRequest { consultation_id, etag };
            let answer = client.open_consultation(v.call(ask)).await;
            (answer.map(drop).map_err(Error::from), "consultation-opened")
        }
        "close" => {
            let ask = CloseConsultationRequest { consultation_id, etag };
            let answer = client.close_consultation(v.call(ask)).await;
            (answer.map(drop).map_err(Error::from), "consultation-ended")
        }
        "publish" => {
            let (summary, statements) = outcome.told();
            let ask = PublishConsultationRequest { consultation_id, etag, summary, statements };
            let answer = client.publish_consultation(v.call(ask)).await;
            (answer.map(drop).map_err(Error::from), "consultation-result-saved")
        }
        // Another row for a statement.
        _ => return again(v, known, typed, outcome, Faults::default(), StatusCode::OK).await,
    };
    let Err(error) = done else {
        v.notify(notice);
        return Ok(see(&format!("/desk/consultations/{}", known.consultation_id)));
    };
    let (mut f, status) = explain(&v, &error)?;
    let known = if error.is("ETAG_MISMATCH") {
        f.whole = Some(v.t("consultation-changed"));
        // It may have changed only just now.
        own(&v, &id).await?
    } else {
        known
    };
    again(v, known, typed, outcome, f, status).await
}

/// The page with what was typed in the form that was sent, and the other as it is. Whoever began with an
/// older state is told so, whatever else there is to tell, and what they send next is about the one that
/// they see now.
async fn again(
    v: Visit,
    known: Consultation,
    typed: Plan,
    outcome: Outcome,
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let of_plan = typed.action == "put";
    let changed = !typed.etag.is_empty() && typed.etag != known.etag;
    let f = match f.whole {
        None if changed => Faults { whole: Some(v.t("consultation-changed")), ..f },
        _ => f,
    };
    let plan = if of_plan { typed.standing(&known) } else { Plan::of(&known) };
    let plan = Plan { etag: known.etag.clone(), ..plan };
    let outcome = (!of_plan).then_some(outcome);
    render(v, Some(known), (plan, outcome), f, status).await
}

async fn put(v: &Visit, plan: &Plan) -> Result<(), Error> {
    let plan = plan.clone();
    let request = PutConsultationRequest {
        consultation_id: plan.id,
        office_id: plan.office_id,
        division_code: plan.division_code,
        domain: plan.domain,
        question: plan.question,
        description: plan.description,
        from_on: plan.from_on,
        until_on: plan.until_on,
        etag: plan.etag,
    };
    v.app().backend.consultations().put_consultation(v.call(request)).await?;
    Ok(())
}

/// A consultation that the person may change: only to them its etag is told.
async fn own(v: &Visit, id: &str) -> Result<Consultation, Error> {
    let id: Uuid = id.parse().map_err(|_| Error::NotFound)?;
    let request = GetConsultationRequest { consultation_id: id.to_string() };
    let answer = v.app().backend.consultations().get_consultation(v.call(request)).await;
    let known = found(answer.map(|answer| answer.into_inner().consultation))?;
    if known.etag.is_empty() { Err(Error::NotFound) } else { Ok(known) }
}

/// What the page says of a refusal.
fn explain(v: &Visit, error: &Error) -> Result<(Faults, StatusCode), Error> {
    if error.class() == Class::Unauthenticated {
        return Err(Error::SignIn);
    }
    let status = match error.class() {
        Class::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        _ => error.status(),
    };
    Ok((Faults::of(error, v.locale(), id_of), status))
}

/// The id of the element of a field.
fn id_of(field: &str) -> String {
    match field {
        "office_id" => "office".to_owned(),
        "division_code" => "division".to_owned(),
        "domain" => "matter".to_owned(),
        other => match other.strip_prefix("statements[").and_then(|rest| rest.split_once("].")) {
            Some((place, name)) => format!("{name}-{place}"),
            None => other.to_owned(),
        },
    }
}

async fn render(
    v: Visit,
    known: Option<Consultation>,
    (plan, outcome): (Plan, Option<Outcome>),
    f: Faults,
    status: StatusCode,
) -> Result<Response, Error> {
    let state = known.as_ref().map_or(ConsultationState::Draft, Consultation::state);
    let may_publish = matches!(state, ConsultationState::Closed | ConsultationState::Published);
    let (offices, divisions) = places(&v, &plan).await?;
    let domains = v.app().directory.domains().await.unwrap_or_default();
    let locale = v.locale();
    let domain = |it: &liuyan_proto::liuyan::routing::v1::Domain| {
        choice(&it.domain, named(locale, &it.name_zh, &it.name_en), &plan.domain)
    };
    let messages = match &known {
        Some(known) if may_publish => messages(&v, &known.consultation_id).await?,
        _ => Vec::new(),
    };
    let outcome = outcome.or_else(|| known.as_ref().map(Outcome::of)).unwrap_or_default();
    let template = One {
        path: known.as_ref().map_or_else(
            || "/desk/consultations/new".to_owned(),
            |known| format!("/desk/consultations/{}", known.consultation_id),
        ),
        domains: domains.iter().map(domain).collect(),
        stands: state != ConsultationState::Draft,
        may_put: matches!(state, ConsultationState::Draft | ConsultationState::Open),
        may_open: known.is_some() && state == ConsultationState::Draft,
        may_close: state == ConsultationState::Open,
        may_publish,
        q: match known {
            Some(known) => Some(shown(&v, known).await),
            None => None,
        },
        plan,
        offices,
        divisions,
        outcome: outcome.with_room(),
        messages,
        f,
        v,
    };
    page_with(&template, status, Keep::Never)
}

/// The newest messages, to be named in the result.
async fn messages(v: &Visit, id: &str) -> Result<Vec<Card>, Error> {
    let request = ListConsultationMessagesRequest {
        consultation_id: id.to_owned(),
        page_size: MESSAGES,
        page_token: String::new(),
    };
    let mut client = v.app().backend.consultations();
    let answer = client.list_consultation_messages(v.call_public(request)).await?.into_inner();
    Ok(cards(v, &answer.cases).await)
}

/// The offices for which the person may ask, and the divisions in which these lie.
async fn places(v: &Visit, plan: &Plan) -> Result<(Vec<Choice>, Vec<Choice>), Error> {
    let directory = &v.app().directory;
    let mut offices = own_offices(v).await?;
    offices.retain(|office| office.open);
    let mut divisions: Vec<Choice> = Vec::new();
    for office in &offices {
        for it in directory.line(&office.division_code).await.unwrap_or_default().iter().rev() {
            if divisions.iter().all(|known| known.code != it.code) {
                divisions.push(choice(&it.code, it.name.clone(), &plan.division_code));
            }
        }
    }
    let only = offices.len() == 1;
    let offices = offices.into_iter().map(|it| {
        let mut offered = choice(&it.office_id, it.title.clone(), &plan.office_id);
        offered.chosen |= only;
        offered
    });
    Ok((offices.collect(), divisions))
}
