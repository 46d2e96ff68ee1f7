//! What offices do beside single cases: consultations, a common problem, a model case.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _, civil::Date};
use liuyan_kit::id;
use liuyan_proto::liuyan::{
    common::v1::{Channel, Visibility},
    intake::v1::{NewMessage, SubmitMessageRequest, intake_service_client::IntakeServiceClient},
    routing::v1::{
        AnswerCommonProblemRequest, CloseConsultationRequest, CommonProblemState,
        ConsultationState, GetConsultationRequest, GroupCasesRequest, OpenConsultationRequest,
        PublishConsultationRequest, PutConsultationRequest, PutModelCaseRequest, Statement, Uptake,
        case_service_client::CaseServiceClient,
        common_problem_service_client::CommonProblemServiceClient,
        consultation_service_client::ConsultationServiceClient,
        model_case_service_client::ModelCaseServiceClient,
    },
};
use tokio::time::{Instant, sleep};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    CHINA,
    data::{self, Consultation, Model, Outcome, Problem, Suggestion},
    lives::{self, Client, request_id_of},
    people::People,
};
use crate::{board::Board, error::Error};

/// How long intake may take to hear of a consultation.
const HEARD_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// What everything here is done with.
struct Stage<'a> {
    board: &'a Board,
    cases: CaseServiceClient<Client>,
    importing: IntakeServiceClient<Client>,
    mine: IntakeServiceClient<Client>,
    now: Timestamp,
}

/// Plays all of it. The messages of the samples are there.
pub(super) async fn play(board: &Board, people: &People, now: Timestamp) -> Result<(), Error> {
    let casework = data::casework()?;
    let scopes = ["case:work", "case:any", "case:read", "message:import"];
    let channel = board.channel("intake", &["message:import", "message:submit"]).await?;
    let citizen = people.citizen(board).await?;
    let stage = Stage {
        board,
        cases: CaseServiceClient::new(board.channel("routing", &scopes).await?),
        importing: IntakeServiceClient::new(channel),
        mine: IntakeServiceClient::new(board.bearing(board.open("intake").await?, &citizen)?),
        now,
    };
    for asked in &casework.consultations {
        stage.consult(asked).await?;
    }
    for problem in &casework.problems {
        stage.answer_together(problem).await?;
    }
    for model in &casework.models {
        stage.show(model).await?;
    }
    Ok(())
}

impl Stage<'_> {
    /// Asks the public, lets people answer, and publishes the result if there is one.
    async fn consult(&self, asked: &Consultation) -> Result<(), Error> {
        let wrong =
            |what: &str| Error::call(format!("{what} the sample consultation {}", asked.key));
        let consultation_id = id::of_name("sample-consultation", &asked.key).to_string();
        let mut office = ConsultationServiceClient::new(self.board.clerk(&asked.office_id).await?);
        let get = GetConsultationRequest { consultation_id: consultation_id.clone() };
        let known = match office.get_consultation(get).await {
            Ok(known) => known.into_inner().consultation.unwrap_or_default().state(),
            Err(status) if status.code() == Code::NotFound => ConsultationState::Unspecified,
            Err(status) => return Err(wrong("asking for")(status)),
        };
        if known == ConsultationState::Published {
            return Ok(());
        }
        if matches!(known, ConsultationState::Unspecified | ConsultationState::Draft) {
            let (from_on, until_on) = days(asked.days)?;
            let plan = PutConsultationRequest {
                consultation_id: consultation_id.clone(),
                office_id: asked.office_id.clone(),
                domain: asked.domain.clone(),
                question: asked.question.clone(),
                description: asked.description.clone(),
                from_on: from_on.to_string(),
                until_on: until_on.to_string(),
                ..PutConsultationRequest::default()
            };
            office.put_consultation(plan).await.map_err(wrong("planning"))?;
            let consultation_id = consultation_id.clone();
            let open = OpenConsultationRequest { consultation_id, ..Default::default() };
            office.open_consultation(open).await.map_err(wrong("opening"))?;
        }
        let mut numbers = Vec::with_capacity(asked.suggestions.len());
        for suggestion in &asked.suggestions {
            let number = self.suggest(asked, &consultation_id, suggestion).await?;
            numbers.push((suggestion.key.as_str(), number));
        }
        let Some(result) = &asked.result else { return Ok(()) };
        if known != ConsultationState::Closed {
            let consultation_id = consultation_id.clone();
            let close = CloseConsultationRequest { consultation_id, ..Default::default() };
            office.close_consultation(close).await.map_err(wrong("ending"))?;
        }
        let published = published(consultation_id, result, &numbers)?;
        office.publish_consultation(published).await.map_err(wrong("publishing"))?;
        Ok(())
    }

    /// Somebody suggests something; gives the public number once an office has it.
    async fn suggest(
        &self,
        asked: &Consultation,
        consultation_id: &str,
        suggestion: &Suggestion,
    ) -> Result<String, Error> {
        let client = if suggestion.citizen { &self.mine } else { &self.importing };
        let request = SubmitMessageRequest {
            request_id: request_id_of(&suggestion.key, "submit"),
            message: Some(NewMessage {
                office_id: asked.office_id.clone(),
                kind: "suggestion".to_owned(),
                domain: asked.domain.clone(),
                title: suggestion.title.clone(),
                body: suggestion.body.clone(),
                visibility: Visibility::Public.into(),
                channel: Channel::Web.into(),
                consultation_id: consultation_id.to_owned(),
                ..NewMessage::default()
            }),
            historical: None,
        };
        let until = Instant::now() + HEARD_LIMIT;
        let taken = loop {
            match client.clone().submit_message(request.clone()).await {
                Ok(taken) => break taken.into_inner(),
                // Intake has not heard yet that it is open.
                Err(status) if not_heard(&status) && Instant::now() < until => sleep(POLL).await,
                Err(status) => {
                    let what = format!("the sample suggestion {}", suggestion.key);
                    return Err(Error::call(what)(status));
                }
            }
        };
        let message_id = taken.receipt.unwrap_or_default().message_id;
        let case = lives::case_of(&mut self.cases.clone(), &suggestion.key, &message_id).await?;
        Ok(case.number)
    }

    /// Several write about one thing, and one office answers all of them.
    async fn answer_together(&self, problem: &Problem) -> Result<(), Error> {
        let wrong = |what: &str| Error::call(format!("{what} the sample problem {}", problem.key));
        let mut case_ids = Vec::with_capacity(problem.messages.len());
        for sample in &problem.messages {
            let taken =
                lives::submit(self.importing.clone(), sample.clone(), self.now, true).await?;
            let message_id = taken.message_id.clone();
            lives::live(self.board, self.cases.clone(), taken).await?;
            let case = lives::case_of(&mut self.cases.clone(), &sample.key, &message_id).await?;
            case_ids.push(case.case_id);
        }
        let channel = self.board.channel("routing", &["case:work", "case:any"]).await?;
        let mut problems = CommonProblemServiceClient::new(channel);
        let group = GroupCasesRequest {
            request_id: request_id_of(&problem.key, "group"),
            title: problem.title.clone(),
            lead_office_id: problem.lead_office_id.clone(),
            case_ids,
            reason: problem.reason.clone(),
            ..GroupCasesRequest::default()
        };
        let made = problems.group_cases(group).await.map_err(wrong("grouping"))?.into_inner();
        let made = made.common_problem.unwrap_or_default();
        if made.state() != CommonProblemState::Open {
            return Ok(());
        }
        let answer = AnswerCommonProblemRequest {
            request_id: request_id_of(&problem.key, "answer"),
            common_problem_id: made.common_problem_id,
            body: problem.answer.clone(),
            ..AnswerCommonProblemRequest::default()
        };
        problems.answer_common_problem(answer).await.map_err(wrong("answering"))?;
        Ok(())
    }

    /// An editor shows a case as handled well.
    async fn show(&self, model: &Model) -> Result<(), Error> {
        let wrong = || format!("the sample model case {}", model.key);
        // The message is there; asking again for its receipt tells its id.
        let sample = data::samples()?.into_iter().find(|sample| sample.key == model.key);
        let sample = sample.ok_or_else(|| Error::Check(wrong()))?;
        let taken = lives::submit(self.importing.clone(), sample, self.now, true).await?;
        let case = lives::case_of(&mut self.cases.clone(), &model.key, &taken.message_id).await?;
        let channel = self.board.channel("routing", &["directory:write"]).await?;
        let put = PutModelCaseRequest {
            case_id: case.case_id,
            why: model.why.clone(),
            place: model.place,
        };
        let put = ModelCaseServiceClient::new(channel).put_model_case(put).await;
        put.map_err(Error::call(wrong()))?;
        Ok(())
    }
}

/// A result as it is published, by the public numbers of what it speaks of.
fn published(
    consultation_id: String,
    result: &Outcome,
    numbers: &[(&str, String)],
) -> Result<PublishConsultationRequest, Error> {
    let statements = result.statements.iter().map(|said| {
        let name = format!("UPTAKE_{}", said.uptake.to_uppercase());
        let uptake = Uptake::from_str_name(&name)
            .ok_or_else(|| Error::Check(format!("there is no uptake {}", said.uptake)))?;
        let of = numbers.iter().filter(|(key, _)| said.of.iter().any(|of| of == key));
        Ok(Statement {
            uptake: uptake.into(),
            what: said.what.clone(),
            taken_up_by: said.taken_up_by.clone(),
            numbers: of.map(|(_, number)| number.clone()).collect(),
        })
    });
    Ok(PublishConsultationRequest {
        consultation_id,
        summary: result.summary.clone(),
        statements: statements.collect::<Result<_, Error>>()?,
        ..PublishConsultationRequest::default()
    })
}

/// Today in China, and the day that is so many days later.
fn days(later: i64) -> Result<(Date, Date), Error> {
    let today = CHINA.to_datetime(liuyan_kit::clock::Clock::now(&liuyan_kit::clock::SystemClock));
    let today = today.date();
    let last = today.checked_add(later.days()).map_err(Error::other("the days of a sample"))?;
    Ok((today, last))
}

/// Whether intake refuses a message for a consultation alone of which it has not heard, or not that it is
/// open.
fn not_heard(status: &tonic::Status) -> bool {
    let violations = status.get_details_bad_request().map(|it| it.field_violations);
    violations.is_some_and(|all| {
        all.len() == 1 && all.iter().all(|it| it.field == "message.consultation_id")
    })
}
