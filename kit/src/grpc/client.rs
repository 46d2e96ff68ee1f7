//! A channel to a peer.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, header::AUTHORIZATION, request::Parts};
use http_body_util::{BodyExt as _, Full};
use liuyan_proto::method::Method;
use rand::RngExt as _;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Code, Status, body::Body, transport::Endpoint};
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;
use url::Url;

use super::{backends::Backends, body::code_in, deadline, tls, token::OwnTokens, trouble::Trouble};
use crate::{config, locale, telemetry};

/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// How often a connection is tried that may be dead, and how long an answer may take. Shorter
/// intervals make strict peers hang up.
const KEEPALIVE: Duration = Duration::from_secs(20);
const KEEPALIVE_LIMIT: Duration = Duration::from_secs(10);
/// The wait before the second try, in milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 10..50;

/// As whom a channel calls, if the request itself brings no token.
#[derive(Debug, Clone)]
pub struct Credentials(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Nobody,
    Token(HeaderValue),
    Own(OwnTokens),
}

impl Credentials {
    /// As nobody.
    pub fn none() -> Self {
        Self(Kind::Nobody)
    }

    /// With a token; `None` if no header can hold it.
    pub fn token(token: &str) -> Option<Self> {
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        header.set_sensitive(true);
        Some(Self(Kind::Token(header)))
    }

    /// As the service itself.
    pub(crate) fn own(tokens: OwnTokens) -> Self {
        Self(Kind::Own(tokens))
    }
}

/// A channel to a peer; what every generated client takes. Cheap to clone.
#[derive(Clone)]
pub struct Channel(Arc<Inner>);

struct Inner {
    peer: String,
    origin: String,
    backends: Arc<Backends>,
    credentials: Credentials,
    longest: Duration,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("peer", &self.0.peer).finish_non_exhaustive()
    }
}

impl Channel {
    /// A channel to `peer` at `url` (`http://host:port`, or `https` for TLS). Connects when it is
    /// used. Must be called within the runtime.
    ///
    /// # Errors
    /// If the url or the certificates cannot be used.
    pub fn new(
        peer: &str,
        url: &str,
        settings: &config::Grpc,
        credentials: Credentials,
    ) -> Result<Self, config::Error> {
        let refused = |message: &str| config::Error::Layer {
            layer: format!("peers.{peer}"),
            message: message.to_owned(),
        };
        let url = Url::parse(url).map_err(|_| refused("is no URL"))?;
        let host = url.host_str().ok_or_else(|| refused("names no host"))?.to_owned();
        let tls = match url.scheme() {
            "http" => None,
            "https" => {
                let name = host.trim_matches(['[', ']']);
                Some(Arc::new(tls::client(&settings.tls, name)?))
            }
            _ => return Err(refused("is neither http nor https")),
        };
        let port = url.port_or_known_default().unwrap_or_default();
        let scheme = url.scheme().to_owned();
        let origin = format!("{scheme}://{host}:{port}");
        let renewed = tls.clone();
        let connect = move |address| {
            let endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).ok()?;
            let endpoint = match &tls {
                Some(tls) => endpoint.tls_config(tls.present()).ok()?,
                None => endpoint,
            };
            let endpoint = endpoint
                .connect_timeout(CONNECT_LIMIT)
                .http2_keep_alive_interval(KEEPALIVE)
                .keep_alive_timeout(KEEPALIVE_LIMIT)
                .keep_alive_while_idle(true);
            Some(endpoint)
        };
        let name = host.trim_matches(['[', ']']).to_owned();
        Ok(Self(Arc::new(Inner {
            peer: peer.to_owned(),
            origin,
            backends: Backends::look_up(name, port, connect, move || {
                renewed.as_ref().is_some_and(|tls| tls.look())
            }),
            credentials,
            longest: Duration::from_millis(settings.deadline_ms),
        })))
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let span = tracing::info_span!(
            "grpc.call.send",
            otel.name = path,
            otel.kind = "client",
            rpc.system = "grpc",
            rpc.grpc.status_code = tracing::field::Empty,
            peer = inner.peer,
        );
        let work = async move {
            let answer = inner.send(request).await;
            let code = match &answer {
                Ok(response) => code_in(response.headers()).unwrap_or(Code::Ok),
                Err(status) => status.code(),
            };
            tracing::Span::current().record("rpc.grpc.status_code", format!("{code:?}"));
            answer
        };
        Box::pin(work.instrument(span))
    }
}

/// How one try ended.
enum Try {
    /// With an answer, whatever it is.
    Answered(Response<Body>),
    /// Without one: the peer could not be reached, or went away.
    Away(Status),
}

impl Inner {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let (mut parts, body) = request.into_parts();
        let method = Method::at(parts.uri.path());
        let end = self.prepare(&mut parts, method)?;
        let again = method.is_some_and(|method| method.safe && !method.client_streams);
        if !again {
            return match self.attempt(Request::from_parts(parts, body), end, true).await? {
                Try::Answered(response) => Ok(response),
                Try::Away(status) => Err(status),
            };
        }
        let body = body.collect().await?.to_bytes();
        match self.attempt(request_of(&parts, &body), end, false).await? {
            Try::Answered(response) if code_in(response.headers()) != Some(Code::Unavailable) => {
                return Ok(response);
            }
            Try::Answered(_) | Try::Away(_) => {
                tracing::debug!(peer = self.peer, "unavailable; trying once more");
            }
        }
        let pause = rand::rng().random_range(PAUSE_MS);
        sleep(Duration::from_millis(pause)).await;
        match self.attempt(request_of(&parts, &body), end, true).await? {
            Try::Answered(response) => Ok(response),
            Try::Away(status) => Err(status),
        }
    }

    /// Writes deadline, trace and token into the request. Gives the end of its time, if it has one.
    fn prepare(
        &self,
        parts: &mut Parts,
        method: Option<&'static Method>,
    ) -> Result<Option<Instant>, Status> {
        let own = deadline::read(&parts.headers);
        let own = own.or(method.is_some_and(Method::is_unary).then_some(self.longest));
        let allowed = match own.or_else(deadline::remaining) {
            Some(own) => Some(
                deadline::for_call(own).ok_or_else(|| Trouble::Deadline.status(locale::FIRST))?,
            ),
            None => None,
        };
        if let Some(allowed) = allowed {
            deadline::write(&mut parts.headers, allowed);
        }
        telemetry::inject_headers(&mut parts.headers);
        if !parts.headers.contains_key(AUTHORIZATION) {
            let token = match (&self.credentials.0, method) {
                (Kind::Own(own), Some(method)) => own.header(method.scopes),
                (Kind::Token(token), _) => Some(token.clone()),
                (Kind::Own(_) | Kind::Nobody, _) => None,
            };
            parts.headers.extend(token.map(|token| (AUTHORIZATION, token)));
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        if let Ok(uri) = format!("{}{path}", self.origin).parse() {
            parts.uri = uri;
        }
        Ok(allowed.map(|allowed| Instant::now() + allowed))
    }

    async fn attempt(
        &self,
        request: Request<Body>,
        end: Option<Instant>,
        insist: bool,
    ) -> Result<Try, Status> {
        let work = async {
            let Some(lease) = self.backends.choose(insist).await else { return self.away() };
            let answer = lease.channel().oneshot(request).await;
            match answer {
                Ok(response) => {
                    lease.report(true);
                    Try::Answered(response)
                }
                Err(error) => {
                    tracing::debug!(peer = self.peer, error = ?error, "a call failed");
                    lease.report(false);
                    self.away()
                }
            }
        };
        match end {
            Some(end) => {
                timeout_at(end, work).await.map_err(|_| Trouble::Deadline.status(locale::FIRST))
            }
            None => Ok(work.await),
        }
    }

    fn away(&self) -> Try {
        Try::Away(Trouble::PeerAway(self.peer.clone()).status(locale::FIRST))
    }
}

fn request_of(parts: &Parts, body: &Bytes) -> Request<Body> {
    Request::from_parts(parts.clone(), Body::new(Full::new(body.clone())))
}
