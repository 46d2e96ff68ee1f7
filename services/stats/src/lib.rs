#![doc = include_str!("../README.md")]

mod app;
mod config;
mod consumer;
mod domain;
mod error;
mod events;
mod grpc;
mod store;
mod worker;

use std::sync::Arc;

use liuyan_kit::{host::Host, service::Service};
use liuyan_proto::liuyan::stats::v1::stats_service_server::StatsServiceServer;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tonic::service::Routes;

pub use app::App;
pub use config::Config;
pub use consumer::{of_intake, of_moderation, of_routing};
pub use domain::{cell, count, division, fact, indicator, measure, month, query, ranking, report};
pub use error::Error;
pub use grpc::Grpc;
pub use store::{
    checks::{CHECKS, Check},
    recount::{Recount, recount},
};

static MIGRATOR: Migrator = sqlx::migrate!();

/// Counts, so that anyone can count again.
#[derive(Debug, Clone, Copy)]
pub struct Stats;

impl Service for Stats {
    const NAME: &'static str = "stats";
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
            indicators: indicator::parse(indicator::DATA)?,
            config,
        });
        app.publish_definitions(indicator::VERSION).await?;
        app.apply_rules().await?;

        let arrived = Arc::new(Notify::new());
        host.relay(&db).await?;
        host.consume(&db, of_intake(Arc::clone(&arrived))).await?;
        host.consume(&db, of_moderation(Arc::clone(&arrived))).await?;
        host.consume(&db, of_routing(Arc::clone(&arrived))).await?;
        worker::count(&host, &app, arrived);
        worker::measure(&host, &app);
        host.serve(Routes::new(StatsServiceServer::new(Grpc::new(app)))).await
    }
}
