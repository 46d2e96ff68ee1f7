//! A private nats-server with JetStream: its configuration and its start.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::account::Account;
use crate::error::{Error, at, tells_of_full_disk};
use crate::find::Program;
use crate::folder::{Folder, random_word, write_secret};
use crate::guard::Guard;
use crate::port::Wish;
use crate::process::{LOOK_AGAIN, Launch, Log, Server, pid_in, runs, stop_leftover};
use crate::progress::{Listener, Progress};

/// The name in messages.
pub(crate) const NAME: &str = "nats-server";
/// The user of the private instance.
const USER: &str = "liuyan";
/// What streams in memory may reserve; there are none so far.
const MAX_MEMORY_STORE: &str = "64MB";
/// A server with a full store reads its index within this.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// A server that takes a connection says who it is within this.
const GREETING_LIMIT: Duration = Duration::from_secs(2);
/// The greeting is shorter than this.
const GREETING_BYTES: u64 = 8_192;
/// So often a start is tried when another process is faster at a port.
const ATTEMPTS: usize = 8;
/// The pause before the next attempt.
const NEXT_ATTEMPT: Duration = Duration::from_millis(250);

/// A running nats-server.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) port: u16,
    pub(crate) url: String,
}

/// The JetStream store in a data folder.
pub(crate) fn store(folder: &Folder) -> PathBuf {
    folder.join("nats")
}

fn pid_file(folder: &Folder) -> PathBuf {
    folder.join("nats.pid")
}

fn config_file(folder: &Folder) -> PathBuf {
    folder.join("nats.conf")
}

/// Stops what an earlier run has left running in this folder. Must be called before anything is started here.
pub(crate) async fn clear_leftovers(folder: &Folder, progress: Listener<'_>) -> Result<(), Error> {
    let (file, mark) = (pid_file(folder), config_file(folder));
    if let Some(pid) = pid_in(&file).filter(|pid| runs(*pid, &mark)) {
        progress(Progress::StoppingLeftover { server: NAME, pid });
        if !stop_leftover(pid, &mark, Signal::SIGTERM, Signal::SIGKILL).await {
            return Err(Error::Leftover { pid, folder: folder.path.clone() });
        }
    }
    if file.exists() {
        fs::remove_file(&file).map_err(at("removing", &file))?;
    }
    Ok(())
}

/// What a server is set up with.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The password of [`USER`].
    pub(crate) password: String,
    /// What all streams together may reserve on the disk.
    pub(crate) stream_bytes: u64,
}

impl Setup {
    /// One with a password that nobody has had.
    pub(crate) fn new(stream_bytes: u64) -> Result<Self, Error> {
        Ok(Self { password: random_word()?, stream_bytes })
    }
}

/// Starts the server and waits until it takes connections. JetStream is up by then: it is recovered before the server
/// listens.
pub(crate) async fn start(
    nats: &Program,
    folder: &Folder,
    setup: &Setup,
    wish: Wish,
    guard: &Guard,
    progress: Listener<'_>,
) -> Result<Running, Error> {
    progress(Progress::Starting { server: NAME });
    let (config, pid_file) = (config_file(folder), pid_file(folder));
    make_store(&store(folder))?;
    let mut attempt = 0;
    loop {
        let port = wish.port(attempt)?;
        attempt += 1;
        // A new name each time: by it we know that it is our server that answers on the port.
        let name = format!("liuyan-{}", random_word()?);
        write_secret(&config, &configuration(&name, port, &store(folder), setup))?;
        let mut command = Account::Own.gated(&nats.path);
        command.arg("-c").arg(&config);
        let log = Log::new(folder.join("nats.log"));
        let launch = Launch { name: NAME, kind: "nats", mark: &config, pid_file: &pid_file, log };
        let mut server = launch.start(guard, command)?;
        if answers(&mut server, port, &name).await {
            if let Wish::Rather(wanted) = wish
                && wanted != 0
                && wanted != port
            {
                progress(Progress::PortBusy { server: NAME, wanted, used: port });
            }
            progress(Progress::Ready { server: NAME, port });
            let password = &setup.password;
            let url = format!("nats://{USER}:{password}@127.0.0.1:{port}");
            return Ok(Running { server, port, url });
        }
        if !server.has_ended() {
            return Err(server.slow("ready", READY_LIMIT));
        }
        let words = server.log().words();
        if attempt < ATTEMPTS && words.contains("address already in use") {
            sleep(NEXT_ATTEMPT).await;
            continue;
        }
        if tells_of_full_disk(&words) {
            return Err(Error::DiskFull { folder: folder.path.clone() });
        }
        return Err(Error::Refused {
            server: NAME,
            cause: server.log().last_lines(),
            log: server.log().path.clone(),
        });
    }
}

/// nats-server would let the user's group read its store.
fn make_store(store: &Path) -> Result<(), Error> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(store).map_err(at("making", store))
}

/// Waits until the server answers with its name, or has ended.
async fn answers(server: &mut Server, port: u16, name: &str) -> bool {
    let end = Instant::now() + READY_LIMIT;
    while Instant::now() < end && !server.has_ended() {
        // A short blocking call on loopback, off the runtime's own threads.
        let greeting = tokio::task::spawn_blocking(move || greeting(port)).await;
        if matches!(greeting, Ok(Ok(line)) if line.contains(name)) {
            return true;
        }
        sleep(LOOK_AGAIN).await;
    }
    false
}

/// The `INFO {…}` line with which a nats-server greets.
fn greeting(port: u16) -> io::Result<String> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(GREETING_LIMIT))?;
    let mut line = String::new();
    BufReader::new(stream.take(GREETING_BYTES)).read_line(&mut line)?;
    Ok(line)
}

fn configuration(name: &str, port: u16, store: &Path, setup: &Setup) -> String {
    let Setup { password, stream_bytes } = setup;
    // The format takes the escapes of JSON in quoted strings; control characters were refused with the path.
    let store = store.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        r#"# Written anew at each start.
server_name: "{name}"
listen: "127.0.0.1:{port}"
max_payload: 1MB
jetstream {{
  store_dir: "{store}"
  max_memory_store: {MAX_MEMORY_STORE}
  max_file_store: {stream_bytes}
}}
authorization {{
  user: "{USER}"
  password: "{password}"
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_with_a_quote_in_its_path_stays_one_string() {
        let setup = Setup { password: "secret".to_owned(), stream_bytes: 1 << 30 };
        let text = configuration("board", 4222, Path::new("/data/a \"b\"/nats"), &setup);
        assert!(text.contains(r#"store_dir: "/data/a \"b\"/nats""#), "{text}");
        assert!(text.contains(r#"listen: "127.0.0.1:4222""#), "{text}");
    }
}
