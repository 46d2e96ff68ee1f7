//! Requests in: proto to domain, a verb, and back.

pub mod convert;
pub mod frames;

use futures::{StreamExt as _, stream::BoxStream};
use liuyan_kit::{auth::Caller, locale::Words};
use liuyan_proto::liuyan::feed::v1::{
    GetFeedRequest, GetFeedResponse, ListEventsRequest, ListEventsResponse, WatchEventsRequest,
    WatchEventsResponse, feed_service_server::FeedService,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::{
    app::{App, Start, follow::Follow, gate::Pass},
    domain::cursor::Cursor,
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
        let (list, mask) = convert::list(request, &self.app.config)?;
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
        let pass = self.enter(caller)?;
        let after = self.app.place(start).await?;
        let end = match end {
            Some(cursor) => Some(self.app.place(Start::Cursor(cursor)).await?),
            None => None,
        };
        if end.is_some_and(|end| end < after) {
            return Err(convert::end_before_start());
        }
        let follow = Follow { after, filter, limits, heartbeat, end };
        let frames = self.app.follow(follow, pass).await?;
        let opened = frames::Opening { filter: request.filter, heartbeat };
        let (words, locale) = (self.words.clone(), caller.locale.clone());
        let responses = ReceiverStream::new(frames).map(move |framed| {
            framed
                .and_then(|framed| frames::response(framed, &opened, mask))
                .map_err(|error| words.status(&error, &locale))
        });
        Ok(responses.boxed())
    }
}

#[tonic::async_trait]
impl FeedService for Grpc {
    type WatchEventsStream = BoxStream<'static, Result<WatchEventsResponse, Status>>;

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

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let caller = Caller::of(&request);
        let answer = self.watch(&caller, request.into_inner()).await;
        answer.map(Response::new).map_err(|error| self.words.status(&error, &caller.locale))
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
