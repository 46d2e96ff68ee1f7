//! `liuyan verify`: recounts, from one table out of another and across all databases, what the board
//! promises. Every table is implied by others; a row that is lost anywhere shows here.
//!
//! The board may be at work meanwhile: what does not hold is looked at again after a pause, and only
//! what still does not hold is reported.

mod across;
mod checks;
mod copies;
mod figures;
mod journals;
mod log;
mod messaging;
mod objects;
mod said;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use sqlx::PgPool;
use tokio::time::{Instant, sleep};

use crate::{args::Output, board::Board, error::Error, output};

/// How many of the breaches of one promise are named.
const NAMED: usize = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// How to verify.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many seconds to wait for the board to come to rest before a breach counts.
    #[arg(long, default_value_t = 30)]
    wait: u64,
}

/// What was found about one promise.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    /// The promise.
    pub(crate) promise: &'static str,
    /// Where.
    pub(crate) place: String,
    /// How much was looked at.
    pub(crate) checked: u64,
    /// What breaks it.
    pub(crate) breaches: Vec<String>,
}

impl Finding {
    /// A promise of which `checked` things were looked at, and nothing was wrong yet.
    pub(crate) fn new(promise: &'static str, place: impl Into<String>) -> Self {
        Self { promise, place: place.into(), checked: 0, breaches: Vec::new() }
    }

    /// Notes a breach.
    pub(crate) fn breach(&mut self, what: impl Into<String>) {
        self.breaches.push(what.into());
    }

    fn holds(&self) -> bool {
        self.breaches.is_empty()
    }
}

/// The databases of a board.
pub(crate) struct Databases(BTreeMap<String, PgPool>);

impl Databases {
    async fn open(board: &Board) -> Result<Self, Error> {
        board.has_databases()?;
        let mut pools = BTreeMap::new();
        for service in board.services() {
            pools.insert(service.to_owned(), board.session(service).await?);
        }
        Ok(Self(pools))
    }

    /// The database of a service.
    pub(crate) fn of(&self, service: &str) -> Result<&PgPool, Error> {
        self.0.get(service).ok_or_else(|| Error::Usage(format!("there is no database {service}")))
    }

    /// All services.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&str, &PgPool)> {
        self.0.iter().map(|(service, pool)| (service.as_str(), pool))
    }
}

/// Verifies, prints, and fails if a promise is broken.
pub(crate) async fn run(board: &Board, options: &Options, output: Output) -> Result<(), Error> {
    let databases = Databases::open(board).await?;
    let until = Instant::now() + Duration::from_secs(options.wait);
    let mut archives = said::Archives::default();
    let findings = loop {
        let findings = look(board, &databases, &mut archives).await?;
        if findings.iter().all(Finding::holds) || Instant::now() > until {
            break findings;
        }
        sleep(PAUSE).await;
    };
    tell(&findings, output);
    let broken: Vec<&str> =
        findings.iter().filter(|finding| !finding.holds()).map(|finding| finding.promise).collect();
    if broken.is_empty() {
        return Ok(());
    }
    let mut named = broken.clone();
    named.dedup();
    Err(Error::Check(format!("broken: {}", named.join("; "))))
}

async fn look(
    board: &Board,
    databases: &Databases,
    archives: &mut said::Archives,
) -> Result<Vec<Finding>, Error> {
    let mut findings = archives.load(board, databases).await?;
    findings.push(journals::acknowledged_is_stored(board, databases).await?);
    findings.extend(across::run(databases).await?);
    findings.extend(messaging::run(databases).await?);
    findings.extend(copies::run(databases).await?);
    findings.extend(figures::run(databases).await?);
    findings.extend(checks::run(databases).await?);
    findings.extend(log::run(board, databases).await?);
    findings.extend(objects::run(board, databases).await?);
    Ok(findings)
}

fn tell(findings: &[Finding], output: Output) {
    let header = ["promise", "where", "checked", "holds"];
    output::rows(output, &header, findings, |finding| {
        let holds = if finding.holds() {
            "yes".to_owned()
        } else {
            let mut named: Vec<String> = finding.breaches.iter().take(NAMED).cloned().collect();
            if finding.breaches.len() > NAMED {
                named.push(format!("and {} more", finding.breaches.len() - NAMED));
            }
            format!("NO\n{}", named.join("\n"))
        };
        vec![finding.promise.to_owned(), finding.place.clone(), finding.checked.to_string(), holds]
    });
}

/// Rows of a query that takes nothing, as the types of the caller. What it reads of the outbox, it reads of
/// the archives, too.
pub(crate) async fn rows<T>(pool: &PgPool, sql: &'static str) -> Result<Vec<T>, Error>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
{
    sqlx::query_as::<_, T>(said::with_archives(sql)).fetch_all(pool).await.map_err(Error::query)
}

/// One number.
pub(crate) async fn number(pool: &PgPool, sql: &'static str) -> Result<u64, Error> {
    let sql = said::with_archives(sql);
    let (count,): (i64,) = sqlx::query_as(sql).fetch_one(pool).await.map_err(Error::query)?;
    Ok(count.unsigned_abs())
}
