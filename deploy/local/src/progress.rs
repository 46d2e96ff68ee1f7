//! What `start` tells while it works.

use std::fmt;

/// One step of [`start`](crate::start), for a person who waits. `Display` gives an English phrase; a caller with its
/// own catalogue matches the variants.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A server program was found; nothing needs to be fetched.
    Found {
        /// `Postgres` or `nats-server`.
        server: &'static str,
        /// Its version.
        version: String,
    },
    /// A server program is being fetched. This may take a minute.
    Fetching {
        /// The name of the build.
        name: &'static str,
        /// Its pinned version.
        version: &'static str,
    },
    /// Another process is fetching the same thing; this one waits for it.
    WaitingForFetch {
        /// The name of the build.
        name: &'static str,
    },
    /// A server that an earlier run left behind is being stopped.
    StoppingLeftover {
        /// `Postgres` or `nats-server`.
        server: &'static str,
        /// Its process id.
        pid: u32,
    },
    /// An unfinished data folder of an interrupted first start is removed and made anew.
    Repairing,
    /// A new Postgres data folder is being made.
    Initialising,
    /// The wanted port is taken, another one is used.
    PortBusy {
        /// `Postgres` or `nats-server`.
        server: &'static str,
        /// The port that was asked for.
        wanted: u16,
        /// The port that is used instead.
        used: u16,
    },
    /// Postgres keeps its data elsewhere, because its user can't reach the data folder.
    Elsewhere {
        /// Where the data of Postgres lies.
        folder: std::path::PathBuf,
    },
    /// A server is being started.
    Starting {
        /// `Postgres` or `nats-server`.
        server: &'static str,
    },
    /// A server answers.
    Ready {
        /// `Postgres` or `nats-server`.
        server: &'static str,
        /// The port on 127.0.0.1 where it answers.
        port: u16,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found { server, version } => {
                write!(f, "using {server} {version} of this machine")
            }
            Self::Fetching { name, version } => write!(f, "fetching {name} {version}"),
            Self::WaitingForFetch { name } => {
                write!(f, "waiting for another process that fetches {name}")
            }
            Self::StoppingLeftover { server, pid } => {
                write!(f, "stopping {server} (process {pid}), left over from an earlier run")
            }
            Self::Repairing => write!(f, "removing an unfinished data folder"),
            Self::Initialising => write!(f, "making a new Postgres data folder"),
            Self::PortBusy { server, wanted, used } => {
                write!(f, "port {wanted} is taken, {server} uses {used} instead")
            }
            Self::Elsewhere { folder } => {
                write!(f, "Postgres keeps its data in {}", folder.display())
            }
            Self::Starting { server } => write!(f, "starting {server}"),
            Self::Ready { server, port } => write!(f, "{server} answers on port {port}"),
        }
    }
}

/// Whoever wants to hear of it.
pub(crate) type Listener<'a> = &'a (dyn Fn(Progress) + Send + Sync);
