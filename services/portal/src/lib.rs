#![doc = include_str!("../README.md")]

mod api;
mod app;
mod assets;
mod author_data;
mod backend;
mod cache;
mod columns;
mod config;
mod cookies;
mod directory;
mod embed;
mod error;
mod files;
mod format;
mod lists;
mod mixed;
mod page;
mod pages;
mod session;
mod unread;
mod visit;
mod web;
mod words;

use std::net::SocketAddr;

use liuyan_kit::{host::Host, service::Service};
use sqlx::migrate::Migrator;

pub use app::App;
pub use config::Config;
pub use words::WORDS;

/// The pages and the public HTTP API.
#[derive(Debug, Clone, Copy)]
pub struct Portal;

impl Service for Portal {
    const NAME: &'static str = "portal";
    const DEFAULTS: &'static str = include_str!("../config.toml");
    type Config = Config;

    fn migrator() -> Option<&'static Migrator> {
        None
    }

    async fn start(config: Config, host: Host) -> anyhow::Result<()> {
        start(config, &host).await.map(|_| ())
    }
}

/// Starts the portal and gives the address at which it serves pages; its tasks run on.
///
/// # Errors
/// If a peer is not configured, the keys cannot be read, or the address is taken.
pub async fn start(config: Config, host: &Host) -> anyhow::Result<SocketAddr> {
    let address = config.address;
    let app = App::new(config, host)?;
    web::serve(address, app, host).await
}
