//! The baseline: what Postgres does with two inserts in one transaction, as pgbench measures it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail};
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;

use crate::report::quantile;

/// A message of some 600 bytes and an event, as two statements.
const TABLES: &str = "
    create table message (id uuid primary key, office text not null, title text not null, body text not null,
                          at timestamptz not null);
    create table event (id bigint generated always as identity primary key, message_id uuid not null,
                        payload bytea not null);";
const SCRIPT: &str = "\
\\set a random(0, 2147483647)
\\set b random(0, 2147483647)
begin;
insert into message values (md5(:a::text || '-' || :b::text)::uuid, '110000-s', 'a title of a message', repeat('x', 560), now());
insert into event (message_id, payload) values (md5(:a::text || '-' || :b::text)::uuid, decode(repeat('ab', 120), 'hex'));
commit;
";

/// Where pgbench is.
#[derive(Debug)]
pub(crate) struct Pgbench {
    program: PathBuf,
    url: String,
    folder: PathBuf,
}

/// What it measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// Transactions a second.
    pub(crate) rate: f64,
    /// 99 % took no longer, in microseconds.
    pub(crate) p99: u64,
}

impl Pgbench {
    /// Makes the baseline's tables.
    ///
    /// # Errors
    /// If there is no pgbench.
    pub(crate) async fn new(url: String, folder: &Path) -> anyhow::Result<Self> {
        let program = find().context(
            "there is no pgbench on this machine; install Postgres with its client programs",
        )?;
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::raw_sql(TABLES).execute(&mut connection).await?;
        connection.close().await?;
        let folder = folder.join("pgbench");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("script.sql"), SCRIPT)?;
        Ok(Self { program, url, folder })
    }

    /// Runs it for some seconds with some clients.
    ///
    /// # Errors
    /// If it fails.
    pub(crate) async fn run(&self, clients: u32, seconds: u64) -> anyhow::Result<Measured> {
        let logs = self.folder.join("log");
        let _ = fs::remove_dir_all(&logs);
        fs::create_dir_all(&logs)?;
        let ran = Command::new(&self.program)
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--log"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={seconds}"))
            .arg(format!("--log-prefix={}", logs.join("all").display()))
            .arg(format!("--file={}", self.folder.join("script.sql").display()))
            .arg(&self.url)
            .stdin(Stdio::null())
            .output()
            .await?;
        let told = String::from_utf8_lossy(&ran.stdout);
        if !ran.status.success() {
            bail!("pgbench failed: {}", String::from_utf8_lossy(&ran.stderr));
        }
        let rate = told
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
            .with_context(|| format!("pgbench told no rate: {told}"))?;
        let mut latencies = Vec::new();
        for log in fs::read_dir(&logs)? {
            let text = fs::read_to_string(log?.path())?;
            // client, transaction, microseconds, …
            latencies.extend(text.lines().filter_map(|line| {
                line.split(' ').nth(2).and_then(|word| word.parse::<u64>().ok())
            }));
        }
        latencies.sort_unstable();
        Ok(Measured { rate, p99: quantile(&latencies, 0.99) })
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    // Where Debian and its like put it.
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> =
            versions.flatten().map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    places.into_iter().map(|place| place.join("pgbench")).find(|program| program.is_file())
}
