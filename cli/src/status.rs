//! `liuyan status`: how each service is, and what waits.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use liuyan_intake::Intake;
use liuyan_kit::{seal::Keyring, service::Service as _};
use liuyan_proto::topology;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::time::timeout;

use crate::{
    args::Output,
    board::{Board, connection},
    error::Error,
    keys, output, services,
};

/// How long a service may take to say how it is.
const ANSWER: Duration = Duration::from_secs(3);

/// What `/readyz` answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Readiness {
    /// Whether it takes work.
    pub(crate) ready: bool,
    conditions: Vec<Condition>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    name: String,
    holds: bool,
    reason: Option<String>,
}

impl Readiness {
    /// The conditions that do not hold.
    pub(crate) fn waits_for(&self) -> String {
        let waiting: Vec<String> = self
            .conditions
            .iter()
            .filter(|condition| !condition.holds)
            .map(|condition| {
                let reason = condition.reason.as_deref().unwrap_or("not yet");
                format!("{}: {reason}", condition.name)
            })
            .collect();
        waiting.join(", ")
    }

    /// Whether every condition holds, also those without which it could work.
    pub(crate) fn at_rest(&self) -> bool {
        self.ready && self.conditions.iter().all(|condition| condition.holds)
    }
}

/// Asks a service how it is.
pub(crate) async fn readiness(address: &str) -> Result<Readiness, String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let uri = format!("http://{address}/readyz").parse().map_err(|_| "no address".to_owned())?;
    let ask = async {
        let answer = client.get(uri).await.map_err(|error| error.to_string())?;
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| error.to_string())
    };
    timeout(ANSWER, ask).await.map_err(|_| "no answer".to_owned())?
}

/// What only a database tells is missing where none is named.
#[derive(Debug, Default, Serialize)]
struct Row {
    service: String,
    ready: bool,
    detail: String,
    /// Events said and not yet on the bus.
    unpublished: Option<i64>,
    /// Events that wait for an earlier one.
    parked: Option<i64>,
    /// Events that wait for a person.
    dead: Option<i64>,
    /// Authors' keys that an older key still wraps; only of the service that has authors.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_rewrap: Option<i64>,
    /// What this service has settled, by source, of what was said.
    heard: BTreeMap<String, String>,
}

/// Runs the command; fails if a service is not ready.
pub(crate) async fn run(board: &Board, output: Output) -> Result<(), Error> {
    if board.management.is_empty() {
        return Err(Error::Usage(
            "board.json names no service (`management`), so none can be asked".to_owned(),
        ));
    }
    let said = said(board).await?;
    let mut rows = Vec::new();
    for (service, address) in &board.management {
        let (ready, detail) = match readiness(address).await {
            Ok(readiness) if readiness.ready => (true, "ready".to_owned()),
            Ok(readiness) => (false, readiness.waits_for()),
            Err(error) => (false, format!("does not answer: {error}")),
        };
        rows.push(if board.postgres.contains_key(service) {
            row(board, service, ready, detail, &said).await?
        } else {
            Row { service: service.clone(), ready, detail, ..Row::default() }
        });
    }
    let header =
        ["service", "state", "unpublished", "parked", "dead letters", "to rewrap", "heard"];
    output::rows(output, &header, &rows, |row| {
        let heard: Vec<String> =
            row.heard.iter().map(|(source, part)| format!("{source} {part}")).collect();
        vec![
            row.service.clone(),
            row.detail.clone(),
            shown(row.unpublished),
            shown(row.parked),
            shown(row.dead),
            shown(row.to_rewrap),
            heard.join("\n"),
        ]
    });
    match rows.iter().find(|row| !row.ready) {
        None => Ok(()),
        Some(row) => Err(Error::Check(format!("{} is not ready: {}", row.service, row.detail))),
    }
}

fn shown(count: Option<i64>) -> String {
    count.map(|count| count.to_string()).unwrap_or_default()
}

/// How many events each service has said.
async fn said(board: &Board) -> Result<BTreeMap<String, i64>, Error> {
    let mut said = BTreeMap::new();
    for service in board.services() {
        let pool = board.database(service).await?;
        let mut connection = connection(&pool).await?;
        let row = sqlx::raw_sql("select coalesce(sum(version), 0)::bigint from messaging.subjects")
            .fetch_one(&mut *connection)
            .await
            .map_err(Error::query)?;
        said.insert(service.to_owned(), row.try_get(0).map_err(Error::query)?);
    }
    Ok(said)
}

async fn row(
    board: &Board,
    service: &str,
    ready: bool,
    detail: String,
    said: &BTreeMap<String, i64>,
) -> Result<Row, Error> {
    let pool = board.database(service).await?;
    let mut connection = connection(&pool).await?;
    let counts = sqlx::raw_sql(
        "select (select count(*) from messaging.waiting),
                (select count(*) from messaging.parked),
                (select count(*) from messaging.dead_letters where state = 'dead')",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(Error::query)?;
    let settled =
        sqlx::raw_sql("select source, sum(count)::bigint from messaging.digests group by source")
            .fetch_all(&mut *connection)
            .await
            .map_err(Error::query)?;
    let mut heard = BTreeMap::new();
    for source in topology::card(service).map_or(&[][..], |card| card.hears) {
        let count = settled.iter().find(|row| row.get::<&str, _>(0) == *source);
        let count: i64 = count.map_or(0, |row| row.get(1));
        let all = said.get(*source).copied().unwrap_or_default();
        heard.insert((*source).to_owned(), format!("{count}/{all}"));
    }
    Ok(Row {
        service: service.to_owned(),
        ready,
        detail,
        unpublished: Some(counts.get(0)),
        parked: Some(counts.get(1)),
        dead: Some(counts.get(2)),
        to_rewrap: match service {
            Intake::NAME => Some(to_rewrap(board, &mut connection).await?),
            _ => None,
        },
        heard,
    })
}

/// How many authors' keys another key than the newest of the ring wraps. Where the ring can't be read
/// here, since another service wraps it, that is what intake found at the end of its last round.
async fn to_rewrap(board: &Board, connection: &mut PgConnection) -> Result<i64, Error> {
    let ring = Keyring::open(&keys::folder(&board.data_dir).join(services::KEYRING));
    let query = match ring {
        // A record begins with the algorithm and the key's id: kit's `seal` says how.
        Ok(ring) => format!(
            "select count(*) from authors where substring(wrapped_key from 2 for 4) <> '\\x{:08x}'",
            ring.current()
        ),
        Err(_) => "select coalesce(max(remaining), 0) from rewrapping".to_owned(),
    };
    let row = sqlx::raw_sql(AssertSqlSafe(query)).fetch_one(connection).await;
    row.and_then(|row| row.try_get(0)).map_err(Error::query)
}
