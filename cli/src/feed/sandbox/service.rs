//! `FeedService` from a recorded log: what can be followed without a subscription.

use std::{sync::Arc, time::Duration};

use liuyan_feed_client::v1::{
    self, BatchGetEventsRequest, BatchGetEventsResponse, CaughtUp, Event, EventBatch, EventFilter,
    EventInLog, GetFeedRequest, GetFeedResponse, Goodbye, ListEventsRequest, ListEventsResponse,
    Opened, Progress, SnapshotEnd, WatchEventsRequest, WatchEventsResponse,
    feed_service_server::FeedService, watch_events_request::Start, watch_events_response::Frame,
};
use prost_types::FieldMask;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::log::{
    EPOCH, Log, chooses, cursor, cursor_in_snapshot, names, place, place_in_snapshot,
};

/// Where errors come from, as a real board names it.
const DOMAIN: &str = "liuyan";
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The service.
pub(super) struct Sandbox {
    log: Arc<Log>,
    head: watch::Receiver<usize>,
}

/// What a reader of a stream wants.
struct Wanted {
    log: Arc<Log>,
    head: watch::Receiver<usize>,
    at: usize,
    /// How many views of a snapshot as of `at` were given, until all are.
    given: Option<usize>,
    end: Option<usize>,
    filter: Option<EventFilter>,
    mask: Option<FieldMask>,
    heartbeat: Duration,
    most: usize,
}

impl Sandbox {
    pub(super) fn new(log: Arc<Log>, head: watch::Receiver<usize>) -> Self {
        Self { log, head }
    }

    fn place(&self, text: &str, field: &str) -> Result<usize, Status> {
        let malformed = || {
            let mut details = ErrorDetails::with_error_info("CURSOR_MALFORMED", DOMAIN, []);
            details.add_bad_request_violation(field, "This is no cursor of this feed.");
            Status::with_error_details(Code::InvalidArgument, "a malformed cursor", details)
        };
        let place = place(text).ok_or_else(malformed)?;
        let head = *self.head.borrow();
        if place > head {
            let told = [("latest_cursor".to_owned(), cursor(head))];
            let details = ErrorDetails::with_error_info("CURSOR_AHEAD", DOMAIN, told);
            return Err(Status::with_error_details(Code::OutOfRange, "ahead", details));
        }
        Ok(place)
    }

    /// Everything that is wrong with filter and mask.
    fn check(&self, filter: Option<&EventFilter>, mask: Option<&FieldMask>) -> Result<(), Status> {
        let mut details = ErrorDetails::with_error_info("REQUEST_INVALID", DOMAIN, []);
        let types = self.log.types();
        for (clause, it) in filter.iter().flat_map(|filter| filter.any_of.iter().enumerate()) {
            for (index, pattern) in it.event_types.iter().enumerate() {
                if !types.iter().any(|known| names(pattern, known)) {
                    let field = format!("filter.any_of[{clause}].event_types[{index}]");
                    details.add_bad_request_violation(field, "There is no such type of event.");
                }
            }
        }
        for index in self.log.unknown(mask) {
            let field = format!("read_mask.paths[{index}]");
            details.add_bad_request_violation(field, "There is no such field.");
        }
        if details.has_bad_request_violations() {
            return Err(Status::with_error_details(Code::InvalidArgument, "malformed", details));
        }
        Ok(())
    }
}

impl Wanted {
    async fn run(mut self, frames: mpsc::Sender<Result<WatchEventsResponse, Status>>) {
        // Whoever has gone is not told anything more.
        let _ = self.flow(&frames).await;
    }

    async fn flow(
        &mut self,
        frames: &mpsc::Sender<Result<WatchEventsResponse, Status>>,
    ) -> Result<(), mpsc::error::SendError<Result<WatchEventsResponse, Status>>> {
        let mut opened = Opened {
            earliest_cursor: cursor(0),
            heartbeat_interval: self.heartbeat.try_into().ok(),
            epoch: EPOCH.to_owned(),
            ..Opened::default()
        };
        opened.filter.clone_from(&self.filter);
        frames.send(Ok(self.frame(Frame::Opened(opened)))).await?;
        self.snapshot(frames).await?;
        let mut live = false;
        loop {
            let head = self.end.unwrap_or(usize::MAX).min(*self.head.borrow_and_update());
            let mut events = Vec::new();
            while self.at < head && events.len() < self.most {
                self.at += 1;
                let event = self.log.at(self.at).filter(|it| chooses(self.filter.as_ref(), it));
                events.extend(event.map(|it| self.log.masked(it, self.mask.as_ref())));
            }
            if !events.is_empty() {
                frames.send(Ok(self.frame(Frame::Batch(EventBatch { events })))).await?;
                continue;
            }
            if self.end.is_some_and(|end| self.at >= end) {
                let reason = "END_CURSOR".to_owned();
                let goodbye = Goodbye { reconnect_after: None, reason };
                return frames.send(Ok(self.frame(Frame::Goodbye(goodbye)))).await;
            }
            if !live {
                live = true;
                frames.send(Ok(self.frame(Frame::CaughtUp(CaughtUp {})))).await?;
            }
            tokio::select! {
                grown = timeout(self.heartbeat, self.head.changed()) => if grown.is_err() {
                    let progress = Progress { lag_events: 0, live };
                    frames.send(Ok(self.frame(Frame::Progress(progress)))).await?;
                },
                () = frames.closed() => return Ok(()),
            }
        }
    }

    /// Gives the views that are left to give, if the stream begins with a snapshot.
    async fn snapshot(
        &mut self,
        frames: &mpsc::Sender<Result<WatchEventsResponse, Status>>,
    ) -> Result<(), mpsc::error::SendError<Result<WatchEventsResponse, Status>>> {
        let Some(given) = self.given else { return Ok(()) };
        let places = self.log.newest(self.at, self.filter.as_ref());
        for some in places.get(given..).unwrap_or_default().chunks(self.most) {
            let events = some.iter().filter_map(|place| self.log.at(*place));
            let events = events.map(|event| self.log.masked(event, self.mask.as_ref())).collect();
            self.given = self.given.map(|given| given + some.len());
            frames.send(Ok(self.frame(Frame::Batch(EventBatch { events })))).await?;
        }
        self.given = None;
        frames.send(Ok(self.frame(Frame::SnapshotEnd(SnapshotEnd {})))).await
    }

    fn frame(&self, frame: Frame) -> WatchEventsResponse {
        let in_snapshot = |given| cursor_in_snapshot(self.at, given);
        WatchEventsResponse {
            cursor: self.given.map_or_else(|| cursor(self.at), in_snapshot),
            position: self.at as u64,
            cursor_time: self.log.at(self.at).and_then(|event| event.recorded_time),
            frame: Some(frame),
        }
    }
}

fn number(said: i32, usual: usize) -> usize {
    usize::try_from(said).ok().filter(|said| *said > 0).unwrap_or(usual).min(500)
}

macro_rules! service {
    ($($name:ident: $request:ident => $response:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl FeedService for Sandbox {
            type WatchEventsStream = ReceiverStream<Result<WatchEventsResponse, Status>>;
            type ConsumeEventsStream = ReceiverStream<Result<v1::ConsumeEventsResponse, Status>>;

            async fn get_feed(
                &self,
                _: Request<GetFeedRequest>,
            ) -> Result<Response<GetFeedResponse>, Status> {
                let head = *self.head.borrow();
                Ok(Response::new(GetFeedResponse {
                    earliest_cursor: cursor(0),
                    latest_cursor: cursor(head),
                    head_position: head as u64,
                    event_types: self.log.types(),
                    epoch: EPOCH.to_owned(),
                }))
            }

            async fn list_events(
                &self,
                request: Request<ListEventsRequest>,
            ) -> Result<Response<ListEventsResponse>, Status> {
                let request = request.into_inner();
                let (filter, mask) = (request.filter.as_ref(), request.read_mask.as_ref());
                self.check(filter, mask)?;
                let mut at = match request.cursor.as_str() {
                    "" => 0,
                    text => self.place(text, "cursor")?,
                };
                let (head, most) = (*self.head.borrow(), number(request.page_size, 100));
                let mut events: Vec<Event> = Vec::new();
                while at < head && events.len() < most {
                    at += 1;
                    let event = self.log.at(at).filter(|event| chooses(filter, event));
                    events.extend(event.map(|event| self.log.masked(event, mask)));
                }
                Ok(Response::new(ListEventsResponse {
                    events,
                    cursor: cursor(at),
                    position: at as u64,
                    cursor_time: self.log.at(at).and_then(|event| event.recorded_time),
                    caught_up: at >= head,
                }))
            }

            async fn batch_get_events(
                &self,
                request: Request<BatchGetEventsRequest>,
            ) -> Result<Response<BatchGetEventsResponse>, Status> {
                let request = request.into_inner();
                let mask = request.read_mask.as_ref();
                self.check(None, mask)?;
                let places = request.event_ids.iter().filter_map(|id| self.log.of_id(id));
                let head = *self.head.borrow();
                let mut places: Vec<usize> = places.filter(|place| *place <= head).collect();
                places.sort_unstable();
                places.dedup();
                let in_log = |place: usize| {
                    let event = self.log.at(place).map(|event| self.log.masked(event, mask));
                    EventInLog { event, cursor: cursor(place) }
                };
                Ok(Response::new(BatchGetEventsResponse {
                    events: places.into_iter().map(in_log).collect(),
                    withheld_event_ids: Vec::new(),
                }))
            }

            async fn watch_events(
                &self,
                request: Request<WatchEventsRequest>,
            ) -> Result<Response<Self::WatchEventsStream>, Status> {
                let request = request.into_inner();
                self.check(request.filter.as_ref(), request.read_mask.as_ref())?;
                let (mut given, head) = (None, *self.head.borrow());
                let at = match request.start {
                    Some(Start::Snapshot(true)) => {
                        given = Some(0);
                        head
                    }
                    Some(Start::Cursor(text)) => match place_in_snapshot(&text) {
                        Some((at, views)) if at <= head => {
                            given = Some(views);
                            at
                        }
                        _ => self.place(&text, "cursor")?,
                    },
                    Some(Start::StartTime(time)) => self.log.before(time),
                    Some(Start::Latest(true)) => *self.head.borrow(),
                    _ => 0,
                };
                let end = match request.end_cursor.as_str() {
                    "" => None,
                    text => Some(self.place(text, "end_cursor")?),
                };
                let heartbeat = request.heartbeat_interval.and_then(|it| it.try_into().ok());
                let (frames, receiver) = mpsc::channel(2);
                let wanted = Wanted {
                    log: self.log.clone(),
                    head: self.head.clone(),
                    at,
                    given,
                    end,
                    filter: request.filter,
                    mask: request.read_mask,
                    heartbeat: heartbeat.unwrap_or(HEARTBEAT),
                    most: number(request.batch.map_or(0, |batch| batch.max_events), 100),
                };
                tokio::spawn(wanted.run(frames));
                Ok(Response::new(ReceiverStream::new(receiver)))
            }

            async fn consume_events(
                &self,
                _: Request<tonic::Streaming<v1::ConsumeEventsRequest>>,
            ) -> Result<Response<Self::ConsumeEventsStream>, Status> {
                Err(Status::unimplemented("a sandbox keeps no subscriptions"))
            }

            $(async fn $name(
                &self,
                _: Request<v1::$request>,
            ) -> Result<Response<v1::$response>, Status> {
                Err(Status::unimplemented("a sandbox keeps no subscriptions"))
            })+
        }
    };
}

service! {
    create_subscription: CreateSubscriptionRequest => CreateSubscriptionResponse,
    get_subscription: GetSubscriptionRequest => GetSubscriptionResponse,
    list_subscriptions: ListSubscriptionsRequest => ListSubscriptionsResponse,
    update_subscription: UpdateSubscriptionRequest => UpdateSubscriptionResponse,
    delete_subscription: DeleteSubscriptionRequest => DeleteSubscriptionResponse,
    commit_cursor: CommitCursorRequest => CommitCursorResponse,
    seek_subscription: SeekSubscriptionRequest => SeekSubscriptionResponse,
    list_parked_events: ListParkedEventsRequest => ListParkedEventsResponse,
    release_parked_events: ReleaseParkedEventsRequest => ReleaseParkedEventsResponse,
    publish_test_event: PublishTestEventRequest => PublishTestEventResponse,
}
