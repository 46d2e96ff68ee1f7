//! Cases that were handled well, as the editors of the board show them.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::Query, response::Response, routing::get};
use liuyan_proto::liuyan::routing::v1::{ListModelCasesRequest, ModelCase};
use serde::Deserialize;

use super::{
    cards::{Card, cards},
    consultations::encoded,
    search::{Choice, choice},
};
use crate::{app::App, directory::named, error::Error, page::page, visit::Visit};

/// How many a page has.
const PAGE: i32 = 20;

/// A model case as pages show it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) card: Card,
    pub(crate) case_id: String,
    pub(crate) why: String,
    pub(crate) place: u32,
}

#[derive(Template)]
#[template(path = "model_cases.html")]
struct List {
    v: Visit,
    domains: Vec<Choice>,
    items: Vec<Shown>,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    domain: String,
    page: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/model-cases", get(list))
}

async fn list(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let request = ListModelCasesRequest {
        domain: ask.domain.clone(),
        page_size: PAGE,
        page_token: ask.page,
        ..ListModelCasesRequest::default()
    };
    let mut client = v.app().backend.model_cases();
    let answer = client.list_model_cases(v.call_public(request)).await?.into_inner();
    let domains = v.app().directory.domains().await.unwrap_or_default();
    let locale = v.locale();
    let domains = domains
        .iter()
        .map(|it| choice(&it.domain, named(locale, &it.name_zh, &it.name_en), &ask.domain));
    let next = answer.next_page_token;
    let at = (encoded(&ask.domain), encoded(&next));
    page(&List {
        domains: domains.collect(),
        items: shown(&v, answer.model_cases).await,
        next: (!next.is_empty()).then(|| format!("/model-cases?domain={}&page={}", at.0, at.1)),
        v,
    })
}

/// Model cases as they are shown.
pub(crate) async fn shown(v: &Visit, all: Vec<ModelCase>) -> Vec<Shown> {
    let views: Vec<_> = all.iter().map(|it| it.case.clone().unwrap_or_default()).collect();
    let cards = cards(v, &views).await;
    let shown = cards.into_iter().zip(all).map(|(card, model)| Shown {
        card,
        case_id: model.case.unwrap_or_default().case_id,
        why: model.why,
        place: model.place,
    });
    shown.collect()
}
