//! Plays the office: accepts the case and replies with the real answer, at the real date.

use std::{collections::VecDeque, time::Duration};

use futures::{StreamExt as _, stream::FuturesUnordered};
use indicatif::ProgressBar;
use liuyan_kit::{clock, id};
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Historical},
    intake::v1::{GetMessageRequest, MessageState, intake_service_client::IntakeServiceClient},
    routing::v1::{
        AcceptCaseRequest, GetCaseRequest, ReplyToCaseRequest,
        case_service_client::CaseServiceClient, get_case_request::Name,
    },
};
use tokio::time::{Instant, sleep};
use tonic::{Code, Status, service::interceptor::InterceptedService, transport::Channel};
use uuid::Uuid;

use super::{
    Tally,
    journal::{Entry, Journal},
    rows::{Reply, Row},
    send::{Limit, Refusal},
};
use crate::{
    board::{Bearer, Board},
    error::Error,
};

/// Answers on their way at the same time.
const WINDOW: usize = 32;
/// How long a message may take to become a case before it is looked at why.
const CASE_LIMIT: Duration = Duration::from_secs(60);
/// After how long a message in review is taken to wait for a moderator.
const REVIEW_LIMIT: Duration = Duration::from_secs(15);
/// How often a call is tried while routing is away, and the first wait; it doubles.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(100);

type Client = InterceptedService<Channel, Bearer>;

/// What became of one answer.
enum Outcome {
    Replied(Entry),
    /// The message waits for a moderator, or was not published.
    Waiting,
    Refused(Refusal),
}

/// Answers all rows that were accepted and not yet answered.
pub(super) async fn answer(
    board: &Board,
    rows: &[&Row],
    journal: &mut Journal,
    tally: &mut Tally,
    bar: &ProgressBar,
) -> Result<(), Error> {
    let scopes = ["case:work", "case:any", "case:read", "message:import", "message:read"];
    let cases = CaseServiceClient::new(board.channel("routing", &scopes).await?);
    let messages = IntakeServiceClient::new(board.channel("intake", &scopes).await?);
    let mut open = VecDeque::new();
    for row in rows {
        match (journal.get(&row.request_id), &row.reply) {
            (Some(entry), Some(_)) if entry.reply_id.is_some() => {
                tally.replied_already += 1;
                bar.inc(1);
            }
            (Some(entry), Some(reply)) => open.push_back((*row, entry.clone(), reply)),
            _ => bar.inc(1),
        }
    }
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < WINDOW
            && let Some((row, entry, reply)) = open.pop_front()
        {
            running.push(patiently(cases.clone(), messages.clone(), row, entry, reply));
        }
        let Some(outcome) = running.next().await else { return Ok(()) };
        bar.inc(1);
        match outcome? {
            Outcome::Replied(entry) => {
                journal.append(vec![entry])?;
                tally.replied += 1;
            }
            Outcome::Waiting => tally.waiting += 1,
            Outcome::Refused(refusal) => tally.unanswerable.push(refusal),
        }
    }
}

/// Answers one row; if routing is away for a moment, tries again: every request has its own id, so
/// nothing is done twice.
async fn patiently(
    cases: CaseServiceClient<Client>,
    messages: IntakeServiceClient<Client>,
    row: &Row,
    entry: Entry,
    reply: &Reply,
) -> Result<Outcome, Error> {
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match one(cases.clone(), messages.clone(), row, entry.clone(), reply).await {
            Err(Error::Unreachable(why)) => tracing::debug!(why, "trying again"),
            result => return result,
        }
        sleep(wait).await;
        wait *= 2;
    }
    one(cases, messages, row, entry, reply).await
}

async fn one(
    mut cases: CaseServiceClient<Client>,
    messages: IntakeServiceClient<Client>,
    row: &Row,
    entry: Entry,
    reply: &Reply,
) -> Result<Outcome, Error> {
    let Some((case_id, state)) = case_of(&mut cases, messages, &entry).await? else {
        return Ok(Outcome::Waiting);
    };
    let historical =
        reply.replied_at.map(|at| Historical { occurred_at: Some(clock::to_proto(at)) });
    let request_id = |act: &str| id::of_name("import", &format!("{act}/{}", entry.request_id));
    if state == CaseState::Assigned {
        let accept = AcceptCaseRequest {
            case_id: case_id.clone(),
            request_id: request_id("accept").to_string(),
            historical,
            ..AcceptCaseRequest::default()
        };
        if let Err(status) = cases.accept_case(accept).await {
            return refused(row, status);
        }
    }
    let answer = ReplyToCaseRequest {
        case_id,
        request_id: request_id("reply").to_string(),
        body: reply.body.clone(),
        historical,
        ..ReplyToCaseRequest::default()
    };
    match cases.reply_to_case(answer).await {
        Ok(replied) => {
            let reply_id = replied.into_inner().reply_id.parse::<Uuid>();
            let reply_id = reply_id.map_err(Error::other("the reply's id"))?;
            Ok(Outcome::Replied(Entry { reply_id: Some(reply_id), ..entry }))
        }
        Err(status) => refused(row, status),
    }
}

/// The case of a message, once it is there; `None` if it waits for a person.
async fn case_of(
    cases: &mut CaseServiceClient<Client>,
    mut messages: IntakeServiceClient<Client>,
    entry: &Entry,
) -> Result<Option<(String, CaseState)>, Error> {
    let began = Instant::now();
    loop {
        let name = Some(Name::MessageId(entry.message_id.to_string()));
        match cases.get_case(GetCaseRequest { name }).await {
            Ok(answer) => {
                let view = answer.into_inner().case.and_then(|case| case.view).unwrap_or_default();
                return Ok(Some((view.case_id.clone(), view.state())));
            }
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(Error::call("the case")(status)),
        }
        let request = GetMessageRequest { message_id: entry.message_id.to_string() };
        let message = messages.get_message(request).await.map_err(Error::call("the message"))?;
        let state = message.into_inner().message.unwrap_or_default().state();
        let ended = matches!(
            state,
            MessageState::Returned | MessageState::Declined | MessageState::Withdrawn
        );
        // What rules could decide they have decided by then.
        let held = state == MessageState::InReview && began.elapsed() > REVIEW_LIMIT;
        if ended || held || began.elapsed() > CASE_LIMIT {
            return Ok(None);
        }
        sleep(POLL).await;
    }
}

fn refused(row: &Row, status: Status) -> Result<Outcome, Error> {
    if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled) {
        return Err(Error::Unreachable(format!(
            "routing did not answer ({}); run the same import again and it goes on here",
            status.message()
        )));
    }
    let wire = tonic_types::pb::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    };
    let limits = if status.details().is_empty() {
        super::send::limits(&wire)
    } else {
        prost::Message::decode(status.details())
            .map(|status: tonic_types::pb::Status| super::send::limits(&status))
            .unwrap_or_else(|_| {
                vec![Limit {
                    field: String::new(),
                    reason: format!("{:?}", status.code()),
                    text: status.message().to_owned(),
                }]
            })
    };
    Ok(Outcome::Refused(Refusal { line: row.line, row: row.name.clone(), limits }))
}
