//! What is measured stands on this: durable servers of its own, and the service as a process.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use liuyan_intake::{Intake, consumer};
use liuyan_kit::{
    db::{Db, Limits},
    id,
    messaging::Envelope,
    service::Service as _,
    testing,
};
use liuyan_local::{Options, Servers};
use liuyan_proto::{
    Event,
    liuyan::routing::v1::{CodeListPublished, OfficePut},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::{Instant, sleep},
};
use url::Url;

use crate::{
    load::{self, Way, Went},
    message,
};

const READY: Duration = Duration::from_secs(30);

/// What is measured is a server that is set up for a board (`deploy/postgres`) and not for a desk: its tables
/// lie in memory, and it does not write whole pages into its log every few seconds.
const SETTINGS: [&str; 4] =
    ["shared_buffers=4GB", "min_wal_size=4GB", "max_wal_size=16GB", "checkpoint_timeout=15min"];

/// How many bytes the stream of intake may have: millions of events, which nobody takes away. Nothing of it is
/// taken before.
const STREAM: u64 = 16 << 30;

/// How many files of 16 MiB the write-ahead log has before anything is measured.
const LOG_FILES: usize = 160;

/// Servers, and intake on them.
pub(crate) struct Ground {
    servers: Servers,
    folder: PathBuf,
    intake: Option<Service>,
    started: u32,
}

/// Intake as a process, on a database of its own.
struct Service {
    child: Child,
    address: SocketAddr,
    database: String,
}

/// Lets the server have what one has that runs for longer: files of the write-ahead log that are used
/// again. A new one is filled with zeros first, and whoever commits at that moment waits for it.
async fn run_in(url: &str) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect(url).await?;
    for _ in 0..LOG_FILES {
        // A file that nothing was written to is not left.
        let leave = "select pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()";
        sqlx::raw_sql(leave).execute(&mut admin).await?;
    }
    sqlx::raw_sql("checkpoint").execute(&mut admin).await?;
    Ok(admin.close().await?)
}

impl Ground {
    /// Starts the servers in `folder`; nothing of them stays.
    ///
    /// # Errors
    /// If they don't start.
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let options = Options {
            temporary: true,
            postgres_settings: SETTINGS.map(str::to_owned).into(),
            stream_bytes: 2 * STREAM,
            ..Options::new(folder.join("servers"))
        };
        let servers = liuyan_local::start(options, &|_| {}).await?;
        run_in(servers.postgres_url()).await?;
        Ok(Self { servers, folder: folder.to_owned(), intake: None, started: 0 })
    }

    /// Makes a database, and gives its address.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn database(&self, name: &str) -> anyhow::Result<String> {
        let mut admin = PgConnection::connect(self.servers.postgres_url()).await?;
        let make = format!(
            "create database \"{name}\" template template0 encoding 'UTF8' locale 'C.UTF-8'"
        );
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut admin).await?;
        admin.close().await?;
        let mut url = Url::parse(self.servers.postgres_url())?;
        url.set_path(name);
        Ok(url.into())
    }

    /// Starts intake with its relay, as it is deployed, on a fresh database, and lets it hear of
    /// one office. One that runs already is stopped.
    ///
    /// # Errors
    /// If it doesn't become ready.
    pub(crate) async fn intake(&mut self) -> anyhow::Result<()> {
        if let Some(mut earlier) = self.intake.take() {
            earlier.child.kill().await?;
        }
        self.started += 1;
        let database = self.database(&format!("intake_{}", self.started)).await?;
        let db = Db::connect(&database, "bench", &Limits::default()).await?;
        db.migrate(Intake::migrator()).await?;
        tell_directory(&db).await?;
        db.close().await;
        let address = free_port().await?;
        let config = self.configure(address, &database)?;
        let child = Command::new(std::env::current_exe()?)
            .arg("service")
            .arg(&config)
            .env("LIUYAN_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.folder.join("intake.log"))?)
            .kill_on_drop(true)
            .spawn()?;
        self.intake = Some(Service { child, address, database });
        let end = Instant::now() + READY;
        while !self.submit(Way::Callers, 1, 1).await.is_ok_and(|went| went.accepted > 0) {
            if Instant::now() > end {
                let log = fs::read_to_string(self.folder.join("intake.log")).unwrap_or_default();
                bail!("intake takes nothing: {log}");
            }
            sleep(Duration::from_millis(200)).await;
        }
        // Nobody would notice a relay that carries nothing.
        self.settle(READY).await
    }

    /// Writes the configuration of intake, and gives the file.
    fn configure(&self, address: SocketAddr, database: &str) -> anyhow::Result<PathBuf> {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let (key, _) = liuyan_kit::auth::generate_key()?;
        fs::write(self.folder.join("intake.pem"), key)?;
        let (address, nats) = (address.to_string(), self.servers.nats_url());
        let (objects, key_file) = (file("objects"), file("intake.pem"));
        let (keyring, receipt, access, log) =
            (file("keyring"), file("receipt.pem"), file("access.keys"), file("log.pem"));
        let issuer = toml::Value::try_from(testing::issuer())?;
        let stream = i64::try_from(STREAM)?;
        let config = toml::toml! {
            [grpc]
            address = address
            [management]
            address = "127.0.0.1:0"
            [database]
            url = database
            [nats]
            url = nats
            stream_max_bytes = stream
            [objects]
            folder = objects
            [auth]
            key_file = key_file
            issuers = [issuer]
            [service]
            generate_keys = true
            keyring_file = keyring
            receipt_key_file = receipt
            access_key_file = access
            [service.log]
            key_file = log
            // The partner of this bench is meant to bring all that it can.
            [service.rates]
            agency_per_minute = 100000000
        };
        let path = self.folder.join("intake.toml");
        fs::write(&path, toml::to_string(&config)?)?;
        Ok(path)
    }

    /// How many messages are stored.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn stored(&self) -> anyhow::Result<u64> {
        let intake = self.intake.as_ref().context("intake does not run")?;
        let mut connection = PgConnection::connect(&intake.database).await?;
        let count: i64 =
            sqlx::query_scalar("select count(*) from messages").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(count.unsigned_abs())
    }

    /// Waits until all that was said is on the bus and every receipt has its place in the log.
    ///
    /// # Errors
    /// The database's; if it takes longer than `limit`.
    pub(crate) async fn settle(&self, limit: Duration) -> anyhow::Result<()> {
        let intake = self.intake.as_ref().context("intake does not run")?;
        let mut connection = PgConnection::connect(&intake.database).await?;
        let end = Instant::now() + limit;
        let settled = "select not exists (select from messaging.waiting_batches)
                              and not exists (select from log_batches)";
        while !sqlx::query_scalar::<_, bool>(settled).fetch_one(&mut connection).await? {
            if Instant::now() > end {
                let log = fs::read_to_string(self.folder.join("intake.log")).unwrap_or_default();
                bail!("what was taken in is not carried on: {log}");
            }
            sleep(Duration::from_secs(1)).await;
        }
        Ok(connection.close().await?)
    }

    /// Lets the database of intake have what one has whose messages came over years, and not within minutes: its
    /// tables vacuumed and written to the disk. What would otherwise catch up with that takes its share while
    /// messages are counted.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn tend(&self) -> anyhow::Result<()> {
        let intake = self.intake.as_ref().context("intake does not run")?;
        let mut connection = PgConnection::connect(&intake.database).await?;
        sqlx::raw_sql("vacuum analyze").execute(&mut connection).await?;
        sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Submits messages from a process of its own.
    ///
    /// # Errors
    /// If it fails as a whole.
    pub(crate) async fn submit(&self, way: Way, many: u64, seconds: u64) -> anyhow::Result<Went> {
        let address = self.intake.as_ref().context("intake does not run")?.address;
        let way = match way {
            Way::Callers => "callers",
            Way::Streams => "streams",
            Way::Rate => "rate",
        };
        let ran = Command::new(std::env::current_exe()?)
            .args(["load", "--address", &address.to_string(), "--way", way])
            .args(["--many", &many.to_string(), "--seconds", &seconds.to_string()])
            .args(["--token", &testing::token("partner", &["message:submit"], &[])])
            .stdin(Stdio::null())
            .output()
            .await?;
        if !ran.status.success() {
            bail!("the load failed: {}", String::from_utf8_lossy(&ran.stderr));
        }
        Ok(serde_json::from_slice(&ran.stdout)?)
    }

    /// What intake has used of the processors so far, in seconds.
    pub(crate) fn intake_processor(&self) -> f64 {
        let pid = self.intake.as_ref().and_then(|intake| intake.child.id());
        pid.and_then(|pid| load::processor_seconds_of(pid).ok()).unwrap_or_default()
    }

    /// Stops everything.
    ///
    /// # Errors
    /// If the servers don't stop.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        if let Some(mut intake) = self.intake {
            intake.child.kill().await?;
        }
        Ok(self.servers.stop().await?)
    }
}

async fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}

/// Lets intake hear of an office and the code lists, as if routing had said so.
async fn tell_directory(db: &Db) -> anyhow::Result<()> {
    async fn tell<E: Event>(db: &Db, kind: &str, name: &str, event: E) -> anyhow::Result<()> {
        let now = Timestamp::from_second(1_764_000_000)?;
        let envelope = Envelope {
            event_id: id::v7(now),
            subject_id: id::of_name(kind, name),
            version: 1,
            kind: E::TYPE.to_owned(),
            at: now,
            traceparent: None,
            payload: event.encode_to_vec().into(),
        };
        consumer::routing().deliver(db, now, &[envelope]).await?;
        Ok(())
    }
    let office =
        OfficePut { office_id: message::OFFICE.to_owned(), open: true, ..OfficePut::default() };
    tell(db, "office", message::OFFICE, office).await?;
    for (list, code) in [("kinds", message::KIND), ("domains", message::DOMAIN)] {
        let event =
            CodeListPublished { list: list.to_owned(), version: 1, codes: vec![code.to_owned()] };
        tell(db, "list", list, event).await?;
    }
    Ok(())
}
