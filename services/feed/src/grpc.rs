//! Requests in: proto to domain, a verb, and back.

pub mod convert;
pub mod frames;
mod subscriptions;

use futures::{StreamExt as _, stream::BoxStream};
use liuyan_kit::{auth::Caller, locale::Words};
use liuyan_proto::liuyan::feed::v1::{
    BatchGetEventsRequest, BatchGetEventsResponse, CommitCursorRequest, CommitCursorResponse,
    ConsumeEventsRequest, ConsumeEventsResponse, CreateSubscriptionRequest,
    CreateSubscriptionResponse, DeleteSubscriptionRequest, DeleteSubscriptionResponse, EventFilter,
    GetFeedRequest, GetFeedResponse, GetSubscriptionRequest, GetSubscriptionResponse,
    ListEventsRequest, ListEventsResponse, ListParkedEventsRequest, ListParkedEventsResponse,
    ListSubscriptionsRequest, ListSubscriptionsResponse, PublishTestEventRequest,
    PublishTestEventResponse, ReleaseParkedEventsRequest, ReleaseParkedEventsResponse,
    SeekSubscriptionRequest, SeekSubscriptionResponse, UpdateSubscriptionRequest,
    UpdateSubscriptionResponse, WatchEventsRequest, WatchEventsResponse,
    feed_service_server::FeedService,
};
use prost::Message as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    app::{App, Start, follow::Follow, gate::Pass},
    domain::{cursor::Cursor, filter::Audience, mask::Mask},
    error::Error,
    payload::EVENT_TYPES,
};

use self::convert::Watch;

/// Serves `FeedService`.
#[derive(Clone)]
pub struct Grpc {
    app: App,
    words: std::sync::Arc<Words>,
}

/// The texts of the feed.
pub fn words() -> Words {
    Words::new(&[
        ("zh-CN", include_str!("../locales/zh-CN.ftl")),
        ("en", include_str!("../locales/en.ftl")),
    ])
}

impl Grpc {
    /// Serves this.
    pub fn new(app: App) -> Self {
        Self { app, words: std::sync::Arc::new(words()) }
    }

    fn enter(&self, caller: &Caller) -> Result<Pass, Error> {
        let who = (!caller.is_anonymous()).then(|| format!("{}/{}", caller.issuer, caller.subject));
        self.app.gate.enter(who)
    }

    async fn list(
        &self,
        caller: &Caller,
        request: &ListEventsRequest,
    ) -> Result<ListEventsResponse, Error> {
        let (mut list, mask) = convert::list(request, &self.app.config)?;
        list.filter = list.filter.seen_by(audience(caller));
        // A call that waits is as dear as a stream.
        let _pass = if list.wait.is_zero() { None } else { Some(self.enter(caller)?) };
        let (page, head) = self.app.list(&list).await?;
        Ok(ListEventsResponse {
            events: frames::events(&page.entries, mask)?,
            cursor: Cursor::at(&head, page.position).to_string(),
            position: page.position.unsigned_abs(),
            cursor_time: page.recorded_at.map(liuyan_kit::clock::to_proto),
            caught_up: page.position >= head.position,
        })
    }

    async fn watch(
        &self,
        caller: &Caller,
        request: WatchEventsRequest,
    ) -> Result<BoxStream<'static, Result<WatchEventsResponse, Status>>, Error> {
        let Watch { start, end, filter, limits, heartbeat, mask } =
            convert::watch(&request, &self.app.config, self.app.clock.now())?;
        let filter = filter.seen_by(audience(caller));
        let pass = self.enter(caller)?;
        let after = self.app.place(start).await?;
        let snapshot = match start {
            Start::Snapshot => Some(0),
            Start::InSnapshot(place) => Some(place.given),
            _ => None,
        };
        let end = match end {
            Some(cursor) => Some(self.app.place(Start::Cursor(cursor)).await?),
            None => None,
        };
        if end.is_some_and(|end| end < after) {
            return Err(convert::end_before_start());
        }
        let good_for = subscriptions::good_for(&self.app, caller);
        let follow = Follow { after, snapshot, filter, limits, heartbeat, end, good_for };
        let frames = self.app.follow(follow, pass).await?;
        let restricted_offices = audience(caller).offices().to_vec();
        let opened = frames::Opening { filter: request.filter, heartbeat, restricted_offices };
        let (words, locale) = (self.words.clone(), caller.locale.clone());
        let responses = ReceiverStream::new(frames).map(move |framed| {
            framed
                .and_then(|framed| frames::response(framed, &opened, mask))
                .map_err(|error| words.status(&error, &locale))
        });
        Ok(responses.boxed())
    }

    async fn consume(
        &self,
        caller: &Caller,
        mut said: Streaming<ConsumeEventsRequest>,
    ) -> Result<BoxStream<'static, Result<ConsumeEventsResponse, Status>>, Error> {
        // A reader that says nothing holds a place of its own caller's, and nobody else's.
        let pass = self.enter(caller)?;
        let open = subscriptions::opening(&mut said).await?;
        let owner = subscriptions::owner(caller);
        let subscription = self.app.subscription(&owner, &open.subscription_id).await?;
        let filter = EventFilter::decode(subscription.filter.as_slice())?;
        let good_for = subscriptions::good_for(&self.app, caller);
        let (mut consume, mask) =
            subscriptions::open(&open, subscription, &self.app.config, good_for)?;
        consume.filter = consume.filter.seen_by(audience(caller));
        let restricted_offices = audience(caller).offices().to_vec();
        let heartbeat = consume.heartbeat;
        let frames = self.app.consume(consume, subscriptions::asking(said), pass).await?;
        let filter = Some(filter).filter(|filter| !filter.any_of.is_empty());
        let opened = frames::Opening { filter, heartbeat, restricted_offices };
        let (words, locale) = (self.words.clone(), caller.locale.clone());
        let responses = ReceiverStream::new(frames).map(move |sent| {
            let repeats = || words.text(&locale, "feed-epoch-changed", &[]);
            sent.and_then(|sent| frames::consumed(sent, &opened, mask, repeats))
                .map_err(|error| words.status(&error, &locale))
        });
        Ok(responses.boxed())
    }

    /// Answers a call, in the caller's language if it fails.
    async fn answer<T, R, F>(
        &self,
        request: Request<T>,
        verb: impl FnOnce(Self, Caller, T) -> F,
    ) -> Result<Response<R>, Status>
    where
        F: Future<Output = Result<R, Error>> + Send,
    {
        let caller = Caller::of(&request);
        let locale = caller.locale.clone();
        let answer = verb(self.clone(), caller, request.into_inner()).await;
        answer.map(Response::new).map_err(|error| self.words.status(&error, &locale))
    }
}

/// Whose restricted events a caller sees: of the offices that they act for, if they may read the feed as
/// somebody and the cases of their offices.
fn audience(caller: &Caller) -> Audience {
    if caller.has("feed:read") && (caller.has("case:read") || caller.has("case:work")) {
        Audience::of(caller.offices.clone(), &caller.divisions)
    } else {
        Audience::default()
    }
}

#[tonic::async_trait]
impl FeedService for Grpc {
    type WatchEventsStream = BoxStream<'static, Result<WatchEventsResponse, Status>>;
    type ConsumeEventsStream = BoxStream<'static, Result<ConsumeEventsResponse, Status>>;

    async fn get_feed(
        &self,
        _request: Request<GetFeedRequest>,
    ) -> Result<Response<GetFeedResponse>, Status> {
        let head = self.app.head();
        Ok(Response::new(GetFeedResponse {
            earliest_cursor: Cursor::at(&head, head.before_oldest()).to_string(),
            latest_cursor: Cursor::at(&head, head.position).to_string(),
            head_position: head.position.unsigned_abs(),
            event_types: EVENT_TYPES.map(str::to_owned).to_vec(),
            epoch: head.epoch.to_string(),
        }))
    }

    async fn list_events(
        &self,
        request: Request<ListEventsRequest>,
    ) -> Result<Response<ListEventsResponse>, Status> {
        let caller = Caller::of(&request);
        let answer = self.list(&caller, request.get_ref()).await;
        answer.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    async fn batch_get_events(
        &self,
        request: Request<BatchGetEventsRequest>,
    ) -> Result<Response<BatchGetEventsResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let (ids, mask) = convert::by_id(&request)?;
            let found = it.app.by_id(&ids, &audience(&caller)).await?;
            frames::by_id(found, mask)
        })
        .await
    }

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let caller = Caller::of(&request);
        let answer = self.watch(&caller, request.into_inner()).await;
        answer.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    async fn consume_events(
        &self,
        request: Request<Streaming<ConsumeEventsRequest>>,
    ) -> Result<Response<Self::ConsumeEventsStream>, Status> {
        let caller = Caller::of(&request);
        let answer = self.consume(&caller, request.into_inner()).await;
        answer.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
    }

    async fn create_subscription(
        &self,
        request: Request<CreateSubscriptionRequest>,
    ) -> Result<Response<CreateSubscriptionResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let (wish, start) = subscriptions::create(request, it.app.clock.now())?;
            let made = it.app.subscribe(owner, wish, start).await?;
            let subscription = subscriptions::answer(made, &it.app.head());
            Ok(CreateSubscriptionResponse { subscription })
        })
        .await
    }

    async fn get_subscription(
        &self,
        request: Request<GetSubscriptionRequest>,
    ) -> Result<Response<GetSubscriptionResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let found = it.app.subscription(&owner, &request.subscription_id).await?;
            let subscription = subscriptions::answer(found, &it.app.head());
            Ok(GetSubscriptionResponse { subscription })
        })
        .await
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let (most, after) = subscriptions::page_by_id(request.page_size, &request.page_token)?;
            let (found, more) = it.app.subscriptions(&owner, &after, most).await?;
            let last = found.last().filter(|_| more).map(|last| last.id.clone());
            let head = it.app.head();
            let found = found.into_iter().filter_map(|it| subscriptions::answer(it, &head));
            Ok(ListSubscriptionsResponse {
                subscriptions: found.collect(),
                next_page_token: last.unwrap_or_default(),
            })
        })
        .await
    }

    async fn update_subscription(
        &self,
        request: Request<UpdateSubscriptionRequest>,
    ) -> Result<Response<UpdateSubscriptionResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let (wish, etag) = subscriptions::update(request)?;
            let put = it.app.put_subscription(owner, wish, etag).await?;
            let subscription = subscriptions::answer(put, &it.app.head());
            Ok(UpdateSubscriptionResponse { subscription })
        })
        .await
    }

    async fn delete_subscription(
        &self,
        request: Request<DeleteSubscriptionRequest>,
    ) -> Result<Response<DeleteSubscriptionResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            it.app.unsubscribe(owner, request.subscription_id).await?;
            Ok(DeleteSubscriptionResponse {})
        })
        .await
    }

    async fn commit_cursor(
        &self,
        request: Request<CommitCursorRequest>,
    ) -> Result<Response<CommitCursorResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let cursor = subscriptions::cursor(&request.cursor)?;
            let moved = it.app.commit(owner, request.subscription_id, cursor).await?;
            let subscription = subscriptions::answer(moved, &it.app.head());
            Ok(CommitCursorResponse { subscription })
        })
        .await
    }

    async fn seek_subscription(
        &self,
        request: Request<SeekSubscriptionRequest>,
    ) -> Result<Response<SeekSubscriptionResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let start = subscriptions::seek(&request, it.app.clock.now())?;
            let moved = it.app.seek(owner, request.subscription_id, start).await?;
            let subscription = subscriptions::answer(moved, &it.app.head());
            Ok(SeekSubscriptionResponse { subscription })
        })
        .await
    }

    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let (most, after) =
                subscriptions::page_by_event(request.page_size, &request.page_token)?;
            let id = &request.subscription_id;
            let (found, more) = it.app.parked(&owner, id, after, most, &audience(&caller)).await?;
            let last = found.last().filter(|_| more).map(|(last, _)| last.event_id.to_string());
            let events = found.into_iter().map(|(it, bytes)| subscriptions::parked(it, bytes));
            Ok(ListParkedEventsResponse {
                events: events.collect::<Result<_, _>>()?,
                next_page_token: last.unwrap_or_default(),
            })
        })
        .await
    }

    async fn release_parked_events(
        &self,
        request: Request<ReleaseParkedEventsRequest>,
    ) -> Result<Response<ReleaseParkedEventsResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let ids = subscriptions::event_ids("event_ids", &request.event_ids)?;
            let id = request.subscription_id;
            let done = it.app.release(owner, id, ids, request.discard).await?;
            Ok(ReleaseParkedEventsResponse { events: u32::try_from(done).unwrap_or(u32::MAX) })
        })
        .await
    }

    async fn publish_test_event(
        &self,
        request: Request<PublishTestEventRequest>,
    ) -> Result<Response<PublishTestEventResponse>, Status> {
        self.answer(request, async |it, caller, request| {
            let owner = subscriptions::owner(&caller);
            let event_id = subscriptions::request_id(&request.request_id)?;
            let payload = it.app.publish_test(owner, request.subscription_id, event_id).await?;
            Ok(PublishTestEventResponse { event: Some(frames::event(payload, Mask::ALL)?) })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_every_language() {
        assert_eq!(words().faults(), Vec::<String>::new());
    }
}
