//! Bodies under watch: the end of a call is the end of its answer, not of its handler.

use std::{
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use bytes::{Buf as _, Bytes};
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::{Code, Status, body::Body};
use tracing::Span;

use super::trouble::{TOO_LARGE, Trouble};
use crate::telemetry;

/// Counts a call when it is over, however it ends; a call that nobody waited for is CANCELLED.
pub(super) struct Record {
    service: &'static str,
    method: &'static str,
    started: Instant,
    code: Code,
    span: Span,
}

impl Record {
    pub(super) fn begin(service: &'static str, method: &'static str, span: Span) -> Self {
        Self { service, method, started: Instant::now(), code: Code::Cancelled, span }
    }

    pub(super) fn end(&mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let code = format!("{:?}", self.code);
        self.span.record("rpc.grpc.status_code", code.as_str());
        let labels = [("service", self.service), ("method", self.method), ("code", code.as_str())];
        telemetry::count("grpc_server_calls", 1, &labels);
        let seconds = self.started.elapsed().as_secs_f64();
        telemetry::observe("grpc_server_seconds", seconds, &labels[..2]);
    }
}

/// The code that headers or trailers carry.
pub(super) fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()))
}

/// An answer under watch: its end is recorded, and a panic in a stream becomes INTERNAL.
pub(super) struct Watched {
    body: Body,
    record: Record,
    locale: &'static str,
    /// How many bytes it may still have; `None` for a stream.
    left: Option<usize>,
    /// How many bytes a message of the request may have.
    most: usize,
    over: bool,
}

impl Watched {
    pub(super) fn new(
        body: Body,
        record: Record,
        locale: &'static str,
        limit: Option<usize>,
        most: usize,
    ) -> Self {
        Self { body, record, locale, left: limit, most, over: false }
    }

    fn break_off(&mut self, status: &Status) -> Frame<Bytes> {
        self.over = true;
        self.record.end(status.code());
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            tracing::error!("a status could not be written");
        }
        Frame::trailers(trailers)
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let span = this.record.span.clone();
        let polled = span.in_scope(|| {
            panic::catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.body).poll_frame(cx)))
        });
        let frame = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(frame)) => frame,
            Err(panic) => {
                let status = Trouble::Panic(panic_text(&*panic)).status(this.locale);
                return Poll::Ready(Some(Ok(this.break_off(&status))));
            }
        };
        match &frame {
            None => this.over = true,
            Some(Err(status)) => this.record.end(status.code()),
            Some(Ok(frame)) => {
                let trouble = frame.trailers_ref().and_then(|it| Trouble::behind(it, this.most));
                if let Some(trouble) = trouble {
                    let status = trouble.status(this.locale);
                    return Poll::Ready(Some(Ok(this.break_off(&status))));
                }
                if let Some(code) = frame.trailers_ref().and_then(code_in) {
                    this.record.end(code);
                }
                if let (Some(left), Some(data)) = (&mut this.left, frame.data_ref()) {
                    match left.checked_sub(data.remaining()) {
                        Some(rest) => *left = rest,
                        None => {
                            let status = Status::resource_exhausted("the answer is too large");
                            return Poll::Ready(Some(Ok(this.break_off(&status))));
                        }
                    }
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // A broken-off answer is shorter than its handler thinks.
        SizeHint::default()
    }
}

/// A request of one message, of which no more than the limit is read.
pub(super) struct Limited {
    body: Body,
    left: usize,
}

impl Limited {
    pub(super) fn new(body: Body, limit: usize) -> Self {
        Self { body, left: limit }
    }
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            match self.left.checked_sub(data.remaining()) {
                Some(rest) => self.left = rest,
                None => {
                    let status = Status::resource_exhausted(TOO_LARGE);
                    return Poll::Ready(Some(Err(status)));
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no words").to_owned()
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn watched<S>(frames: S, limit: Option<usize>) -> Watched
    where
        S: futures::Stream<Item = Result<Frame<Bytes>, Status>> + Send + 'static,
    {
        let record = Record::begin("test", "/test", Span::none());
        Watched::new(Body::new(StreamBody::new(frames)), record, "en", limit, 0)
    }

    fn data(length: usize) -> Result<Frame<Bytes>, Status> {
        Ok(Frame::data(Bytes::from(vec![0; length])))
    }

    #[tokio::test]
    async fn a_panic_in_a_stream_is_internal_and_its_end() {
        let mut number = 0;
        let frames = stream::poll_fn(move |_| {
            number += 1;
            assert!(number < 2, "told to panic");
            Poll::Ready(Some(data(3)))
        });
        let mut body = watched(frames, None);
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let end = body.frame().await.unwrap().unwrap();
        assert_eq!(end.trailers_ref().and_then(code_in), Some(Code::Internal));
        assert!(body.frame().await.is_none(), "what panicked is not touched again");
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_broken_off() {
        let mut body = watched(stream::iter([data(3), data(3), data(3)]), Some(6));
        assert!(body.frame().await.unwrap().unwrap().is_data());
        assert!(body.frame().await.unwrap().unwrap().is_data());
        let end = body.frame().await.unwrap().unwrap();
        assert_eq!(end.trailers_ref().and_then(code_in), Some(Code::ResourceExhausted));
        assert!(body.frame().await.is_none());
    }

    #[tokio::test]
    async fn a_stream_may_be_of_any_length() {
        let body = watched(stream::iter((0..1_000).map(|_| data(1_000))), None);
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 1_000_000);
    }
}
