//! Processes: starting a server behind a gate, recognising it again, stopping it in bounded time.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep, timeout};

use crate::error::{Error, at};
use crate::guard::Guard;

/// After this long a server that was asked to stop is told to stop at once (Postgres: SIGQUIT, nats-server: SIGKILL).
pub(crate) const POLITE_LIMIT: Duration = Duration::from_secs(10);
/// After this much longer it is killed.
pub(crate) const FIRM_LIMIT: Duration = Duration::from_secs(5);
/// A killed process must be gone after this long.
pub(crate) const KILL_LIMIT: Duration = Duration::from_secs(5);
/// How often a process or a file is looked at while waiting for it.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Answers to `--version` and the like come within this.
pub(crate) const ASK_LIMIT: Duration = Duration::from_secs(20);
/// How much of the end of a log is quoted in an error.
const QUOTED_BYTES: u64 = 4_000;
/// How many of its last lines.
const QUOTED_LINES: usize = 3;

/// A server that belongs to this process.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    child: Child,
    pid_file: PathBuf,
    log: Log,
}

/// What is needed to start a server, or `initdb`, which is treated the same so that it never outlives us either.
pub(crate) struct Launch<'a> {
    pub(crate) name: &'static str,
    /// The word by which the guard knows it: `postgres` or `nats`.
    pub(crate) kind: &'static str,
    /// A part of the command line that no other process has: a path in the data folder.
    pub(crate) mark: &'a Path,
    pub(crate) pid_file: &'a Path,
    pub(crate) log: Log,
}

impl Launch<'_> {
    /// Starts `command`, which must be made by [`gated`](crate::account::Account::gated): it waits for a word from us.
    /// We give it only when the guard and the pid file know the process, so that there is no moment in which our death
    /// would leave a server nobody knows of.
    pub(crate) fn start(self, guard: &Guard, mut command: Command) -> Result<Server, Error> {
        let out = self.log.open()?;
        let err = out.try_clone().map_err(at("opening", &self.log.path))?;
        // A process group of its own: Ctrl-C reaches us only, and we stop the servers after the services.
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .current_dir("/")
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Run {
                program: PathBuf::from(command.get_program()),
                source,
            })?;
        let gate = child.stdin.take();
        let server =
            Server { name: self.name, child, pid_file: self.pid_file.to_owned(), log: self.log };
        fs::write(&server.pid_file, format!("{}\n", server.pid()))
            .map_err(at("writing", &server.pid_file))?;
        guard.watch(self.kind, server.pid(), self.mark)?;
        if let Some(mut gate) = gate {
            // A failure here means that the process is gone already, which whoever waits for it will see.
            let _ = gate.write_all(b"go\n");
        }
        Ok(server)
    }
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Whether it has ended; also lays its remains to rest.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself; true if with success.
    pub(crate) async fn success(&mut self, limit: Duration) -> Result<bool, Error> {
        if !self.ends_within(limit).await {
            return Err(self.slow("finished", limit));
        }
        Ok(matches!(self.child.try_wait(), Ok(Some(status)) if status.success()))
    }

    /// Sends `first`, after [`POLITE_LIMIT`] `second`, after [`FIRM_LIMIT`] SIGKILL, and waits for the end.
    pub(crate) async fn stop(mut self, first: Signal, second: Signal) -> Result<(), Error> {
        for (sign, limit) in
            [(first, POLITE_LIMIT), (second, FIRM_LIMIT), (Signal::SIGKILL, KILL_LIMIT)]
        {
            self.signal(sign);
            if self.ends_within(limit).await {
                let _ = fs::remove_file(&self.pid_file);
                return Ok(());
            }
        }
        Err(self.slow("stopped", POLITE_LIMIT + FIRM_LIMIT + KILL_LIMIT))
    }

    pub(crate) fn signal(&mut self, sign: Signal) {
        // Only while it is not reaped: afterwards the number may be someone else's.
        if !self.has_ended() {
            send(self.pid(), sign);
        }
    }

    pub(crate) async fn ends_within(&mut self, limit: Duration) -> bool {
        until(limit, || self.has_ended()).await
    }

    pub(crate) fn slow(&self, what: &'static str, limit: Duration) -> Error {
        Error::Slow {
            server: self.name,
            what,
            seconds: limit.as_secs(),
            log: self.log.path.clone(),
        }
    }
}

/// A log file, and where in it the present run begins.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) path: PathBuf,
    begins_at: u64,
}

impl Log {
    /// A log larger than this is put aside (as `….old`) before the next run, so that logs stay bounded.
    const KEPT_BYTES: u64 = 10 << 20;

    pub(crate) fn new(path: PathBuf) -> Self {
        let size = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
        if size(&path) > Self::KEPT_BYTES {
            // If this fails the log grows on, which is no reason not to start.
            let _ = fs::rename(&path, path.with_extension("log.old"));
        }
        let begins_at = size(&path);
        Self { path, begins_at }
    }

    fn open(&self) -> Result<File, Error> {
        File::options()
            .create(true)
            .append(true)
            .open(&self.path)
            .map_err(at("opening", &self.path))
    }

    /// What was written in this run, at most the last few thousand bytes.
    pub(crate) fn words(&self) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            let end = file.seek(SeekFrom::End(0))?;
            file.seek(SeekFrom::Start(self.begins_at.max(end.saturating_sub(QUOTED_BYTES))))?;
            let mut bytes = Vec::new();
            file.take(QUOTED_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) fn last_lines(&self) -> String {
        last_lines(&self.words())
    }
}

/// The last lines of `text` as one line for an error message.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(QUOTED_LINES);
    if lines.is_empty() { "it said nothing".to_owned() } else { lines[from..].join("; ") }
}

/// Whether the process runs and its command line holds `mark`. Process ids are used again, so a number alone says
/// nothing; a zombie has no command line and counts as gone.
pub(crate) fn runs(pid: u32, mark: &Path) -> bool {
    let Some(mark) = mark.to_str() else { return false };
    let line = if Path::new("/proc/self").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        Command::new("ps")
            .args(["-o", "command=", "-p", &pid.to_string()])
            .output()
            .map(|output| output.stdout)
            .unwrap_or_default()
    };
    String::from_utf8_lossy(&line).contains(mark)
}

/// Stops a process that an earlier run has left behind. True if it is gone.
pub(crate) async fn stop_leftover(pid: u32, mark: &Path, first: Signal, second: Signal) -> bool {
    for (sign, limit) in
        [(first, POLITE_LIMIT), (second, FIRM_LIMIT), (Signal::SIGKILL, KILL_LIMIT)]
    {
        if runs(pid, mark) {
            send(pid, sign);
        }
        if until(limit, || !runs(pid, mark)).await {
            return true;
        }
    }
    false
}

/// Ends the backends of a postmaster that was killed. They notice its death only when they wait for something, and a
/// busy one keeps the shared memory, without which no new postmaster starts. Their command lines name no folder, but
/// they work in `data`, which Linux tells; on other systems the new postmaster has to wait for them.
pub(crate) async fn stop_orphans(data: &Path) -> bool {
    for (sign, limit) in [(Signal::SIGQUIT, FIRM_LIMIT), (Signal::SIGKILL, KILL_LIMIT)] {
        orphans(data).into_iter().for_each(|pid| send(pid, sign));
        if until(limit, || orphans(data).is_empty()).await {
            return true;
        }
    }
    false
}

fn orphans(data: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let at_work = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == data);
        at_work
            && fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line.starts_with(b"postgres:"))
    })
    .collect()
}

/// The process id in the first line of a file, if there is one.
pub(crate) fn pid_in(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

/// Looks at `done` until it is true, at most for `limit`.
pub(crate) async fn until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Runs a short-lived program to its end and collects what it says. It dies with the future.
pub(crate) async fn output(command: Command, limit: Duration) -> Result<Output, Error> {
    let program = PathBuf::from(command.get_program());
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    match timeout(limit, command.output()).await {
        Ok(result) => result.map_err(|source| Error::Run { program, source }),
        Err(_) => Err(Error::Run { program, source: std::io::ErrorKind::TimedOut.into() }),
    }
}

fn send(pid: u32, sign: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        // It may have ended in between; whoever sent the signal waits for the end anyway.
        let _ = signal::kill(Pid::from_raw(pid), sign);
    }
}
