#![doc = include_str!("../README.md")]

use std::sync::Arc;

use liuyan_kit::{
    host::Host,
    objects::{self, Objects},
    seal::transit::Transit,
    service::Service,
};
use liuyan_proto::liuyan::intake::v1::{
    column_service_server::ColumnServiceServer, intake_service_server::IntakeServiceServer,
};
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tonic::service::Routes;

pub mod app;
pub mod audit;
mod checks;
pub mod config;
pub mod consumer;
pub mod domain;
pub mod error;
pub mod grpc;
pub mod keys;
pub mod store;
pub mod worker;

use app::{App, vault::Vault};
pub use checks::CHECKS;
use config::Config;
use grpc::Grpc;
use keys::Keys;

static MIGRATOR: Migrator = sqlx::migrate!();

/// Takes every message once and never loses one.
#[derive(Debug)]
pub struct Intake;

impl Service for Intake {
    const NAME: &'static str = "intake";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Config = Config;

    fn migrator() -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn start(config: Config, host: Host) -> anyhow::Result<()> {
        let keys = Keys::open(&config)?;
        let vault = match Transit::open(&config.transit)? {
            None => Vault::open(&config.keyring_file, config.generate_keys)?,
            Some(transit) => {
                Vault::unwrapped(&config.keyring_file, config.generate_keys, &transit).await?
            }
        };
        let db = host.database(Self::migrator()).await?;
        let objects = objects(&host)?;
        let app =
            App::start(config, db.clone(), host.clock(), keys, vault, host.signer(), objects)?;
        app.refresh_directory().await?;

        let directory_changed = Arc::new(Notify::new());
        host.relay(&db).await?;
        host.consume(&db, consumer::moderation()).await?;
        host.consume(&db, consumer::routing().wakes(Arc::clone(&directory_changed))).await?;
        worker::refresh_directory(&host, &app, directory_changed);
        worker::prune_requests(&host, &app);
        worker::sweep_files(&host, &app);
        worker::sequence(&host, &app);
        worker::replay_erasures(&host, &app);
        worker::forget_contacts(&host, &app);
        worker::rewrap_keys(&host, &app);
        let grpc = Grpc::new(app);
        let routes = Routes::new(IntakeServiceServer::new(grpc.clone()))
            .add_service(ColumnServiceServer::new(grpc));
        host.serve(routes).await?;
        Ok(())
    }
}

/// The room for files and for the journal of erasures, where there is a place for it.
fn objects(host: &Host) -> Result<Option<Objects>, objects::Error> {
    match host.objects() {
        Ok(objects) => Ok(Some(objects)),
        Err(objects::Error::Nowhere) => {
            tracing::warn!(
                "no place for objects is configured: no files are taken, erasures are in no \
                 journal, and a restored backup brings back what was erased"
            );
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
