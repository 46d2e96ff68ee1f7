//! The services of the board, and how they are started here. The only list of them in the command.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use liuyan_feed::Feed;
use liuyan_intake::Intake;
use liuyan_kit::{
    config::{Settings, Sources},
    host::Process,
    service::{self, Running, Service},
};
use liuyan_moderation::Moderation;
use liuyan_proto::topology;
use liuyan_routing::Routing;
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
    /// Lets agencies follow.
    Feed,
}

impl Name {
    /// All of them, in the order in which they are started.
    pub(crate) const ALL: [Self; 4] = [Self::Routing, Self::Intake, Self::Moderation, Self::Feed];

    /// The name in configuration, database and contracts.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Routing => Routing::NAME,
            Self::Intake => Intake::NAME,
            Self::Moderation => Moderation::NAME,
            Self::Feed => Feed::NAME,
        }
    }

    /// The migrations of its own tables.
    pub(crate) fn migrator(self) -> Option<&'static Migrator> {
        match self {
            Self::Routing => Routing::migrator(),
            Self::Intake => Intake::migrator(),
            Self::Moderation => Moderation::migrator(),
            Self::Feed => Feed::migrator(),
        }
    }

    /// Starts it.
    pub(crate) async fn start(
        self,
        sources: &Sources,
        process: &Process,
    ) -> Result<Running, Error> {
        match self {
            Self::Routing => start::<Routing>(sources, process).await,
            Self::Intake => start::<Intake>(sources, process).await,
            Self::Moderation => start::<Moderation>(sources, process).await,
            Self::Feed => start::<Feed>(sources, process).await,
        }
    }
}

async fn start<S: Service>(sources: &Sources, process: &Process) -> Result<Running, Error> {
    let settings = Settings::<S::Config>::load(S::NAME, S::DEFAULTS, sources)
        .map_err(|error| Error::Usage(error.to_string()))?;
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
}

/// The scopes that one service may use with another.
const BETWEEN_SERVICES: &[&str] = &["text:read", "text:public", "case:view", "messaging:confirm"];

impl Layout<'_> {
    /// The configuration of `name`.
    pub(crate) fn sources(&self, name: Name) -> Sources {
        let service = name.text();
        let mut issuers: Vec<Value> = topology::CARDS
            .iter()
            .map(|card| {
                let mut scopes: Vec<&str> = BETWEEN_SERVICES.to_vec();
                // Author tokens are intake's to give.
                if card.name == Intake::NAME {
                    scopes.push("author:*");
                }
                self.issuer(card.name, &scopes)
            })
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
        if name == Name::Intake {
            let keys = keys::folder(self.data_dir);
            overrides.insert(
                "service".to_owned(),
                table([
                    ("generate_keys", true.into()),
                    ("receipt_key_file", path(&keys.join("receipt.key.pem"))),
                    ("access_key_file", path(&keys.join("access.keys"))),
                    ("keyring_file", path(&keys.join("keyring"))),
                ])
                .into(),
            );
        }
        Sources { overrides, ..Sources::of_machine(None) }
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

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn path(path: &Path) -> Value {
    Value::String(path.display().to_string())
}
