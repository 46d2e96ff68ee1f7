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
    transport::{Channel, Endpoint},
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

/// What `liuyan up --output json` prints, and what other commands read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Board {
    /// The pages.
    pub(crate) http: String,
    /// gRPC addresses by service, without a scheme.
    pub(crate) grpc: BTreeMap<String, String>,
    /// Management addresses by service: `/livez`, `/readyz`, `/metrics`.
    pub(crate) management: BTreeMap<String, String>,
    /// Databases by service.
    pub(crate) postgres: BTreeMap<String, String>,
    /// The bus.
    pub(crate) nats: String,
    /// The board's folder.
    pub(crate) data_dir: PathBuf,
    /// People to sign in as.
    pub(crate) accounts: Vec<Account>,
    /// The credentials of an agency.
    pub(crate) agency: Option<Agency>,
    /// Process ids of the servers that this board started.
    pub(crate) processes: BTreeMap<String, u32>,
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
        serde_json::from_str(&text).map_err(Error::other(format!("{} is damaged", file.display())))
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
        Ok(Endpoint::from_shared(format!("http://{address}"))
            .map_err(Error::other("the address cannot be used"))?
            .connect_timeout(CONNECT))
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
        let settings = config::Objects::in_folder(objects_folder(&self.data_dir));
        Objects::open(&settings, service).map_err(|error| Error::Unreachable(error.to_string()))
    }

    /// The names of the services that have a database, in a fixed order.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        self.postgres.keys().map(String::as_str)
    }
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
