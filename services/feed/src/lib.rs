#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod consumer;
pub mod domain;
pub mod error;
pub mod grpc;
pub mod payload;
pub mod routing;
pub mod store;
pub mod worker;

use std::{sync::Arc, time::Duration};

use liuyan_kit::{host::Host, messaging::Consumer, service::Service};
use liuyan_proto::liuyan::feed::v1::feed_service_server::FeedServiceServer;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tonic::service::Routes;

pub use store::checks::CHECKS;

use app::{App, gate::Gate, tail::Tail};
use config::Config;

static MIGRATOR: Migrator = sqlx::migrate!();

/// Lets agencies follow the public cases.
#[derive(Debug, Clone, Copy)]
pub struct Feed;

impl Service for Feed {
    const NAME: &'static str = "feed";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Config = Config;

    fn migrator() -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn start(config: Config, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        app::found(&db, host.clock().now()).await?;
        let timeout = Duration::from_millis(config.views_timeout_ms);
        let views = routing::Views::new(host.channel("routing")?, timeout);
        let app = App {
            tail: Arc::new(Tail::open(db.clone(), &config).await?),
            gate: Arc::new(Gate::new(&config)),
            streams: Arc::default(),
            clock: host.clock(),
            stopping: host.stopping(),
            config: Arc::new(config),
            db: db.clone(),
        };

        let arrived = Arc::new(Notify::new());
        worker::append_what_waits(&host, &app, views, Arc::clone(&arrived));
        worker::watch_head(&host, &app);
        worker::watch_subscriptions(&host, &app);
        host.consume(&db, Consumer::new("intake")).await?;
        host.consume(&db, Consumer::new("moderation")).await?;
        host.consume(&db, consumer::of_routing().wakes(arrived)).await?;
        host.consume(&db, Consumer::new("stats")).await?;
        host.serve(Routes::new(FeedServiceServer::new(grpc::Grpc::new(app)))).await
    }
}
