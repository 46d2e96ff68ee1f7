//! What the feed is measured on: durable servers, the feed as a process of its own, and a routing that says
//! what it is told to.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::Duration,
};

use anyhow::{Context as _, bail};
use liuyan_kit::{
    Host, Service,
    auth::generate_key,
    clock::SystemClock,
    config::{Settings, Sources},
    db::Db,
    host::Process,
    service::{self, Running},
    testing,
};
use liuyan_local::{Options, Servers};
use liuyan_proto::liuyan::feed::v1::{GetFeedRequest, feed_service_client::FeedServiceClient};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, migrate::Migrator};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{Instant, sleep},
};
use tonic::service::Routes;
use url::Url;

use super::plain::Views;

const READY: Duration = Duration::from_secs(60);
static NOTHING: Migrator = Migrator::DEFAULT;
static DATABASE: OnceLock<Db> = OnceLock::new();

/// Routing's database, its relay, and the views; no rules.
struct Told;

impl Service for Told {
    const NAME: &'static str = "routing";
    const DEFAULTS: &'static str = "[service]";
    type Config = BTreeMap<String, String>;

    fn migrator() -> Option<&'static Migrator> {
        Some(&NOTHING)
    }

    async fn start(_: Self::Config, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        host.relay(&db).await?;
        let _ = DATABASE.set(db);
        host.serve(Routes::new(Views)).await
    }
}

/// Everything that runs.
pub(crate) struct Stage {
    servers: Servers,
    routing: Running,
    feed: Child,
    address: SocketAddr,
}

impl Stage {
    /// Starts everything in `folder`; nothing of it stays.
    ///
    /// # Errors
    /// If something does not start.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let options = Options { temporary: true, ..Options::new(folder.join("servers")) };
        let servers = liuyan_local::start(options, &|_| {}).await?;
        let keys = [("routing", generate_key()?), ("feed", generate_key()?)];
        let mut issuers = vec![toml::Value::try_from(testing::issuer())?];
        for (name, (_, public)) in &keys {
            let (name, public) = ((*name).to_owned(), public.clone());
            let issuer = toml::toml! {
                name = name
                public_key = public
                scopes = ["*"]
            };
            issuers.push(issuer.into());
        }
        let [(_, (routing_key, _)), (_, (feed_key, _))] = keys;
        let nats = servers.nats_url().to_owned();

        let url = database(&servers, "routing").await?;
        let (trusted, bus) = (issuers.clone(), nats.clone());
        let settings = toml::toml! {
            [grpc]
            address = "127.0.0.1:0"
            [management]
            address = "127.0.0.1:0"
            [database]
            url = url
            [nats]
            url = bus
            [auth]
            key = routing_key
            issuers = trusted
        };
        let settings = Settings::load(Told::NAME, Told::DEFAULTS, &Sources::of_code(settings))?;
        let process = Process::quiet(std::sync::Arc::new(SystemClock));
        let routing = service::run::<Told>(settings, &process).await?;

        let url = database(&servers, "feed").await?;
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let (own, peer) = (address.to_string(), format!("http://{}", routing.grpc));
        let settings = toml::toml! {
            [grpc]
            address = own
            [management]
            address = "127.0.0.1:0"
            [database]
            url = url
            [nats]
            url = nats
            [auth]
            key = feed_key
            issuers = issuers
            [peers]
            routing = peer
            [service]
            streams = 3000
            streams_anonymous = 3000
        };
        let path = folder.join("feed.toml");
        fs::write(&path, toml::to_string(&settings)?)?;
        let feed = child(folder, "feed-service", &[path.as_os_str().to_owned()])?;
        let stage = Self { servers, routing, feed, address };
        stage.ready(&folder.join("feed-service.log")).await?;
        Ok(stage)
    }

    async fn ready(&self, log: &PathBuf) -> anyhow::Result<()> {
        let mut client = FeedServiceClient::new(testing::channel(self.address));
        let end = Instant::now() + READY;
        while client.get_feed(GetFeedRequest {}).await.is_err() {
            if Instant::now() > end {
                bail!("the feed did not start: {}", fs::read_to_string(log).unwrap_or_default());
            }
            sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Routing's database, whose commits wake its relay.
    ///
    /// # Errors
    /// If it has none.
    pub(crate) fn routing() -> anyhow::Result<&'static Db> {
        DATABASE.get().context("routing has no database")
    }

    /// Somebody who calls the feed over a connection of their own.
    pub(crate) fn client(&self) -> FeedServiceClient<liuyan_kit::grpc::Channel> {
        FeedServiceClient::new(testing::channel(self.address)).max_decoding_message_size(64 << 20)
    }

    /// What the feed's process holds in memory, in bytes.
    ///
    /// # Errors
    /// On systems that do not tell it.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        let pid = self.feed.id().context("the feed has ended")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 = line
            .and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok())
            .context("the system does not tell the memory of a process")?;
        Ok(kib << 10)
    }

    /// Stops everything.
    ///
    /// # Errors
    /// If the servers don't stop.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.feed.kill().await?;
        self.routing.shutdown().await;
        Ok(self.servers.stop().await?)
    }
}

/// This program again, as something else.
///
/// # Errors
/// The system's.
pub(crate) fn child(
    folder: &Path,
    name: &str,
    arguments: &[std::ffi::OsString],
) -> anyhow::Result<Child> {
    Ok(Command::new(std::env::current_exe()?)
        .arg(name)
        .args(arguments)
        .env("LIUYAN_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join(format!("{name}.log")))?)
        .kill_on_drop(true)
        .spawn()?)
}

async fn database(servers: &Servers, name: &str) -> anyhow::Result<String> {
    let mut admin = PgConnection::connect(servers.postgres_url()).await?;
    let make =
        format!("create database {name} template template0 encoding 'UTF8' locale 'C.UTF-8'");
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut admin).await?;
    admin.close().await?;
    let mut url = Url::parse(servers.postgres_url())?;
    url.set_path(name);
    Ok(url.into())
}
