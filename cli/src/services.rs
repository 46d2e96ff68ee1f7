//! The services of the board, and how they are started here. The only list of them in the command.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use liuyan_feed::Feed;
use liuyan_identity::Identity;
use liuyan_intake::Intake;
use liuyan_kit::{
    config::{self, Settings, Sources},
    host::Process,
    service::{self, Running, Service},
};
use liuyan_moderation::Moderation;
use liuyan_notification::Notification;
use liuyan_portal::Portal;
use liuyan_proto::topology;
use liuyan_routing::Routing;
use liuyan_stats::Stats;
use sqlx::migrate::Migrator;
use toml::{Table, Value};

use crate::{error::Error, keys};

/// A service, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Name {
    /// Finds the office, follows the case until it is answered.
    Routing,
    /// Takes messages in, gives receipts, keeps all texts.
    Intake,
    /// Decides what may be public.
    Moderation,
    /// Knows who people and agencies are.
    Identity,
    /// Counts.
    Stats,
    /// Tells people.
    Notification,
    /// Lets agencies follow.
    Feed,
    /// Shows the pages.
    Portal,
}

/// Does the same for the type of each service.
macro_rules! each {
    ($name:expr, $service:ident => $done:expr) => {
        match $name {
            Name::Routing => {
                type $service = Routing;
                $done
            }
            Name::Intake => {
                type $service = Intake;
                $done
            }
            Name::Moderation => {
                type $service = Moderation;
                $done
            }
            Name::Identity => {
                type $service = Identity;
                $done
            }
            Name::Stats => {
                type $service = Stats;
                $done
            }
            Name::Notification => {
                type $service = Notification;
                $done
            }
            Name::Feed => {
                type $service = Feed;
                $done
            }
            Name::Portal => {
                type $service = Portal;
                $done
            }
        }
    };
}

impl Name {
    /// All of them, in the order in which they are started.
    pub(crate) const ALL: [Self; 8] = [
        Self::Routing,
        Self::Intake,
        Self::Moderation,
        Self::Identity,
        Self::Stats,
        Self::Notification,
        Self::Feed,
        Self::Portal,
    ];

    /// The name in configuration, database and contracts.
    pub(crate) fn text(self) -> &'static str {
        each!(self, S => S::NAME)
    }

    /// Whether it has a database, and serves gRPC.
    pub(crate) fn keeps(self) -> bool {
        self.migrator().is_some()
    }

    /// The migrations of its own tables.
    pub(crate) fn migrator(self) -> Option<&'static Migrator> {
        each!(self, S => S::migrator())
    }

    /// How it is configured.
    pub(crate) fn configured(self, sources: &Sources) -> Result<Configured, Error> {
        each!(self, S => configured::<S>(sources))
    }

    /// Brings its database up to date.
    pub(crate) async fn migrate(self, sources: &Sources) -> Result<(), Error> {
        each!(self, S => migrate::<S>(sources).await)
    }

    /// Starts it.
    pub(crate) async fn start(
        self,
        sources: &Sources,
        process: &Process,
    ) -> Result<Running, Error> {
        each!(self, S => start::<S>(sources, process).await)
    }
}

/// What the settings of a service say of its surroundings.
#[derive(Debug)]
pub(crate) struct Configured {
    /// All of them as TOML, without secrets.
    pub(crate) printed: String,
    /// Its database.
    pub(crate) database: config::Database,
    /// The bus.
    pub(crate) nats: config::Nats,
    /// Where it keeps large things.
    pub(crate) objects: config::Objects,
    /// Whom it believes.
    pub(crate) auth: config::Auth,
    /// What it logs and traces.
    pub(crate) telemetry: config::Telemetry,
    /// Where the others are, by name.
    pub(crate) peers: BTreeMap<String, String>,
}

fn settings<S: Service>(sources: &Sources) -> Result<Settings<S::Config>, Error> {
    Settings::load(S::NAME, S::DEFAULTS, sources).map_err(|error| Error::Usage(error.to_string()))
}

fn configured<S: Service>(sources: &Sources) -> Result<Configured, Error> {
    let settings = settings::<S>(sources)?;
    let printed = settings.print().map_err(|error| Error::Usage(error.to_string()))?;
    let Settings { database, nats, objects, auth, telemetry, peers, .. } = settings;
    Ok(Configured { printed, database, nats, objects, auth, telemetry, peers })
}

async fn migrate<S: Service>(sources: &Sources) -> Result<(), Error> {
    service::migrate::<S>(&settings::<S>(sources)?)
        .await
        .map_err(Error::other(format!("the database of {} was not migrated", S::NAME)))
}

async fn start<S: Service>(sources: &Sources, process: &Process) -> Result<Running, Error> {
    let settings = settings::<S>(sources)?;
    service::run::<S>(settings, process)
        .await
        .map_err(Error::other(format!("{} did not start", S::NAME)))
}

/// What a board on one machine decides for its services.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    /// The board's folder.
    pub(crate) data_dir: &'a Path,
    /// Where each service serves.
    pub(crate) grpc: &'a BTreeMap<&'static str, SocketAddr>,
    /// Their databases.
    pub(crate) databases: &'a BTreeMap<&'static str, String>,
    /// The bus.
    pub(crate) nats: &'a str,
    /// Where the pages are.
    pub(crate) http: SocketAddr,
}

/// The file with the ring of keys that wrap authors' keys.
pub(crate) const KEYRING: &str = "keyring";

/// The scopes that one service may use with another.
const BETWEEN_SERVICES: &[&str] = &[
    "text:read",
    "text:public",
    "attachment:read",
    "case:view",
    "contact:read",
    "messaging:confirm",
];
/// The scopes that identity may give to people and agencies: none of those above.
const OF_PEOPLE: &[&str] = &[
    "account",
    "account:write",
    "agency:write",
    "author:manage",
    "case:read",
    "case:supervise",
    "case:work",
    "column:write",
    "delivery:manage",
    "directory:write",
    "feed:read",
    "message:on_behalf",
    "message:submit",
    "model:write",
    "review:senior",
    "review:work",
    "rules:edit",
    "stats:recount",
    "webhook:manage",
];

impl Layout<'_> {
    /// Writes the configuration of each service into `folder`, for its owner's eyes only.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(Error::other(format!("making {}", folder.display())))?;
        for name in Name::ALL {
            let text = toml::to_string(&self.sources(name).overrides)
                .map_err(Error::other("the configuration"))?;
            keys::write_private(&folder.join(format!("{}.toml", name.text())), text.as_bytes())?;
        }
        Ok(())
    }

    /// The configuration of `name`.
    pub(crate) fn sources(&self, name: Name) -> Sources {
        let service = name.text();
        let mut issuers: Vec<Value> = topology::CARDS
            .iter()
            .map(|card| self.issuer(card.name, &grants(card.name, name)))
            .collect();
        issuers.push(self.issuer(keys::OPERATOR, &["*"]));
        let address = |address: &SocketAddr| Value::String(address.to_string());
        let peers: Table = self
            .grpc
            .iter()
            .map(|(peer, address)| ((*peer).to_owned(), format!("http://{address}").into()))
            .collect();
        let mut overrides = table([
            (
                "grpc",
                table([("address", self.grpc.get(service).map_or("127.0.0.1:0".into(), address))])
                    .into(),
            ),
            ("management", table([("address", "127.0.0.1:0".into())]).into()),
            (
                "database",
                table([("url", self.databases.get(service).cloned().unwrap_or_default().into())])
                    .into(),
            ),
            ("nats", table([("url", self.nats.into())]).into()),
            ("objects", table([("folder", path(&objects_folder(self.data_dir)))]).into()),
            (
                "auth",
                table([
                    ("key_file", path(&keys::private_file(self.data_dir, service))),
                    ("issuers", Value::Array(issuers)),
                ])
                .into(),
            ),
            ("peers", peers.into()),
        ]);
        if let Some(own) = self.own(name) {
            overrides.insert("service".to_owned(), own.into());
        }
        Sources { overrides, ..Sources::of_machine(None) }
    }

    /// What only this service has.
    fn own(&self, name: Name) -> Option<Table> {
        let folder = keys::folder(self.data_dir);
        let public_url = || Value::String(format!("http://{}", self.http));
        match name {
            Name::Intake => Some(table([
                ("generate_keys", true.into()),
                ("receipt_key_file", path(&keys::private_file(self.data_dir, keys::RECEIPTS))),
                (
                    "log",
                    table([("key_file", path(&keys::private_file(self.data_dir, keys::LOG)))])
                        .into(),
                ),
                ("access_key_file", path(&folder.join("access.keys"))),
                ("keyring_file", path(&folder.join(KEYRING))),
            ])),
            Name::Identity => Some(table([
                ("generate_keys", true.into()),
                ("keyring_file", path(&folder.join("identity.keyring"))),
            ])),
            Name::Notification => Some(table([
                ("generate_keys", true.into()),
                ("keyring_file", path(&folder.join("notification.keyring"))),
                ("public_url", public_url()),
            ])),
            Name::Portal => Some(table([
                ("generate_keys", true.into()),
                ("cookie_key_file", path(&folder.join("cookie.key"))),
                ("address", Value::String(self.http.to_string())),
                ("public_url", public_url()),
            ])),
            Name::Moderation => Some(table([
                ("generate_keys", true.into()),
                ("keyring_file", path(&folder.join("moderation.keyring"))),
                // Whoever tries the board sees what the rules do: no clean message waits by chance.
                ("work", table([("sample_of_ten_thousand", 0.into())]).into()),
            ])),
            Name::Routing | Name::Stats | Name::Feed => None,
        }
    }

    fn issuer(&self, name: &str, scopes: &[&str]) -> Value {
        table([
            ("name", name.into()),
            ("public_key_file", path(&keys::public_file(self.data_dir, name))),
            ("scopes", Value::Array(scopes.iter().map(|scope| (*scope).into()).collect())),
        ])
        .into()
    }
}

/// What the issuer may grant at the service.
fn grants(issuer: &str, at: Name) -> Vec<&'static str> {
    match issuer {
        // Author tokens are intake's to give.
        Intake::NAME => [BETWEEN_SERVICES, &["author:*"]].concat(),
        // It speaks for people and agencies, and never for a service; sessions are its own matter.
        Identity::NAME if at == Name::Identity => [OF_PEOPLE, &["session:*"]].concat(),
        Identity::NAME => [OF_PEOPLE, &["messaging:confirm"]].concat(),
        // It passes on the tokens of those who are signed in; in its own name it sees what everybody sees,
        // and takes what is written on the pages of columns.
        Portal::NAME if at == Name::Intake => {
            vec!["attachment:public", "column:read", "column:enter"]
        }
        Portal::NAME => Vec::new(),
        _ => BETWEEN_SERVICES.to_vec(),
    }
}

/// Where the services of a board in `data_dir` keep large things.
pub(crate) fn objects_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("objects")
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn path(path: &Path) -> Value {
    Value::String(path.display().to_string())
}
