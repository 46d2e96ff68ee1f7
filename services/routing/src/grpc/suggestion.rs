//! `SuggestionService`.

use liuyan_kit::{auth::Caller, class::Violation, clock::to_proto};
use liuyan_proto::liuyan::routing::v1::{
    self as routing, suggestion_service_server::SuggestionService,
};
use tonic::{Request, Response, Status};

use super::{Checks, answer, convert};
use crate::{
    app::{
        App,
        heat::Hot,
        looking::who,
        similar::Like,
        suggesting::{Asked, By, Route},
    },
    domain::{page, routed::Subject, suggestion::Figures},
    error::Error,
    store::models::{Model, ModelState, Publication},
};

mod told;

/// The longest texts that are read, in characters.
const TITLE: usize = 200;
const BODY: usize = 4_000;
/// The longest note.
const NOTE: usize = 200;
/// Over how many days it is looked what many write of, if the caller does not say, and the most.
const USUAL_DAYS: u32 = 30;
const MOST_DAYS: u32 = 366;
/// How many of that a page has, if the caller does not say, and the most.
const HOT: (usize, usize) = (10, 50);
/// How many models a page has, if the caller does not say, and the most.
const PAGE: (usize, usize) = (50, 200);

/// Serves what texts tell.
#[derive(Debug)]
pub struct Grpc {
    app: App,
}

impl Grpc {
    /// Serves what `app` does.
    pub fn new(app: App) -> Self {
        Self { app }
    }

    async fn route(
        &self,
        request: routing::SuggestRouteRequest,
    ) -> Result<routing::SuggestRouteResponse, Error> {
        let mut checks = Checks::default();
        texts(&mut checks, &request.title, &request.body);
        let asked = Asked {
            title: request.title,
            body: request.body,
            kind: request.kind,
            domain: request.domain,
            topic: request.topic,
            office_id: request.office_id,
        };
        checks.0.extend(self.app.unknown_in(&asked));
        checks.done()?;
        Ok(told::route(self.app.suggest_route(asked).await?))
    }

    async fn similar(
        &self,
        request: routing::FindSimilarRequest,
    ) -> Result<routing::FindSimilarResponse, Error> {
        let mut checks = Checks::default();
        texts(&mut checks, &request.title, &request.body);
        let without = match request.without_case_id.as_str() {
            "" => None,
            id => Some(checks.id("without_case_id", id)),
        };
        checks.done()?;
        let like = Like {
            title: request.title,
            body: request.body,
            division_code: Some(request.division_code).filter(|code| !code.is_empty()),
            without,
        };
        let found = self.app.similar(like).await?.into_iter();
        let cases = found
            .map(|(hit, nearness)| routing::SimilarCase { hit: Some(convert::hit(hit)), nearness });
        Ok(routing::FindSimilarResponse { cases: cases.collect() })
    }

    async fn hot(
        &self,
        request: routing::ListHotProblemsRequest,
    ) -> Result<routing::ListHotProblemsResponse, Error> {
        let mut checks = Checks::default();
        let days = if request.days == 0 { USUAL_DAYS } else { request.days };
        if days > MOST_DAYS {
            let violation = Violation::new("days", "SPAN_RANGE");
            checks.0.push(violation.with("least", 1).with("most", MOST_DAYS));
        }
        let size = page::size(request.page_size, HOT.0, HOT.1);
        if size.is_none() {
            checks.wrong("page_size", "SIZE_NEGATIVE");
        }
        let bound = format!("hot {} {days}", request.division_code);
        let skip = match request.page_token.as_str() {
            "" => Some(0),
            token => page::key(&bound, token).and_then(|key| key.parse::<u32>().ok()),
        };
        if skip.is_none() {
            checks.wrong("page_token", "PAGE_TOKEN_INVALID");
        }
        checks.done()?;
        let (size, skip) = (size.unwrap_or(HOT.0), skip.unwrap_or_default() as usize);
        let hottest = self.app.hot_problems(&request.division_code, days, (skip, size)).await?;
        let next = hottest.more.then(|| page::token(&bound, &(skip + size).to_string()));
        Ok(routing::ListHotProblemsResponse {
            next_page_token: next.unwrap_or_default(),
            compared: hottest.compared.try_into().unwrap_or(u32::MAX),
            enough: hottest.enough,
            compared_from: hottest.from.map(to_proto),
            problems: hottest.problems.into_iter().map(told::problem).collect(),
        })
    }

    async fn train(
        &self,
        caller: &Caller,
        request: routing::TrainModelRequest,
    ) -> Result<routing::TrainModelResponse, Error> {
        let mut checks = Checks::default();
        let subject = subject(&mut checks, request.subject);
        let request_id: uuid::Uuid = checks.id("request_id", &request.request_id);
        checks.done()?;
        let model = self.app.train_model(subject, who(caller), request_id).await?;
        Ok(routing::TrainModelResponse { model: Some(told::model(model)) })
    }

    async fn evaluate(
        &self,
        request: routing::EvaluateModelRequest,
    ) -> Result<routing::EvaluateModelResponse, Error> {
        let mut checks = Checks::default();
        let subject = subject(&mut checks, request.subject);
        checks.done()?;
        let evaluated = self.app.evaluate_model(subject, version(request.version)).await?;
        let labels = evaluated.labels.into_iter().map(|(label, f1, cases)| routing::LabelFigure {
            label,
            f1,
            cases: cases.try_into().unwrap_or(u32::MAX),
        });
        Ok(routing::EvaluateModelResponse {
            figures: Some(told::figures(&evaluated.figures)),
            labels: labels.collect(),
            model: Some(told::model(evaluated.model)),
        })
    }

    async fn publish(
        &self,
        caller: &Caller,
        request: routing::PublishModelRequest,
    ) -> Result<routing::PublishModelResponse, Error> {
        let mut checks = Checks::default();
        let publication = publication(
            &mut checks,
            caller,
            (request.subject, request.version),
            (request.note, &request.request_id),
        );
        if request.version == 0 {
            checks.wrong("version", "FIELD_REQUIRED");
        }
        checks.done()?;
        let model = self.app.publish_model(publication).await?;
        Ok(routing::PublishModelResponse { model: Some(told::model(model)) })
    }

    async fn roll_back(
        &self,
        caller: &Caller,
        request: routing::RollBackModelRequest,
    ) -> Result<routing::RollBackModelResponse, Error> {
        let mut checks = Checks::default();
        let publication = publication(
            &mut checks,
            caller,
            (request.subject, request.version),
            (request.note, &request.request_id),
        );
        checks.done()?;
        let model = self.app.roll_back_model(publication).await?;
        Ok(routing::RollBackModelResponse { model: model.map(told::model) })
    }

    async fn list(
        &self,
        request: routing::ListModelsRequest,
    ) -> Result<routing::ListModelsResponse, Error> {
        let mut checks = Checks::default();
        let subject = subject(&mut checks, request.subject);
        let size = page::size(request.page_size, PAGE.0, PAGE.1);
        if size.is_none() {
            checks.wrong("page_size", "SIZE_NEGATIVE");
        }
        let bound = format!("models {}", subject.code());
        let most = match request.page_token.as_str() {
            "" => Some(i32::MAX),
            token => page::key(&bound, token).and_then(|key| key.parse().ok()),
        };
        if most.is_none() {
            checks.wrong("page_token", "PAGE_TOKEN_INVALID");
        }
        checks.done()?;
        let (size, most) = (size.unwrap_or(PAGE.0), most.unwrap_or(i32::MAX));
        let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
        let mut models = self.app.models(subject, most, limit).await?;
        let next = models.get(size).map(|model| page::token(&bound, &model.version.to_string()));
        models.truncate(size);
        Ok(routing::ListModelsResponse {
            models: models.into_iter().map(told::model).collect(),
            next_page_token: next.unwrap_or_default(),
        })
    }
}

/// Checks that there is something to read, and not too much.
fn texts(checks: &mut Checks, title: &str, body: &str) {
    for (field, reason, text, most) in
        [("title", "TITLE_LENGTH", title, TITLE), ("body", "TEXT_LENGTH", body, BODY)]
    {
        let has = text.chars().count();
        if has > most {
            let violation = Violation::new(field, reason).with("least", 0);
            checks.0.push(violation.with("most", most).with("has", has));
        }
    }
    if !title.chars().chain(body.chars()).any(char::is_alphanumeric) {
        checks.wrong("body", "TEXT_EMPTY");
    }
}

fn subject(checks: &mut Checks, number: i32) -> Subject {
    match routing::ModelSubject::try_from(number) {
        Ok(routing::ModelSubject::Unspecified | routing::ModelSubject::Domain) => Subject::Domain,
        Ok(routing::ModelSubject::Office) => Subject::Office,
        Err(_) => {
            checks.wrong("subject", "VALUE_UNKNOWN");
            Subject::Domain
        }
    }
}

/// A version as it is kept; there is none as large as what does not fit.
fn version(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

fn publication(
    checks: &mut Checks,
    caller: &Caller,
    (of, number): (i32, u32),
    (note, request_id): (String, &str),
) -> Publication {
    let has = note.chars().count();
    if has > NOTE || note.contains('\0') {
        let violation = Violation::new("note", "NOTE_LENGTH");
        checks.0.push(violation.with("most", NOTE).with("has", has));
    }
    Publication {
        subject: subject(checks, of),
        version: version(number),
        by: who(caller),
        request_id: checks.id("request_id", request_id),
        note,
    }
}

#[tonic::async_trait]
impl SuggestionService for Grpc {
    async fn suggest_route(
        &self,
        request: Request<routing::SuggestRouteRequest>,
    ) -> Result<Response<routing::SuggestRouteResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.route(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn find_similar(
        &self,
        request: Request<routing::FindSimilarRequest>,
    ) -> Result<Response<routing::FindSimilarResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.similar(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_hot_problems(
        &self,
        request: Request<routing::ListHotProblemsRequest>,
    ) -> Result<Response<routing::ListHotProblemsResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.hot(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn train_model(
        &self,
        request: Request<routing::TrainModelRequest>,
    ) -> Result<Response<routing::TrainModelResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.train(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn evaluate_model(
        &self,
        request: Request<routing::EvaluateModelRequest>,
    ) -> Result<Response<routing::EvaluateModelResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.evaluate(request.into_inner()).await;
        answer(&caller, result)
    }

    async fn publish_model(
        &self,
        request: Request<routing::PublishModelRequest>,
    ) -> Result<Response<routing::PublishModelResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.publish(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn roll_back_model(
        &self,
        request: Request<routing::RollBackModelRequest>,
    ) -> Result<Response<routing::RollBackModelResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.roll_back(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_models(
        &self,
        request: Request<routing::ListModelsRequest>,
    ) -> Result<Response<routing::ListModelsResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.list(request.into_inner()).await;
        answer(&caller, result)
    }
}
