//! What tests need: a database of their own, a board in one process, tokens, and patience with a
//! limit. Everything panics instead of giving errors, because that is how tests fail.

use std::{
    future::Future,
    net::SocketAddr,
    path::Path,
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use liuyan_proto::Event;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};

use crate::{
    auth::{self, Claims, Signer},
    clock::{self, SharedClock, SystemClock},
    config::{self, Issuer, Settings, Sources},
    db::Db,
    grpc::{Channel, Credentials},
    messaging::Delivered,
    telemetry,
};

mod board;
mod database;

pub use board::Board;
pub use database::{TestDb, bare_database, database};

/// The issuer of the tokens that tests make; every [`Board`] accepts them.
const ISSUER: &str = "test";
/// How long such a token is valid.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// The first and the longest wait of [`eventually`].
const FIRST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

static KEY: LazyLock<(String, String)> =
    LazyLock::new(|| auth::generate_key().unwrap_or_else(|error| panic!("{error}")));

/// Waits until `attempt` gives something, and gives that.
///
/// # Panics
/// If it gives nothing within `limit`; `what` says what was waited for.
pub async fn eventually<T, F, Fut>(what: &str, limit: Duration, mut attempt: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = Instant::now() + limit;
    let mut wait = FIRST_WAIT;
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(Instant::now() < end, "after {limit:?}, it was still not true that {what}");
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Everything of one type that a service has said, in the order in which it was said.
///
/// # Panics
/// If the database cannot be read.
pub async fn said<E: Event>(db: &Db) -> Vec<Delivered<E>> {
    let rows: Vec<(uuid::Uuid, uuid::Uuid, i64, Vec<u8>, serde_json::Value)> = sqlx::query_as(
        "select event_id, subject_id, version, payload, headers
         from messaging.outbox where type = $1 order by id",
    )
    .bind(E::TYPE)
    .fetch_all(&mut *db.read().await.unwrap_or_else(|error| panic!("{error}")))
    .await
    .unwrap_or_else(|error| panic!("the outbox could not be read: {error}"));
    rows.into_iter()
        .map(|(event_id, subject_id, version, payload, headers)| {
            let text = |name: &str| headers.get(name).and_then(serde_json::Value::as_str);
            Delivered {
                event_id,
                subject_id,
                version,
                at: text("time").and_then(|time| time.parse().ok()).unwrap_or_default(),
                traceparent: text("traceparent").map(str::to_owned),
                event: E::decode(payload.as_slice())
                    .unwrap_or_else(|error| panic!("{event_id} is no {}: {error}", E::TYPE)),
            }
        })
        .collect()
}

/// A token for `subject`, signed by the issuer of tests, valid for an hour by the machine's clock.
pub fn token(subject: &str, scopes: &[&str], offices: &[&str]) -> String {
    token_at(Arc::new(SystemClock), subject, scopes, offices)
}

/// The same, valid for an hour by another clock.
pub fn token_at(clock: SharedClock, subject: &str, scopes: &[&str], offices: &[&str]) -> String {
    let signer = Signer::new(ISSUER, &KEY.0, clock).unwrap_or_else(|error| panic!("{error}"));
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    signer.sign(&Claims {
        sub: subject.to_owned(),
        scopes: owned(scopes),
        offices: owned(offices),
        divisions: Vec::new(),
        lifetime: LIFETIME,
    })
}

/// The issuer of tests, for `auth.issuers`. It may grant everything.
pub fn issuer() -> Issuer {
    Issuer {
        name: ISSUER.to_owned(),
        public_key: KEY.1.clone(),
        public_key_file: None,
        scopes: vec!["*".to_owned()],
    }
}

/// A channel to `address` without a token.
///
/// # Panics
/// Outside the runtime.
pub fn channel(address: SocketAddr) -> Channel {
    channel_with(address, Credentials::none())
}

/// A channel to `address` with a token.
///
/// # Panics
/// If the token cannot be sent.
pub fn channel_as(address: SocketAddr, token: &str) -> Channel {
    let credentials = Credentials::token(token);
    channel_with(address, credentials.unwrap_or_else(|| panic!("{token} is no token")))
}

fn channel_with(address: SocketAddr, credentials: Credentials) -> Channel {
    Channel::new("test", &format!("http://{address}"), &settings().grpc, credentials)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Serves `routes` without any guard, in the place of a service that is not under test.
///
/// # Panics
/// If there is no free port.
pub async fn stub(routes: Routes) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap_or_else(|error| panic!("there is no free port: {error}"));
    let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
    let incoming = TcpIncoming::from(listener);
    tokio::spawn(Server::builder().add_routes(routes).serve_with_incoming(incoming));
    address
}

/// Kit's settings as they are by default.
///
/// # Panics
/// If the defaults cannot be read.
pub fn settings() -> Settings<serde_json::Value> {
    Settings::load("test", "[service]", &Sources::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Starts logs and traces, once per test binary. Logs are shown as `LIUYAN_LOG` says; nothing
/// without it.
pub fn telemetry() {
    static RUNNING: OnceLock<Option<telemetry::Running>> = OnceLock::new();
    RUNNING.get_or_init(|| {
        let filter = std::env::var("LIUYAN_LOG").unwrap_or_else(|_| "off".to_owned());
        let format = config::LogFormat::Pretty;
        telemetry::start(&config::Telemetry { filter, format, ..settings().telemetry }, "test").ok()
    });
}

/// The present, as kit's own clock tells it.
pub fn now() -> jiff::Timestamp {
    clock::Clock::now(&SystemClock)
}

/// Where tests keep large things: in `folder`, or in the S3 that `.ci/s3` has started. There the folder's name
/// is a prefix, so that each test has objects of its own.
///
/// # Panics
/// If the folder has no name.
pub fn place_of_objects(folder: &Path) -> config::Objects {
    let Ok(endpoint) = std::env::var("LIUYAN_TEST_S3") else {
        return config::Objects::in_folder(folder.join("objects"));
    };
    let name = folder.file_name().and_then(|name| name.to_str());
    let prefix = name.unwrap_or_else(|| panic!("a folder of its own for each test"));
    config::Objects {
        endpoint,
        prefix: prefix.trim_start_matches('.').to_owned(),
        bucket: "liuyan".to_owned(),
        region: "us-east-1".to_owned(),
        allow_http: true,
        access_key: "test".into(),
        secret_key: "test".into(),
        ..config::Objects::default()
    }
}
