//! A service: what each one says of itself, and the program that is made of it.

use std::{
    ffi::OsString,
    fmt::Debug,
    future::Future,
    io::{IsTerminal as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::migrate::Migrator;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Settings, Sources},
    host::{self, Host, Process, Readiness},
    management,
};

/// How long the own process has to say whether it is ready.
const HEALTH_LIMIT: Duration = Duration::from_secs(2);

/// A service of the house.
pub trait Service: Send + Sync + 'static {
    /// Its name, as in `proto/topology.toml`.
    const NAME: &'static str;
    /// Its `config.toml`: every key of its own in a table `[service]`, and kit's keys where it
    /// wants other defaults.
    const DEFAULTS: &'static str;
    /// The table `[service]`. Refuse unknown keys: `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned + Serialize + Clone + Debug + Send + Sync + 'static;

    /// Its migrations, if it has a database.
    fn migrator() -> Option<&'static Migrator>;

    /// Wires the service together and returns; its tasks run on.
    fn start(config: Self::Config, host: Host) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// A service that runs.
#[derive(Debug)]
pub struct Running {
    /// The service's name.
    pub name: &'static str,
    /// Where it serves gRPC; unspecified for a service that serves none.
    pub grpc: SocketAddr,
    /// Where it tells how it is.
    pub management: SocketAddr,
    host: Host,
    managed: CancellationToken,
}

impl Running {
    /// Its conditions.
    pub fn readiness(&self) -> Readiness {
        self.host.readiness()
    }

    /// Ends the service in order, within its limits.
    pub async fn shutdown(self) {
        self.host.end().await;
        self.managed.cancel();
    }
}

/// Starts a service in this process. Several may run side by side.
///
/// # Errors
/// If it cannot be started; nothing of it goes on then.
pub async fn run<S: Service>(
    settings: Settings<S::Config>,
    process: &Process,
) -> anyhow::Result<Running> {
    let (config, settings) = settings.split();
    let listener = TcpListener::bind(settings.management.address)
        .await
        .with_context(|| format!("{} cannot listen on {}", S::NAME, settings.management.address))?;
    let management = listener.local_addr()?;
    let host = Host::new(S::NAME, settings, process)?;
    host.keep();
    let managed = CancellationToken::new();
    tokio::spawn(management::serve(listener, host.readiness(), managed.clone()));
    let started = S::start(config, host.clone()).await;
    match (started, host.grpc_address()) {
        (Ok(()), grpc) => {
            host.readiness().set("started", Ok(()));
            let grpc = grpc.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
            Ok(Running { name: S::NAME, grpc, management, host, managed })
        }
        (Err(error), _) => {
            host.end().await;
            managed.cancel();
            Err(error.context(format!("{} cannot start", S::NAME)))
        }
    }
}

/// Brings a service's database up to date.
///
/// # Errors
/// If it cannot be reached or migrated.
pub async fn migrate<S: Service>(settings: &Settings<S::Config>) -> anyhow::Result<()> {
    let db = host::connect(S::NAME, &settings.database).await?;
    let migrated = db.migrate(S::migrator()).await;
    db.close().await;
    Ok(migrated?)
}

#[derive(Debug, Parser)]
#[command(version, about = "A service of the board")]
struct Arguments {
    /// A file of configuration
    #[arg(long, global = true, env = "LIUYAN_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Default, Subcommand)]
enum Command {
    /// Serve until told to stop (the default)
    #[default]
    Serve,
    /// Bring the database up to date
    Migrate,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask the running service whether it is ready
    Health,
}

#[derive(Debug, Clone, Subcommand)]
enum ConfigCommand {
    /// Say whether it can be read
    Check,
    /// Show it, without secrets
    Print,
}

/// The whole program of a service: `serve`, `migrate`, `config check`, `config print`, `health`.
/// Gives 0 when done, 1 when something failed, 2 for wrong usage or configuration, 3 when the
/// service cannot be reached.
pub fn main<S: Service>() -> ExitCode {
    main_with::<S>(std::env::args_os())
}

/// The same with other arguments than the process's; the first is the program's name.
pub fn main_with<S: Service>(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are told as errors, too, that are none.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let sources = Sources::of_machine(arguments.config);
    let settings = match Settings::<S::Config>::load(S::NAME, S::DEFAULTS, &sources) {
        Ok(settings) => settings,
        Err(error) => return fail(2, &error.into()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &error.into()),
    };
    let done = match arguments.command.unwrap_or_default() {
        Command::Serve => runtime.block_on(serve::<S>(settings)),
        Command::Migrate => runtime.block_on(async {
            let _process = Process::start(&settings.telemetry, S::NAME)?;
            migrate::<S>(&settings).await
        }),
        Command::Config(ConfigCommand::Check) => say("the configuration can be read\n"),
        Command::Config(ConfigCommand::Print) => match settings.print() {
            Ok(text) => say(&text),
            Err(error) => Err(error.into()),
        },
        Command::Health => return runtime.block_on(health(settings.management.address)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error),
    }
}

async fn serve<S: Service>(settings: Settings<S::Config>) -> anyhow::Result<()> {
    let process = Process::start(&settings.telemetry, S::NAME)?;
    // Asked for before anything starts, so that no signal is missed.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = tokio::select! {
        running = run::<S>(settings, &process) => running?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM"),
        _ = interrupt.recv() => tracing::info!("SIGINT"),
    }
    tokio::select! {
        () = running.shutdown() => Ok(()),
        // Who asks twice does not want to wait.
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// Asks `/readyz`; for probes in containers without any other program.
async fn health(address: SocketAddr) -> ExitCode {
    let ask = async {
        let mut stream = TcpStream::connect(reachable(address)).await?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = match timeout(HEALTH_LIMIT, ask).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return fail(3, &error.into()),
        Err(_) => return fail(3, &anyhow::anyhow!("no answer from {address}")),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let ready = head.split(' ').nth(1) == Some("200");
    match say(&format!("{body}\n")) {
        Ok(()) if ready => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(1),
        Err(error) => fail(1, &error),
    }
}

/// A service that listens on all addresses is asked on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        _ => address,
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

fn fail(code: u8, error: &anyhow::Error) -> ExitCode {
    let mut stderr = std::io::stderr().lock();
    let mark = if stderr.is_terminal() { "\u{1b}[1;31merror:\u{1b}[0m" } else { "error:" };
    // There is nobody left to tell if this fails, too.
    let _ = writeln!(stderr, "{mark} {error:#}");
    ExitCode::from(code)
}

impl<C> Settings<C> {
    /// The service's own part, and kit's.
    fn split(self) -> (C, Settings<()>) {
        let Self {
            grpc,
            management,
            host,
            database,
            nats,
            objects,
            auth,
            telemetry,
            peers,
            messaging,
            service,
        } = self;
        let rest = Settings {
            grpc,
            management,
            host,
            database,
            nats,
            objects,
            auth,
            telemetry,
            peers,
            messaging,
            service: (),
        };
        (service, rest)
    }
}
