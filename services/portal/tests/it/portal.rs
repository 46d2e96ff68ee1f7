//! A portal under test.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{LazyLock, Mutex},
};

use liuyan_kit::{host::Host, service::Service, testing::Board};
use liuyan_portal::{Config, Portal};
use sqlx::migrate::Migrator;

use crate::{browser::Browser, fake::Fake, samples};

/// Where each portal of this process serves, by its public address.
static ADDRESSES: LazyLock<Mutex<HashMap<String, SocketAddr>>> = LazyLock::new(Mutex::default);

/// The portal, which tells its address to the test.
struct Told;

impl Service for Told {
    const NAME: &'static str = Portal::NAME;
    const DEFAULTS: &'static str = Portal::DEFAULTS;
    type Config = Config;

    fn migrator() -> Option<&'static Migrator> {
        None
    }

    async fn start(config: Config, host: Host) -> anyhow::Result<()> {
        let name = config.public_url.to_string();
        let address = liuyan_portal::start(config, &host).await?;
        ADDRESSES.lock().unwrap().insert(name, address);
        Ok(())
    }
}

/// A portal with a fake in the place of everybody else.
pub(crate) struct Running {
    pub(crate) fake: Fake,
    address: SocketAddr,
    _board: Board,
    _keys: tempfile::TempDir,
}

impl Running {
    /// A portal whose directory and lists have something in them.
    pub(crate) async fn start() -> Self {
        Self::with("http", toml::Table::new()).await
    }

    /// The same with other limits, or reached by https.
    pub(crate) async fn with(scheme: &str, limits: toml::Table) -> Self {
        Self::with_both(scheme, limits, toml::Table::new()).await
    }

    /// The same with other limits of files.
    pub(crate) async fn with_files(files: &str) -> Self {
        Self::with_both("http", toml::Table::new(), toml::from_str(files).unwrap()).await
    }

    /// The same with both.
    pub(crate) async fn with_both(scheme: &str, limits: toml::Table, files: toml::Table) -> Self {
        let fake = Fake::default();
        samples::answer(&fake);
        let stub = fake.serve().await;
        let keys = tempfile::tempdir().unwrap();
        let public_url = format!("{scheme}://board-{}.example/", stub.port());
        let mut settings: toml::Table = toml::from_str(&format!(
            "[service]\naddress = \"127.0.0.1:0\"\npublic_url = \"{public_url}\"\n\
             generate_keys = true\ncookie_key_file = \"{}\"\n",
            keys.path().join("cookie.keys").display(),
        ))
        .unwrap();
        let mut all = toml::Table::from_iter([("forms_per_minute".to_owned(), 0.into())]);
        all.extend(limits);
        let service = settings["service"].as_table_mut().unwrap();
        service.insert("limits".to_owned(), all.into());
        service.insert("files".to_owned(), files.into());
        let mut board = Board::new().without_bus().with_settings::<Told>(settings);
        let peers =
            ["intake", "moderation", "routing", "notification", "stats", "feed", "identity"];
        for peer in peers {
            board = board.with_stub(peer, stub);
        }
        let board = Box::pin(board.start()).await;
        let address = ADDRESSES.lock().unwrap()[&public_url];
        Self { fake, address, _board: board, _keys: keys }
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Somebody new, who reads Chinese.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.address, "zh-CN")
    }

    /// Somebody new, who reads English.
    pub(crate) fn english(&self) -> Browser {
        Browser::new(self.address, "en")
    }
}
