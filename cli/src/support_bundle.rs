//! `liuyan support-bundle`: what helps others to help, in one file, without secrets and personal data.
//!
//! What goes in is chosen one by one, and never a row of a table. At last every file is searched for the
//! secrets that are known here; one that holds any is left out, and said to be.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use liuyan_kit::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::time::timeout;

use crate::{
    args::Output,
    doctor::{Place, Scene},
    error::Error,
    output,
    services::{Configured, Name},
};

/// How long anything may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The most that a service's metrics may take, in bytes.
const METRICS: usize = 8 * 1024 * 1024;
/// What is shorter than this is no secret.
const SECRET: usize = 8;
/// What stands beside the files.
const README: &str = "\
What helps others to help you with a board of Liuyan.

findings.json              what `liuyan doctor` found
SERVICE/configuration.toml its configuration; secrets are left out
SERVICE/readiness.json     what it says of itself
SERVICE/metrics.txt        its figures
SERVICE/database.json      settings of the server that are not the default, migrations, sizes of tables,
                           what waits, sessions by what they wait for

There is no row of any table in it: no message, no name, no number of a telephone, no query with values.
It does name your hosts, offices by their codes in metrics, and how much there is of what. Look into it
before you send it.
";

/// What to pack.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The services whose configuration to follow; without one, the board that runs here.
    #[arg(value_enum)]
    services: Vec<Name>,
    /// A file with their configuration.
    #[arg(long, env = "LIUYAN_CONFIG", requires = "services")]
    config: Option<PathBuf>,
    /// The file to write; it must not be there. liuyan-support-TIME.tar.gz in this folder if not said.
    #[arg(long)]
    file: Option<PathBuf>,
}

/// Writes the file, and says which.
pub(crate) async fn run(dir: &Path, options: &Options, output: Output) -> Result<(), Error> {
    let now = SystemClock.now();
    let scene = Scene::set(dir, &options.services, options.config.as_ref())?;
    let path = options.file.clone().unwrap_or_else(|| {
        PathBuf::from(format!("liuyan-support-{}.tar.gz", now.strftime("%Y%m%dT%H%M%SZ")))
    });
    let file = File::create_new(&path)
        .map_err(Error::other(format!("{} cannot be written", path.display())))?;
    let mut files = gather(&scene).await;
    let about = json!({
        "program": env!("CARGO_PKG_VERSION"), "made_at": now, "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "servers_of_its_own": scene.board.as_ref().map(|board| board.processes.keys().collect::<Vec<_>>()),
    });
    files.insert("about.json".to_owned(), pretty(&about));
    let kept_out = keep_secrets(&mut files, &secrets(&scene));
    files.insert("README.txt".to_owned(), README.to_owned());
    pack(file, &files, now.as_second().unsigned_abs())
        .map_err(Error::other(format!("{} cannot be written", path.display())))?;
    match output {
        Output::Text => {
            output::line(format_args!("{} files are in {}", files.len(), path.display()));
            for name in &kept_out {
                output::line(format_args!("left out, since it held a secret: {name}"));
            }
        }
        Output::Json => output::json(&json!({
            "file": path, "files": files.keys().collect::<Vec<_>>(), "left_out": kept_out,
        })),
    }
    Ok(())
}

type Files = BTreeMap<String, String>;

async fn gather(scene: &Scene) -> Files {
    let mut files = Files::new();
    let found = scene.examine().await;
    files.insert("findings.json".to_owned(), pretty(&found));
    for place in &scene.places {
        let name = place.name.text();
        let mut add = |file: &str, text: String| files.insert(format!("{name}/{file}"), text);
        match &place.configured {
            Ok(configured) => {
                add("configuration.toml", configured.printed.clone());
                if place.name.keeps() {
                    let told = timeout(ANSWER, database(configured)).await;
                    let told = told.map_or_else(
                        |_| json!({ "error": "no answer" }),
                        |told| told.unwrap_or_else(|error| json!({ "error": error.to_string() })),
                    );
                    add("database.json", pretty(&told));
                }
            }
            Err(error) => {
                add("configuration.toml", format!("# cannot be read: {error}\n"));
            }
        }
        if let Some(management) = &place.management {
            for (path, file) in [("readyz", "readiness.json"), ("metrics", "metrics.txt")] {
                let text = fetch(management, path).await;
                add(file, text.unwrap_or_else(|error| format!("error: {error}\n")));
            }
        }
    }
    files
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|error| error.to_string())
}

async fn fetch(management: &str, path: &str) -> Result<String, String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let uri = format!("http://{management}/{path}").parse().map_err(|_| "no address".to_owned())?;
    let ask = async {
        let answer = client.get(uri).await.map_err(|error| error.to_string())?;
        let body = Limited::new(answer.into_body(), METRICS).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        String::from_utf8(body.to_vec()).map_err(|error| error.to_string())
    };
    timeout(ANSWER, ask).await.map_err(|_| "no answer".to_owned())?
}

/// What is told of a database, each a query that gives one JSON document; none of them reads a row of a
/// table of ours but those that count.
const TOLD: &[(&str, &str)] = &[
    (
        "settings",
        "select json_object_agg(name, setting) from pg_settings
         where source not in ('default', 'client', 'override')
           and name !~ '(conninfo|command|passw|ssl|file|directory|krb|preload|cluster_name)'",
    ),
    (
        "migrations",
        "select json_object_agg(of, versions) from (
             select 'own' as of, json_agg(version order by version) as versions
             from public._sqlx_migrations where success
             union all
             select 'messaging', json_agg(version order by version)
             from messaging._sqlx_migrations where success) as applied",
    ),
    (
        "tables",
        "select json_agg(json_build_object(
             'table', schemaname || '.' || relname, 'rows', n_live_tup, 'dead_rows', n_dead_tup,
             'bytes', pg_total_relation_size(relid), 'index_bytes', pg_indexes_size(relid),
             'cleared_at', greatest(last_vacuum, last_autovacuum))
             order by pg_total_relation_size(relid) desc)
         from pg_stat_user_tables",
    ),
    (
        "sessions",
        "select json_agg(one) from (
             select application_name, state, wait_event_type, wait_event, count(*),
                    max(extract(epoch from clock_timestamp() - xact_start))::int as oldest_seconds
             from pg_stat_activity
             where datname = current_database() and backend_type = 'client backend'
             group by 1, 2, 3, 4 order by 5 desc) as one",
    ),
    (
        "waiting",
        "select json_build_object(
             'for_the_bus', (select count(*) from messaging.waiting),
             'parked', (select count(*) from messaging.parked),
             'dead_letters', (select json_agg(one) from (
                 select source, type, state, count(*) from messaging.dead_letters
                 group by 1, 2, 3) as one),
             'settled', (select json_object_agg(source, count) from (
                 select source, sum(count) as count from messaging.digests group by 1) as one))",
    ),
];

async fn database(configured: &Configured) -> Result<Value, Box<dyn std::error::Error>> {
    let mut connection = PgConnection::connect(configured.database.address()?.expose()).await?;
    let mut told = serde_json::Map::new();
    for (name, query) in TOLD {
        let answer = sqlx::raw_sql(*query).fetch_one(&mut connection).await;
        let value = answer.and_then(|row| row.try_get::<Option<Value>, _>(0));
        let value = value
            .map_or_else(|error| json!({ "error": error.to_string() }), Option::unwrap_or_default);
        told.insert((*name).to_owned(), value);
    }
    connection.close().await?;
    Ok(told.into())
}

/// The secrets that are known here.
fn secrets(scene: &Scene) -> Vec<String> {
    let mut secrets: Vec<String> = Vec::new();
    let mut of_url = |url: &str| {
        if let Ok(url) = url::Url::parse(url) {
            secrets.extend(url.password().map(str::to_owned));
        }
    };
    for Place { configured, .. } in &scene.places {
        let Ok(configured) = configured else { continue };
        of_url(configured.database.url.expose());
        of_url(configured.nats.url.expose());
    }
    for Place { configured, .. } in &scene.places {
        let Ok(Configured { database, nats, objects, auth, .. }) = configured else { continue };
        let all = [
            &database.password,
            &nats.password,
            &nats.token,
            &objects.secret_key,
            &objects.access_key,
            &auth.key,
        ];
        secrets.extend(all.map(|secret| secret.expose().trim().to_owned()));
    }
    if let Some(board) = &scene.board {
        secrets.extend(board.accounts.iter().map(|account| account.password.clone()));
        secrets.extend(board.agency.iter().map(|agency| agency.client_secret.clone()));
    }
    secrets.retain(|secret| secret.len() >= SECRET);
    secrets
}

/// Takes out every file that holds a secret; gives their names.
fn keep_secrets(files: &mut Files, secrets: &[String]) -> Vec<String> {
    let holds = |text: &str| secrets.iter().any(|secret| text.contains(secret.as_str()));
    let found: Vec<String> =
        files.iter().filter(|(_, text)| holds(text)).map(|(name, _)| name.clone()).collect();
    for name in &found {
        files.remove(name);
    }
    found
}

fn pack(file: File, files: &Files, modified: u64) -> std::io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(modified);
        archive.append_data(&mut header, format!("liuyan-support/{name}"), text.as_bytes())?;
    }
    let mut packed = archive.into_inner()?.finish()?;
    packed.flush()?;
    packed.sync_all()
}

#[cfg(test)]
mod tests {
    use super::{Files, keep_secrets};

    #[test]
    fn a_file_that_holds_a_secret_is_left_out_and_named() {
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let mut files = Files::from([
            text("feed/configuration.toml", "url = 'postgres://feed@host/feed'"),
            text("intake/metrics.txt", "refused{reason=\"a0b1c2d3e4\"} 1"),
        ]);
        let left_out = keep_secrets(&mut files, &["a0b1c2d3e4".to_owned()]);
        assert_eq!(left_out, ["intake/metrics.txt"]);
        assert_eq!(files.into_keys().collect::<Vec<_>>(), ["feed/configuration.toml"]);
    }
}
