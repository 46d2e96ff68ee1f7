//! Two small services, alpha and beta, which do what they are told in a request's `source`.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use http_body_util::Full;
use liuyan_kit::{
    auth::Caller,
    grpc::{Channel, deadline},
    host::Host,
    service::Service,
    telemetry,
};
use liuyan_proto::liuyan::messaging::v1::{
    Digest, FindMissingRequest, FindMissingResponse, GetDigestsRequest, GetDigestsResponse,
    ListGapsRequest, ListGapsResponse,
    confirmation_service_client::ConfirmationServiceClient,
    confirmation_service_server::{ConfirmationService, ConfirmationServiceServer},
};
use serde::{Deserialize, Serialize};
use sqlx::migrate::Migrator;
use tonic::{Code, Request, Response, Status, body::Body, service::Routes};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

/// The scope that the contract demands of all RPCs of the two services.
pub(crate) const SCOPE: &str = "messaging:confirm";
/// Everything in these tests comes to its end within this.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// How many calls the handlers of this test binary have finished after having been slow.
pub(crate) static FINISHED: AtomicU32 = AtomicU32::new(0);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

macro_rules! fixture {
    ($service:ident, $name:literal) => {
        pub(crate) struct $service;

        impl Service for $service {
            const NAME: &'static str = $name;
            const DEFAULTS: &'static str = "[service]";
            type Config = Nothing;

            fn migrator() -> Option<&'static Migrator> {
                None
            }

            async fn start(_: Nothing, host: Host) -> anyhow::Result<()> {
                let handler = Handler { beta: host.channel("beta").ok() };
                host.serve(Routes::new(ConfirmationServiceServer::new(handler))).await
            }
        }
    };
}

fixture!(Alpha, "alpha");
fixture!(Beta, "beta");

#[derive(Clone)]
struct Handler {
    beta: Option<Channel>,
}

impl Handler {
    fn obey<'a>(&'a self, order: &'a str, caller: Caller) -> BoxFuture<'a, Result<Digest, Status>> {
        Box::pin(async move {
            let mut digest = Digest::default();
            match order.split_once('/').unwrap_or((order, "")) {
                ("beta", order) => {
                    let beta = self.beta.clone().unwrap();
                    digest = ask(beta, order).await?;
                }
                ("remaining", _) => {
                    let remaining = deadline::remaining().map(|it| it.as_millis());
                    digest.count = remaining.map_or(u64::MAX, |it| u64::try_from(it).unwrap());
                }
                ("trace", _) => digest.hash = trace_id(),
                ("scopes", _) => {
                    assert_eq!(caller.scopes, [SCOPE]);
                    assert_eq!((&*caller.issuer, &*caller.subject), ("alpha", "alpha"));
                }
                ("panic", _) => panic!("told to panic"),
                ("slow", millis) => {
                    tokio::time::sleep(Duration::from_millis(millis.parse().unwrap())).await;
                    FINISHED.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            }
            Ok(digest)
        })
    }
}

#[tonic::async_trait]
impl ConfirmationService for Handler {
    async fn get_digests(
        &self,
        request: Request<GetDigestsRequest>,
    ) -> Result<Response<GetDigestsResponse>, Status> {
        let caller = Caller::of(&request);
        let digest = self.obey(&request.get_ref().source, caller).await?;
        Ok(Response::new(GetDigestsResponse { digests: vec![digest] }))
    }

    async fn find_missing(
        &self,
        _: Request<FindMissingRequest>,
    ) -> Result<Response<FindMissingResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_gaps(
        &self,
        _: Request<ListGapsRequest>,
    ) -> Result<Response<ListGapsResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Tells a service what to do.
pub(crate) async fn ask(channel: Channel, order: &str) -> Result<Digest, Status> {
    ask_with(
        channel,
        Request::new(GetDigestsRequest { source: order.to_owned(), ..Default::default() }),
    )
    .await
}

pub(crate) async fn ask_with(
    channel: Channel,
    request: Request<GetDigestsRequest>,
) -> Result<Digest, Status> {
    let answer = ConfirmationServiceClient::new(channel).get_digests(request).await?;
    Ok(answer.into_inner().digests.remove(0))
}

/// A request that tells a service what to do.
pub(crate) fn order(order: &str) -> Request<GetDigestsRequest> {
    Request::new(GetDigestsRequest { source: order.to_owned(), ..Default::default() })
}

/// Sends bytes as the body of a call, whatever they are.
pub(crate) async fn send(channel: Channel, bytes: &'static [u8]) -> Result<(), Status> {
    let body = Body::new(Full::new(Bytes::from_static(bytes)));
    let request = http::Request::post("/liuyan.messaging.v1.ConfirmationService/GetDigests")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap();
    let answer = channel.oneshot(request).await?;
    Status::from_header_map(answer.headers()).map_or(Ok(()), Err)
}

/// Calls any path, with an empty message.
pub(crate) async fn call(channel: Channel, path: &'static str) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await?;
    let codec = tonic_prost::ProstCodec::<GetDigestsRequest, GetDigestsResponse>::default();
    let request = Request::new(GetDigestsRequest::default());
    client.unary(request, PathAndQuery::from_static(path), codec).await.map(|_| ())
}

/// Routes that answer every call with `code`, the first `times` times, and then with an empty
/// message; and count.
pub(crate) fn refusing(code: Code, times: u32, count: std::sync::Arc<AtomicU32>) -> Routes {
    let answer = move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            if number < times {
                return Status::new(code, "told to refuse").into_http::<Body>();
            }
            let frame = Bytes::from_static(&[0, 0, 0, 0, 0]);
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
            let frames = futures::stream::iter([
                Ok::<_, Status>(http_body::Frame::data(frame)),
                Ok(http_body::Frame::trailers(trailers)),
            ]);
            http::Response::builder()
                .header("content-type", "application/grpc")
                .body(Body::new(http_body_util::StreamBody::new(frames)))
                .unwrap()
        }
    };
    Routes::from(axum::Router::new().fallback(answer))
}

/// The lower half of the id of the current trace.
pub(crate) fn trace_id() -> u64 {
    let traceparent = telemetry::current_traceparent().unwrap();
    u64::from_str_radix(&traceparent[19..35], 16).unwrap()
}

/// Asserts code and reason of a refusal.
#[track_caller]
pub(crate) fn assert_refused(
    answer: Result<impl std::fmt::Debug, Status>,
    code: Code,
    reason: &str,
) {
    let status = answer.unwrap_err();
    let info = status.get_details_error_info();
    let told = (status.code(), info.as_ref().map(|info| info.reason.as_str()));
    assert_eq!(told, (code, Some(reason)), "{status:?}");
}
