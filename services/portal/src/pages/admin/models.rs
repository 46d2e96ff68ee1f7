//! The models that suggest domain and office: trained, measured, put in force and taken back.

use askama::Template;
use axum::{body::Bytes, extract::Query, response::Response};
use http::StatusCode;
use liuyan_proto::liuyan::routing::v1::{
    EvaluateModelRequest, ListModelsRequest, Model, ModelFigures, ModelState, ModelSubject,
    PublishModelRequest, RollBackModelRequest, TrainModelRequest,
};
use serde::Deserialize;

use super::{Fields, ROLES, explain};
use crate::{
    error::Error,
    format::{When, percent},
    page::{Keep, page_with, see},
    pages::{cards::State, faults::Faults},
    visit::Visit,
};

/// What models tell: code, subject, name of the text.
const SUBJECTS: [(&str, ModelSubject, &str); 2] = [
    ("domain", ModelSubject::Domain, "admin-models-domain"),
    ("office", ModelSubject::Office, "admin-models-office"),
];

/// A model as the page shows it.
#[derive(Debug)]
struct Row {
    version: u32,
    state: State,
    trained: bool,
    in_force: bool,
    requested: Option<When>,
    trained_at: Option<When>,
    examples: u32,
    /// Accuracy, macro F1, calibration error and the part of which it is sure, in words.
    figures: Option<[String; 4]>,
    fault: Option<&'static str>,
}

/// What was measured of a model on cases that were decided after its training.
#[derive(Debug)]
struct Measured {
    version: u32,
    figures: [String; 4],
    /// Name, F1 and number of cases of each label.
    labels: Vec<(String, String, u32)>,
}

#[derive(Template)]
#[template(path = "admin_models.html")]
struct List {
    v: Visit,
    /// Code, name and whether it is this one.
    subjects: Vec<(&'static str, &'static str, bool)>,
    subject: &'static str,
    rows: Vec<Row>,
    /// Whether one is in force.
    decided: bool,
    /// What was measured just now.
    measured: Option<Measured>,
    f: Faults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    subject: String,
    /// The version that is to be measured on what was decided since.
    evaluate: String,
}

fn subject_of(code: &str) -> &'static (&'static str, ModelSubject, &'static str) {
    SUBJECTS.iter().find(|(known, ..)| *known == code).unwrap_or(&SUBJECTS[0])
}

pub(super) async fn list(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    render(v, ask, Faults::default(), StatusCode::OK).await
}

pub(super) async fn act(v: Visit, form: Bytes) -> Result<Response, Error> {
    v.with_role(&ROLES)?;
    let typed = Fields::read(&form);
    let (code, subject, _) = *subject_of(typed.get("subject"));
    let (version, note) = (typed.number("version"), typed.text("note"));
    let request_id = match typed.get("request_id").parse::<uuid::Uuid>() {
        Ok(id) => id.to_string(),
        Err(_) => v.new_id(),
    };
    let subject = subject.into();
    let mut client = v.app().backend.suggestions();
    let (done, notice) = match typed.get("action") {
        "train" => {
            let ask = TrainModelRequest { subject, request_id };
            (client.train_model(v.call(ask)).await.map(drop), "admin-models-training")
        }
        "publish" => {
            let ask = PublishModelRequest { subject, version, note, request_id };
            (client.publish_model(v.call(ask)).await.map(drop), "admin-models-published")
        }
        "back" => {
            let ask = RollBackModelRequest { subject, version, note, request_id };
            (client.roll_back_model(v.call(ask)).await.map(drop), "admin-models-back")
        }
        _ => return Err(Error::Unreadable),
    };
    let Err(error) = done.map_err(Error::from) else {
        v.notify(notice);
        return Ok(see(&format!("/admin/models?subject={code}")));
    };
    let (f, status) = explain(&v, error, str::to_owned)?;
    let ask = Ask { subject: code.to_owned(), evaluate: String::new() };
    render(v, ask, f, status).await
}

async fn render(v: Visit, ask: Ask, mut f: Faults, status: StatusCode) -> Result<Response, Error> {
    let (code, subject, _) = *subject_of(&ask.subject);
    let request = ListModelsRequest { subject: subject.into(), ..ListModelsRequest::default() };
    let mut client = v.app().backend.suggestions();
    let answer = client.list_models(v.call(request)).await?.into_inner();
    let mut measured = None;
    if let Ok(version) = ask.evaluate.parse() {
        let request = EvaluateModelRequest { subject: subject.into(), version };
        match client.evaluate_model(v.call(request)).await.map_err(Error::from) {
            Ok(told) => {
                let told = told.into_inner();
                let labels = told.labels.into_iter();
                let names = v.app().directory.names([], []).await;
                let name = |label: &str| match code {
                    "domain" => names.domain(v.locale(), label),
                    _ => label.to_owned(),
                };
                let labels = labels.map(|it| (name(&it.label), percent(it.f1), it.cases));
                measured = Some(Measured {
                    version,
                    figures: figures(&told.figures.unwrap_or_default()),
                    labels: labels.collect(),
                });
            }
            Err(error) => f = explain(&v, error, str::to_owned)?.0,
        }
    }
    let template = List {
        subjects: SUBJECTS.iter().map(|(it, _, word)| (*it, *word, *it == code)).collect(),
        subject: code,
        decided: answer.models.iter().any(|model| model.in_force),
        rows: answer.models.into_iter().map(|model| row(&v, model)).collect(),
        measured,
        f,
        v,
    };
    page_with(&template, status, Keep::Never)
}

fn figures(told: &ModelFigures) -> [String; 4] {
    [told.accuracy, told.macro_f1, told.ece, told.sure].map(percent)
}

fn row(v: &Visit, model: Model) -> Row {
    let state = match model.state() {
        _ if model.in_force => State { word: "admin-model-in-force", class: "replied" },
        ModelState::Trained => State { word: "admin-model-trained", class: "progress" },
        ModelState::Failed => State { word: "admin-model-failed", class: "late" },
        ModelState::Waiting | ModelState::Unspecified => {
            State { word: "admin-model-waiting", class: "awaiting" }
        }
    };
    Row {
        state,
        trained: model.state() == ModelState::Trained,
        requested: v.moment(model.requested_at.as_ref()),
        trained_at: v.moment(model.trained_at.as_ref()),
        figures: model.figures.as_ref().map(figures),
        fault: match model.fault.as_str() {
            "" => None,
            "too_few_labels" => Some("admin-model-few-labels"),
            "too_few_examples" => Some("admin-model-few-examples"),
            _ => Some("admin-model-broken"),
        },
        version: model.version,
        in_force: model.in_force,
        examples: model.examples,
    }
}
