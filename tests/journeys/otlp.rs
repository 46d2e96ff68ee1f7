//! A receiver of traces, as an operator would run one: OTLP over gRPC.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// A span that arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// Its name.
    pub(crate) name: String,
    /// Its attributes, as text.
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Span {
    /// An attribute; empty if it has none of that name.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// What arrived, by trace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receiver(Arc<Mutex<BTreeMap<Vec<u8>, BTreeSet<Span>>>>);

impl Receiver {
    /// Receives at a free port; gives the endpoint.
    pub(crate) async fn start() -> (Self, String) {
        let receiver = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serving = Server::builder()
            .add_service(TraceServiceServer::new(receiver.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        (receiver, endpoint)
    }

    /// The spans of a trace, by its id in hexadecimal.
    pub(crate) fn trace(&self, id: &str) -> BTreeSet<Span> {
        let traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        traces.get(&hex::decode(id).unwrap()).cloned().unwrap_or_default()
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = request
            .into_inner()
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans);
        for span in spans {
            let attributes = span
                .attributes
                .into_iter()
                .map(|pair| {
                    use opentelemetry_proto::tonic::common::v1::any_value::Value;
                    let value = match pair.value.and_then(|value| value.value) {
                        Some(Value::StringValue(text)) => text,
                        Some(Value::IntValue(number)) => number.to_string(),
                        other => format!("{other:?}"),
                    };
                    (pair.key, value)
                })
                .collect();
            let span_of = Span { name: span.name, attributes };
            traces.entry(span.trace_id).or_default().insert(span_of);
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
