//! Several services in one process, on real Postgres and NATS, over real gRPC.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use futures::future::BoxFuture;
use liuyan_local::testing::OwnNats;
use tempfile::TempDir;
use toml::{Table, Value};

use super::{TestDb, channel, channel_as, database, issuer, telemetry};
use crate::{
    auth,
    clock::{SharedClock, SystemClock},
    config::{Settings, Sources},
    grpc::Channel,
    host::Process,
    service::{self, Running, Service},
};

type Start = Box<
    dyn for<'p> FnOnce(
            Table,
            &'p Process,
        ) -> BoxFuture<'p, anyhow::Result<(Running, Option<TestDb>)>>
        + Send
        + Sync,
>;

/// A board under test: first what it is made of, then, after [`Board::start`], what runs.
///
/// Each service has a fresh database; all share a nats-server of their own, and a folder for objects. Every service knows
/// the others, and accepts the tokens of the others and of [`super::token`].
pub struct Board {
    planned: Vec<(&'static str, Table, Start)>,
    peers: Table,
    clock: SharedClock,
    bus: bool,
    nats: Option<OwnNats>,
    objects: TempDir,
    running: HashMap<&'static str, (Running, Option<TestDb>)>,
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Board").field("running", &self.running.keys()).finish_non_exhaustive()
    }
}

impl Default for Board {
    fn default() -> Self {
        Self {
            planned: Vec::new(),
            peers: Table::new(),
            clock: Arc::new(SystemClock),
            bus: true,
            nats: None,
            objects: tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}")),
            running: HashMap::new(),
        }
    }
}

impl Board {
    /// A board of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service.
    #[must_use]
    pub fn with<S: Service>(self) -> Self {
        self.with_settings::<S>(Table::new())
    }

    /// Adds a service with other settings than its defaults.
    #[must_use]
    pub fn with_settings<S: Service>(mut self, settings: Table) -> Self {
        let start: Start = Box::new(|settings, process| Box::pin(start::<S>(settings, process)));
        self.planned.push((S::NAME, settings, start));
        self
    }

    /// Puts a stub in the place of a service; see [`super::stub`].
    #[must_use]
    pub fn with_stub(mut self, name: &str, address: SocketAddr) -> Self {
        self.peers.insert(name.to_owned(), format!("http://{address}").into());
        self
    }

    /// Lets the services go by another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Goes without a nats-server: what is said stays in the outboxes.
    #[must_use]
    pub fn without_bus(mut self) -> Self {
        self.bus = false;
        self
    }

    /// Starts everything.
    ///
    /// # Panics
    /// If something does not start.
    pub async fn start(mut self) -> Self {
        telemetry();
        let process = Process::quiet(Arc::clone(&self.clock));
        let nats_url = if self.bus {
            let nats = Box::pin(liuyan_local::testing::nats()).await;
            self.nats.insert(nats).url().to_owned()
        } else {
            // Nobody listens on this port; the services go on trying.
            "nats://127.0.0.1:9".to_owned()
        };
        let mut issuers = vec![Value::try_from(issuer()).unwrap_or_else(|error| panic!("{error}"))];
        let mut keys = HashMap::new();
        for (name, ..) in &self.planned {
            let address = process
                .reserve(name, SocketAddr::from(([127, 0, 0, 1], 0)))
                .unwrap_or_else(|error| panic!("{name} gets no port: {error}"));
            self.peers.insert((*name).to_owned(), format!("http://{address}").into());
            let (private, public) = auth::generate_key().unwrap_or_else(|error| panic!("{error}"));
            let scopes = vec![Value::from("*")];
            issuers.push(Value::Table(Table::from_iter([
                ("name".to_owned(), Value::from(*name)),
                ("public_key".to_owned(), Value::from(public)),
                ("scopes".to_owned(), Value::from(scopes)),
            ])));
            keys.insert(*name, private);
        }
        for (name, own, start) in std::mem::take(&mut self.planned) {
            let mut settings = toml::toml! {
                [host]
                drain_ms = 5000
                [messaging]
                retry_ms = 20
                retry_max_ms = 200
            };
            set(&mut settings, "nats", "url", nats_url.clone());
            set(&mut settings, "objects", "folder", self.objects.path().display().to_string());
            set(&mut settings, "auth", "key", keys[name].clone());
            set(&mut settings, "auth", "issuers", issuers.clone());
            settings.insert("peers".to_owned(), self.peers.clone().into());
            merge(&mut settings, own);
            let running = start(settings, &process)
                .await
                .unwrap_or_else(|error| panic!("{name} did not start: {error:?}"));
            self.running.insert(name, running);
        }
        self
    }

    fn service(&self, name: &str) -> &(Running, Option<TestDb>) {
        self.running.get(name).unwrap_or_else(|| panic!("{name} does not run on this board"))
    }

    /// Where a service serves gRPC.
    pub fn grpc(&self, name: &str) -> SocketAddr {
        self.service(name).0.grpc
    }

    /// Where a service tells how it is.
    pub fn management(&self, name: &str) -> SocketAddr {
        self.service(name).0.management
    }

    /// A service that runs.
    pub fn running(&self, name: &str) -> &Running {
        &self.service(name).0
    }

    /// A service's database.
    ///
    /// # Panics
    /// If it has none.
    pub fn database(&self, name: &str) -> &TestDb {
        self.service(name).1.as_ref().unwrap_or_else(|| panic!("{name} has no database"))
    }

    /// A channel to a service for somebody without a token.
    pub fn channel(&self, name: &str) -> Channel {
        channel(self.grpc(name))
    }

    /// A channel to a service for somebody with a token.
    pub fn channel_as(&self, name: &str, token: &str) -> Channel {
        channel_as(self.grpc(name), token)
    }

    /// The folder in which the services keep their objects, each in a folder of its name.
    pub fn objects(&self) -> &std::path::Path {
        self.objects.path()
    }

    /// The nats-server, to be killed, emptied and started again.
    ///
    /// # Panics
    /// If the board goes without.
    pub fn nats(&mut self) -> &mut OwnNats {
        self.nats.as_mut().unwrap_or_else(|| panic!("the board has no nats-server"))
    }

    /// Stops one service in order.
    ///
    /// # Panics
    /// If it does not run.
    pub async fn stop_one(&mut self, name: &str) {
        let running = self.running.remove(name);
        let (running, _) = running.unwrap_or_else(|| panic!("{name} does not run"));
        running.shutdown().await;
    }

    /// Stops everything in order.
    pub async fn stop(self) {
        let ends = self.running.into_values().map(|(running, _)| running.shutdown());
        futures::future::join_all(ends).await;
    }
}

async fn start<S: Service>(
    mut settings: Table,
    process: &Process,
) -> anyhow::Result<(Running, Option<TestDb>)> {
    let database = match S::migrator() {
        Some(_) => {
            let database = database::<S>().await;
            set(&mut settings, "database", "url", database.url().to_owned());
            Some(database)
        }
        None => None,
    };
    let sources = Sources::of_code(settings);
    let settings = Settings::<S::Config>::load(S::NAME, S::DEFAULTS, &sources)?;
    let running = service::run::<S>(settings, process).await?;
    Ok((running, database))
}

fn set(settings: &mut Table, section: &str, key: &str, value: impl Into<Value>) {
    let section = settings.entry(section.to_owned()).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), value.into());
    }
}

fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}
