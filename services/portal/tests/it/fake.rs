//! One gRPC server in the place of all other services: it answers what a test tells it to, and says
//! UNAVAILABLE to everything else, as a service that is away.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Router, body::to_bytes, extract::Request, response::Response};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use liuyan_kit::testing;
use tonic::{Status, service::Routes};

/// What stands before a message: a flag and its length.
const FRAME: usize = 5;

type Answer = Arc<dyn Fn(&HeaderMap, &[u8]) -> Result<Vec<Vec<u8>>, Status> + Send + Sync>;

/// What every service says.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Inner>);

#[derive(Default)]
struct Inner {
    answers: Mutex<HashMap<&'static str, Answer>>,
    calls: Mutex<Vec<(String, HeaderMap)>>,
}

impl Fake {
    /// Answers one method, `IntakeService/SubmitMessage`, from now on.
    pub(crate) fn on<M, A>(
        &self,
        method: &'static str,
        answer: impl Fn(M) -> Result<A, Status> + Send + Sync + 'static,
    ) where
        M: prost::Message + Default,
        A: prost::Message,
    {
        self.on_with(method, move |_, message| answer(message));
    }

    /// The same, with the headers of the call.
    pub(crate) fn on_with<M, A>(
        &self,
        method: &'static str,
        answer: impl Fn(&HeaderMap, M) -> Result<A, Status> + Send + Sync + 'static,
    ) where
        M: prost::Message + Default,
        A: prost::Message,
    {
        let answer: Answer = Arc::new(move |headers, bytes| {
            let message = M::decode(&bytes[FRAME..]).unwrap();
            answer(headers, message).map(|answer| vec![answer.encode_to_vec()])
        });
        self.0.answers.lock().unwrap().insert(method, answer);
    }

    /// Answers one method with a stream, which then ends.
    pub(crate) fn on_stream<M, A>(
        &self,
        method: &'static str,
        answer: impl Fn(M) -> Result<Vec<A>, Status> + Send + Sync + 'static,
    ) where
        M: prost::Message + Default,
        A: prost::Message,
    {
        let answer: Answer = Arc::new(move |_, bytes| {
            let messages = answer(M::decode(&bytes[FRAME..]).unwrap())?;
            Ok(messages.iter().map(prost::Message::encode_to_vec).collect())
        });
        self.0.answers.lock().unwrap().insert(method, answer);
    }

    /// Answers one method that takes a stream, once all of it has come.
    pub(crate) fn on_all<M, A>(
        &self,
        method: &'static str,
        answer: impl Fn(Vec<M>) -> Result<A, Status> + Send + Sync + 'static,
    ) where
        M: prost::Message + Default,
        A: prost::Message,
    {
        let answer: Answer = Arc::new(move |_, mut bytes| {
            let mut messages = Vec::new();
            while !bytes.is_empty() {
                let length = u32::from_be_bytes(bytes[1..FRAME].try_into().unwrap());
                let end = FRAME + usize::try_from(length).unwrap();
                messages.push(M::decode(&bytes[FRAME..end]).unwrap());
                bytes = &bytes[end..];
            }
            answer(messages).map(|answer| vec![answer.encode_to_vec()])
        });
        self.0.answers.lock().unwrap().insert(method, answer);
    }

    /// From now on, the method is not answered.
    pub(crate) fn off(&self, method: &'static str) {
        self.0.answers.lock().unwrap().remove(method);
    }

    /// How often a method was called.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.0.calls.lock().unwrap().iter().filter(|(name, _)| name == method).count()
    }

    /// The headers of the last call of a method.
    pub(crate) fn last(&self, method: &str) -> HeaderMap {
        let calls = self.0.calls.lock().unwrap();
        calls.iter().rev().find(|(name, _)| name == method).unwrap().1.clone()
    }

    /// Begins to serve.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let fake = self.clone();
        let router = Router::new()
            .fallback(move |request: Request| async move { fake.handle(request).await });
        testing::stub(Routes::from(router)).await
    }

    async fn handle(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        // `/liuyan.intake.v1.IntakeService/SubmitMessage` is `IntakeService/SubmitMessage` here.
        let method = path.rsplit_once('.').map_or(path, |(_, method)| method).to_owned();
        let body = to_bytes(body, 1 << 26).await.unwrap();
        self.0.calls.lock().unwrap().push((method.clone(), parts.headers.clone()));
        let answer = self.0.answers.lock().unwrap().get(method.as_str()).cloned();
        let answer = match answer {
            Some(answer) => answer(&parts.headers, &body),
            None => Err(Status::unavailable("nobody is here")),
        };
        match answer {
            Ok(messages) => framed(&messages),
            Err(status) => status.into_http(),
        }
    }
}

fn framed(messages: &[Vec<u8>]) -> Response {
    let mut frames = BytesMut::new();
    for message in messages {
        frames.put_u8(0);
        frames.put_u32(u32::try_from(message.len()).unwrap());
        frames.put_slice(message);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let body = Full::new(Bytes::from(frames)).with_trailers(std::future::ready(Some(Ok(trailers))));
    http::Response::builder()
        .header("content-type", "application/grpc")
        .body(axum::body::Body::new(body))
        .unwrap()
}
