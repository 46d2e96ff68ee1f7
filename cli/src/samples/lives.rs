//! The lives of the sample messages: submitted, and then everything that was done with their cases.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{clock, id};
use liuyan_proto::liuyan::{
    common::v1::{Channel, Historical, Outcome, PublicCase, Visibility},
    intake::v1::{
        NewMessage, Place, SubmitMessageRequest, intake_service_client::IntakeServiceClient,
    },
    routing::v1::{
        AcceptCaseRequest, CloseCaseRequest, GetCaseRequest, RateReplyRequest, ReplyToCaseRequest,
        TransferCaseRequest, case_service_client::CaseServiceClient, get_case_request::Name,
    },
};
use tokio::time::{Instant, sleep};
use tonic::{Code, service::interceptor::InterceptedService, transport::Channel as Transport};

use super::{
    data::{self, Sample, Step},
    people::People,
};
use crate::{
    board::{Bearer, Board},
    error::Error,
};

/// Lives that are played at the same time.
const TOGETHER: usize = 8;
/// How long a message may take to become a case.
const CASE_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

pub(super) type Client = InterceptedService<Transport, Bearer>;

/// A message that was taken.
pub(super) struct Taken {
    pub(super) sample: Sample,
    pub(super) message_id: String,
    /// When it was submitted, in its own history.
    at: Timestamp,
    /// Whether its steps are entered as history; else they are done now.
    historical: bool,
}

/// Submits all samples and plays their lives.
pub(super) async fn play(
    board: &Board,
    people: &People,
    now: Timestamp,
    say: &(dyn Fn(&str) + Sync),
) -> Result<(), Error> {
    let mut samples = data::samples()?;
    // The oldest first, as they would have come.
    samples.sort_by(|one, other| other.submitted_days_ago.total_cmp(&one.submitted_days_ago));
    let all = samples.len();
    let channel = board.channel("intake", &["message:import", "message:submit"]).await?;
    let importing = IntakeServiceClient::new(channel);
    let citizen = people.citizen(board).await?;
    let mine = IntakeServiceClient::new(board.bearing(board.open("intake").await?, &citizen)?);
    let taken: Vec<Taken> = stream::iter(samples)
        .map(|sample| {
            let by_citizen = people.by_citizen(&sample.key);
            let client = if by_citizen { mine.clone() } else { importing.clone() };
            submit(client, sample, now, !by_citizen)
        })
        .buffered(TOGETHER)
        .try_collect()
        .await?;
    let offices = CaseServiceClient::new(
        board.channel("routing", &["case:work", "case:any", "case:read", "message:import"]).await?,
    );
    let mut done = 0;
    let mut lives = stream::iter(taken.into_iter().filter(|taken| !taken.sample.steps.is_empty()))
        .map(|taken| live(board, offices.clone(), taken))
        .buffer_unordered(TOGETHER);
    while lives.try_next().await?.is_some() {
        done += 1;
        if done % 20 == 0 {
            say(&format!("Loading sample messages ({done} of {all})"));
        }
    }
    Ok(())
}

pub(super) async fn submit(
    mut intake: IntakeServiceClient<Client>,
    sample: Sample,
    now: Timestamp,
    historical: bool,
) -> Result<Taken, Error> {
    let at = if historical { now - hours(sample.submitted_days_ago * 24.0) } else { now };
    let visibility =
        if sample.visibility == "private" { Visibility::Private } else { Visibility::Public };
    let request = SubmitMessageRequest {
        request_id: request_id(&sample, "submit"),
        message: Some(NewMessage {
            office_id: sample.office_id.clone(),
            kind: sample.kind.clone(),
            domain: sample.domain.clone(),
            topic: sample.topic.clone(),
            title: sample.title.clone(),
            body: sample.body.clone(),
            demand: sample.demand.clone(),
            details: sample.details.clone(),
            place: sample.place.as_ref().map(|place| Place {
                text: place.text.clone(),
                location: None,
                public: place.public,
            }),
            remark: sample.remark.clone(),
            visibility: visibility.into(),
            author: None,
            channel: Channel::Web.into(),
            ..NewMessage::default()
        }),
        historical: historical.then(|| history(at)),
    };
    let taken = intake
        .submit_message(request)
        .await
        .map_err(Error::call(format!("the sample message {}", sample.key)))?
        .into_inner();
    let message_id = taken.receipt.unwrap_or_default().message_id;
    Ok(Taken { sample, message_id, at, historical })
}

/// Does what was done with the case of one message.
pub(super) async fn live(
    board: &Board,
    mut offices: CaseServiceClient<Client>,
    taken: Taken,
) -> Result<(), Error> {
    let case_id = case_of(&mut offices, &taken.sample.key, &taken.message_id).await?.case_id;
    let (mut at, mut reply_id) = (taken.at, String::new());
    for (place, step) in taken.sample.steps.iter().enumerate() {
        at += hours(step.after_hours());
        let occurred = taken.historical.then(|| history(at));
        let request_id = request_id(&taken.sample, &place.to_string());
        let case_id = case_id.clone();
        let done = match step {
            Step::Accept { .. } => offices
                .accept_case(AcceptCaseRequest {
                    case_id,
                    request_id,
                    historical: occurred,
                    ..AcceptCaseRequest::default()
                })
                .await
                .map(drop),
            Step::Transfer { to, reason, .. } => offices
                .transfer_case(TransferCaseRequest {
                    case_id,
                    request_id,
                    office_id: to.clone(),
                    reason: reason.clone(),
                    historical: occurred,
                    ..TransferCaseRequest::default()
                })
                .await
                .map(drop),
            Step::Reply { text, .. } => offices
                .reply_to_case(ReplyToCaseRequest {
                    case_id,
                    request_id,
                    body: text.clone(),
                    historical: occurred,
                    ..ReplyToCaseRequest::default()
                })
                .await
                .map(|replied| reply_id = replied.into_inner().reply_id),
            Step::Close { outcome, .. } => offices
                .close_case(CloseCaseRequest {
                    case_id,
                    request_id,
                    outcome: outcome_of(outcome)?.into(),
                    historical: occurred,
                    ..CloseCaseRequest::default()
                })
                .await
                .map(drop),
            Step::Rate { resolution, attitude, speed, .. } => {
                let author = format!("author:message/{}", taken.message_id);
                let channel = board.channel("routing", &[&author, "message:import"]).await?;
                CaseServiceClient::new(channel)
                    .rate_reply(RateReplyRequest {
                        case_id,
                        reply_id: reply_id.clone(),
                        request_id,
                        resolution: *resolution,
                        attitude: *attitude,
                        speed: *speed,
                        historical: occurred,
                    })
                    .await
                    .map(drop)
            }
        };
        done.map_err(Error::call(format!("step {place} of the sample {}", taken.sample.key)))?;
    }
    Ok(())
}

/// The case of a message, once it is there.
pub(super) async fn case_of(
    cases: &mut CaseServiceClient<Client>,
    key: &str,
    message_id: &str,
) -> Result<PublicCase, Error> {
    let until = Instant::now() + CASE_LIMIT;
    loop {
        let name = Some(Name::MessageId(message_id.to_owned()));
        match cases.get_case(GetCaseRequest { name }).await {
            Ok(answer) => {
                let case = answer.into_inner().case.unwrap_or_default();
                return Ok(case.view.unwrap_or_default());
            }
            Err(status) if status.code() == Code::NotFound && Instant::now() < until => {
                sleep(POLL).await;
            }
            Err(status) => {
                return Err(Error::call(format!("the case of the sample {key}"))(status));
            }
        }
    }
}

fn request_id(sample: &Sample, act: &str) -> String {
    request_id_of(&sample.key, act)
}

/// The same for the same act each time.
pub(super) fn request_id_of(key: &str, act: &str) -> String {
    id::of_name("sample", &format!("{key}/{act}")).to_string()
}

fn hours(hours: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(hours * 3_600.0).unwrap_or_default()
}

fn history(at: Timestamp) -> Historical {
    Historical { occurred_at: Some(clock::to_proto(at)) }
}

fn outcome_of(name: &str) -> Result<Outcome, Error> {
    Outcome::from_str_name(&format!("OUTCOME_{}", name.to_uppercase()))
        .or(match name {
            "partly" => Some(Outcome::PartlySolved),
            _ => None,
        })
        .ok_or_else(|| Error::Check(format!("there is no outcome {name}")))
}
