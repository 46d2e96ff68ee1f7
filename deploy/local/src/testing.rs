//! Servers for tests: real ones, private to the test process, gone when it ends in whatever way.
//!
//! Each test makes its own database in [`shared`]'s Postgres and its own streams, or takes a nats-server of its
//! own ([`nats`]) if it wants to hurt it. A failure to start is a failed test, so these functions panic.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use tokio::sync::OnceCell;

use crate::folder::{Folder, random_word};
use crate::guard::Guard;
use crate::options::{Options, STREAM_BYTES, Source, default_cache_dir};
use crate::port::Wish;
use crate::process::pid_in;
use crate::progress::Progress;
use crate::servers::{Servers, guard_of, start};
use crate::{nats, programs};

/// A killed server is gone within this.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// A folder of a test process that has been untouched for this long and is not locked is cleared away.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);
/// How the names of such folders begin.
const PREFIX: &str = "liuyan-test-";

static SHARED: OnceCell<TestServers> = OnceCell::const_new();

/// One Postgres and one nats-server for all tests of this process. Postgres runs without fsync, but with
/// `synchronous_commit = on`.
#[derive(Debug)]
pub struct TestServers(Servers);

impl TestServers {
    /// The address of Postgres for its superuser, with the password, database `postgres`.
    pub fn postgres_url(&self) -> &str {
        self.0.postgres_url()
    }

    /// The address of nats-server, with the password.
    pub fn nats_url(&self) -> &str {
        self.0.nats_url()
    }

    /// The process id of Postgres.
    pub fn postgres_pid(&self) -> u32 {
        self.0.postgres_pid()
    }

    /// The process id of nats-server.
    pub fn nats_pid(&self) -> u32 {
        self.0.nats_pid()
    }
}

/// The servers all tests of this process share, started at the first call.
///
/// # Panics
/// If they can't be started.
pub async fn shared() -> &'static TestServers {
    // Boxed, because it is awaited inside of many tests' futures.
    SHARED.get_or_init(|| Box::pin(start_shared())).await
}

async fn start_shared() -> TestServers {
    sweep();
    let folder = temporary_folder();
    let options = Options { durable: false, temporary: true, ..Options::new(&folder) };
    match start(options, &silent).await {
        Ok(servers) => TestServers(servers),
        Err(error) => {
            let _ = fs::remove_dir_all(&folder);
            panic!("the servers for the tests did not start: {error}")
        }
    }
}

/// A nats-server of one's own: to be killed, emptied and started again.
#[derive(Debug)]
pub struct OwnNats {
    // The order matters when this is dropped: the guard goes to work before the lock is given back.
    running: nats::Running,
    guard: Guard,
    folder: Folder,
    program: crate::find::Program,
    setup: nats::Setup,
}

/// Starts a nats-server of one's own in a temporary folder; it ends and the folder goes when the value is dropped.
///
/// # Panics
/// If it can't be started.
pub async fn nats() -> OwnNats {
    sweep();
    let path = temporary_folder();
    let begin = async {
        let folder = Folder::open(&path, 0o700)?;
        let program = programs::nats(Source::from_env(), &default_cache_dir(), &silent).await?;
        let guard = guard_of(&folder, true)?;
        let setup = nats::Setup::new(STREAM_BYTES)?;
        let running =
            nats::start(&program, &folder, &setup, Wish::Rather(0), &guard, &silent).await?;
        Ok::<_, crate::Error>(OwnNats { running, guard, folder, program, setup })
    };
    begin.await.unwrap_or_else(|error| panic!("a nats-server for the test did not start: {error}"))
}

impl OwnNats {
    /// The address, with the password. It stays the same over [`restart`](OwnNats::restart).
    pub fn url(&self) -> &str {
        &self.running.url
    }

    /// The process id; it changes with [`restart`](OwnNats::restart).
    pub fn pid(&self) -> u32 {
        self.running.server.pid()
    }

    /// Kills the server as a power cut would (SIGKILL) and waits until it is gone. Does nothing if it is.
    pub async fn kill(&mut self) {
        self.running.server.signal(Signal::SIGKILL);
        assert!(
            self.running.server.ends_within(KILL_LIMIT).await,
            "the killed nats-server did not end"
        );
    }

    /// Kills the server and removes its whole store: all streams, consumers and messages.
    ///
    /// # Panics
    /// If the store can't be removed.
    pub async fn wipe(&mut self) {
        self.kill().await;
        let store = nats::store(&self.folder);
        if let Err(error) = fs::remove_dir_all(&store) {
            assert!(!store.exists(), "{} could not be removed: {error}", store.display());
        }
    }

    /// Starts the server again on the same port with the same password, after killing it if it still runs.
    ///
    /// # Panics
    /// If it can't be started.
    pub async fn restart(&mut self) {
        self.kill().await;
        let wish = Wish::Only(self.running.port);
        let again =
            nats::start(&self.program, &self.folder, &self.setup, wish, &self.guard, &silent).await;
        self.running =
            again.unwrap_or_else(|error| panic!("the nats-server did not start again: {error}"));
    }

    /// Freezes the server (SIGSTOP): connections stay open and nobody answers.
    pub fn freeze(&mut self) {
        self.running.server.signal(Signal::SIGSTOP);
    }

    /// Lets a frozen server go on (SIGCONT).
    pub fn thaw(&mut self) {
        self.running.server.signal(Signal::SIGCONT);
    }
}

fn silent(_: Progress) {}

/// A new path in the system's temporary folder.
fn temporary_folder() -> PathBuf {
    let word = random_word().unwrap_or_else(|error| panic!("{error}"));
    env::temp_dir().join(format!("{PREFIX}{}-{}", std::process::id(), &word[..8]))
}

/// Clears away what test processes have left behind that were killed together with their guards, as by the end of a
/// container's control group. Whatever can't be cleared is left to the next one.
fn sweep() {
    let Ok(entries) = fs::read_dir(env::temp_dir()) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_old_and_ours(&entry.path())
        {
            clear_abandoned(&entry.path());
        }
    }
}

/// A folder that is not old may be one whose process has not come to lock it yet.
fn is_old_and_ours(path: &Path) -> bool {
    let Ok(data) = fs::symlink_metadata(path) else { return false };
    let age = data.modified().ok().and_then(|time| time.elapsed().ok());
    data.is_dir()
        && data.uid() == geteuid().as_raw()
        && age.is_some_and(|age| age > ABANDONED_AFTER)
}

/// Sets a new guard on the abandoned servers and dismisses it at once: stopping and removing is what it does.
fn clear_abandoned(path: &Path) {
    let Some(folder) = Folder::abandoned(path) else { return };
    let Ok(guard) = guard_of(&folder, true) else { return };
    let servers = [("postgres", "postgres.pid", "postgres"), ("nats", "nats.pid", "nats.conf")];
    for (kind, pid_file, mark) in servers {
        if let Some(pid) = pid_in(&folder.join(pid_file)) {
            let _ = guard.watch(kind, pid, &folder.join(mark));
        }
    }
}
