//! Metrics: one meter per process, read by Prometheus. Every measurement of a service carries the
//! label `service`, because several services may share a process.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter, MeterProvider as _},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};

/// Bounds for durations in seconds, from a millisecond to half a minute.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

struct Metrics {
    registry: Registry,
    meter: Meter,
    /// Keeps the pipeline alive.
    _provider: SdkMeterProvider,
    counters: Mutex<HashMap<&'static str, Counter<u64>>>,
    gauges: Mutex<HashMap<&'static str, Gauge<i64>>>,
    histograms: Mutex<HashMap<&'static str, Histogram<f64>>>,
}

impl Metrics {
    fn new() -> Self {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_target_info()
            .scope_info_enabled(false)
            .build();
        let provider = match exporter {
            Ok(exporter) => SdkMeterProvider::builder().with_reader(exporter).build(),
            Err(error) => {
                tracing::error!(%error, "there are no metrics");
                SdkMeterProvider::default()
            }
        };
        Self {
            registry,
            meter: provider.meter("liuyan"),
            _provider: provider,
            counters: Mutex::default(),
            gauges: Mutex::default(),
            histograms: Mutex::default(),
        }
    }
}

/// Instruments are made once and kept: making one takes a lock of the whole pipeline.
fn instrument<T: Clone>(
    known: &Mutex<HashMap<&'static str, T>>,
    name: &'static str,
    make: impl FnOnce() -> T,
) -> T {
    known.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert_with(make).clone()
}

fn attributes(labels: &[(&'static str, &str)]) -> Vec<KeyValue> {
    labels.iter().map(|(name, value)| KeyValue::new(*name, (*value).to_owned())).collect()
}

/// Adds to a counter. Prometheus shows it as `<name>_total`.
pub fn count(name: &'static str, by: u64, labels: &[(&'static str, &str)]) {
    let make = || METRICS.meter.u64_counter(name).build();
    instrument(&METRICS.counters, name, make).add(by, &attributes(labels));
}

/// Sets a gauge.
pub fn gauge(name: &'static str, value: i64, labels: &[(&'static str, &str)]) {
    let make = || METRICS.meter.i64_gauge(name).build();
    instrument(&METRICS.gauges, name, make).record(value, &attributes(labels));
}

/// Adds a duration, in seconds, to a histogram. The name ends in `_seconds`.
pub fn observe(name: &'static str, seconds: f64, labels: &[(&'static str, &str)]) {
    let make = || METRICS.meter.f64_histogram(name).with_boundaries(SECONDS.to_vec()).build();
    instrument(&METRICS.histograms, name, make).record(seconds, &attributes(labels));
}

/// All metrics of the process, as Prometheus reads them.
///
/// # Errors
/// If a metric has a name that Prometheus refuses.
pub fn render() -> Result<String, prometheus::Error> {
    TextEncoder::new().encode_to_string(&METRICS.registry.gather())
}
