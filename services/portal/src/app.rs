//! What every page works with.

use std::sync::Arc;

use liuyan_kit::{clock::SharedClock, host::Host};
use tokio::sync::Semaphore;

use crate::{
    api, backend::Backends, columns::Columns, config::Config, cookies::Cookies,
    directory::Directory, lists::Lists, session::Refreshes, unread::Unread, web::limiter::Limiter,
};

/// What every page works with. It keeps nothing that could be lost.
#[derive(Debug)]
pub struct App {
    pub(crate) config: Config,
    pub(crate) api: api::Shared,
    pub(crate) clock: SharedClockDebug,
    pub(crate) backend: Backends,
    pub(crate) directory: Directory,
    pub(crate) lists: Lists,
    pub(crate) columns: Columns,
    pub(crate) unread: Unread,
    pub(crate) cookies: Cookies,
    pub(crate) refreshes: Refreshes,
    pub(crate) permits: Semaphore,
    /// Places for uploads.
    pub(crate) uploads: Semaphore,
    pub(crate) forms: Limiter,
    /// Files that programs send.
    pub(crate) files: Limiter,
}

impl App {
    /// Puts it together.
    ///
    /// # Errors
    /// If a peer is not configured or the keys cannot be read.
    pub fn new(config: Config, host: &Host) -> anyhow::Result<Arc<Self>> {
        let backend = Backends::new(host, config.limits.call())?;
        let clock = SharedClockDebug(host.clock());
        Ok(Arc::new(Self {
            directory: Directory::new(backend.clone(), clock.0.clone(), &config.limits),
            lists: Lists::new(backend.clone(), clock.0.clone(), &config.limits),
            columns: Columns::new(backend.clone(), clock.0.clone(), &config.limits),
            unread: Unread::new(backend.clone(), clock.0.clone(), &config.limits),
            cookies: Cookies::open(&config)?,
            refreshes: Refreshes::default(),
            permits: Semaphore::new(config.limits.concurrency.min(Semaphore::MAX_PERMITS)),
            uploads: Semaphore::new(config.files.uploads.min(Semaphore::MAX_PERMITS)),
            forms: Limiter::per_minute(config.limits.forms_per_minute),
            files: Limiter::per_minute(config.files.per_minute),
            api: api::Shared::new(&config.api, host),
            backend,
            clock,
            config,
        }))
    }

    /// The present.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.0.now()
    }
}

/// A clock that can be part of what is shown by `{:?}`.
pub(crate) struct SharedClockDebug(pub(crate) SharedClock);

impl std::fmt::Debug for SharedClockDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
