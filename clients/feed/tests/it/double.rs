//! A feed that follows a script: one turn for each stream that is opened.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use liuyan_feed_client::{
    Feed, Settings, Start,
    v1::{
        CaughtUp, Committed, ConsumeEventsRequest, ConsumeEventsResponse, Event, EventBatch,
        Goodbye, Opened, Progress, SnapshotEnd, WatchEventsRequest, WatchEventsResponse,
        consume_events_request::Said,
        consume_events_response::Frame as ConsumeFrame,
        feed_service_server::{FeedService, FeedServiceServer},
        watch_events_response::Frame,
    },
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming, transport::Server};

/// What a stream does.
pub(crate) enum Turn {
    /// It is not opened.
    Refuse(Status),
    /// It gives these, and ends.
    Frames(Vec<Result<WatchEventsResponse, Status>>),
    /// It gives these, and then a heartbeat twenty times a second.
    Live(Vec<WatchEventsResponse>),
    /// It gives these, and goes silent.
    Silence(Vec<WatchEventsResponse>),
}

#[derive(Default)]
struct State {
    turns: Mutex<VecDeque<Turn>>,
    starts: Mutex<Vec<String>>,
    tokens: Mutex<Vec<String>>,
    streams: Mutex<VecDeque<Conversation>>,
}

/// The stream of a subscription, seen from the board.
pub(crate) struct Conversation {
    pub(crate) said: Streaming<ConsumeEventsRequest>,
    pub(crate) tell: mpsc::Sender<Result<ConsumeEventsResponse, Status>>,
}

/// The board's side.
#[derive(Clone, Default)]
pub(crate) struct Double(Arc<State>);

impl Double {
    /// A feed that does this, one stream after the other.
    pub(crate) async fn with(turns: impl IntoIterator<Item = Turn>) -> (Self, Feed) {
        let (double, address) = Self::at(turns).await;
        (double, Feed::new(&Settings::new(address)).unwrap())
    }

    /// The same, with its address.
    pub(crate) async fn at(turns: impl IntoIterator<Item = Turn>) -> (Self, String) {
        let double = Self::default();
        double.0.turns.lock().unwrap().extend(turns);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = FeedServiceServer::new(double.clone());
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        (double, format!("http://{address}"))
    }

    /// With which token each stream was opened.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.0.tokens.lock().unwrap().clone()
    }

    /// Where each stream began.
    pub(crate) fn starts(&self) -> Vec<String> {
        self.0.starts.lock().unwrap().clone()
    }

    /// The next stream of a subscription that was opened.
    pub(crate) async fn conversation(&self) -> Conversation {
        loop {
            if let Some(conversation) = self.0.streams.lock().unwrap().pop_front() {
                return conversation;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Conversation {
    /// What the reader says next.
    pub(crate) async fn said(&mut self) -> Said {
        let said = tokio::time::timeout(Duration::from_secs(10), self.said.message()).await;
        said.unwrap().unwrap().unwrap().said.unwrap()
    }

    pub(crate) async fn tell(&self, position: u64, frame: ConsumeFrame) {
        let cursor = format!("c{position}");
        let response =
            ConsumeEventsResponse { cursor, position, cursor_time: None, frame: Some(frame) };
        self.tell.send(Ok(response)).await.unwrap();
    }

    pub(crate) async fn committed(&self, position: u64) {
        let committed = Committed { cursor: format!("c{position}"), settled_events: 0 };
        self.tell(position, ConsumeFrame::Committed(committed)).await;
    }
}

fn frame(position: u64, frame: Frame) -> WatchEventsResponse {
    let cursor = format!("c{position}");
    WatchEventsResponse { cursor, position, cursor_time: None, frame: Some(frame) }
}

/// The first frame; heartbeats come every tenth of a second.
pub(crate) fn opened(position: u64) -> WatchEventsResponse {
    let heartbeat_interval = Duration::from_millis(100).try_into().ok();
    let epoch = "life".to_owned();
    frame(position, Frame::Opened(Opened { heartbeat_interval, epoch, ..Opened::default() }))
}

/// Events at these positions.
pub(crate) fn batch(positions: std::ops::RangeInclusive<u64>) -> WatchEventsResponse {
    frame(*positions.end(), Frame::Batch(events(positions)))
}

pub(crate) fn events(positions: std::ops::RangeInclusive<u64>) -> EventBatch {
    let event = |position| Event { id: format!("e{position}"), position, ..Event::default() };
    EventBatch { events: positions.map(event).collect() }
}

pub(crate) fn progress(position: u64) -> WatchEventsResponse {
    frame(position, Frame::Progress(Progress { lag_events: 0, live: true }))
}

pub(crate) fn caught_up(position: u64) -> WatchEventsResponse {
    frame(position, Frame::CaughtUp(CaughtUp {}))
}

pub(crate) fn snapshot_end(position: u64) -> WatchEventsResponse {
    frame(position, Frame::SnapshotEnd(SnapshotEnd {}))
}

pub(crate) fn goodbye(position: u64, reason: &str, after: Duration) -> WatchEventsResponse {
    let (reason, reconnect_after) = (reason.to_owned(), after.try_into().ok());
    frame(position, Frame::Goodbye(Goodbye { reconnect_after, reason }))
}

macro_rules! nothing_else {
    ($($name:ident: $request:ident => $response:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl FeedService for Double {
        type WatchEventsStream =
            stream::BoxStream<'static, Result<WatchEventsResponse, Status>>;
        type ConsumeEventsStream = ReceiverStream<Result<ConsumeEventsResponse, Status>>;

        async fn watch_events(
            &self,
            request: Request<WatchEventsRequest>,
        ) -> Result<Response<Self::WatchEventsStream>, Status> {
            let token = request.metadata().get("authorization").map(|it| it.to_str().unwrap());
            self.0.tokens.lock().unwrap().push(token.unwrap_or_default().to_owned());
            let start = match request.into_inner().start {
                Some(Start::Cursor(cursor)) => cursor,
                start => format!("{start:?}"),
            };
            self.0.starts.lock().unwrap().push(start);
            let turn = self.0.turns.lock().unwrap().pop_front();
            match turn {
                Some(Turn::Refuse(status)) => Err(status),
                Some(Turn::Frames(frames)) => Ok(Response::new(stream::iter(frames).boxed())),
                Some(Turn::Live(frames)) => {
                    let at = frames.last().map_or(0, |last| last.position);
                    let beats = stream::unfold((), move |()| async move {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        Some((Ok(progress(at)), ()))
                    });
                    let frames = stream::iter(frames.into_iter().map(Ok));
                    Ok(Response::new(frames.chain(beats).boxed()))
                }
                Some(Turn::Silence(frames)) => {
                    let frames = stream::iter(frames.into_iter().map(Ok));
                    Ok(Response::new(frames.chain(stream::pending()).boxed()))
                }
                None => Ok(Response::new(stream::pending().boxed())),
            }
        }

        async fn consume_events(
            &self,
            request: Request<Streaming<ConsumeEventsRequest>>,
        ) -> Result<Response<Self::ConsumeEventsStream>, Status> {
            let (tell, told) = mpsc::channel(16);
            let conversation = Conversation { said: request.into_inner(), tell };
            self.0.streams.lock().unwrap().push_back(conversation);
            Ok(Response::new(ReceiverStream::new(told)))
        }

        $(async fn $name(
            &self,
            _: Request<liuyan_feed_client::v1::$request>,
        ) -> Result<Response<liuyan_feed_client::v1::$response>, Status> {
            Err(Status::unimplemented("not in the script"))
        })+
        }
    };
}

nothing_else! {
    get_feed: GetFeedRequest => GetFeedResponse,
    list_events: ListEventsRequest => ListEventsResponse,
    batch_get_events: BatchGetEventsRequest => BatchGetEventsResponse,
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
