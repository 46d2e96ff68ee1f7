//! `liuyan up`: the whole board on this machine.

mod databases;
mod progress;

use std::{
    collections::{BTreeMap, VecDeque},
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use liuyan_kit::{config::Telemetry, host::Process, service::Running};
use liuyan_local::{Options as LocalOptions, Servers};
use progress::Progress;
use tokio::time::{Instant, sleep};

use crate::{
    args::Output,
    board::Board,
    error::Error,
    keys, output, samples, serve,
    services::{Layout, Name},
    smoke, verify,
};

/// How long the services may take until they are ready.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// What is logged unless `LIUYAN_LOG` says otherwise: conditions that do not hold are told by name
/// if the board does not become ready.
const QUIET: &str = "warn,liuyan_kit::host::readiness=error,sqlx=error";
/// How often a server that ended by itself is started again within this time.
const REVIVALS: usize = 3;
const REVIVAL_WINDOW: Duration = Duration::from_secs(600);
/// The port of the pages, if nobody says.
const HTTP_PORT: u16 = 8080;
/// How often that is looked at.
const READY_POLL: Duration = Duration::from_millis(100);

/// How to run the board.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Walk one message through its whole life, then stop.
    #[arg(long)]
    smoke: bool,
    /// The port of the pages; 0 takes a free one, as does a port that is taken.
    #[arg(long, default_value_t = HTTP_PORT, value_name = "N")]
    http_port: u16,
    /// Start without the sample messages. The made-up province and the people to sign in as stay.
    #[arg(long)]
    no_samples: bool,
    /// Also write the configuration of each service into this folder, as NAME.toml, so that `liuyan
    /// serve NAME --config` runs it in a process of its own. The files hold passwords.
    #[arg(long, value_name = "DIR")]
    write_config: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { smoke: false, http_port: HTTP_PORT, no_samples: false, write_config: None }
    }
}

/// The servers below the services: our own, or somebody else's.
enum Ground {
    Own(Box<Servers>),
    Given { postgres: String, nats: String },
}

impl Ground {
    fn postgres(&self) -> &str {
        match self {
            Self::Own(servers) => servers.postgres_url(),
            Self::Given { postgres, .. } => postgres,
        }
    }

    fn nats(&self) -> &str {
        match self {
            Self::Own(servers) => servers.nats_url(),
            Self::Given { nats, .. } => nats,
        }
    }

    fn processes(&self) -> BTreeMap<String, u32> {
        match self {
            Self::Own(servers) => [
                ("postgres".to_owned(), servers.postgres_pid()),
                ("nats".to_owned(), servers.nats_pid()),
            ]
            .into(),
            Self::Given { .. } => BTreeMap::new(),
        }
    }

    /// Waits until a server ends by itself and starts it again, where it was. Gives an error if it cannot be
    /// started, or has ended too often.
    async fn revived(&mut self, ends: &mut VecDeque<Instant>) -> Result<(), Error> {
        let Self::Own(servers) = self else { return std::future::pending().await };
        let why = servers.ended().await;
        ends.retain(|end| end.elapsed() < REVIVAL_WINDOW);
        if ends.len() >= REVIVALS {
            return Err(Error::Unreachable(format!(
                "{why}; it was started again {REVIVALS} times within {} minutes, and the board ends",
                REVIVAL_WINDOW.as_secs() / 60
            )));
        }
        ends.push_back(Instant::now());
        tracing::warn!(attempt = ends.len(), "{why}; it is started again");
        servers.revive(&|_| {}).await.map_err(|error| {
            Error::Unreachable(format!("{why}; it could not be started again: {error}"))
        })?;
        tracing::warn!("the server is back");
        Ok(())
    }

    async fn stop(self) -> Result<(), Error> {
        match self {
            Self::Own(servers) => {
                servers.stop().await.map_err(Error::other("the servers did not stop"))
            }
            Self::Given { .. } => Ok(()),
        }
    }
}

/// Runs the board in `dir` until it is told to stop.
pub(crate) async fn run(dir: &Path, options: Options, output: Output) -> Result<(), Error> {
    let quiet = Telemetry { filter: QUIET.to_owned(), ..Telemetry::default() };
    let process = serve::process(&quiet)?;
    let mut signals = serve::Signals::new()?;
    let progress = Progress::new(output);
    fs::create_dir_all(dir).map_err(|error| {
        Error::Usage(format!(
            "the folder {} cannot be made ({error}); name another one with --data-dir",
            dir.display()
        ))
    })?;
    let dir = std::path::absolute(dir).map_err(Error::other("the board's folder"))?;
    // What an earlier run left behind describes a board that is gone.
    let ground = tokio::select! {
        ground = ground(&dir, &progress) => ground?,
        () = signals.received() => return Ok(()),
    };
    let board = tokio::select! {
        board = assemble(&dir, &ground, &process, &options, &progress) => board,
        () = signals.received() => Err(Error::Check("stopped before the board was ready".to_owned())),
    };
    let (mut board, running) = match board {
        Ok(board) => board,
        Err(error) => {
            progress.done();
            ground.stop().await?;
            return Err(error);
        }
    };
    progress.done();
    let result = live(&mut board, ground, &mut signals, options, output).await;
    let (ground, result) = result;
    if output == Output::Text {
        output::line("stopping …");
    }
    serve::stop(running).await;
    Board::withdraw(&dir);
    ground.stop().await?;
    result
}

/// From the moment the board is ready to the moment it is told to stop.
async fn live(
    board: &mut Board,
    mut ground: Ground,
    signals: &mut serve::Signals,
    options: Options,
    output: Output,
) -> (Ground, Result<(), Error>) {
    let mut ends = VecDeque::new();
    if options.smoke {
        let result = tokio::select! {
            result = smoke::run(board, output) => result,
            () = signals.received() => Err(Error::Check("stopped during the smoke test".to_owned())),
            error = until_lost(&mut ground, &mut ends) => Err(error),
        };
        return (ground, result);
    }
    tell(board, output);
    loop {
        let revived = tokio::select! {
            () = signals.received() => return (ground, Ok(())),
            revived = ground.revived(&mut ends) => revived,
        };
        board.processes = ground.processes();
        if let Err(error) = revived.and_then(|()| board.announce()) {
            return (ground, Err(error));
        }
    }
}

/// Starts servers that end again, until one cannot be.
async fn until_lost(ground: &mut Ground, ends: &mut VecDeque<Instant>) -> Error {
    loop {
        if let Err(error) = ground.revived(ends).await {
            return error;
        }
    }
}

/// Finds or starts Postgres and nats-server.
async fn ground(dir: &Path, progress: &Progress) -> Result<Ground, Error> {
    let given = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    match (given("LIUYAN_POSTGRES_URL"), given("LIUYAN_NATS_URL")) {
        (Some(postgres), Some(nats)) => Ok(Ground::Given { postgres, nats }),
        (None, None) => {
            let servers = liuyan_local::start(LocalOptions::new(dir), &|step| {
                progress.say(&step.to_string());
            })
            .await
            .map_err(|error| Error::Unreachable(error.to_string()))?;
            Ok(Ground::Own(Box::new(servers)))
        }
        _ => Err(Error::Usage(
            "set both LIUYAN_POSTGRES_URL and LIUYAN_NATS_URL, or neither".to_owned(),
        )),
    }
}

/// Starts the services on their ground.
async fn assemble(
    dir: &Path,
    ground: &Ground,
    process: &Process,
    options: &Options,
    progress: &Progress,
) -> Result<(Board, Vec<Running>), Error> {
    let mut issuers = Name::ALL.map(Name::text).to_vec();
    let names: Vec<&'static str> =
        Name::ALL.into_iter().filter(|name| name.keeps()).map(Name::text).collect();
    issuers.push(keys::OPERATOR);
    keys::ensure(dir, &issuers)?;
    progress.say("Preparing the databases");
    let databases = databases::ensure(ground.postgres(), dir, &names).await?;
    let grpc = addresses(&names, process)?;
    let http = http_address(options.http_port, progress)?;
    let layout =
        Layout { data_dir: dir, grpc: &grpc, databases: &databases, nats: ground.nats(), http };
    if let Some(folder) = &options.write_config {
        layout.write(folder)?;
    }
    let mut running = Vec::new();
    let mut management = BTreeMap::new();
    for name in Name::ALL {
        progress.say(&format!("Starting {}", name.text()));
        match name.start(&layout.sources(name), process).await {
            Ok(started) => {
                management.insert(name.text().to_owned(), started.management.to_string());
                running.push(started);
            }
            Err(error) => {
                serve::stop(running).await;
                return Err(error);
            }
        }
    }
    let mut board = Board {
        http: format!("http://{http}"),
        grpc: grpc.iter().map(|(name, at)| ((*name).to_owned(), at.to_string())).collect(),
        management,
        postgres: databases.into_iter().map(|(name, url)| (name.to_owned(), url)).collect(),
        nats: ground.nats().to_owned(),
        tls: None,
        objects: None,
        data_dir: dir.to_owned(),
        accounts: Vec::new(),
        agency: None,
        processes: ground.processes(),
    };
    progress.say("Waiting until every service is ready");
    match furnish(&mut board, options, progress).await {
        Ok(()) => Ok((board, running)),
        Err(error) => {
            serve::stop(running).await;
            Err(error)
        }
    }
}

/// Waits until the services are ready, sees to it that somebody lives there, and says so.
async fn furnish(board: &mut Board, options: &Options, progress: &Progress) -> Result<(), Error> {
    ready(board).await?;
    if !options.smoke {
        progress.say("Adding people to sign in as");
        (board.accounts, board.agency) = samples::people(board).await?;
    }
    if !options.smoke && !options.no_samples {
        progress.say("Loading sample messages");
        samples::messages(board, &|step| progress.say(step)).await?;
    }
    board.announce()
}

/// Where the pages will be: at the port wished for, or at a free one.
fn http_address(port: u16, progress: &Progress) -> Result<SocketAddr, Error> {
    let free = |port| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.local_addr()
    };
    match free(port) {
        Ok(address) => Ok(address),
        Err(error) => {
            let address = free(0).map_err(Error::other("no port is free"))?;
            progress.note(&format!(
                "port {port} is not to be had ({error}); the pages are at port {}",
                address.port()
            ));
            Ok(address)
        }
    }
}

/// Ports for the services, taken before the first one starts, since each must know the others'.
fn addresses(
    names: &[&'static str],
    process: &Process,
) -> Result<BTreeMap<&'static str, SocketAddr>, Error> {
    let mut addresses = BTreeMap::new();
    for name in names {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let address = process.reserve(name, any).map_err(Error::other("no port is free"))?;
        addresses.insert(*name, address);
    }
    Ok(addresses)
}

/// Waits until every service says that it is ready.
async fn ready(board: &Board) -> Result<(), Error> {
    let until = Instant::now() + READY_LIMIT;
    loop {
        let waiting = not_ready(board).await;
        if waiting.is_empty() {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(Error::Unreachable(format!(
                "not ready after {} seconds: {}",
                READY_LIMIT.as_secs(),
                waiting.join("; ")
            )));
        }
        sleep(READY_POLL).await;
    }
}

async fn not_ready(board: &Board) -> Vec<String> {
    let mut waiting = Vec::new();
    for (service, address) in &board.management {
        match crate::status::readiness(address).await {
            Ok(readiness) if readiness.at_rest() => {}
            Ok(readiness) => waiting.push(format!("{service} ({})", readiness.waits_for())),
            Err(error) => waiting.push(format!("{service} ({error})")),
        }
    }
    if waiting.is_empty() && !directory_has_arrived(board).await.unwrap_or(false) {
        waiting.push("intake (the directory)".to_owned());
    }
    waiting
}

/// Whether intake knows every office and every list: only then it takes messages for all of them.
async fn directory_has_arrived(board: &Board) -> Result<bool, Error> {
    let (routing, intake) = (board.database("routing").await?, board.database("intake").await?);
    let offices = "select count(*) from offices";
    let said = verify::number(&routing, offices).await?;
    let heard = verify::number(&intake, offices).await?;
    let lists = verify::number(&intake, "select count(*) from code_lists").await?;
    Ok(said > 0 && said == heard && lists == 2)
}

/// Prints where to look.
fn tell(board: &Board, output: Output) {
    if output == Output::Json {
        output::json(board);
        return;
    }
    output::line("The board runs.\n");
    output::line(format_args!("  pages        {}\n", board.http));
    for account in &board.accounts {
        output::line(format_args!(
            "  sign in as   {:<12} password {}",
            account.name, account.password
        ));
    }
    if let Some(agency) = &board.agency {
        output::line(format_args!(
            "  agency       {:<12} secret   {}",
            agency.client_id, agency.client_secret
        ));
    }
    output::line("");
    for (service, address) in &board.grpc {
        output::line(format_args!("  {service:<12} grpc   {address}"));
    }
    for (service, address) in &board.management {
        output::line(format_args!("  {service:<12} health http://{address}/readyz"));
    }
    output::line(format_args!("\n  data         {}", board.data_dir.display()));
    output::line(
        "\nTry, in another terminal:\n  liuyan status\n  liuyan feed watch\n  liuyan verify\n\nCtrl-C stops it; the next start finds everything again.",
    );
}
