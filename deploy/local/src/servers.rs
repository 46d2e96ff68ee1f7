//! The pair of servers: start, look, stop.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::account::Account;
use crate::error::{Error, at};
use crate::find::Program;
use crate::folder::{Folder, one_line};
use crate::guard::Guard;
use crate::options::Options;
use crate::port::Wish;
use crate::postgres::Home;
use crate::progress::{Listener, Progress};
use crate::{nats, postgres, programs};

/// How long a folder may still be held by a process that is ending.
const HANDOVER: Duration = Duration::from_secs(2);
/// How often [`Servers::ended`] looks.
const WATCH: Duration = Duration::from_millis(500);
/// The file without which the guard removes no folder.
pub(crate) const TEMPORARY: &str = "liuyan-temporary";

/// A running Postgres and a running nats-server that belong to this process and end with it, in whatever way it ends.
///
/// Dropping this without [`stop`](Servers::stop) stops them as well, but nobody waits for it.
#[derive(Debug)]
pub struct Servers {
    postgres: postgres::Running,
    nats: nats::Running,
    data_dir: PathBuf,
    made: Made,
    // The order matters when this is dropped: the guard goes to work before the lock is given back.
    guard: Guard,
    folder: Folder,
}

/// How the servers were started, for those that must be started again.
#[derive(Debug)]
struct Made {
    account: Account,
    durable: bool,
    more: Vec<String>,
    postgres: Program,
    postgres_password: String,
    nats: Program,
    nats_setup: nats::Setup,
}

/// Starts a private Postgres and a private nats-server in a data folder.
///
/// Finds or fetches the programs, makes or repairs the data, stops what an earlier run has left behind, and returns
/// when both servers take connections. The first start may take minutes (a download), later ones take about a second.
///
/// # Errors
/// Every [`Error`] but [`Error::Ended`]. Nothing is left running after one.
pub async fn start(
    options: Options,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Servers, Error> {
    let account = Account::choose().await?;
    start_as(account, options, progress).await
}

pub(crate) async fn start_as(
    account: Account,
    options: Options,
    progress: Listener<'_>,
) -> Result<Servers, Error> {
    let folder = open_patiently(&options.data_dir, account.folder_mode()).await?;
    let guard = guard_of(&folder, options.temporary)?;
    match start_both(account, &options, &folder, &guard, progress).await {
        Ok((postgres, nats, data_dir, made)) => {
            Ok(Servers { postgres, nats, data_dir, made, guard, folder })
        }
        Err(error) => {
            // Whatever did start is stopped before the caller hears of the failure.
            guard.dismiss().await;
            Err(error)
        }
    }
}

/// Takes the folder. A process that was just killed holds it until the kernel has cleared it away.
async fn open_patiently(path: &Path, mode: u32) -> Result<Folder, Error> {
    let until = tokio::time::Instant::now() + HANDOVER;
    loop {
        match Folder::open(path, mode) {
            Err(Error::FolderInUse { .. }) if tokio::time::Instant::now() < until => {
                tokio::time::sleep(HANDOVER / 20).await;
            }
            opened => return opened,
        }
    }
}

/// A guard for a folder, which is removed in the end if it is temporary.
pub(crate) fn guard_of(folder: &Folder, temporary: bool) -> Result<Guard, Error> {
    if !temporary {
        return Guard::start(None);
    }
    let marker = folder.join(TEMPORARY);
    fs::write(&marker, "The whole folder is removed when its process ends.\n")
        .map_err(at("writing", &marker))?;
    Guard::start(Some(&folder.path))
}

async fn start_both(
    account: Account,
    options: &Options,
    folder: &Folder,
    guard: &Guard,
    progress: Listener<'_>,
) -> Result<(postgres::Running, nats::Running, PathBuf, Made), Error> {
    let cache = absolute(&options.cache_dir)?;
    let base = account.home(&folder.path).await?;
    if base != folder.path {
        progress(Progress::Elsewhere { folder: base.clone() });
    }
    let (durable, more) = (options.durable, options.postgres_settings.as_slice());
    let home = Home { folder, base: base.clone(), account, durable, more };
    home.clear_leftovers(progress).await?;
    nats::clear_leftovers(folder, progress).await?;
    // One after the other: two downloads at once would only mix their messages.
    let nats_program = programs::nats(options.source, &cache, progress).await?;
    let data = home.data();
    let postgres_program =
        programs::postgres(options.source, account, home.major(), &data, &cache, progress).await?;
    let nats_setup = nats::Setup::new(options.stream_bytes)?;
    let ((postgres, postgres_password), nats) = tokio::try_join!(
        async {
            let password = home.prepare(&postgres_program, guard, progress).await?;
            let wish = Wish::Rather(options.postgres_port);
            let running = home.start(&postgres_program, &password, wish, guard, progress).await?;
            Ok((running, password))
        },
        nats::start(
            &nats_program,
            folder,
            &nats_setup,
            Wish::Rather(options.nats_port),
            guard,
            progress
        ),
    )?;
    let made = Made {
        account,
        durable,
        more: more.to_vec(),
        postgres: postgres_program,
        postgres_password,
        nats: nats_program,
        nats_setup,
    };
    Ok((postgres, nats, base, made))
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let path = std::path::absolute(path).map_err(at("resolving", path))?;
    one_line(&path)?;
    Ok(path)
}

impl Servers {
    /// The address of Postgres for its superuser, with the password: `postgres://…@127.0.0.1:PORT/postgres`.
    pub fn postgres_url(&self) -> &str {
        &self.postgres.url
    }

    /// The address of nats-server, with the password: `nats://…@127.0.0.1:PORT`. It changes with every start.
    pub fn nats_url(&self) -> &str {
        &self.nats.url
    }

    /// The port of Postgres on 127.0.0.1.
    pub fn postgres_port(&self) -> u16 {
        self.postgres.port
    }

    /// The port of nats-server on 127.0.0.1.
    pub fn nats_port(&self) -> u16 {
        self.nats.port
    }

    /// The process id of Postgres.
    pub fn postgres_pid(&self) -> u32 {
        self.postgres.server.pid()
    }

    /// The process id of nats-server.
    pub fn nats_pid(&self) -> u32 {
        self.nats.server.pid()
    }

    /// The folder in which Postgres keeps its data (in `postgres`). It is the one of [`Options`], but for a root
    /// without user namespaces, whose Postgres can't reach every folder.
    pub fn postgres_base(&self) -> &Path {
        &self.data_dir
    }

    /// Waits until one of the servers ends by itself, and says so. It may be cancelled and called again.
    pub async fn ended(&mut self) -> Error {
        loop {
            for server in [&mut self.postgres.server, &mut self.nats.server] {
                if server.has_ended() {
                    let log = server.log();
                    return Error::Ended {
                        server: server.name,
                        cause: log.last_lines(),
                        log: log.path.clone(),
                    };
                }
            }
            sleep(WATCH).await;
        }
    }

    /// Starts again whichever server has ended, at its port and with its password: addresses stay as they are.
    /// What Postgres had committed is there, and so is what nats-server had acknowledged, but for what it had not
    /// flushed yet.
    ///
    /// # Errors
    /// As [`start`]. It may be tried again.
    pub async fn revive(
        &mut self,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(), Error> {
        let Self { made, guard, folder, .. } = self;
        if self.postgres.server.has_ended() {
            let Made { account, durable, .. } = *made;
            let (base, more) = (self.data_dir.clone(), made.more.as_slice());
            let home = Home { folder, base, account, durable, more };
            home.clear_leftovers(progress).await?;
            let wish = Wish::Only(self.postgres.port);
            let (program, password) = (&made.postgres, &made.postgres_password);
            self.postgres = home.start(program, password, wish, guard, progress).await?;
        }
        if self.nats.server.has_ended() {
            nats::clear_leftovers(folder, progress).await?;
            let wish = Wish::Only(self.nats.port);
            let (program, setup) = (&made.nats, &made.nats_setup);
            self.nats = nats::start(program, folder, setup, wish, guard, progress).await?;
        }
        Ok(())
    }

    /// Stops both: Postgres by a fast shutdown, which waits for no client and loses nothing, nats-server by SIGTERM.
    /// Waits for their end, at most for 20 seconds each.
    ///
    /// # Errors
    /// [`Error::Slow`] if one does not end even when killed. The other one is stopped all the same.
    pub async fn stop(self) -> Result<(), Error> {
        let Self { postgres, nats, guard, folder: _folder, .. } = self;
        let (postgres, nats) = tokio::join!(
            postgres.server.stop(Signal::SIGINT, Signal::SIGQUIT),
            nats.server.stop(Signal::SIGTERM, Signal::SIGKILL),
        );
        guard.dismiss().await;
        postgres.and(nats)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::find::ask;
    use crate::folder::random_word;

    /// A folder through which nobody but root passes, as root's home is.
    fn closed_folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        folder
    }

    /// Machines without user namespaces are rare where this is written, so that way is taken on purpose.
    #[tokio::test]
    async fn root_without_namespaces_runs_postgres_as_a_lesser_user() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let account = Account::lesser().unwrap();
        let closed = closed_folder();
        let options = Options { durable: false, ..Options::new(closed.path().join("data")) };
        let servers = start_as(account, options.clone(), &|_| {}).await.unwrap();
        let base = servers.postgres_base().to_owned();
        assert!(base.starts_with("/var/lib/liuyan/data"), "{}", base.display());
        let owner = fs::metadata(format!("/proc/{}", servers.postgres_pid()));
        assert!(owner.is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) != 0));
        servers.stop().await.unwrap();
        start_as(account, options, &|_| {}).await.unwrap().stop().await.unwrap();
        fs::remove_dir_all(base).unwrap();
    }

    #[tokio::test]
    async fn a_lesser_user_gets_a_copy_of_fetched_programs_it_can_run() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let account = Account::lesser().unwrap();
        let closed = closed_folder();
        let folder = closed.path().join(random_word().unwrap());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("program"), "#!/bin/sh\necho program 1.2\n").unwrap();
        fs::set_permissions(folder.join("program"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(ask(account, &folder.join("program")).await.is_none());
        let copy = account.bring(&folder).await.unwrap();
        assert!(ask(account, &copy.join("program")).await.is_some());
        fs::remove_dir_all(copy).unwrap();
    }
}
