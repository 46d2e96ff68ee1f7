//! A running board: where it is, and how its operator speaks with it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use liuyan_kit::{
    auth::{Claims, Signer},
    clock::SystemClock,
    config,
    objects::Objects,
};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

use crate::{error::Error, keys, services::objects_folder};

/// The file in which a running board says where it is.
const FILE: &str = "board.json";
/// How long a connection to a service may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one call of the operator may take.
const CALL: Duration = Duration::from_secs(30);
/// How long a token of the operator lives.
const TOKEN: Duration = Duration::from_secs(3_600);

/// What `liuyan up --output json` prints, and what other commands read. The operator of a board that runs
/// elsewhere writes it, with what the commands in use need.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Board {
    /// The pages.
    #[serde(default)]
    pub(crate) http: String,
    /// gRPC addresses by service: `host:port`, or `https://host:port` for TLS.
    #[serde(default)]
    pub(crate) grpc: BTreeMap<String, String>,
    /// How to speak TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<Tls>,
    /// Management addresses by service: `/livez`, `/readyz`, `/metrics`.
    #[serde(default)]
    pub(crate) management: BTreeMap<String, String>,
    /// Databases by service.
    #[serde(default)]
    pub(crate) postgres: BTreeMap<String, String>,
    /// The bus.
    #[serde(default)]
    pub(crate) nats: String,
    /// Where services keep large things, as in `[objects]` of their configuration; the folder `objects` of
    /// the board if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) objects: Option<toml::Table>,
    /// The board's folder; the one in which this file lies if nothing is said.
    #[serde(default)]
    pub(crate) data_dir: PathBuf,
    /// People to sign in as.
    #[serde(default)]
    pub(crate) accounts: Vec<Account>,
    /// The credentials of an agency.
    #[serde(default)]
    pub(crate) agency: Option<Agency>,
    /// Process ids of the servers that this board started.
    #[serde(default)]
    pub(crate) processes: BTreeMap<String, u32>,
}

/// How to speak TLS with services. Files are looked for in the board's folder.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// Authorities of the services' certificates.
    ca_file: PathBuf,
    /// The operator's own certificate, if the services want one.
    #[serde(default)]
    cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    key_file: Option<PathBuf>,
    /// The names in the services' certificates, by service, where the addresses have others: a forwarded port.
    #[serde(default)]
    names: BTreeMap<String, String>,
}

/// Somebody to sign in as.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    /// What they do.
    pub(crate) role: String,
    /// The name to sign in with.
    pub(crate) name: String,
    /// The password, made for this board.
    pub(crate) password: String,
}

/// An agency's credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Agency {
    /// Who it is.
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: String,
}

/// The folder that `cargo run` uses.
pub(crate) fn default_data_dir() -> Result<PathBuf, Error> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(home)
        .map(|share| share.join("liuyan"))
        .ok_or_else(|| Error::Usage("HOME is not set; name a folder with --data-dir".to_owned()))
}

impl Board {
    /// Finds the board that runs, or ran last, in `dir`.
    pub(crate) fn find(dir: &Path) -> Result<Self, Error> {
        let file = dir.join(FILE);
        let text = fs::read_to_string(&file).map_err(|_| {
            Error::Unreachable(format!(
                "no board runs in {}; start one with `liuyan up`, or name its folder with --data-dir",
                dir.display()
            ))
        })?;
        let mut board: Self = serde_json::from_str(&text)
            .map_err(|error| Error::Usage(format!("{} can't be read: {error}", file.display())))?;
        if board.data_dir.as_os_str().is_empty() {
            dir.clone_into(&mut board.data_dir);
        }
        Ok(board)
    }

    /// Says where this board is.
    pub(crate) fn announce(&self) -> Result<(), Error> {
        let (file, part) = (self.data_dir.join(FILE), self.data_dir.join("board.json.part"));
        let text =
            serde_json::to_vec_pretty(self).map_err(Error::other("the board's addresses"))?;
        keys::write_private(&part, &text)?;
        fs::rename(&part, &file).map_err(Error::other(format!("writing {}", file.display())))
    }

    /// Takes the announcement back.
    pub(crate) fn withdraw(dir: &Path) {
        let _ = fs::remove_file(dir.join(FILE));
    }

    /// A token of the operator, who may grant any scope.
    pub(crate) fn token(
        &self,
        subject: &str,
        scopes: &[&str],
        offices: &[String],
    ) -> Result<String, Error> {
        let signer = self.signer()?;
        Ok(signer.sign(&Claims {
            sub: subject.to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            offices: offices.to_vec(),
            divisions: Vec::new(),
            lifetime: TOKEN,
        }))
    }

    fn signer(&self) -> Result<Signer, Error> {
        let pem = keys::read_private(&self.data_dir, keys::OPERATOR)?;
        Signer::new(keys::OPERATOR, &pem, Arc::new(SystemClock))
            .map_err(Error::other("the operator's key cannot be used"))
    }

    /// A channel to a service, as the operator.
    pub(crate) async fn channel(
        &self,
        service: &str,
        scopes: &[&str],
    ) -> Result<InterceptedService<Channel, Bearer>, Error> {
        self.authorised(self.open(service).await?, scopes)
    }

    /// A channel that speaks as the operator.
    pub(crate) fn authorised(
        &self,
        channel: Channel,
        scopes: &[&str],
    ) -> Result<InterceptedService<Channel, Bearer>, Error> {
        let token = self.token("operator", scopes, &[])?;
        Ok(InterceptedService::new(channel, Bearer::new(&token)?))
    }

    /// A channel that speaks as whoever holds `token`.
    pub(crate) fn bearing(
        &self,
        channel: Channel,
        token: &str,
    ) -> Result<InterceptedService<Channel, Bearer>, Error> {
        Ok(InterceptedService::new(channel, Bearer::new(token)?))
    }

    /// A channel to routing as a clerk of an office.
    pub(crate) async fn clerk(
        &self,
        office: &str,
    ) -> Result<InterceptedService<Channel, Bearer>, Error> {
        let channel = self.open("routing").await?;
        let token = self.token("clerk", &["case:work"], &[office.to_owned()])?;
        Ok(InterceptedService::new(channel, Bearer::new(&token)?))
    }

    /// A channel to a service, without a token.
    pub(crate) async fn open(&self, service: &str) -> Result<Channel, Error> {
        self.endpoint(service)?.timeout(CALL).connect().await.map_err(|error| {
            Error::Unreachable(format!("{service} does not answer; does the board run? ({error})"))
        })
    }

    /// A channel for streams that last: without a limit for the whole call.
    pub(crate) async fn open_stream(&self, service: &str) -> Result<Channel, Error> {
        self.endpoint(service)?
            .connect()
            .await
            .map_err(|error| Error::Unreachable(format!("{service} does not answer: {error}")))
    }

    fn endpoint(&self, service: &str) -> Result<Endpoint, Error> {
        let address = self
            .grpc
            .get(service)
            .ok_or_else(|| Error::Usage(format!("this board has no service {service}")))?;
        let unusable = || Error::other(format!("the address of {service} cannot be used"));
        let endpoint = match address.strip_prefix("https://") {
            None => Endpoint::from_shared(format!("http://{address}")).map_err(unusable())?,
            Some(_) => Endpoint::from_shared(address.clone())
                .map_err(unusable())?
                .tls_config(self.tls(service)?)
                .map_err(unusable())?,
        };
        Ok(endpoint.connect_timeout(CONNECT))
    }

    fn tls(&self, service: &str) -> Result<ClientTlsConfig, Error> {
        let tls = self.tls.as_ref().ok_or_else(|| {
            Error::Usage(format!("{service} speaks TLS, and {FILE} has no `tls` with a `ca_file`"))
        })?;
        let read = |file: &PathBuf| {
            let file = self.data_dir.join(file);
            fs::read_to_string(&file)
                .map_err(|error| Error::Usage(format!("reading {}: {error}", file.display())))
        };
        let mut config =
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(&tls.ca_file)?));
        if let Some(name) = tls.names.get(service) {
            config = config.domain_name(name);
        }
        match (&tls.cert_file, &tls.key_file) {
            (Some(cert), Some(key)) => {
                config = config.identity(Identity::from_pem(read(cert)?, read(key)?));
            }
            (None, None) => {}
            _ => {
                let told = "`cert_file` and `key_file` of `tls` go together";
                return Err(Error::Usage(format!("{FILE}: {told}")));
            }
        }
        Ok(config)
    }

    /// A pool on the database of a service, for an operator who reads.
    pub(crate) async fn database(&self, service: &str) -> Result<PgPool, Error> {
        let url = self.address(service)?;
        PgPoolOptions::new().max_connections(2).acquire_timeout(CONNECT).connect(url).await.map_err(
            |error| {
                Error::Unreachable(format!("the database of {service} does not answer: {error}"))
            },
        )
    }

    /// One connection to the database of a service, for as long as the command runs: what is temporary
    /// there stays.
    pub(crate) async fn session(&self, service: &str) -> Result<PgPool, Error> {
        let session = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(CONNECT);
        let away = |error| {
            Error::Unreachable(format!("the database of {service} does not answer: {error}"))
        };
        session.connect(self.address(service)?).await.map_err(away)
    }

    /// The address of the database of a service.
    pub(crate) fn address(&self, service: &str) -> Result<&str, Error> {
        self.postgres
            .get(service)
            .map(String::as_str)
            .ok_or_else(|| Error::Usage(format!("this board has no database {service}")))
    }

    /// Where a service keeps large things.
    pub(crate) fn objects(&self, service: &str) -> Result<Objects, Error> {
        let settings = match &self.objects {
            None => config::Objects::in_folder(objects_folder(&self.data_dir)),
            Some(objects) => settings_of(objects)
                .map_err(|error| Error::Usage(format!("`objects` of {FILE}: {error}")))?,
        };
        Objects::open(&settings, service).map_err(|error| Error::Unreachable(error.to_string()))
    }

    /// The names of the services that have a database, in a fixed order.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        self.postgres.keys().map(String::as_str)
    }

    /// Refuses what would look at no database and tell that all is well.
    pub(crate) fn has_databases(&self) -> Result<(), Error> {
        match self.postgres.is_empty() {
            true => Err(Error::Usage(format!(
                "{} names no database (`postgres`), so nothing can be looked at",
                self.data_dir.join(FILE).display()
            ))),
            false => Ok(()),
        }
    }
}

/// What `[objects]` says, and the defaults for the rest.
fn settings_of(objects: &toml::Table) -> Result<config::Objects, String> {
    let mut settings =
        toml::Table::try_from(config::Objects::default()).map_err(|error| error.to_string())?;
    settings.extend(objects.clone());
    settings.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// Adds a token to each call.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    fn new(token: &str) -> Result<Self, Error> {
        format!("Bearer {token}")
            .parse()
            .map(Self)
            .map_err(Error::other("the token cannot be sent"))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A connection of a pool as what store functions take.
pub(crate) async fn connection(
    pool: &PgPool,
) -> Result<impl std::ops::DerefMut<Target = PgConnection> + use<>, Error> {
    pool.acquire().await.map_err(Error::query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_file_need_not_say_everything() {
        let folder = tempfile::tempdir().unwrap();
        let written = r#"{"postgres": {"intake": "postgres://operator@db/intake"},
            "grpc": {"intake": "https://127.0.0.1:7001"},
            "tls": {"ca_file": "ca.crt", "names": {"intake": "board-liuyan-intake"}},
            "objects": {"endpoint": "https://s3.example.org", "bucket": "board"}}"#;
        fs::write(folder.path().join(FILE), written).unwrap();
        let board = Board::find(folder.path()).unwrap();
        assert_eq!(board.data_dir, folder.path());
        let objects = settings_of(board.objects.as_ref().unwrap()).unwrap();
        assert_eq!((objects.bucket.as_str(), objects.region.as_str()), ("board", "us-east-1"));
        assert!(board.has_databases().is_ok());
        let missing = board.endpoint("intake").unwrap_err().to_string();
        assert!(missing.contains("ca.crt"), "{missing}");
    }

    #[test]
    fn a_file_without_databases_is_not_a_board_where_all_is_well() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{}").unwrap();
        let board = Board::find(folder.path()).unwrap();
        let told = board.has_databases().unwrap_err().to_string();
        assert!(told.contains("names no database"), "{told}");
        let unknown = settings_of(&toml::toml! { buckets = "board" }).unwrap_err();
        assert!(unknown.contains("buckets"), "{unknown}");
    }
}
