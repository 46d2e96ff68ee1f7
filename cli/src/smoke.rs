//! `liuyan up --smoke`: one message through its whole life, over gRPC as anybody would.

use std::{future::Future, time::Duration};

use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome, PublicState},
    feed::v1::{ListEventsRequest, feed_service_client::FeedServiceClient},
    intake::v1::{
        LookUpMessageRequest, MessageState, NewMessage, SubmitMessageRequest,
        intake_service_client::IntakeServiceClient,
    },
    routing::v1::{
        AcceptCaseRequest, Case, CloseCaseRequest, GetCaseRequest, ListOfficesRequest,
        RateReplyRequest, ReplyToCaseRequest, case_service_client::CaseServiceClient,
        directory_service_client::DirectoryServiceClient, get_case_request::Name,
    },
};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tonic::{Code, Request};

use crate::{args::Output, board::Board, error::Error, output};

/// How long each step of the message's life may take.
const STEP_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// Walks one message through its life and tells how long each step took.
pub(crate) async fn run(board: &Board, output: Output) -> Result<(), Error> {
    let began = Instant::now();
    let mut steps: Vec<(&str, u128)> = Vec::new();
    let mut step = |name, since: Instant| steps.push((name, since.elapsed().as_millis()));

    let office = office(board).await?;
    let since = Instant::now();
    let mut intake = IntakeServiceClient::new(board.open("intake").await?);
    let submitted = intake
        .submit_message(message(&office))
        .await
        .map_err(Error::call("the message was not taken"))?
        .into_inner();
    let receipt =
        submitted.receipt.ok_or_else(|| Error::Check("there is no receipt".to_owned()))?;
    step("submitted", since);

    let since = Instant::now();
    let case = public_case(board, &receipt.number).await?;
    let case_id = case.view.clone().unwrap_or_default().case_id;
    step("approved and assigned", since);

    let since = Instant::now();
    let reply_id = office_works(board, &office, &case_id).await?;
    step("accepted and replied", since);

    let since = Instant::now();
    author_rates(board, &receipt.number, &submitted.access_code, &case_id, &reply_id).await?;
    close(board, &office, &case_id).await?;
    step("rated and closed", since);

    let since = Instant::now();
    let events = in_the_feed(board, &case_id).await?;
    step("in the feed", since);

    match output {
        Output::Json => output::json(&json!({
            "smoke": "passed",
            "number": receipt.number,
            "case_id": case_id,
            "events": events,
            "milliseconds": began.elapsed().as_millis(),
            "steps": steps.iter().map(|(name, ms)| json!({"step": name, "ms": ms})).collect::<Vec<_>>(),
        })),
        Output::Text => {
            for (name, ms) in &steps {
                output::line(format_args!("  {name:<24} {ms:>6} ms"));
            }
            output::line(format_args!("message {} went its whole way", receipt.number));
        }
    }
    Ok(())
}

/// An office that takes messages.
async fn office(board: &Board) -> Result<String, Error> {
    let mut directory = DirectoryServiceClient::new(board.open("routing").await?);
    let request =
        ListOfficesRequest { include_below: true, page_size: 50, ..ListOfficesRequest::default() };
    let offices = directory
        .list_offices(request)
        .await
        .map_err(Error::call("the directory"))?
        .into_inner()
        .offices;
    offices
        .into_iter()
        .find(|office| office.open)
        .map(|office| office.office_id)
        .ok_or_else(|| Error::Check("the directory has no open office".to_owned()))
}

fn message(office: &str) -> SubmitMessageRequest {
    SubmitMessageRequest {
        request_id: uuid::Uuid::from_u128(rand_u128()).to_string(),
        message: Some(NewMessage {
            office_id: office.to_owned(),
            kind: "suggestion".to_owned(),
            title: "A bench at the bus stop".to_owned(),
            body: "The bus stop in front of the library has no bench. Please put one there."
                .to_owned(),
            ..NewMessage::default()
        }),
        historical: None,
    }
}

/// A number that no other run has used.
fn rand_u128() -> u128 {
    liuyan_kit::id::v7(liuyan_kit::clock::Clock::now(&liuyan_kit::clock::SystemClock)).as_u128()
}

/// Waits until everybody can see the case of a message.
async fn public_case(board: &Board, number: &str) -> Result<Case, Error> {
    let client = CaseServiceClient::new(board.open("routing").await?);
    until("the message did not become a public case", || {
        let (mut client, number) = (client.clone(), number.to_owned());
        async move {
            let request = GetCaseRequest { name: Some(Name::Number(number)) };
            match client.get_case(request).await {
                Ok(answer) => Ok(answer.into_inner().case),
                Err(status) if status.code() == Code::NotFound => Ok(None),
                Err(status) => Err(Error::call("the case")(status)),
            }
        }
    })
    .await
}

/// The office accepts and replies, with a clerk's token.
async fn office_works(board: &Board, office: &str, case_id: &str) -> Result<String, Error> {
    let mut clerk = CaseServiceClient::new(board.clerk(office).await?);
    let accept = AcceptCaseRequest {
        case_id: case_id.to_owned(),
        request_id: uuid::Uuid::from_u128(rand_u128()).to_string(),
        ..AcceptCaseRequest::default()
    };
    clerk.accept_case(accept).await.map_err(Error::call("the case was not accepted"))?;
    let reply = ReplyToCaseRequest {
        case_id: case_id.to_owned(),
        request_id: uuid::Uuid::from_u128(rand_u128()).to_string(),
        body: "The bench in front of the library will be put up next week.".to_owned(),
        ..ReplyToCaseRequest::default()
    };
    let replied =
        clerk.reply_to_case(reply).await.map_err(Error::call("the reply was not taken"))?;
    let replied = replied.into_inner();
    let view = replied.case.and_then(|case| case.view).unwrap_or_default();
    if view.public_state() != PublicState::Replied || view.replies.len() != 1 {
        return Err(Error::Check("the reply is not in the case's view".to_owned()));
    }
    Ok(replied.reply_id)
}

/// The author finds the message by number and code, and rates the reply.
async fn author_rates(
    board: &Board,
    number: &str,
    code: &str,
    case_id: &str,
    reply_id: &str,
) -> Result<(), Error> {
    let intake = IntakeServiceClient::new(board.open("intake").await?);
    let author_token = until("intake did not hear of the approval", || {
        let mut intake = intake.clone();
        let request =
            LookUpMessageRequest { number: number.to_owned(), access_code: code.to_owned() };
        async move {
            let answer = intake.look_up_message(request).await;
            let found = answer.map_err(Error::call("the look-up"))?.into_inner();
            let approved =
                found.message.is_some_and(|message| message.state() == MessageState::Approved);
            Ok(approved.then_some(found.author_token))
        }
    })
    .await?;
    let mut author = CaseServiceClient::new(board.open("routing").await?);
    let mut request = Request::new(RateReplyRequest {
        case_id: case_id.to_owned(),
        reply_id: reply_id.to_owned(),
        request_id: uuid::Uuid::from_u128(rand_u128()).to_string(),
        resolution: 5,
        attitude: 5,
        speed: 4,
        historical: None,
    });
    let bearer = format!("Bearer {author_token}")
        .parse()
        .map_err(Error::other("the author's token cannot be sent"))?;
    request.metadata_mut().insert("authorization", bearer);
    let rated = author.rate_reply(request).await.map_err(Error::call("the rating"))?.into_inner();
    if rated.label != "very_satisfied" {
        return Err(Error::Check(format!("the rating's label is {}", rated.label)));
    }
    Ok(())
}

async fn close(board: &Board, office: &str, case_id: &str) -> Result<(), Error> {
    let mut clerk = CaseServiceClient::new(board.clerk(office).await?);
    let request = CloseCaseRequest {
        case_id: case_id.to_owned(),
        request_id: uuid::Uuid::from_u128(rand_u128()).to_string(),
        outcome: Outcome::Solved.into(),
        ..CloseCaseRequest::default()
    };
    let closed = clerk.close_case(request).await.map_err(Error::call("the case was not closed"))?;
    let view = closed.into_inner().case.and_then(|case| case.view).unwrap_or_default();
    if view.state() != CaseState::Closed {
        return Err(Error::Check("the case is not closed".to_owned()));
    }
    Ok(())
}

/// Waits until the feed has told the whole life of the case, and gives the types of its events.
async fn in_the_feed(board: &Board, case_id: &str) -> Result<Vec<String>, Error> {
    let client = FeedServiceClient::new(board.open("feed").await?);
    let subject = format!("cases/{case_id}");
    until("the feed did not tell the end of the case", || {
        let (mut client, subject) = (client.clone(), subject.clone());
        async move {
            let mut types = Vec::new();
            let mut cursor = String::new();
            loop {
                let request =
                    ListEventsRequest { cursor, page_size: 500, ..ListEventsRequest::default() };
                let page = client
                    .list_events(request)
                    .await
                    .map_err(Error::call("the feed"))?
                    .into_inner();
                let events = page.events.into_iter().filter(|event| event.subject == subject);
                types.extend(events.map(|event| event.r#type));
                cursor = page.cursor;
                if page.caught_up {
                    break;
                }
            }
            let told = types.last().is_some_and(|last| last.ends_with("case-closed"));
            Ok(told.then_some(types))
        }
    })
    .await
}

/// Waits for an answer.
async fn until<T, F>(what: &str, mut ask: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<Option<T>, Error>>,
{
    let limit = Instant::now() + STEP_LIMIT;
    while Instant::now() < limit {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        sleep(POLL).await;
    }
    Err(Error::Check(format!("{what} within {} seconds", STEP_LIMIT.as_secs())))
}
