//! Services of one method, without the rest that a contract would ask for: what stands in for routing, and the
//! plain stream that the feed is compared with.

use std::{
    convert::Infallible,
    future::Ready,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{Stream, stream};
use liuyan_proto::liuyan::{
    common::v1::PublicCase,
    feed::v1::{Event, EventBatch, WatchEventsRequest, WatchEventsResponse, watch_events_response},
    routing::v1::{BatchGetPublicCaseRequest, BatchGetPublicCaseResponse},
};
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::{BoxFuture, Service, http},
    server::{Grpc, NamedService, ServerStreamingService, UnaryService},
};
use tonic_prost::ProstCodec;

/// The most of a text: some 200 characters of a message.
const BODY: &str = "Residents of the eastern block write that the lamps of their street have been dark since spring. ";

/// Routing, as far as the feed asks it: any case is public and as long as usual.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Views;

impl NamedService for Views {
    const NAME: &'static str = "liuyan.routing.v1.CaseService";
}

/// How everybody sees a case.
fn view(case_id: String) -> PublicCase {
    PublicCase {
        message_id: case_id.clone(),
        case_id,
        number: "330106-26-0000001".to_owned(),
        office_id: "330106-s".to_owned(),
        division_code: "330106".to_owned(),
        kind: "help".to_owned(),
        title: BODY[..60].to_owned(),
        body: BODY.repeat(6),
        state: 1,
        public_state: 1,
        // Newer than any event.
        revision: 1 << 40,
        ..PublicCase::default()
    }
}

impl UnaryService<BatchGetPublicCaseRequest> for Views {
    type Response = BatchGetPublicCaseResponse;
    type Future = Ready<Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: Request<BatchGetPublicCaseRequest>) -> Self::Future {
        let cases = request.into_inner().case_ids.into_iter().map(view).collect();
        std::future::ready(Ok(Response::new(BatchGetPublicCaseResponse { cases })))
    }
}

impl Service<http::Request<Body>> for Views {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let codec = ProstCodec::<BatchGetPublicCaseResponse, BatchGetPublicCaseRequest>::default();
        let views = *self;
        Box::pin(async move { Ok(Grpc::new(codec).unary(views, request).await) })
    }
}

/// A server stream that gives the same events each time, in frames of so many.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    frame: Arc<Vec<Event>>,
    frames: usize,
}

impl Plain {
    /// `events` events in frames of `batch`, each as large as those of the feed.
    pub(crate) fn new(events: usize, batch: usize, like: &Event) -> Self {
        Self { frame: Arc::new(vec![like.clone(); batch]), frames: events.div_ceil(batch.max(1)) }
    }
}

impl NamedService for Plain {
    const NAME: &'static str = "liuyan.feed.v1.FeedService";
}

impl ServerStreamingService<WatchEventsRequest> for Plain {
    type Response = WatchEventsResponse;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<WatchEventsResponse, Status>> + Send>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: Request<WatchEventsRequest>) -> Self::Future {
        let frame = Arc::clone(&self.frame);
        let frames = (0..self.frames).map(move |_| {
            let batch = EventBatch { events: frame.to_vec() };
            Ok(WatchEventsResponse {
                frame: Some(watch_events_response::Frame::Batch(batch)),
                ..WatchEventsResponse::default()
            })
        });
        let stream: Self::ResponseStream = Box::pin(stream::iter(frames));
        std::future::ready(Ok(Response::new(stream)))
    }
}

impl Service<http::Request<Body>> for Plain {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let codec = ProstCodec::<WatchEventsResponse, WatchEventsRequest>::default();
        let plain = self.clone();
        Box::pin(async move { Ok(Grpc::new(codec).server_streaming(plain, request).await) })
    }
}
