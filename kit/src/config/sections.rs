//! The sections that every service has. Each key is explained in `kit/config.toml`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::Table;

use super::{DEFAULTS, Error, Secret};

/// Section `[grpc]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// Where gRPC listens.
    pub address: SocketAddr,
    /// Whether reflection is served.
    pub reflection: bool,
    /// Longest time of a unary call.
    pub deadline_ms: u64,
    /// Calls at the same time.
    pub concurrency: usize,
    /// Calls of one connection at the same time.
    pub streams_per_connection: u32,
    /// Largest request.
    pub max_request_bytes: usize,
    /// Largest response.
    pub max_response_bytes: usize,
    /// Age at which a connection is asked to end; 0 = never.
    pub max_connection_age_s: u64,
    /// Certificates.
    pub tls: Tls,
}

/// Section `[grpc.tls]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain.
    pub cert_file: Option<PathBuf>,
    /// Private key.
    pub key_file: Option<PathBuf>,
    /// Authorities.
    pub ca_file: Option<PathBuf>,
    /// Whether callers must show a certificate.
    pub require_client: bool,
}

/// Section `[management]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Management {
    /// Where it listens.
    pub address: SocketAddr,
}

/// Section `[host]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// How long to go on serving after the end was announced.
    pub drain_delay_ms: u64,
    /// How long running work has to finish.
    pub drain_ms: u64,
}

/// Section `[database]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Address.
    pub url: Secret,
    /// File with the address.
    pub url_file: Option<PathBuf>,
    /// Password.
    pub password: Secret,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// Whether the service migrates at start.
    pub migrate: bool,
    /// Connections in the pool.
    pub connections: u32,
    /// Longest wait for one.
    pub acquire_ms: u64,
    /// Longest statement.
    pub statement_ms: u64,
    /// Longest wait for a lock.
    pub lock_ms: u64,
    /// Longest idle transaction.
    pub idle_in_transaction_ms: u64,
    /// Age at which a connection is replaced.
    pub lifetime_s: u64,
}

impl Database {
    /// The address with the password in it.
    ///
    /// # Errors
    /// If no address is configured, or it is no URL.
    pub fn address(&self) -> Result<Secret, Error> {
        if self.url.is_empty() {
            return Err(Error::Missing { key: "database.url" });
        }
        if self.password.is_empty() {
            return Ok(self.url.clone());
        }
        let refused = || Error::Layer {
            layer: "database.url".to_owned(),
            message: "is no URL that a password can be put into".to_owned(),
        };
        let mut url = url::Url::parse(self.url.expose()).map_err(|_| refused())?;
        url.set_password(Some(self.password.expose())).map_err(|()| refused())?;
        Ok(String::from(url).into())
    }

    /// The limits of the pool.
    pub fn limits(&self) -> crate::db::Limits {
        crate::db::Limits {
            connections: self.connections,
            acquire: Duration::from_millis(self.acquire_ms),
            statement: Duration::from_millis(self.statement_ms),
            lock: Duration::from_millis(self.lock_ms),
            idle_in_transaction: Duration::from_millis(self.idle_in_transaction_ms),
            lifetime: Duration::from_secs(self.lifetime_s),
        }
    }
}

/// Section `[nats]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nats {
    /// Address.
    pub url: Secret,
    /// File with the address.
    pub url_file: Option<PathBuf>,
    /// User.
    pub user: String,
    /// Password.
    pub password: Secret,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// Token.
    pub token: Secret,
    /// File with the token.
    pub token_file: Option<PathBuf>,
    /// File with the seed of an nkey user.
    pub nkey_seed_file: Option<PathBuf>,
    /// Authorities of the server's certificate.
    pub ca_file: Option<PathBuf>,
    /// Whether this identity may declare streams.
    pub declare: bool,
    /// Largest size of the stream.
    pub stream_max_bytes: i64,
    /// Age at which the stream drops events.
    pub stream_max_age_days: u32,
    /// Copies of the stream.
    pub replicas: usize,
}

/// Section `[objects]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objects {
    /// A folder.
    pub folder: PathBuf,
    /// Address of an S3.
    pub endpoint: String,
    /// Its bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Whether the bucket is part of the host's name.
    pub virtual_host: bool,
    /// Whether the address may be plain http.
    pub allow_http: bool,
    /// What all names begin with.
    pub prefix: String,
    /// Id of the access key.
    pub access_key: Secret,
    /// File with it.
    pub access_key_file: Option<PathBuf>,
    /// Its secret.
    pub secret_key: Secret,
    /// File with it.
    pub secret_key_file: Option<PathBuf>,
    /// Authorities of the server's certificate.
    pub ca_file: Option<PathBuf>,
}

impl Objects {
    /// Whether there is a place for objects.
    pub fn is_set(&self) -> bool {
        !self.folder.as_os_str().is_empty() || !self.endpoint.is_empty()
    }

    /// Those of a folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }
}

/// Section `[auth]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Private key of the service.
    pub key: Secret,
    /// File with it.
    pub key_file: Option<PathBuf>,
    /// Difference of clocks that is tolerated.
    pub leeway_s: u64,
    /// Whose tokens are accepted.
    pub issuers: Vec<Issuer>,
}

/// One of `[[auth.issuers]]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The `iss` of its tokens.
    pub name: String,
    /// Its public key.
    #[serde(default)]
    pub public_key: String,
    /// File with it.
    #[serde(default)]
    pub public_key_file: Option<PathBuf>,
    /// The scopes that it may grant.
    pub scopes: Vec<String>,
}

/// Section `[telemetry]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// What is logged.
    pub filter: String,
    /// How.
    pub format: LogFormat,
    /// Where traces go.
    pub otlp_endpoint: String,
    /// Which part of them.
    pub sample_ratio: f64,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// Section `[messaging]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messaging {
    /// Events that the relay publishes at a time.
    pub relay_batch: i64,
    /// How often it looks.
    pub relay_poll_ms: u64,
    /// How long it rests between two rounds that were not full.
    pub relay_rest_ms: u64,
    /// How long it holds its office.
    pub lease_ms: u64,
    /// Events that a consumer settles at a time.
    pub consumer_batch: usize,
    /// Failures before an event is put aside.
    pub attempts_before_dead: i32,
    /// First wait before a repetition.
    pub retry_ms: u64,
    /// Longest one.
    pub retry_max_ms: u64,
    /// How often consumers are asked what they have settled.
    pub confirm_every_ms: u64,
    /// Age of a minute before consumers are asked about it.
    pub confirm_grace_ms: u64,
    /// How long a transaction may take and still be counted.
    pub late_commit_ms: u64,
    /// How long a gap may last before it is asked for.
    pub gap_ms: u64,
    /// How many days events stay in the outbox.
    pub keep_days: u32,
    /// How often days are looked for that can go.
    pub archive_every_ms: u64,
}

/// A section of kit's own defaults; the test of this module reads each.
fn default_section<T: DeserializeOwned>(name: &str) -> T {
    let mut table = DEFAULTS.parse::<Table>().unwrap_or_default();
    let section = table.remove(name).unwrap_or(toml::Value::Table(Table::new()));
    section.try_into().unwrap_or_else(|error| panic!("the defaults of [{name}]: {error}"))
}

impl Default for Messaging {
    fn default() -> Self {
        default_section("messaging")
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        default_section("telemetry")
    }
}

impl Default for Objects {
    fn default() -> Self {
        default_section("objects")
    }
}

impl Default for Nats {
    fn default() -> Self {
        default_section("nats")
    }
}
