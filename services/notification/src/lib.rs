#![doc = include_str!("../README.md")]

mod app;
mod channels;
mod config;
mod consumer;
mod domain;
mod error;
mod events;
mod grpc;
mod letters;
mod peers;
mod store;
mod vault;
mod worker;

use std::sync::Arc;

use liuyan_kit::{host::Host, service::Service};
use liuyan_proto::liuyan::notification::v1::subscription_service_server::SubscriptionServiceServer;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

pub use app::{App, Wakes, telling::Terms};
pub use channels::{email::Mailer, webhook::Caller};
pub use config::Config;
pub use consumer::Ears;
pub use domain::{
    address, code, day, delivery, event, holder, letter, network, page, signature, wish,
};
pub use error::Error;
pub use grpc::Grpc;
pub use letters::Letters;
pub use peers::Peers;
pub use store::checks::{CHECKS, Check};
pub use vault::Vault;

static MIGRATOR: Migrator = sqlx::migrate!();

/// Tells each person once, on time.
#[derive(Debug, Clone, Copy)]
pub struct Notification;

impl Service for Notification {
    const NAME: &'static str = "notification";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Config = Config;

    fn migrator() -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn start(config: Config, host: Host) -> anyhow::Result<()> {
        let config = config.settle()?;
        let vault = Vault::open(&config.keyring_file, config.generate_keys)?;
        let db = host.database(Self::migrator()).await?;
        let (routing, identity) = (host.channel("routing")?, host.channel("identity")?);
        let feed = host.channel("feed")?;
        let app = Arc::new(App {
            db: db.clone(),
            clock: host.clock(),
            vault,
            peers: Peers::new(routing, identity, feed, config.office_memory_seconds),
            mailer: Mailer::new(&config.email)?,
            caller: Caller::new(&config.webhook)?,
            letters: Letters::new(&config),
            wakes: Wakes::default(),
            config,
        });

        let ears = Ears::of(&app);
        host.relay(&db).await?;
        host.consume(&db, ears.of_intake()).await?;
        host.consume(&db, ears.of_moderation()).await?;
        host.consume(&db, ears.of_routing()).await?;
        host.consume(&db, ears.of_identity()).await?;
        host.consume(&db, ears.of_stats()).await?;
        worker::send(&host, &app);
        worker::measure(&host, &app);
        host.serve(Routes::new(SubscriptionServiceServer::new(Grpc::new(app)))).await
    }
}
