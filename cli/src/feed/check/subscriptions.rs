//! What subscriptions promise. One is made for it and deleted in the end.

use std::time::Duration;

use liuyan_feed_client::v1::{
    ConsumeCommit, ConsumeCredit, ConsumeEventsRequest, ConsumeEventsResponse, ConsumeOpen,
    ConsumeReject, CreateSubscriptionRequest, DeleteSubscriptionRequest, Event,
    GetSubscriptionRequest, ListParkedEventsRequest, PublishTestEventRequest,
    ReleaseParkedEventsRequest, SeekSubscriptionRequest, Subscription,
    consume_events_request::Said, consume_events_response::Frame, create_subscription_request,
    feed_service_client::FeedServiceClient, seek_subscription_request::Place,
};
use liuyan_kit::{
    clock::{Clock as _, SystemClock},
    id,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

use super::{Flaw, Found, Ground, Row, ensure, refused, timed, unexpected};

/// How long a frame may take that is due at once.
const SOON: Duration = Duration::from_secs(10);
/// For how many events there is room at first.
const CREDIT: u32 = 3;

/// All checks, in their order.
pub(super) async fn all(it: &Ground) -> Vec<Row> {
    let id = format!("check-{}", id::v7(SystemClock.now()).simple());
    let made = timed("a subscription is made once", make(it, &id)).await;
    let there = made.result == "passed";
    let mut rows = vec![made];
    if there {
        rows.push(
            timed("credit is kept, and what is not committed comes again", again(it, &id)).await,
        );
        rows.push(timed("a commit moves the place", commit(it, &id)).await);
        rows.push(
            timed("what is rejected is parked, and comes when released", park(it, &id)).await,
        );
        rows.push(timed("a test event comes to its subscription", test(it, &id)).await);
        rows.push(timed("a new reader ends the one before", take_over(it, &id)).await);
        rows.push(timed("seeking moves the place", seek(it, &id)).await);
        rows.push(timed("a deleted subscription is gone", delete(it, &id)).await);
    }
    rows
}

/// A unary call of the agency.
macro_rules! call {
    ($it:expr, $method:ident, $request:expr) => {
        match (client($it).await, $it.feed.request($request).await) {
            (Ok(mut client), Ok(request)) => {
                client.$method(request).await.map(tonic::Response::into_inner)
            }
            (Err(status), _) => Err(status),
            (_, Err(error)) => Err(unreachable(&error)),
        }
    };
}

fn unreachable(error: &liuyan_feed_client::Error) -> Status {
    Status::unavailable(error.to_string())
}

async fn client(it: &Ground) -> Result<FeedServiceClient<Channel>, Status> {
    it.feed.client().await.map_err(|error| unreachable(&error))
}

/// The stream of the subscription.
struct Stream {
    say: mpsc::Sender<ConsumeEventsRequest>,
    frames: Streaming<ConsumeEventsResponse>,
}

impl Stream {
    async fn open(it: &Ground, id: &str) -> Result<Self, Flaw> {
        let (say, said) = mpsc::channel(16);
        let subscription_id = id.to_owned();
        let open = ConsumeOpen { subscription_id, credit: CREDIT, ..ConsumeOpen::default() };
        // There is room: it is the first.
        let _ = say.try_send(ConsumeEventsRequest { said: Some(Said::Open(open)) });
        let request = it.feed.lasting_request(ReceiverStream::new(said)).await;
        let request = request.map_err(|error| unexpected(unreachable(&error)))?;
        let mut client = client(it).await.map_err(unexpected)?;
        let frames = client.consume_events(request).await.map_err(unexpected)?.into_inner();
        Ok(Self { say, frames })
    }

    /// How the stream ends is told by its frames.
    async fn say(&self, said: Said) {
        let _ = self.say.send(ConsumeEventsRequest { said: Some(said) }).await;
    }

    async fn commit(&self, cursor: &str, settled: &[&str]) {
        let settled_event_ids = settled.iter().map(|id| (*id).to_owned()).collect();
        let cursor = cursor.to_owned();
        self.say(Said::Commit(ConsumeCommit { cursor, settled_event_ids })).await;
    }

    async fn message(&mut self) -> Result<Result<Option<ConsumeEventsResponse>, Status>, Flaw> {
        let late = |_| Flaw::Breach(format!("no frame within {} s", SOON.as_secs()));
        timeout(SOON, self.frames.message()).await.map_err(late)
    }

    /// The next frame of a kind, passing over others.
    async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&Frame) -> bool,
    ) -> Result<(String, Frame), Flaw> {
        loop {
            let came = self.message().await?.map_err(unexpected)?;
            let Some(ConsumeEventsResponse { cursor, frame: Some(frame), .. }) = came else {
                return Err(Flaw::Breach(format!("the stream ended before {what}")));
            };
            if wanted(&frame) {
                return Ok((cursor, frame));
            }
        }
    }

    async fn batch(&mut self) -> Result<(String, Vec<Event>), Flaw> {
        match self.until("a batch", |frame| matches!(frame, Frame::Batch(_))).await? {
            (cursor, Frame::Batch(batch)) => Ok((cursor, batch.events)),
            _ => Err(Flaw::Breach("no batch came".to_owned())),
        }
    }

    async fn given_again(&mut self) -> Result<(String, Vec<Event>), Flaw> {
        match self.until("events again", |frame| matches!(frame, Frame::Again(_))).await? {
            (cursor, Frame::Again(again)) => Ok((cursor, again.events)),
            _ => Err(Flaw::Breach("no events came again".to_owned())),
        }
    }

    async fn committed(&mut self) -> Result<(), Flaw> {
        self.until("Committed", |frame| matches!(frame, Frame::Committed(_))).await.map(drop)
    }
}

async fn get(it: &Ground, id: &str) -> Result<Subscription, Flaw> {
    let request = GetSubscriptionRequest { subscription_id: id.to_owned() };
    let answer = call!(it, get_subscription, request).map_err(unexpected)?;
    answer.subscription.ok_or_else(|| Flaw::Breach("no subscription is in the answer".to_owned()))
}

/// The same request again gives what is there.
async fn make(it: &Ground, id: &str) -> Found {
    for _ in 0..2 {
        let request = CreateSubscriptionRequest {
            subscription_id: id.to_owned(),
            start: Some(create_subscription_request::Start::Earliest(true)),
            ..CreateSubscriptionRequest::default()
        };
        call!(it, create_subscription, request).map_err(unexpected)?;
    }
    let position = get(it, id).await?.position;
    Ok(format!("{id} at {position}"))
}

/// Three events for a credit of three; the same on the next stream.
async fn again(it: &Ground, id: &str) -> Found {
    if it.events.len() < CREDIT as usize {
        return Err(Flaw::Skip("the feed holds too few events".to_owned()));
    }
    let mut given = Vec::new();
    for _ in 0..2 {
        let mut stream = Stream::open(it, id).await?;
        let (_, events) = stream.batch().await?;
        ensure(events.len() <= CREDIT as usize, || {
            format!("{} events came for a credit of {CREDIT}", events.len())
        })?;
        given.push(events.first().map(|event| event.id.clone()));
    }
    ensure(given.first() == given.last(), || "another event came the second time".to_owned())?;
    Ok(String::new())
}

async fn commit(it: &Ground, id: &str) -> Found {
    if it.events.is_empty() {
        return Err(Flaw::Skip("the feed holds no event".to_owned()));
    }
    let mut stream = Stream::open(it, id).await?;
    let (cursor, events) = stream.batch().await?;
    stream.commit(&cursor, &[]).await;
    stream.committed().await?;
    let last = events.last().map_or(0, |event| event.position);
    let position = get(it, id).await?.position;
    ensure(position == last, || format!("the place is {position}, committed was {last}"))?;
    Ok(format!("to position {last}"))
}

async fn park(it: &Ground, id: &str) -> Found {
    if it.events.len() <= CREDIT as usize {
        return Err(Flaw::Skip("the feed holds too few events".to_owned()));
    }
    let mut stream = Stream::open(it, id).await?;
    let (cursor, events) = stream.batch().await?;
    let event_id = events.first().map(|event| event.id.clone()).unwrap_or_default();
    let reason = "checked".to_owned();
    stream.say(Said::Reject(ConsumeReject { event_id: event_id.clone(), reason })).await;
    stream.commit(&cursor, &[]).await;
    stream.committed().await?;
    let request = ListParkedEventsRequest {
        subscription_id: id.to_owned(),
        ..ListParkedEventsRequest::default()
    };
    let parked = call!(it, list_parked_events, request).map_err(unexpected)?.events;
    let ids: Vec<String> = parked.into_iter().map(|it| it.event.unwrap_or_default().id).collect();
    ensure(ids == [event_id.as_str()], || format!("parked are {ids:?}"))?;
    let request =
        ReleaseParkedEventsRequest { subscription_id: id.to_owned(), ..Default::default() };
    call!(it, release_parked_events, request).map_err(unexpected)?;
    stream.say(Said::Credit(ConsumeCredit { events: CREDIT })).await;
    let (_, again) = stream.given_again().await?;
    let given = again.first().map(|event| event.id.as_str());
    ensure(given == Some(event_id.as_str()), || "another event came again".to_owned())?;
    stream.commit("", &[event_id.as_str()]).await;
    stream.committed().await?;
    let left = get(it, id).await?.parked_events;
    ensure(left == 0, || format!("{left} events stay parked"))?;
    Ok(String::new())
}

/// One for the same request.
async fn test(it: &Ground, id: &str) -> Found {
    let request_id = id::v7(SystemClock.now()).to_string();
    for _ in 0..2 {
        let request = PublishTestEventRequest {
            subscription_id: id.to_owned(),
            request_id: request_id.clone(),
        };
        call!(it, publish_test_event, request).map_err(unexpected)?;
    }
    let mut stream = Stream::open(it, id).await?;
    let (_, events) = stream.given_again().await?;
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    ensure(ids == [request_id.as_str()], || format!("{ids:?} came, sent was {request_id}"))?;
    stream.commit("", &[request_id.as_str()]).await;
    stream.committed().await?;
    Ok(String::new())
}

async fn take_over(it: &Ground, id: &str) -> Found {
    let mut older = Stream::open(it, id).await?;
    older.until("Opened", |frame| matches!(frame, Frame::Opened(_))).await?;
    let mut newer = Stream::open(it, id).await?;
    newer.until("Opened", |frame| matches!(frame, Frame::Opened(_))).await?;
    loop {
        match older.message().await? {
            Ok(Some(_)) => {}
            Ok(None) => return Err(Flaw::Breach("the older stream ended with OK".to_owned())),
            Err(status) => {
                refused::<()>(Err(status), Code::Aborted, "SUBSCRIPTION_TAKEN_OVER")?;
                return Ok("ABORTED SUBSCRIPTION_TAKEN_OVER".to_owned());
            }
        }
    }
}

async fn seek(it: &Ground, id: &str) -> Found {
    let mut stream = Stream::open(it, id).await?;
    stream.until("Opened", |frame| matches!(frame, Frame::Opened(_))).await?;
    let request = SeekSubscriptionRequest {
        subscription_id: id.to_owned(),
        place: Some(Place::Earliest(true)),
    };
    call!(it, seek_subscription, request).map_err(unexpected)?;
    let goodbye = stream.until("Goodbye", |frame| matches!(frame, Frame::Goodbye(_))).await?;
    let Frame::Goodbye(goodbye) = goodbye.1 else {
        return Err(Flaw::Breach("no Goodbye came".to_owned()));
    };
    ensure(goodbye.reason == "SUBSCRIPTION_SEEKED", || format!("told is {}", goodbye.reason))?;
    let lag = get(it, id).await?.lag_events;
    Ok(format!("{lag} events lie before it"))
}

async fn delete(it: &Ground, id: &str) -> Found {
    let request = DeleteSubscriptionRequest { subscription_id: id.to_owned() };
    call!(it, delete_subscription, request).map_err(unexpected)?;
    let request = GetSubscriptionRequest { subscription_id: id.to_owned() };
    refused(call!(it, get_subscription, request), Code::NotFound, "SUBSCRIPTION_NOT_FOUND")?;
    Ok("NOT_FOUND SUBSCRIPTION_NOT_FOUND".to_owned())
}
