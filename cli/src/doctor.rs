//! `liuyan doctor`: what is wrong around the services, said so that somebody can mend it.
//!
//! It looks at what services stand on and changes nothing; whether the services themselves kept their
//! promises, `liuyan verify` tells.

mod bus;
mod database;
mod machine;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures::StreamExt as _;
use liuyan_kit::{
    config::Sources,
    objects::{self, Objects},
};
use serde::Serialize;
use tokio::{net::TcpStream, time::timeout};
use toml::{Table, Value};

use crate::{
    args::Output,
    board::Board,
    error::Error,
    keys, output,
    services::{Configured, Name, objects_folder},
    status,
};

/// How long anything may take to answer.
const ANSWER: Duration = Duration::from_secs(3);

/// What to examine.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The services whose configuration to examine; without one, the board that runs here.
    #[arg(value_enum)]
    services: Vec<Name>,
    /// A file with their configuration.
    #[arg(long, env = "LIUYAN_CONFIG", requires = "services")]
    config: Option<PathBuf>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// It works, and somebody should look.
    Warning,
    /// It does not work.
    Failed,
}

impl State {
    fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// What was found of one thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    /// The service, or `machine`.
    pub(crate) place: String,
    /// What was looked at.
    pub(crate) check: &'static str,
    /// How it is.
    pub(crate) state: State,
    /// What was seen.
    pub(crate) detail: String,
    /// What to do, where something is to be done.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) advice: &'static str,
}

/// Gathers what is found in one place.
#[derive(Debug)]
struct Findings<'a> {
    place: &'a str,
    found: Vec<Finding>,
}

impl<'a> Findings<'a> {
    fn of(place: &'a str) -> Self {
        Self { place, found: Vec::new() }
    }

    fn add(
        &mut self,
        check: &'static str,
        state: State,
        detail: impl Into<String>,
        advice: &'static str,
    ) {
        let (place, detail) = (self.place.to_owned(), detail.into());
        let advice = if state == State::Ok { "" } else { advice };
        self.found.push(Finding { place, check, state, detail, advice });
    }
}

/// A service and what is known of its surroundings.
#[derive(Debug)]
pub(crate) struct Place {
    /// The service.
    pub(crate) name: Name,
    /// Its configuration, or what is wrong with it.
    pub(crate) configured: Result<Configured, String>,
    /// Where it tells how it is, if it runs here.
    pub(crate) management: Option<String>,
}

/// What there is to examine.
#[derive(Debug)]
pub(crate) struct Scene {
    /// The services.
    pub(crate) places: Vec<Place>,
    /// The board that runs here, unless services were named.
    pub(crate) board: Option<Board>,
}

impl Scene {
    /// The named services as their configuration has them; without one, the board in `dir`.
    pub(crate) fn set(
        dir: &Path,
        services: &[Name],
        config: Option<&PathBuf>,
    ) -> Result<Self, Error> {
        if services.is_empty() {
            let board = Board::find(dir)?;
            let places = Name::ALL.iter().map(|name| of_board(&board, *name)).collect();
            return Ok(Self { places, board: Some(board) });
        }
        let sources = Sources::of_machine(config.cloned());
        let place = |name: &Name| Place {
            name: *name,
            configured: name.configured(&sources).map_err(|error| error.to_string()),
            management: None,
        };
        Ok(Self { places: services.iter().map(place).collect(), board: None })
    }

    /// Everything that is found, the machine first.
    pub(crate) async fn examine(&self) -> Vec<Finding> {
        let mut found = machine::examine(self.board.as_ref().map(|board| board.data_dir.as_path()));
        for place in &self.places {
            found.extend(examine(place).await);
        }
        found
    }
}

/// A service of a board that runs here, by what the board says of itself.
fn of_board(board: &Board, name: Name) -> Place {
    let service = name.text();
    let text = |text: &str| Value::String(text.to_owned());
    let section =
        |key: &str, value: Value| Value::Table(Table::from_iter([(key.to_owned(), value)]));
    let mut overrides = Table::new();
    if let Some(url) = board.postgres.get(service) {
        overrides.insert("database".to_owned(), section("url", text(url)));
    }
    overrides.insert("nats".to_owned(), section("url", text(&board.nats)));
    let folder = objects_folder(&board.data_dir).display().to_string();
    overrides.insert("objects".to_owned(), section("folder", text(&folder)));
    let key = keys::private_file(&board.data_dir, service).display().to_string();
    overrides.insert("auth".to_owned(), section("key_file", text(&key)));
    let peers = board.grpc.iter().map(|(peer, at)| (peer.clone(), text(&format!("http://{at}"))));
    overrides.insert("peers".to_owned(), Value::Table(peers.collect()));
    let sources = Sources { overrides, ..Sources::of_machine(None) };
    Place {
        name,
        configured: name.configured(&sources).map_err(|error| error.to_string()),
        management: board.management.get(service).cloned(),
    }
}

async fn examine(place: &Place) -> Vec<Finding> {
    let name = place.name.text();
    let mut findings = Findings::of(name);
    let configured = match &place.configured {
        Ok(configured) => configured,
        Err(error) => {
            let advice = "Mend the key that is named; `liuyan serve` refuses it, too.";
            findings.add("configuration", State::Failed, error, advice);
            return findings.found;
        }
    };
    findings.add("configuration", State::Ok, "can be read", "");
    keys_of(&mut findings, configured);
    if place.name.keeps() {
        database::examine(&mut findings, place.name, configured).await;
        bus::examine(&mut findings, place.name, configured).await;
    }
    objects(&mut findings, configured).await;
    for (peer, address) in &configured.peers {
        if liuyan_proto::topology::card(name)
            .is_some_and(|card| card.calls.contains(&peer.as_str()))
        {
            self::peer(&mut findings, peer, address).await;
        }
    }
    if let Some(management) = &place.management {
        match status::readiness(management).await {
            Ok(readiness) if readiness.ready => {
                findings.add("readiness", State::Ok, "ready", "");
            }
            Ok(readiness) => {
                let advice = "What is named is missing; the service goes on when it is there.";
                findings.add("readiness", State::Failed, readiness.waits_for(), advice);
            }
            Err(error) => {
                let advice = "The service is down or hangs: look at the end of its log.";
                findings.add("readiness", State::Failed, error, advice);
            }
        }
    }
    findings.found
}

fn keys_of(findings: &mut Findings<'_>, configured: &Configured) {
    let auth = &configured.auth;
    if auth.key.is_empty() {
        let advice = "Set auth.key_file: without it the service makes a key at each start, and others refuse its calls.";
        findings.add("key", State::Warning, "no private key is set", advice);
    }
    if auth.issuers.is_empty() {
        return;
    }
    let unread: Vec<String> = auth
        .issuers
        .iter()
        .filter_map(|issuer| issuer.public_key_file.as_ref())
        .filter(|file| std::fs::read(file).is_err())
        .map(|file| file.display().to_string())
        .collect();
    if unread.is_empty() {
        let detail = format!("{} issuers are believed", auth.issuers.len());
        findings.add("issuers", State::Ok, detail, "");
    } else {
        let detail = format!("cannot be read: {}", unread.join(", "));
        findings.add("issuers", State::Failed, detail, "Mount the public keys that are missing.");
    }
}

async fn objects(findings: &mut Findings<'_>, configured: &Configured) {
    if !configured.objects.is_set() {
        return;
    }
    let first = async {
        let room = Objects::open(&configured.objects, findings.place)?;
        let listed = room.list("")?;
        match std::pin::pin!(listed).next().await {
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Ok::<(), objects::Error>(()),
        }
    };
    let advice = "Look at [objects]: address, bucket, keys, or the folder's rights.";
    match timeout(ANSWER, first).await {
        Ok(Ok(())) => findings.add("objects", State::Ok, "can be listed", ""),
        Ok(Err(error)) => findings.add("objects", State::Failed, chain(&error), advice),
        Err(_) => findings.add("objects", State::Failed, "no answer", advice),
    }
}

async fn peer(findings: &mut Findings<'_>, peer: &str, address: &str) {
    let advice =
        "Look whether it runs, at its address under [peers], and at what lets calls through.";
    let target = url::Url::parse(address)
        .ok()
        .and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)));
    let Some((host, port)) = target else {
        findings.add("peer", State::Failed, format!("{peer}: {address} is no address"), advice);
        return;
    };
    match timeout(ANSWER, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => findings.add("peer", State::Ok, format!("{peer} answers"), ""),
        Ok(Err(error)) => findings.add("peer", State::Failed, format!("{peer}: {error}"), advice),
        Err(_) => findings.add("peer", State::Failed, format!("{peer}: no answer"), advice),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Runs the command; fails if anything failed.
pub(crate) async fn run(dir: &Path, options: &Options, output: Output) -> Result<(), Error> {
    let scene = Scene::set(dir, &options.services, options.config.as_ref())?;
    let found = scene.examine().await;
    output::rows(output, &["where", "what", "state", "seen", "to do"], &found, |finding| {
        vec![
            finding.place.clone(),
            finding.check.to_owned(),
            finding.state.text().to_owned(),
            finding.detail.clone(),
            finding.advice.to_owned(),
        ]
    });
    match found.iter().filter(|finding| finding.state == State::Failed).count() {
        0 => Ok(()),
        failed => Err(Error::Check(format!("{failed} of {} checks failed", found.len()))),
    }
}
