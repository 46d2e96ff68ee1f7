//! `liuyan streams`: streams and consumers on the bus, for whoever declares them apart from serving.

use std::{path::PathBuf, time::Duration};

use liuyan_kit::{
    config::{Nats, Sources},
    messaging::{
        Bus,
        bus::{self, Declared},
    },
};
use liuyan_proto::{event::EVENTS, topology};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{
    args::Output,
    error::Error,
    output, serve,
    services::{Configured, Name},
};

/// As whom the command connects where no service's own user is configured; its answers come to
/// `_INBOX_declarer.>`.
const DECLARER: &str = "declarer";
/// The pause before the bus is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// What to do with streams.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Makes streams and consumers what they are to be; says what it made and changed.
    #[command(
        after_help = "Settings are [nats] of the services: the size, age and copies of each stream. The user needs the\nrights of `declarer` in deploy/nats. It may be run again at any time, and is after the bus was lost.\nServices with nats.declare = false declare nothing and refuse to start on what differs.\n\nExamples:\n  liuyan streams declare --config declarer.toml\n  liuyan streams declare intake --check --output json\n\nExit codes: 0 all is as declared, 1 with --check something differs or is missing, or the bus refused,\n2 wrong usage, 3 the bus does not answer."
    )]
    Declare(Options),
}

/// What to declare.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The services whose streams and consumers to declare; without one, all of them.
    #[arg(value_enum)]
    services: Vec<Name>,
    /// A file with their configuration.
    #[arg(long, env = "LIUYAN_CONFIG")]
    config: Option<PathBuf>,
    /// Change nothing; say what differs, and exit 1 if anything does.
    #[arg(long)]
    check: bool,
    /// How many seconds to wait for the bus.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    wait: u64,
}

/// What became of one stream or consumer.
#[derive(Debug, Serialize)]
struct Row {
    /// `INTAKE`, or `INTAKE/stats` for a consumer.
    name: String,
    /// `same`, `made`, `changed`, `without a stream` to hear; with `--check`, `missing`, `different`.
    state: &'static str,
    /// What differed: `max_age is 3s, not 5s`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<String>,
}

impl Row {
    fn of(name: String, declared: Declared, check: bool) -> Self {
        let either = |checked, done| if check { checked } else { done };
        let (state, differences) = match declared {
            Declared::Same => ("same", Vec::new()),
            Declared::Missing => (either("missing", "made"), Vec::new()),
            Declared::Different(differences) => (
                either("different", "changed"),
                differences.iter().map(ToString::to_string).collect(),
            ),
        };
        Self { name, state, differences }
    }
}

/// Runs the command.
pub(crate) async fn run(command: Command, output: Output) -> Result<(), Error> {
    let Command::Declare(mut options) = command;
    if options.services.is_empty() {
        options.services = Name::ALL.to_vec();
    }
    let sources = Sources::of_machine(options.config.clone());
    let _process = serve::process_of(&options.services, &sources)?;
    let end = Instant::now() + Duration::from_secs(options.wait);
    let mut rows = Vec::new();
    // Streams first: a consumer needs one.
    let mut buses = Vec::new();
    for service in options.services {
        let Configured { nats, .. } = service.configured(&sources)?;
        let name = service.text();
        let (says, hears) = (says(name), topology::card(name).map_or(&[][..], |card| card.hears));
        if says || !hears.is_empty() {
            let bus = connect(&nats, name, end).await?;
            if says {
                let declared = answer(end, || bus.declare_stream(name, options.check)).await?;
                rows.push(Row::of(name.to_uppercase(), declared, options.check));
            }
            buses.push((name, hears, bus));
        }
    }
    for (name, hears, bus) in buses {
        for source in hears {
            let row = |declared| {
                Row::of(format!("{}/{name}", source.to_uppercase()), declared, options.check)
            };
            let declared = answer(end, || bus.declare_consumer(source, name, options.check)).await;
            rows.push(match declared {
                // Its source is not among those that were to be declared.
                Err(Refusal(bus::Error::NoStream(_))) => {
                    Row { state: "without a stream", ..row(Declared::Same) }
                }
                declared => row(declared?),
            });
        }
    }
    output::rows(output, &["stream or consumer", "state", "differs"], &rows, |row| {
        vec![row.name.clone(), row.state.to_owned(), row.differences.join("\n")]
    });
    let wrong = |row: &&Row| match row.state {
        "missing" | "different" => true,
        "without a stream" => options.check,
        _ => false,
    };
    let wrong = rows.iter().filter(wrong).count();
    match wrong {
        0 => Ok(()),
        _ => Err(Error::Check(format!("{wrong} streams and consumers are not as declared"))),
    }
}

/// Whether a service says any event.
fn says(service: &str) -> bool {
    EVENTS.iter().any(|event| event.source == service)
}

async fn connect(settings: &Nats, service: &'static str, end: Instant) -> Result<Bus, Error> {
    if settings.url.is_empty() {
        return Err(Error::Usage(format!("`nats.url` of {service} is not set")));
    }
    let user = if settings.user == service { service } else { DECLARER };
    let bus = Bus::connect(settings, user)
        .await
        .map_err(|error| Error::Usage(format!("the bus of {service}: {error}")))?;
    while !bus.connected() {
        if Instant::now() > end {
            return Err(Error::Unreachable(format!("the bus of {service} lets nobody in")));
        }
        sleep(PAUSE).await;
    }
    Ok(bus)
}

/// What the bus said in the end.
struct Refusal(bus::Error);

impl From<Refusal> for Error {
    fn from(Refusal(error): Refusal) -> Self {
        match error {
            bus::Error::Away(_) => Self::Unreachable(format!(
                "{error}; it does not answer, or does not let this user ask"
            )),
            error => Self::Check(error.to_string()),
        }
    }
}

/// Asks until the bus answers, which it does not while it elects a leader.
async fn answer<F>(end: Instant, mut ask: impl FnMut() -> F) -> Result<Declared, Refusal>
where
    F: Future<Output = Result<Declared, bus::Error>>,
{
    loop {
        match ask().await {
            Err(bus::Error::Away(_)) if Instant::now() < end => sleep(PAUSE).await,
            answer => return answer.map_err(Refusal),
        }
    }
}
