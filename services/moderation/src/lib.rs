#![doc = include_str!("../README.md")]

mod app;
mod config;
mod consumer;
mod domain;
mod error;
mod events;
mod grpc;
mod store;
mod texts;
mod vault;
mod worker;

use std::sync::Arc;

use liuyan_kit::{host::Host, service::Service};
use liuyan_proto::liuyan::moderation::v1::review_service_server::ReviewServiceServer;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tonic::service::Routes;

pub use app::{App, Call, appeals::Outcome, deciding::Wish, marking::Accusation};
pub use config::{Config, work::Work};
pub use consumer::of_intake;
pub use domain::{
    appeal, audit, decision, due, explanation, figures, filter, fold, ground, moderator, page,
    review, rules, screen, standing, text,
};
pub use error::Error;
pub use grpc::Grpc;
pub use store::checks::{CHECKS, Check};
pub use texts::Texts;
pub use vault::Vault;

static MIGRATOR: Migrator = sqlx::migrate!();

/// Decides what may be public.
#[derive(Debug, Clone, Copy)]
pub struct Moderation;

impl Service for Moderation {
    const NAME: &'static str = "moderation";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Config = Config;

    fn migrator() -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn start(config: Config, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        let rules = rules::RuleSet::current()?;
        let app = Arc::new(App {
            db: db.clone(),
            clock: host.clock(),
            texts: Texts::new(host.channel("intake")?),
            vault: Vault::open(&config.keyring_file, config.generate_keys)?,
            screener: screen::Screener::new(rules.clone())?,
            config,
        });
        app.load_data(&rules).await?;

        let arrived = Arc::new(Notify::new());
        host.relay(&db).await?;
        host.consume(&db, of_intake(host.clock(), Arc::clone(&arrived))).await?;
        worker::screen(&host, &app, arrived);
        worker::watch_appeals(&host, &app);
        host.serve(Routes::new(ReviewServiceServer::new(Grpc::new(app, host.signer())))).await
    }
}
