//! What a service shows of itself: logs, traces and metrics. Never a person's data: only ids,
//! codes, counts and times are logged.
//!
//! Traces follow the W3C Trace Context (traceparent) over gRPC and, in the headers of events, over
//! the bus. Without an OTLP endpoint nothing is exported; the ids are passed on all the same.

use std::{collections::HashMap, io::IsTerminal as _};

use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector, TextMapPropagator as _},
    trace::{TraceContextExt as _, TraceFlags, TracerProvider as _},
};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, filter::LevelFilter, layer::SubscriberExt as _};

use crate::config::{LogFormat, Telemetry};

mod fields;
mod metrics;

pub use metrics::{count, gauge, observe, render};

/// Header and field of the W3C trace context.
const TRACEPARENT: &str = "traceparent";

/// Keeps telemetry running; what is waiting is sent when it is dropped.
#[derive(Debug)]
pub struct Running {
    tracers: SdkTracerProvider,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.tracers.shutdown() {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}

/// Why telemetry does not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter cannot be read.
    #[error("configuration: `telemetry.filter` cannot be read")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// The endpoint cannot be used.
    #[error("configuration: `telemetry.otlp_endpoint` cannot be used")]
    Endpoint(#[source] opentelemetry_otlp::ExporterBuildError),
    /// It runs already.
    #[error("telemetry runs already in this process")]
    Twice,
}

/// Starts logs and traces for the whole process. Called once, within the runtime.
///
/// # Errors
/// If the settings are wrong, or telemetry runs already.
pub fn start(settings: &Telemetry, process: &'static str) -> Result<Running, Error> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(Error::Filter)?;
    let tracers = tracers(settings, process)?;
    let pretty = match settings.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if pretty {
        lines.with_target(false).boxed()
    } else {
        let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
        lines.fmt_fields(fields::SpanFields).boxed()
    };
    // Logs are filtered, traces are sampled: whoever wants fewer lines still wants the traces. A span
    // finds its parent by itself; to tell other libraries at each step which one is current, and to
    // measure how long it rests, would cost as much as the spans.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracers.tracer("liuyan"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_filter(LevelFilter::INFO);
    let lines = lines.with_filter(filter);
    let subscriber = tracing_subscriber::registry().with(spans).with(lines);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::Twice)?;
    global::set_tracer_provider(tracers.clone());
    Ok(Running { tracers })
}

fn tracers(settings: &Telemetry, process: &'static str) -> Result<SdkTracerProvider, Error> {
    let exported = !settings.otlp_endpoint.is_empty();
    let root = if exported {
        Sampler::TraceIdRatioBased(settings.sample_ratio)
    } else {
        Sampler::AlwaysOff
    };
    let builder = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(root)))
        .with_resource(Resource::builder().with_service_name(process).build());
    if !exported {
        return Ok(builder.build());
    }
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&settings.otlp_endpoint)
        .build()
        .map_err(Error::Endpoint)?;
    Ok(builder.with_batch_exporter(exporter).build())
}

/// The trace context of the current span, as a `traceparent`; `None` outside any trace.
pub fn current_traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    // As the propagator writes it, without its map.
    span.is_valid().then(|| {
        let (trace, id) = (span.trace_id(), span.span_id());
        format!("00-{trace}-{id}-{:02x}", span.trace_flags() & TraceFlags::SAMPLED)
    })
}

/// Makes `span` continue the trace of `traceparent`. Nothing happens without a valid one.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    if let Some(context) = remote(traceparent) {
        // Fails only without a subscriber, or for a span that has begun: then there is no trace.
        let _ = span.set_parent(context);
    }
}

/// Links `span` with the trace of `traceparent`: one span of a batch has many causes. One that is not
/// sampled is left out, since nobody will look at it.
pub fn link(span: &Span, traceparent: Option<&str>) {
    let sampled = traceparent.filter(|it| !it.ends_with("-00"));
    if let Some(context) = remote(sampled) {
        span.add_link(context.span().span_context().clone());
    }
}

fn remote(traceparent: Option<&str>) -> Option<Context> {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent?.to_owned())]);
    // The empty context is the base: a span that happens to be current is not the cause.
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    context.span().span_context().is_valid().then_some(context)
}

/// Makes `span` continue the trace that the headers of a request carry.
pub(crate) fn follow_headers(span: &Span, headers: &http::HeaderMap) {
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    if context.span().span_context().is_valid() {
        let _ = span.set_parent(context);
    }
}

/// Writes the trace context of the current span into the headers of a request.
pub(crate) fn inject_headers(headers: &mut http::HeaderMap) {
    let mut carrier = HashMap::new();
    inject(&mut carrier);
    for (name, value) in carrier {
        if let (Ok(name), Ok(value)) =
            (http::HeaderName::try_from(name), http::HeaderValue::try_from(value))
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
}

fn inject(carrier: &mut dyn Injector) {
    TraceContextPropagator::new().inject_context(&Span::current().context(), carrier);
}

struct Headers<'h>(&'h http::HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
