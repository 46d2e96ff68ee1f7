//! `ConsultationService`.

use liuyan_kit::{auth::Caller, clock::to_proto};
use liuyan_proto::liuyan::routing::v1::{
    self as routing, consultation_service_server::ConsultationService,
};
use tonic::{Request, Response, Status};

use super::{Checks, answer, convert};
use crate::{
    app::{
        App,
        consultations::{Shown, Wanted},
    },
    domain::{
        ConsultationId,
        consultation::{Outcome, Plan, Said, Stage, Uptake},
    },
    error::Error,
    store::consultations::Told,
};

/// Serves consultations.
#[derive(Debug)]
pub struct Grpc {
    app: App,
}

impl Grpc {
    /// Serves what `app` does.
    pub fn new(app: App) -> Self {
        Self { app }
    }

    async fn put(
        &self,
        caller: &Caller,
        request: routing::PutConsultationRequest,
    ) -> Result<routing::PutConsultationResponse, Error> {
        let which = which(&request.consultation_id, request.etag)?;
        let plan = Plan {
            office_id: request.office_id,
            division_code: request.division_code,
            domain: request.domain,
            question: request.question,
            description: request.description,
            from_on: request.from_on,
            until_on: request.until_on,
        };
        let shown = self.app.put_consultation(caller, which, plan).await?;
        Ok(routing::PutConsultationResponse { consultation: Some(told(shown)) })
    }

    async fn publish(
        &self,
        caller: &Caller,
        request: routing::PublishConsultationRequest,
    ) -> Result<routing::PublishConsultationResponse, Error> {
        let which = which(&request.consultation_id, request.etag)?;
        let said = |it: routing::Statement| Said {
            uptake: Uptake::ALL.into_iter().find(|known| uptake(*known) == it.uptake()),
            what: it.what,
            taken_up_by: it.taken_up_by,
            numbers: it.numbers,
        };
        let statements = request.statements.into_iter().map(said).collect();
        let outcome = Outcome { summary: request.summary, statements };
        let shown = self.app.publish_consultation(caller, which, outcome).await?;
        Ok(routing::PublishConsultationResponse { consultation: Some(told(shown)) })
    }

    async fn list(
        &self,
        caller: &Caller,
        request: routing::ListConsultationsRequest,
    ) -> Result<routing::ListConsultationsResponse, Error> {
        let stage = match routing::ConsultationState::try_from(request.state) {
            Err(_) => return Err(Error::invalid("state", "VALUE_UNKNOWN")),
            Ok(state) => Stage::ALL.into_iter().find(|stage| state_of(*stage) == state),
        };
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let wanted = Wanted {
            stage,
            division_code: some(request.division_code),
            office_id: some(request.office_id),
            own: request.own,
            page_size: request.page_size,
            page_token: request.page_token,
        };
        let (shown, next_page_token) = self.app.consultations(caller, &wanted).await?;
        let consultations = shown.into_iter().map(told).collect();
        Ok(routing::ListConsultationsResponse { consultations, next_page_token })
    }

    async fn messages(
        &self,
        caller: &Caller,
        request: routing::ListConsultationMessagesRequest,
    ) -> Result<routing::ListConsultationMessagesResponse, Error> {
        let (id, _) = which(&request.consultation_id, String::new())?;
        let page = (request.page_size, request.page_token.as_str());
        let (views, next_page_token) = self.app.consultation_cases(caller, id, page).await?;
        let cases = views.into_iter().map(convert::public).collect();
        Ok(routing::ListConsultationMessagesResponse { cases, next_page_token })
    }

    async fn part(
        &self,
        caller: &Caller,
        request: routing::GetPartRequest,
    ) -> Result<routing::GetPartResponse, Error> {
        let mut checks = Checks::default();
        let message_id = checks.id("message_id", &request.message_id);
        checks.done()?;
        let Some(shown) = self.app.part(caller, message_id).await? else {
            return Ok(routing::GetPartResponse::default());
        };
        let statements = (0..).zip(&shown.statements).filter(|(_, it)| it.speaks);
        let statements = statements.map(|(place, _)| place).collect();
        Ok(routing::GetPartResponse { consultation: Some(told(shown)), statements })
    }
}

/// Which consultation is meant, and its etag as the caller saw it.
fn which(id: &str, etag: String) -> Result<(ConsultationId, String), Error> {
    let mut checks = Checks::default();
    let id = checks.id("consultation_id", id);
    checks.done()?;
    Ok((id, etag))
}

fn state_of(stage: Stage) -> routing::ConsultationState {
    match stage {
        Stage::Draft => routing::ConsultationState::Draft,
        Stage::Open => routing::ConsultationState::Open,
        Stage::Closed => routing::ConsultationState::Closed,
        Stage::Published => routing::ConsultationState::Published,
    }
}

fn uptake(uptake: Uptake) -> routing::Uptake {
    match uptake {
        Uptake::Taken => routing::Uptake::Taken,
        Uptake::Partly => routing::Uptake::Partly,
        Uptake::Not => routing::Uptake::Not,
    }
}

fn statement(told: Told) -> routing::Statement {
    routing::Statement {
        uptake: uptake(told.uptake).into(),
        what: told.what,
        taken_up_by: told.taken_up_by,
        numbers: told.numbers,
    }
}

fn told(shown: Shown) -> routing::Consultation {
    let consultation = shown.counted.consultation;
    routing::Consultation {
        etag: if shown.theirs { consultation.etag() } else { String::new() },
        consultation_id: consultation.consultation_id.to_string(),
        office_id: consultation.office_id,
        division_code: consultation.division_code.unwrap_or_default(),
        domain: consultation.domain,
        question: consultation.question,
        description: consultation.description,
        from_on: consultation.from_on.to_string(),
        until_on: consultation.until_on.to_string(),
        state: state_of(shown.stage).into(),
        takes_messages: shown.takes,
        messages: u32::try_from(shown.counted.messages).unwrap_or_default(),
        summary: consultation.summary.unwrap_or_default(),
        statements: shown.statements.into_iter().map(statement).collect(),
        published_at: consultation.published_at.map(to_proto),
        corrected_at: consultation.corrected_at.map(to_proto),
    }
}

#[tonic::async_trait]
impl ConsultationService for Grpc {
    async fn put_consultation(
        &self,
        request: Request<routing::PutConsultationRequest>,
    ) -> Result<Response<routing::PutConsultationResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.put(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn open_consultation(
        &self,
        request: Request<routing::OpenConsultationRequest>,
    ) -> Result<Response<routing::OpenConsultationResponse>, Status> {
        let (caller, request) = (Caller::of(&request), request.into_inner());
        let result = match which(&request.consultation_id, request.etag) {
            Ok(which) => self.app.open_consultation(&caller, which).await,
            Err(error) => Err(error),
        };
        let done = |shown| routing::OpenConsultationResponse { consultation: Some(told(shown)) };
        answer(&caller, result.map(done))
    }

    async fn close_consultation(
        &self,
        request: Request<routing::CloseConsultationRequest>,
    ) -> Result<Response<routing::CloseConsultationResponse>, Status> {
        let (caller, request) = (Caller::of(&request), request.into_inner());
        let result = match which(&request.consultation_id, request.etag) {
            Ok(which) => self.app.close_consultation(&caller, which).await,
            Err(error) => Err(error),
        };
        let done = |shown| routing::CloseConsultationResponse { consultation: Some(told(shown)) };
        answer(&caller, result.map(done))
    }

    async fn publish_consultation(
        &self,
        request: Request<routing::PublishConsultationRequest>,
    ) -> Result<Response<routing::PublishConsultationResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.publish(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn get_consultation(
        &self,
        request: Request<routing::GetConsultationRequest>,
    ) -> Result<Response<routing::GetConsultationResponse>, Status> {
        let (caller, request) = (Caller::of(&request), request.into_inner());
        let result = match which(&request.consultation_id, String::new()) {
            Ok((id, _)) => self.app.consultation(&caller, id).await,
            Err(error) => Err(error),
        };
        let found = |shown| routing::GetConsultationResponse { consultation: Some(told(shown)) };
        answer(&caller, result.map(found))
    }

    async fn list_consultations(
        &self,
        request: Request<routing::ListConsultationsRequest>,
    ) -> Result<Response<routing::ListConsultationsResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.list(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn list_consultation_messages(
        &self,
        request: Request<routing::ListConsultationMessagesRequest>,
    ) -> Result<Response<routing::ListConsultationMessagesResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.messages(&caller, request.into_inner()).await;
        answer(&caller, result)
    }

    async fn get_part(
        &self,
        request: Request<routing::GetPartRequest>,
    ) -> Result<Response<routing::GetPartResponse>, Status> {
        let caller = Caller::of(&request);
        let result = self.part(&caller, request.into_inner()).await;
        answer(&caller, result)
    }
}
