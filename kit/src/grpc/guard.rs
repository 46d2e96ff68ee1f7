//! What stands before every handler.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, Request, Response};
use liuyan_proto::method::Method;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::{
    body::{Limited, Record, Watched, code_in, panic_text},
    deadline,
    trouble::{Trouble, refuse},
};
use crate::{
    auth::{Caller, Refusal, Verifier},
    config, locale, telemetry,
};

/// Services that are no contract of the house: they need no token and are served only if
/// configured.
const INFRASTRUCTURE: &[&str] = &[
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];
/// By how much our deadline comes before tonic's, so that ours is the one that is told.
const HEADSTART: Duration = Duration::from_millis(5);

/// Puts the guard before services.
#[derive(Clone)]
pub(crate) struct Guarded(Arc<Rules>);

struct Rules {
    service: &'static str,
    verifier: Verifier,
    permits: Semaphore,
    longest: Duration,
    max_request: usize,
    max_response: usize,
}

impl Guarded {
    pub(crate) fn new(service: &'static str, verifier: Verifier, settings: &config::Grpc) -> Self {
        Self(Arc::new(Rules {
            service,
            verifier,
            permits: Semaphore::new(settings.concurrency.min(Semaphore::MAX_PERMITS)),
            longest: Duration::from_millis(settings.deadline_ms),
            max_request: settings.max_request_bytes,
            max_response: settings.max_response_bytes,
        }))
    }
}

impl<S> Layer<S> for Guarded {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, rules: Arc::clone(&self.0) }
    }
}

/// A service behind the guard.
#[derive(Clone)]
pub(crate) struct Guard<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The ready service is the one to call; its clone waits for the next request.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let rules = Arc::clone(&self.rules);
        if INFRASTRUCTURE.iter().any(|prefix| request.uri().path().starts_with(prefix)) {
            return Box::pin(async move { inner.call(request).await });
        }
        let accepted = request.headers().get(http::header::ACCEPT_LANGUAGE);
        let locale = locale::negotiate(accepted.and_then(|value| value.to_str().ok()));
        let Some(method) = Method::at(request.uri().path()) else {
            let status = Trouble::MethodUnknown.status(locale);
            return Box::pin(std::future::ready(Ok(status.into_http())));
        };
        let span = tracing::info_span!(
            "grpc.call.serve",
            otel.name = &method.path[1..],
            otel.kind = "server",
            rpc.system = "grpc",
            rpc.grpc.status_code = tracing::field::Empty,
            service = rules.service,
            caller = tracing::field::Empty,
        );
        telemetry::follow_headers(&span, request.headers());
        let record = Record::begin(rules.service, method.path, span.clone());
        let work = async move { rules.serve(inner, request, method, locale, record).await };
        Box::pin(work.instrument(span).map(Ok))
    }
}

impl Rules {
    async fn serve<S>(
        &self,
        mut inner: S,
        mut request: Request<Body>,
        method: &'static Method,
        locale: &'static str,
        mut record: Record,
    ) -> Response<Body>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Send,
        S::Future: Send,
    {
        let (caller, permit) = match self.admit(request.headers(), method, locale) {
            Ok(admitted) => admitted,
            Err(status) => {
                record.end(status.code());
                return status.into_http();
            }
        };
        tracing::Span::current().record("caller", caller.issuer.as_str());
        request.extensions_mut().insert(caller);
        if !method.client_streams {
            request = request.map(|body| Body::new(Limited::new(body, self.max_request)));
        }
        let deadline = self.deadline(request.headers(), method);
        let handled = AssertUnwindSafe(async move { inner.call(request).await }).catch_unwind();
        let handled = match deadline {
            Some(deadline) => {
                let handled = deadline::within(deadline, handled);
                timeout_at(deadline, handled).await.map_err(|_| Trouble::Deadline)
            }
            None => Ok(handled.await),
        };
        drop(permit);
        let response = match handled {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(infallible))) => match infallible {},
            Ok(Err(panic)) => Trouble::Panic(panic_text(&*panic)).status(locale).into_http(),
            Err(trouble) => trouble.status(locale).into_http(),
        };
        let response = match Trouble::behind(response.headers(), self.max_request) {
            Some(trouble) => trouble.status(locale).into_http(),
            None => response,
        };
        // Without a body, the status is in the headers already.
        record.end(code_in(response.headers()).unwrap_or(Code::Cancelled));
        let limit = (!method.server_streams).then_some(self.max_response);
        response.map(|body| Body::new(Watched::new(body, record, locale, limit, self.max_request)))
    }

    /// Finds out who calls, and whether they may.
    fn admit(
        &self,
        headers: &HeaderMap,
        method: &Method,
        locale: &'static str,
    ) -> Result<(Caller, tokio::sync::SemaphorePermit<'_>), Status> {
        let permit = self.permits.try_acquire().map_err(|_| Trouble::Overloaded.status(locale))?;
        let caller = self.caller(headers, locale).map_err(|error| refuse(&error, locale))?;
        if caller.passes(method.scopes) {
            return Ok((caller, permit));
        }
        let refusal = if caller.is_anonymous() {
            Refusal::Missing
        } else {
            Refusal::Scope(method.scopes.join(" "))
        };
        Err(refuse(&refusal, locale))
    }

    fn caller(&self, headers: &HeaderMap, locale: &str) -> Result<Caller, Refusal> {
        let Some(header) = headers.get(http::header::AUTHORIZATION) else {
            return Ok(Caller::anonymous(locale));
        };
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Refusal::Invalid("it is no bearer token"))?;
        let caller = self.verifier.verify(token)?;
        Ok(Caller { locale: locale.to_owned(), ..caller })
    }

    /// The caller's deadline. A unary call without one, or with a long one, gets ours.
    fn deadline(&self, headers: &HeaderMap, method: &Method) -> Option<Instant> {
        let wanted = deadline::read(headers).map(|wanted| wanted.saturating_sub(HEADSTART));
        let allowed = match wanted {
            Some(wanted) if method.is_unary() => Some(wanted.min(self.longest)),
            None if method.is_unary() => Some(self.longest),
            wanted => wanted,
        };
        allowed.map(|allowed| Instant::now() + allowed)
    }
}
