//! `liuyan serve`: chosen services from configuration, as the container image runs them.

use std::path::PathBuf;

use liuyan_kit::{
    config::{Sources, Telemetry},
    host::Process,
    service::Running,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{error::Error, services::Name};

/// As whom a process of several services traces.
const PROGRAM: &str = "liuyan";

/// What to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The services.
    #[arg(required = true, value_enum)]
    services: Vec<Name>,
    /// A file with their configuration.
    #[arg(long, env = "LIUYAN_CONFIG")]
    config: Option<PathBuf>,
}

/// Serves until it is told to stop.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    let sources = Sources::of_machine(options.config);
    let process = process_of(&options.services, &sources)?;
    let mut signals = Signals::new()?;
    let mut running: Vec<Running> = Vec::new();
    for service in options.services {
        match service.start(&sources, &process).await {
            Ok(started) => running.push(started),
            Err(error) => {
                stop(running).await;
                return Err(error);
            }
        }
    }
    signals.received().await;
    stop(running).await;
    Ok(())
}

/// Sets up logs and traces for these services. They share a process and so what it logs: what is
/// configured for the first of them.
pub(crate) fn process_of(services: &[Name], sources: &Sources) -> Result<Process, Error> {
    let telemetry = match services {
        [first, ..] => first.configured(sources)?.telemetry,
        [] => Telemetry::default(),
    };
    let name = if let [only] = services { only.text() } else { PROGRAM };
    start(&telemetry, name)
}

/// Sets up logs and traces of the whole board; `LIUYAN_LOG` and `LIUYAN_OTLP_ENDPOINT` have the last word.
pub(crate) fn process(defaults: &Telemetry) -> Result<Process, Error> {
    start(defaults, PROGRAM)
}

fn start(configured: &Telemetry, name: &'static str) -> Result<Process, Error> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let telemetry = Telemetry {
        filter: set("LIUYAN_LOG").unwrap_or_else(|| configured.filter.clone()),
        otlp_endpoint: set("LIUYAN_OTLP_ENDPOINT")
            .unwrap_or_else(|| configured.otlp_endpoint.clone()),
        ..configured.clone()
    };
    Process::start(&telemetry, name).map_err(|error| Error::Usage(error.to_string()))
}

/// The signals that ask a process to end.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on, so that none is missed.
    pub(crate) fn new() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(Error::other("signals cannot be heard"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for one.
    pub(crate) async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Stops services in the reverse order of their start.
pub(crate) async fn stop(running: Vec<Running>) {
    for service in running.into_iter().rev() {
        service.shutdown().await;
    }
}
