#![doc = include_str!("../README.md")]

mod app;
mod config;
mod domain;
mod error;
mod events;
mod grpc;
mod store;
mod worker;

use std::sync::Arc;

use liuyan_kit::{host::Host, service::Service};
use liuyan_proto::liuyan::identity::v1::identity_service_server::IdentityServiceServer;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

pub use app::{App, hasher::Hasher, vault::Vault};
pub use config::{Config, PasswordConfig, TriesConfig};
pub use domain::{access, account, agency, audit, jwks, name, origin, password, session};
pub use error::Error;
pub use grpc::Grpc;
pub use store::checks::{CHECKS, Check};

static MIGRATOR: Migrator = sqlx::migrate!();

/// Knows who people and agencies are, and what they may do.
#[derive(Debug, Clone, Copy)]
pub struct Identity;

impl Service for Identity {
    const NAME: &'static str = "identity";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Config = Config;

    fn migrator() -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn start(config: Config, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        let app = Arc::new(App {
            db: db.clone(),
            clock: host.clock(),
            vault: Vault::open(&config.keyring_file, config.generate_keys)?,
            hasher: Hasher::new(&config.password)?,
            signer: host.signer(),
            config,
        });

        host.relay(&db).await?;
        worker::prune(&host, &app);
        host.serve(Routes::new(IdentityServiceServer::new(Grpc::new(app)))).await
    }
}
