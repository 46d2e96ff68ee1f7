#![doc = include_str!("../README.md")]

pub mod app;
pub mod config;
pub mod consumer;
pub mod domain;
pub mod error;
pub mod exported;
pub mod grpc;
pub mod payload;
pub mod routing;
pub mod store;
pub mod worker;

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    host::Host,
    messaging::Consumer,
    objects::{self, Objects},
    service::Service,
};
use liuyan_proto::liuyan::feed::v1::feed_service_server::FeedServiceServer;
use sqlx::migrate::Migrator;
use tokio::sync::Notify;
use tonic::service::Routes;

pub use store::checks::CHECKS;

use app::{App, gate::Gate, shelf::Shelf, tail::Tail};
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
        let objects = objects(&host)?;
        let shelf = Arc::new(Shelf::new(db.clone(), objects, config.unpacked_bytes));
        let app = App {
            tail: Arc::new(Tail::open(db.clone(), Arc::clone(&shelf), &config).await?),
            shelf,
            gate: Arc::new(Gate::new(&config)),
            streams: Arc::default(),
            rewritten: Arc::default(),
            held: Arc::default(),
            troubles: Arc::default(),
            clock: host.clock(),
            stopping: host.stopping(),
            config: Arc::new(config),
            db: db.clone(),
        };

        let (arrived, rung) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let bell = host.bell("log", Arc::clone(&rung)).await?;
        worker::append_what_waits(&host, &app, views, Arc::clone(&arrived), bell);
        worker::look_after_stretches(&host, &app);
        worker::watch_head(&host, &app, rung);
        worker::watch_subscriptions(&host, &app);
        worker::measure(&host, &app);
        host.consume(&db, Consumer::new("intake")).await?;
        host.consume(&db, Consumer::new("moderation")).await?;
        host.consume(&db, consumer::of_routing().wakes(arrived)).await?;
        host.consume(&db, Consumer::new("stats")).await?;
        host.serve(Routes::new(FeedServiceServer::new(grpc::Grpc::new(app)))).await
    }
}

/// Where old stretches of the log go; nowhere without a place for objects.
fn objects(host: &Host) -> Result<Option<Objects>, objects::Error> {
    match host.objects() {
        Ok(objects) => Ok(Some(objects)),
        Err(objects::Error::Nowhere) => {
            tracing::info!("no place for objects: the log stays in the database as a whole");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
