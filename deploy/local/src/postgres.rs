//! A private Postgres: its data folder, its settings, its start.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::account::Account;
use crate::error::{Error, at, tells_of_full_disk};
use crate::find::Program;
use crate::folder::{Folder, random_word, sync, write_secret};
use crate::guard::Guard;
use crate::port::Wish;
use crate::process::{Launch, Log, Server, pid_in, runs, stop_leftover, stop_orphans, until};
use crate::progress::{Listener, Progress};

/// The name in messages.
pub(crate) const NAME: &str = "Postgres";
/// The superuser of the private instance.
const SUPERUSER: &str = "postgres";
/// Connections of eight services, their workers and a person with psql.
const MAX_CONNECTIONS: u32 = 200;
/// Making a new data folder ends within this, also on a slow disk.
const INITDB_LIMIT: Duration = Duration::from_secs(300);
/// A start may have to replay up to `max_wal_size` after a power cut.
const READY_LIMIT: Duration = Duration::from_secs(180);
/// So often a start is tried when another process is faster at a port, or old backends are still leaving.
const ATTEMPTS: usize = 8;
/// The pause before the next attempt.
const NEXT_ATTEMPT: Duration = Duration::from_millis(250);
/// Locales in the order of preference. All but `C` will do for trigrams; older macOS does not know the first.
const LOCALES: [&str; 2] = ["C.UTF-8", "en_US.UTF-8"];

/// Where the data lies and who may touch it.
#[derive(Debug)]
pub(crate) struct Home<'a> {
    pub(crate) folder: &'a Folder,
    /// The folder that holds `postgres`: that of `folder`, or one that a lesser user can reach.
    pub(crate) base: PathBuf,
    pub(crate) account: Account,
    pub(crate) durable: bool,
    /// Settings beside ours, which win.
    pub(crate) more: &'a [String],
}

/// A running Postgres.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) port: u16,
    pub(crate) url: String,
}

impl Home<'_> {
    pub(crate) fn data(&self) -> PathBuf {
        self.base.join("postgres")
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("postgres.pid")
    }

    /// The major version that made the data, if there are any.
    pub(crate) fn major(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Stops what an earlier run has left running in this folder. Must be called before anything is started here.
    pub(crate) async fn clear_leftovers(&self, progress: Listener<'_>) -> Result<(), Error> {
        let own_note = self.data().join("postmaster.pid");
        for file in [self.pid_file(), own_note.clone()] {
            // A process counts only while its command line names our folder; the mark covers an `initdb` as well.
            let Some(pid) = pid_in(&file).filter(|pid| runs(*pid, &self.data())) else { continue };
            progress(Progress::StoppingLeftover { server: NAME, pid });
            if !stop_leftover(pid, &self.data(), Signal::SIGINT, Signal::SIGQUIT).await {
                return Err(Error::Leftover { pid, folder: self.folder.path.clone() });
            }
        }
        if !stop_orphans(&self.data()).await {
            let folder = self.folder.path.clone();
            return Err(Error::Leftover { pid: pid_in(&own_note).unwrap_or_default(), folder });
        }
        // Postgres would take any living process with this number for another postmaster and refuse to start; in a
        // container, where numbers start anew, that is likely. Backends that still leave are found by their memory.
        for file in [self.pid_file(), own_note] {
            if file.exists() {
                fs::remove_file(&file).map_err(at("removing", &file))?;
            }
        }
        Ok(())
    }

    /// Makes the data folder if there is none, and returns the superuser's password.
    pub(crate) async fn prepare(
        &self,
        postgres: &Program,
        guard: &Guard,
        progress: Listener<'_>,
    ) -> Result<String, Error> {
        let password_file = self.folder.join("postgres.password");
        self.remove_parts(progress)?;
        if self.major().is_some() {
            return match fs::read_to_string(&password_file) {
                Ok(password) => Ok(password.trim().to_owned()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Err(Error::PasswordLost { file: password_file })
                }
                Err(error) => Err(at("reading", &password_file)(error)),
            };
        }
        progress(Progress::Initialising);
        let password = random_word()?;
        // The password is on the disk before the data are: data without a password would be lost.
        write_secret(&password_file, &password)?;
        // The number keeps an `initdb` that has survived us from writing into the folder of its successor.
        let part = self.base.join(format!("postgres.part-{}", std::process::id()));
        let secret = part.with_extension("secret");
        let made = self.make(postgres, guard, &part, &secret, &password).await;
        let _ = fs::remove_file(&secret);
        if let Err(error) = made {
            let _ = fs::remove_dir_all(&part);
            return Err(error);
        }
        let data = self.data();
        fs::rename(&part, &data).map_err(at("renaming", &part))?;
        if self.durable {
            sync(&self.base)?;
        }
        Ok(password)
    }

    /// Removes what an `initdb` that was killed has left behind, and an empty folder in place of the data.
    fn remove_parts(&self, progress: Listener<'_>) -> Result<(), Error> {
        let mut repaired = false;
        for entry in fs::read_dir(&self.base).map_err(at("reading", &self.base))?.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if !name.to_string_lossy().starts_with("postgres.part") {
                continue;
            }
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(at("removing", &path))?;
            repaired = true;
        }
        if repaired {
            progress(Progress::Repairing);
        }
        Ok(())
    }

    async fn make(
        &self,
        postgres: &Program,
        guard: &Guard,
        part: &Path,
        secret: &Path,
        password: &str,
    ) -> Result<(), Error> {
        write_secret(secret, password)?;
        self.account.give(secret)?;
        let mut words = String::new();
        for locale in LOCALES {
            fs::create_dir(part).map_err(at("making", part))?;
            self.account.give(part)?;
            let log = Log::new(self.folder.join("initdb.log"));
            let mut command = self.account.gated(&postgres.path.with_file_name("initdb"));
            neutral(&mut command)
                .arg("-D")
                .arg(part)
                .args([
                    "--encoding=UTF8",
                    &format!("--locale={locale}"),
                    "--auth=scram-sha-256",
                    "--data-checksums",
                ])
                .args([
                    &format!("--username={SUPERUSER}"),
                    &format!("--pwfile={}", secret.display()),
                ]);
            if !self.durable {
                command.arg("--no-sync");
            }
            let launch = Launch {
                name: "initdb",
                kind: "postgres",
                mark: part,
                pid_file: &self.pid_file(),
                log,
            };
            let mut initdb = launch.start(guard, command)?;
            if initdb.success(INITDB_LIMIT).await? {
                return Ok(());
            }
            words = initdb.log().words();
            fs::remove_dir_all(part).map_err(at("removing", part))?;
            if !words.contains("invalid locale") {
                break;
            }
        }
        if tells_of_full_disk(&words) {
            return Err(Error::DiskFull { folder: self.base.clone() });
        }
        Err(Error::Initdb { folder: self.base.clone(), cause: crate::process::last_lines(&words) })
    }

    /// Starts the server and waits until it takes connections.
    pub(crate) async fn start(
        &self,
        postgres: &Program,
        password: &str,
        wish: Wish,
        guard: &Guard,
        progress: Listener<'_>,
    ) -> Result<Running, Error> {
        progress(Progress::Starting { server: NAME });
        let mut attempt = 0;
        loop {
            let port = wish.port(attempt)?;
            attempt += 1;
            let mut command = self.account.gated(&postgres.path);
            neutral(&mut command).arg("-D").arg(self.data());
            for setting in self.settings(port) {
                command.args(["-c", &setting]);
            }
            let log = Log::new(self.folder.join("postgres.log"));
            let (data, pid_file) = (self.data(), self.pid_file());
            let launch =
                Launch { name: NAME, kind: "postgres", mark: &data, pid_file: &pid_file, log };
            let mut server = launch.start(guard, command)?;
            let note = data.join("postmaster.pid");
            until(READY_LIMIT, || server.has_ended() || says_ready(&note, server.pid())).await;
            if server.has_ended() {
                let words = server.log().words();
                if attempt < ATTEMPTS && is_passing(&words) {
                    sleep(NEXT_ATTEMPT).await;
                    continue;
                }
                return Err(self.refused(&server, &words));
            }
            if !says_ready(&note, server.pid()) {
                return Err(server.slow("ready", READY_LIMIT));
            }
            if let Wish::Rather(wanted) = wish
                && wanted != 0
                && wanted != port
            {
                progress(Progress::PortBusy { server: NAME, wanted, used: port });
            }
            progress(Progress::Ready { server: NAME, port });
            let url = format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres");
            return Ok(Running { server, port, url });
        }
    }

    fn refused(&self, server: &Server, words: &str) -> Error {
        if tells_of_full_disk(words) {
            return Error::DiskFull { folder: self.base.clone() };
        }
        Error::Refused {
            server: NAME,
            cause: server.log().last_lines(),
            log: server.log().path.clone(),
        }
    }

    /// The settings, given on the command line so that they win over whatever stands in the data folder.
    fn settings(&self, port: u16) -> Vec<String> {
        let mut settings: Vec<String> = [
            "listen_addresses=127.0.0.1",
            // No socket: its path may be too long for the system, and TCP with a password reaches everyone alike.
            "unix_socket_directories=",
            "shared_buffers=128MB",
            "max_wal_size=2GB",
            // Nobody replicates from here, and without it less is written.
            "wal_level=minimal",
            "max_wal_senders=0",
            // "Acknowledged means durable" is kept here too.
            "synchronous_commit=on",
            "password_encryption=scram-sha-256",
            "logging_collector=off",
            "log_destination=stderr",
            "log_timezone=UTC",
            "timezone=UTC",
            // We read the log; it must speak one language.
            "lc_messages=C",
        ]
        .map(str::to_owned)
        .into();
        settings.push(format!("port={port}"));
        settings.push(format!("max_connections={MAX_CONNECTIONS}"));
        let fsync = if self.durable { "on" } else { "off" };
        // Torn pages come with power cuts only, against which a server without fsync does not stand anyway.
        settings.push(format!("fsync={fsync}"));
        settings.push(format!("full_page_writes={fsync}"));
        // Of a setting that is given twice the later one counts.
        settings.extend_from_slice(self.more);
        settings
    }
}

/// Takes away what the environment could say to Postgres.
fn neutral(command: &mut Command) -> &mut Command {
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG"))
    {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").env("TZ", "UTC")
}

/// Whether the postmaster has written into its own file that it takes connections. It does so on the eighth line,
/// which is what `pg_ctl --wait` reads as well (`LOCK_FILE_LINE_PM_STATUS`).
fn says_ready(note: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(note).unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    lines.next().is_some_and(|first| first == pid.to_string()) && lines.nth(6) == Some("ready")
}

/// Whether a start failed for a reason that passes: another process took the port, or backends whose postmaster was
/// killed have not left yet.
fn is_passing(words: &str) -> bool {
    words.contains("could not create any TCP/IP sockets")
        || words.contains("pre-existing shared memory block")
}
