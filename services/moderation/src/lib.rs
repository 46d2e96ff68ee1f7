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
use liuyan_proto::liuyan::moderation::v1::{
    review_service_server::ReviewServiceServer, rule_service_server::RuleServiceServer,
};
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tonic::service::Routes;

pub use app::{
    App,
    appeals::Outcome,
    calls::{Call, Write},
    deciding::Wish,
    marking::Accusation,
    rules::InForce,
};
pub use config::{Config, work::Work};
pub use consumer::of_intake;
pub use domain::{
    appeal, audit, decision, due, explanation, figures, filter, fold, ground, likeness, moderator,
    page, review, rules, screen, standing, text, trial,
};
pub use error::Error;
pub use grpc::{Grpc, rules::RuleGrpc};
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
        let rules = rules::Files::current();
        let app = Arc::new(App {
            db: db.clone(),
            clock: host.clock(),
            texts: Texts::new(host.channel("intake")?),
            vault: Vault::open(&config.keyring_file, config.generate_keys)?,
            rules: InForce::new(screen::Screener::new(rules::RuleSet::parse(&rules)?)?),
            config,
        });
        app.load_data(&rules).await?;
        app.follow_rules().await?;

        let arrived = Arc::new(Notify::new());
        host.relay(&db).await?;
        host.consume(&db, of_intake(host.clock(), Arc::clone(&arrived))).await?;
        worker::screen(&host, &app, arrived);
        worker::watch_appeals(&host, &app);
        worker::follow_rules(&host, &app);
        worker::try_rules(&host, &app);
        worker::forget(&host, &app);
        let rules = RuleServiceServer::new(RuleGrpc::new(Arc::clone(&app)));
        let reviews = ReviewServiceServer::new(Grpc::new(app, host.signer()));
        host.serve(Routes::new(reviews).add_service(rules)).await
    }
}
