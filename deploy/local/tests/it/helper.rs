//! What several tests need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use liuyan_local::{Options, Progress};
use sqlx::{Connection, PgConnection};

/// No server takes longer than this for anything a test waits for.
const LIMIT: Duration = Duration::from_secs(30);

/// Options for a test: not durable, in the given folder.
pub(crate) fn options(data_dir: &Path) -> Options {
    Options { durable: false, ..Options::new(data_dir) }
}

pub(crate) fn silent(_: Progress) {}

/// Collects what `start` tells.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<Progress>>);

impl Told {
    pub(crate) fn hear(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }

    pub(crate) fn any(&self, matches: impl Fn(&Progress) -> bool) -> bool {
        self.0.lock().unwrap().iter().any(matches)
    }
}

/// One value from Postgres.
pub(crate) async fn ask(url: &str, question: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let answer = sqlx::query_scalar(sqlx::AssertSqlSafe(question.to_owned()))
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    answer
}

/// Runs a statement in Postgres.
pub(crate) async fn tell(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// A conversation with a nats-server in its own plain protocol: signs in, sends a request, returns the answer.
pub(crate) fn nats_request(url: &str, subject: &str, payload: &str) -> std::io::Result<String> {
    let (user, rest) = url.strip_prefix("nats://").unwrap().split_once(':').unwrap();
    let (password, address) = rest.split_once('@').unwrap();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    write!(
        stream,
        "CONNECT {{\"user\":\"{user}\",\"pass\":\"{password}\",\"verbose\":false}}\r\nSUB answer 1\r\n"
    )?;
    write!(stream, "PUB {subject} answer {}\r\n{payload}\r\n", payload.len())?;
    loop {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(length) = line.strip_prefix("MSG answer 1 ") {
            let mut answer = vec![0; length.trim().parse().unwrap()];
            lines.read_exact(&mut answer)?;
            return Ok(String::from_utf8(answer).unwrap());
        }
        assert!(!line.starts_with("-ERR"), "nats-server says {line}");
    }
}

pub(crate) fn is_alive(pid: u32) -> bool {
    // A zombie is as good as gone; in a container nobody may lay it to rest.
    let said = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

/// Waits until something is true, and fails if it does not become so.
pub(crate) fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is() {
        assert!(Instant::now() < end, "it did not come to pass that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}

/// The variable that makes the test of the same name play the parent that is killed.
const PARENT: &str = "LIUYAN_LOCAL_TEST_PARENT";

/// If this process was started by [`Parent::start`], the folder it shall work in.
pub(crate) fn parent_folder() -> Option<std::path::PathBuf> {
    std::env::var_os(PARENT).map(Into::into)
}

/// Another process that runs one test of this binary, with what it has printed.
pub(crate) struct Parent {
    pub(crate) process: Child,
    pub(crate) postgres: u32,
    pub(crate) nats: u32,
    /// Where it keeps its files, as it says.
    pub(crate) folder: String,
}

impl Parent {
    /// Starts this test binary again with one test only, and reads the line `pids POSTGRES NATS FOLDER`.
    pub(crate) fn start(test: &str, folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(PARENT, folder)
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("pids ").map(|(_, rest)| rest.to_owned()));
        let line = line.expect("the helper process told no process ids");
        let mut words = line.splitn(3, ' ');
        let mut next = || words.next().unwrap().to_owned();
        let (postgres, nats, folder) = (next().parse().unwrap(), next().parse().unwrap(), next());
        Self { process, postgres, nats, folder }
    }

    /// Kills the process and everything in its process group, as a terminal, a CI runner or an impatient person does.
    pub(crate) fn kill(&mut self) {
        let group = format!("-{}", self.process.id());
        assert!(
            Command::new("kill").args(["-s", "KILL", "--", &group]).status().unwrap().success()
        );
        self.process.wait().unwrap();
    }
}

/// The process ids of the guards a process has started.
pub(crate) fn guards_of(parent: u32) -> Vec<u32> {
    let said = Command::new("ps").args(["-A", "-o", "pid=,ppid=,args="]).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let rows = text.lines().filter(|line| line.contains("The guard: stops the servers"));
    let numbers = rows.filter_map(|line| {
        let mut words = line.split_whitespace().map_while(|word| word.parse::<u32>().ok());
        Some((words.next()?, words.next()?))
    });
    numbers.filter(|(_, of)| *of == parent).map(|(pid, _)| pid).collect()
}

/// What the helper process says of itself; it then waits to be killed.
pub(crate) async fn tell_pids_and_wait(postgres: u32, nats: u32, folder: &str) {
    let line = format!("\npids {postgres} {nats} {folder}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
    tokio::time::sleep(LIMIT * 4).await;
}
