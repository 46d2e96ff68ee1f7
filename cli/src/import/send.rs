//! Rows over one stream, each answered by itself.

use std::{collections::HashMap, time::Duration};

use futures::StreamExt as _;
use indicatif::ProgressBar;
use liuyan_proto::liuyan::intake::v1::{
    SubmitMessagesRequest, SubmitMessagesResponse, intake_service_client::IntakeServiceClient,
    submit_messages_response::Result as Answer,
};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, service::interceptor::InterceptedService, transport::Channel};
use tonic_types::{StatusExt as _, pb};

use super::{
    Tally,
    journal::{Entry, Journal},
    rows::Row,
};
use crate::{
    board::{Bearer, Board},
    error::Error,
};

/// Rows on their way at the same time.
const WINDOW: usize = 256;
/// How often a row that intake could not take now is sent again.
const TRIES: u32 = 20;
/// The wait before that, if intake names none.
const AGAIN: Duration = Duration::from_millis(500);

/// A limit that a row broke.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Limit {
    /// The field.
    pub(super) field: String,
    /// The limit's name.
    pub(super) reason: String,
    /// What to do, in words.
    pub(super) text: String,
}

/// A row that was not taken.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Refusal {
    /// Its line among the rows, from 1.
    pub(super) line: usize,
    /// Its name in the source.
    pub(super) row: String,
    /// The limits that it broke.
    pub(super) limits: Vec<Limit>,
}

/// Sends all rows that are not known to be taken.
pub(super) async fn send(
    board: &Board,
    rows: &[Row],
    journal: &mut Journal,
    tally: &mut Tally,
    bar: &ProgressBar,
) -> Result<(), Error> {
    let mut open: Vec<&Row> = Vec::new();
    for row in rows {
        if journal.get(&row.request_id).is_some() {
            tally.already += 1;
            bar.inc(1);
        } else {
            open.push(row);
        }
    }
    for attempt in 1.. {
        let later = stream(board, &open, journal, tally, bar).await?;
        if later.is_empty() {
            return Ok(());
        }
        if attempt == TRIES {
            return Err(Error::Unreachable(format!(
                "intake could not take {} rows; run the same import again later",
                later.len()
            )));
        }
        open = later;
        tokio::time::sleep(AGAIN).await;
    }
    Ok(())
}

/// Sends rows over one stream; gives those that are to be sent again later.
async fn stream<'r>(
    board: &Board,
    rows: &[&'r Row],
    journal: &mut Journal,
    tally: &mut Tally,
    bar: &ProgressBar,
) -> Result<Vec<&'r Row>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let channel = board.open_stream("intake").await?;
    let channel = board.authorised(channel, &["message:import", "message:submit"])?;
    let mut client: IntakeServiceClient<InterceptedService<Channel, Bearer>> =
        IntakeServiceClient::new(channel);
    let (sender, receiver) = mpsc::channel(WINDOW);
    let submissions: Vec<SubmitMessagesRequest> = rows
        .iter()
        .enumerate()
        .map(|(sequence, row)| SubmitMessagesRequest {
            sequence: sequence as u64,
            submission: Some(row.submission.clone()),
        })
        .collect();
    let sending = tokio::spawn(async move {
        for submission in submissions {
            if sender.send(submission).await.is_err() {
                break;
            }
        }
    });
    let answers = client
        .submit_messages(ReceiverStream::new(receiver))
        .await
        .map_err(Error::call("intake did not open the stream"))?
        .into_inner();
    let mut open: HashMap<u64, &Row> =
        rows.iter().enumerate().map(|(sequence, row)| (sequence as u64, *row)).collect();
    let mut later = Vec::new();
    let mut answers = Box::pin(answers.ready_chunks(WINDOW));
    while let Some(chunk) = answers.next().await {
        let (mut entries, mut broken) = (Vec::new(), None);
        for answer in chunk {
            match answer {
                Ok(answer) => {
                    let Some(row) = open.remove(&answer.sequence) else { continue };
                    sort(row, answer, &mut entries, &mut later, tally, bar);
                }
                // The token has ended: the rows without an answer go over a new stream, with a new one.
                Err(status) if status.code() == Code::Unauthenticated => {}
                Err(status) => broken = Some(status),
            }
        }
        let accepted = entries.len();
        journal.append(entries)?;
        tally.accepted += accepted;
        if let Some(status) = broken {
            sending.abort();
            return Err(Error::Unreachable(format!(
                "the stream broke ({}); run the same import again and it goes on here",
                status.message()
            )));
        }
    }
    sending.abort();
    // A stream that ends early leaves rows without an answer: they are sent again.
    later.extend(open.into_values());
    Ok(later)
}

/// Sorts one answer.
fn sort<'r>(
    row: &'r Row,
    answer: SubmitMessagesResponse,
    entries: &mut Vec<Entry>,
    later: &mut Vec<&'r Row>,
    tally: &mut Tally,
    bar: &ProgressBar,
) {
    match answer.result {
        Some(Answer::Accepted(accepted)) => {
            let receipt = accepted.receipt.unwrap_or_default();
            match receipt.message_id.parse() {
                Ok(message_id) => entries.push(Entry {
                    request_id: row.request_id,
                    message_id,
                    number: receipt.number,
                    content_hash: hex::encode(&receipt.content_hash),
                    reply_id: None,
                }),
                Err(_) => later.push(row),
            }
            bar.inc(1);
        }
        Some(Answer::Refused(status)) if may_come_later(&status) => later.push(row),
        Some(Answer::Refused(status)) => {
            tally.refusals.push(Refusal {
                line: row.line,
                row: row.name.clone(),
                limits: limits(&status),
            });
            bar.inc(1);
        }
        None => later.push(row),
    }
}

fn may_come_later(status: &pb::Status) -> bool {
    matches!(
        Code::from(status.code),
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::DeadlineExceeded
    )
}

/// The limits that a refusal names.
pub(super) fn limits(status: &pb::Status) -> Vec<Limit> {
    let details = prost::Message::encode_to_vec(status).into();
    let status =
        tonic::Status::with_details(Code::from(status.code), status.message.clone(), details);
    let details = status.get_error_details();
    let named: Vec<Limit> = details
        .bad_request()
        .map(|bad| {
            bad.field_violations
                .iter()
                .map(|violation| Limit {
                    field: violation.field.clone(),
                    reason: violation.reason.clone(),
                    text: violation.description.clone(),
                })
                .collect()
        })
        .unwrap_or_default();
    if !named.is_empty() {
        return named;
    }
    let reason = details
        .error_info()
        .map_or_else(|| format!("{:?}", status.code()), |information| information.reason.clone());
    vec![Limit { field: String::new(), reason, text: status.message().to_owned() }]
}
