//! Metrics: one registry per process, read by Prometheus. Every measurement of a service carries the
//! label `service`, because several services may share a process.

use std::{
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
};

use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
    core::{Collector, MetricVec, MetricVecBuilder},
};

/// Bounds for durations in seconds, from a millisecond to half a minute.
const SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::default);

#[derive(Default)]
struct Metrics {
    registry: Registry,
    counters: Known<IntCounterVec>,
    gauges: Known<IntGaugeVec>,
    histograms: Known<HistogramVec>,
}

/// Instruments by their names; each is made when it is first used, and kept.
type Known<T> = RwLock<HashMap<&'static str, T>>;

/// A label and its value.
type Label<'v> = (&'static str, &'v str);

/// Does something with the metric of these labels. All uses of a name have the same labels in the same
/// order.
fn with<B: MetricVecBuilder>(
    known: &Known<MetricVec<B>>,
    name: &'static str,
    labels: &[Label<'_>],
    make: impl FnOnce(&[&str]) -> Result<MetricVec<B>, prometheus::Error>,
    then: impl FnOnce(&B::M),
) where
    MetricVec<B>: Collector + Clone + 'static,
{
    let found = known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
    let metrics = match found {
        Some(metrics) => Ok(metrics),
        None => first(known, name, labels, make),
    };
    let values: Vec<&str> = labels.iter().map(|(_, value)| *value).collect();
    match metrics.and_then(|metrics| metrics.get_metric_with_label_values(&values)) {
        Ok(metric) => then(&metric),
        Err(error) => tracing::error!(%error, name, "a metric can't be told"),
    }
}

fn first<B: MetricVecBuilder>(
    known: &Known<MetricVec<B>>,
    name: &'static str,
    labels: &[Label<'_>],
    make: impl FnOnce(&[&str]) -> Result<MetricVec<B>, prometheus::Error>,
) -> Result<MetricVec<B>, prometheus::Error>
where
    MetricVec<B>: Collector + Clone + 'static,
{
    let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
    // Somebody else may have been faster.
    if let Some(metrics) = known.get(name) {
        return Ok(metrics.clone());
    }
    let names: Vec<&str> = labels.iter().map(|(label, _)| *label).collect();
    let metrics = make(&names)?;
    METRICS.registry.register(Box::new(metrics.clone()))?;
    known.insert(name, metrics.clone());
    Ok(metrics)
}

/// What Prometheus shows as the explanation, which it wants.
fn options(name: String) -> Opts {
    let help = name.replace('_', " ");
    Opts::new(name, help)
}

/// Adds to a counter. Prometheus shows it as `<name>_total`.
pub fn count(name: &'static str, by: u64, labels: &[(&'static str, &str)]) {
    let make = |labels: &[&str]| IntCounterVec::new(options(format!("{name}_total")), labels);
    with(&METRICS.counters, name, labels, make, |counter| counter.inc_by(by));
}

/// Sets a gauge.
pub fn gauge(name: &'static str, value: i64, labels: &[(&'static str, &str)]) {
    let make = |labels: &[&str]| IntGaugeVec::new(options(name.to_owned()), labels);
    with(&METRICS.gauges, name, labels, make, |gauge| gauge.set(value));
}

/// Adds a duration, in seconds, to a histogram. The name ends in `_seconds`.
pub fn observe(name: &'static str, seconds: f64, labels: &[(&'static str, &str)]) {
    let make = |labels: &[&str]| {
        let options = HistogramOpts::from(options(name.to_owned()));
        HistogramVec::new(options.buckets(SECONDS.to_vec()), labels)
    };
    with(&METRICS.histograms, name, labels, make, |histogram| histogram.observe(seconds));
}

/// All metrics of the process, as Prometheus reads them.
///
/// # Errors
/// If a metric has a name that Prometheus refuses.
pub fn render() -> Result<String, prometheus::Error> {
    TextEncoder::new().encode_to_string(&METRICS.registry.gather())
}
