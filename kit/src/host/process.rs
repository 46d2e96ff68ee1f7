//! What all services of one process share: telemetry, the clock, and ports that are taken early.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    clock::{SharedClock, SystemClock},
    config,
    telemetry::{self, Running},
};

/// What all services of one process share.
pub struct Process {
    clock: SharedClock,
    reserved: Mutex<HashMap<String, TcpListener>>,
    _telemetry: Option<Running>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}

impl Process {
    /// Starts telemetry for the process `name`. Called once, within the runtime.
    ///
    /// # Errors
    /// If the settings are wrong, or telemetry runs already.
    pub fn start(
        settings: &config::Telemetry,
        name: &'static str,
    ) -> Result<Self, telemetry::Error> {
        let running = telemetry::start(settings, name)?;
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let text = crate::grpc::panic_text(panic.payload());
            tracing::error!(place, text, "a panic");
        }));
        Ok(Self { _telemetry: Some(running), ..Self::quiet(Arc::new(SystemClock)) })
    }

    /// A process that leaves telemetry alone and goes by `clock`: for tests.
    pub fn quiet(clock: SharedClock) -> Self {
        Self { clock, reserved: Mutex::default(), _telemetry: None }
    }

    /// The time.
    pub fn clock(&self) -> SharedClock {
        Arc::clone(&self.clock)
    }

    /// Takes the port on which `service` will serve gRPC, so that others can be told its address
    /// before it starts. Who calls before it has started waits.
    ///
    /// # Errors
    /// If the port is taken.
    pub fn reserve(&self, service: &str, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        reserved.insert(service.to_owned(), listener);
        Ok(address)
    }

    /// The listener of `service`: the reserved one, or a new one at `address`.
    pub(crate) fn listener(
        &self,
        service: &str,
        address: SocketAddr,
    ) -> io::Result<tokio::net::TcpListener> {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let listener = match reserved.remove(service) {
            Some(listener) => listener,
            None => TcpListener::bind(address)?,
        };
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    }
}
