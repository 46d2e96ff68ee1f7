//! What a service runs on: its database, its peers, the bus, its tasks, and the way it ends.

use std::{
    collections::HashMap,
    future::Future,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use liuyan_proto::{
    liuyan::messaging::v1::confirmation_service_server::ConfirmationServiceServer, topology,
};
use sqlx::migrate::Migrator;
use tokio::{
    sync::{Notify, OnceCell},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::Routes;
use tonic_health::server::HealthReporter;

use crate::{
    auth::{Signer, Verifier},
    clock::SharedClock,
    config::{self, Settings},
    db::Db,
    grpc::{self, Channel, Credentials, Guarded, OwnTokens},
    messaging::{Bus, Consumer, archive, confirm, consumer, figures as messages, relay},
    objects::{self, Objects},
};

mod bell;
mod figures;
mod keys;
mod process;
mod readiness;
mod tasks;
mod watch;

pub use bell::Bell;
pub use process::Process;
pub use readiness::{ConditionReport, Readiness, Report};
pub use tasks::{WorkPace, Worked};
pub(crate) use watch::connect;

/// How long a service that declares nothing waits at its start for the bus, to see what is declared there.
const DRIFT_LIMIT: Duration = Duration::from_secs(3);
/// The service that every service with a database serves beside its own.
const CONFIRMATION: &str = "liuyan.messaging.v1.ConfirmationService";

/// What a service runs on. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

pub(crate) struct Inner {
    name: &'static str,
    clock: SharedClock,
    settings: Settings<()>,
    readiness: Readiness,
    signer: Signer,
    verifier: Verifier,
    channels: Mutex<HashMap<String, Channel>>,
    bus: OnceCell<Bus>,
    db: OnceLock<Db>,
    health: HealthReporter,
    served: OnceLock<(SocketAddr, Vec<String>)>,
    listener: Mutex<Option<tokio::net::TcpListener>>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Host {
    pub(crate) fn new(
        name: &'static str,
        settings: Settings<()>,
        process: &Process,
    ) -> anyhow::Result<Self> {
        let clock = process.clock();
        let key = if settings.auth.key.is_empty() {
            tracing::warn!(service = name, "`auth.key` is not set: nobody will know its tokens");
            crate::auth::generate_key()?.0
        } else {
            settings.auth.key.expose().to_owned()
        };
        let readiness = Readiness::default();
        readiness.require("started");
        let address = settings.grpc.address;
        // A service that serves no gRPC takes no port for it.
        let serves = topology::card(name).is_none_or(|card| !card.serves.is_empty());
        let listener = serves
            .then(|| process.listener(name, address))
            .transpose()
            .with_context(|| format!("{name} cannot listen on {address}"))?;
        Ok(Self(Arc::new(Inner {
            name,
            signer: Signer::new(name, &key, Arc::clone(&clock))?,
            verifier: Verifier::new(&settings.auth, Arc::clone(&clock))?,
            clock,
            settings,
            readiness,
            channels: Mutex::default(),
            bus: OnceCell::new(),
            db: OnceLock::new(),
            health: HealthReporter::new(),
            served: OnceLock::new(),
            listener: Mutex::new(listener),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })))
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The time.
    pub fn clock(&self) -> SharedClock {
        Arc::clone(&self.0.clock)
    }

    /// Signs tokens with the service's own key.
    pub fn signer(&self) -> Signer {
        self.0.signer.clone()
    }

    /// Where the service says how it is.
    pub fn readiness(&self) -> Readiness {
        self.0.readiness.clone()
    }

    /// Cancelled when the service is to end: streams say goodbye, loops finish their round.
    pub fn stopping(&self) -> CancellationToken {
        self.0.stopping.clone()
    }

    /// Connects to the service's database and brings it up to date (or, with `database.migrate =
    /// false`, checks that it is). Waits up to a minute for a database that is still starting.
    ///
    /// # Errors
    /// If it cannot be used.
    pub async fn database(&self, own: Option<&'static Migrator>) -> anyhow::Result<Db> {
        let inner = &self.0;
        let db = connect(inner.name, &inner.settings.database).await?;
        if inner.settings.database.migrate {
            db.migrate(own).await?;
        } else {
            db.check_migrated(own).await?;
        }
        inner.readiness.require("database");
        inner.readiness.set("database", Ok(()));
        let _ = inner.db.set(db.clone());
        let (readiness, watched) = (inner.readiness.clone(), db.clone());
        self.watch("watch-database", move || watch::database(watched.clone(), readiness.clone()));
        Ok(db)
    }

    /// A channel to a peer of the configuration. It connects when it is used.
    ///
    /// # Errors
    /// If `peers.<peer>` is not set, or is no URL.
    pub fn channel(&self, peer: &str) -> Result<Channel, config::Error> {
        let inner = &self.0;
        let mut channels = inner.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(peer) {
            return Ok(channel.clone());
        }
        let url = inner.settings.peers.get(peer).ok_or_else(|| config::Error::Layer {
            layer: "peers".to_owned(),
            message: format!("`peers.{peer}` is not set"),
        })?;
        let tokens = OwnTokens::new(inner.signer.clone(), Arc::clone(&inner.clock));
        let credentials = Credentials::own(tokens);
        let channel = Channel::new(peer, url, &inner.settings.grpc, credentials)?;
        channels.insert(peer.to_owned(), channel.clone());
        Ok(channel)
    }

    /// The service's own room for large things, as `[objects]` says.
    ///
    /// # Errors
    /// [`objects::Error::Nowhere`] if no place is configured, and if the settings are wrong.
    pub fn objects(&self) -> Result<Objects, objects::Error> {
        Objects::open(&self.0.settings.objects, self.0.name)
    }

    /// Publishes what the service says, and sees to it that every consumer gets it. For every
    /// service that says anything.
    ///
    /// # Errors
    /// If the settings of the bus are wrong, or its stream is not as declared, which the service may not
    /// mend. A bus that is away is waited for.
    pub async fn relay(&self, db: &Db) -> anyhow::Result<()> {
        let inner = &self.0;
        let office = relay::Office::default();
        let bus = self.bus().await?;
        bus.refuse_drift(inner.name, None).await?;
        let relay = relay::Relay {
            source: inner.name,
            db: db.clone(),
            bus,
            settings: inner.settings.messaging.clone(),
            clock: self.clock(),
            readiness: self.readiness(),
            office: office.clone(),
            stopping: self.stopping(),
        };
        self.supervise("relay", move || relay::run(relay.clone()));
        let (source, watched, clock) = (inner.name, db.clone(), self.clock());
        self.watch("count-outbox", move || {
            messages::of_outbox(source, watched.clone(), Arc::clone(&clock))
        });
        let (mut consumers, mut hearers) = (Vec::new(), Vec::new());
        for hearer in topology::hearers(inner.name) {
            let channel = self.channel(hearer);
            if let Err(error) = &channel {
                tracing::warn!(service = inner.name, hearer, %error, "nobody confirms");
            }
            let channel = channel.ok();
            consumers.extend(channel.clone().map(|channel| (hearer, channel)));
            hearers.push((hearer, channel));
        }
        let confirmer = confirm::Confirmer {
            source: inner.name,
            db: db.clone(),
            consumers,
            settings: inner.settings.messaging.clone(),
            clock: self.clock(),
            stopping: self.stopping(),
        };
        if inner.settings.objects.is_set() {
            let (objects, readiness) = (self.objects()?, self.readiness());
            let confirmer = confirmer.clone();
            let keeper = archive::Keeper { confirmer, hearers, objects, office, readiness };
            self.supervise("archive", move || archive::run(keeper.clone()));
        } else {
            tracing::info!(
                service = inner.name,
                "no place for objects: the outbox keeps all events"
            );
        }
        self.supervise("confirm", move || confirm::run(confirmer.clone()));
        Ok(())
    }

    /// Hears one source.
    ///
    /// # Errors
    /// If the settings of the bus are wrong, or its consumer is not as declared, which the service may not
    /// mend. A bus that is away is waited for.
    pub async fn consume(&self, db: &Db, consumer: Consumer) -> anyhow::Result<()> {
        let consumer = Arc::new(consumer);
        let bus = self.bus().await?;
        bus.refuse_drift(consumer.source(), Some(self.0.name)).await?;
        let pace = consumer::Pace {
            service: self.0.name,
            db: db.clone(),
            bus,
            settings: self.0.settings.messaging.clone(),
            clock: self.clock(),
            readiness: self.readiness(),
            stopping: self.stopping(),
        };
        let (service, source) = (self.0.name, consumer.source());
        let (watched, bus) = (db.clone(), pace.bus.clone());
        self.watch(&format!("count-{source}"), move || {
            messages::of_consumer(service, source, watched.clone(), bus.clone())
        });
        let name = format!("hear-{source}");
        self.supervise(&name, move || consumer::run(Arc::clone(&consumer), pace.clone()));
        Ok(())
    }

    async fn bus(&self) -> anyhow::Result<Bus> {
        let inner = &self.0;
        let connect = || async {
            if inner.settings.nats.url.is_empty() {
                return Err(config::Error::Missing { key: "nats.url" }.into());
            }
            let bus = Bus::connect(&inner.settings.nats, inner.name).await?;
            bus.wait_to_look(DRIFT_LIMIT).await;
            let (readiness, watched) = (self.readiness(), bus.clone());
            self.watch("watch-nats", move || watch::bus(watched.clone(), readiness.clone()));
            Ok::<_, anyhow::Error>(bus)
        };
        inner.bus.get_or_try_init(connect).await.cloned()
    }

    /// A bell that all replicas of this service hear, this one included: `heard` is notified each time that one
    /// of them rings it. It goes over core NATS, where loss does no harm to those who also look by themselves.
    ///
    /// # Errors
    /// If the settings of the bus are wrong. A bus that is away is waited for.
    pub async fn bell(&self, name: &str, heard: Arc<Notify>) -> anyhow::Result<Bell> {
        let bell = Bell { bus: self.bus().await?, name: format!("{}.{name}", self.0.name) };
        let listening = bell.clone();
        self.watch(&format!("bell-{name}"), move || listening.clone().listen(Arc::clone(&heard)));
        Ok(bell)
    }

    /// Works in the background, round by round. After an error the round is tried again after a wait, and
    /// the condition `works-<name>` does not hold until one succeeds; after a panic, too, which is logged.
    /// Ends with the service, after the round that is running.
    pub fn work<F, Fut, E>(&self, name: &'static str, pace: WorkPace, round: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Worked, E>> + Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        let (readiness, stopping) = (self.readiness(), self.stopping());
        let round = Arc::new(round);
        self.supervise(name, move || {
            let (pace, readiness) = (pace.clone(), readiness.clone());
            let (stopping, round) = (stopping.clone(), Arc::clone(&round));
            async move { tasks::work(name, &pace, &readiness, &stopping, &*round).await }
        });
    }

    /// Runs a task until the service ends. If it panics or ends before, it is started again. The
    /// task itself heeds [`Host::stopping`]; the service waits for it, within its limit.
    pub fn supervise<F, Fut>(&self, name: &str, task: F)
    where
        F: Fn() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let (service, name, stopping) = (self.0.name, name.to_owned(), self.stopping());
        self.0.tasks.spawn(tasks::supervise(service, name, stopping, task));
    }

    /// The same for a task that may be cut off at any moment when the service ends.
    fn watch<F, Fut>(&self, name: &str, task: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let stopping = self.stopping();
        self.supervise(name, move || {
            let (task, stopping) = (task(), stopping.clone());
            async move {
                tokio::select! {
                    () = stopping.cancelled() => {}
                    () = task => {}
                }
            }
        });
    }

    /// Serves the service's own routes, and beside them health, reflection and, if the service has
    /// a database, confirmation. Called once, last.
    ///
    /// # Errors
    /// If it is called twice, or the certificates cannot be used.
    pub async fn serve(&self, routes: impl Into<Routes>) -> anyhow::Result<()> {
        let inner = &self.0;
        let listener = inner
            .listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .context("a service serves once")?;
        let mut routes = routes.into();
        let own = topology::card(inner.name).map_or(&[][..], |card| card.serves);
        let mut names: Vec<String> =
            own.iter().map(|service| format!("liuyan.{}.v1.{service}", inner.name)).collect();
        if let Some(db) = inner.db.get() {
            let settings = &inner.settings.messaging;
            let answers = confirm::Confirmations::new(db.clone(), self.clock(), settings);
            routes = routes.add_service(ConfirmationServiceServer::new(answers));
            names.push(CONFIRMATION.to_owned());
        }
        grpc::set_health(&inner.health, &names, true).await;
        let (address, task) = grpc::serve(grpc::Serving {
            listener,
            routes,
            names: names.clone(),
            guard: Guarded::new(inner.name, inner.verifier.clone(), &inner.settings.grpc),
            health: inner.health.clone(),
            settings: inner.settings.grpc.clone(),
            stopping: self.stopping(),
        })?;
        let _ = inner.served.set((address, names));
        inner.tasks.spawn(task);
        tracing::info!(service = inner.name, %address, "serving");
        Ok(())
    }

    /// Tells Prometheus again and again how the host is, and takes up keys that were changed.
    pub(crate) fn keep(&self) {
        let inner = &self.0;
        let (auth, signer) = (Arc::new(inner.settings.auth.clone()), inner.signer.clone());
        let (service, verifier) = (inner.name, inner.verifier.clone());
        self.watch("watch-keys", move || {
            keys::keep(service, Arc::clone(&auth), signer.clone(), verifier.clone())
        });
        let host = self.clone();
        self.watch("count-host", move || {
            let host = host.clone();
            figures::tell(host.0.name, host.readiness(), move || host.0.db.get().cloned())
        });
    }

    pub(crate) fn grpc_address(&self) -> Option<SocketAddr> {
        self.0.served.get().map(|(address, _)| *address)
    }

    /// Ends in order: tells everybody, waits for balancers to hear of it, takes nothing new, lets
    /// what runs finish within its limit, closes the database.
    pub(crate) async fn end(&self) {
        let inner = &self.0;
        tracing::info!(service = inner.name, "stopping");
        inner.readiness.set("started", Err("stopping".to_owned()));
        if let Some((_, names)) = inner.served.get() {
            grpc::set_health(&inner.health, names, false).await;
        }
        sleep(Duration::from_millis(inner.settings.host.drain_delay_ms)).await;
        inner.stopping.cancel();
        inner.tasks.close();
        let limit = Duration::from_millis(inner.settings.host.drain_ms);
        if tokio::time::timeout(limit, inner.tasks.wait()).await.is_err() {
            let left = inner.tasks.len();
            tracing::warn!(service = inner.name, left, "some tasks did not finish in time");
        }
        if let Some(db) = inner.db.get() {
            // Writes have the limits of their statements; beyond them, the process ends anyway.
            let _ = tokio::time::timeout(limit, db.close()).await;
        }
        tracing::info!(service = inner.name, "stopped");
    }
}
