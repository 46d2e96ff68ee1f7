//! The database of a service.

use std::time::Duration;

use jiff::Timestamp;
use liuyan_kit::{
    clock::{Clock as _, SystemClock},
    db::{self, Db},
    messaging::outbox,
};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use super::{Findings, State, chain};
use crate::services::{Configured, Name};

/// Beyond this share of its connections a server is near its end.
const CROWDED: f64 = 0.8;
/// An event that waits longer than this for the bus is not on its way.
const WAITING: f64 = 60.0;
/// A transaction that is older than this keeps dead rows from being cleared away.
const LONG: f64 = 600.0;
/// By so many seconds two clocks may differ before tokens are refused.
const APART: f64 = 5.0;
/// For how long the doctor waits for a connection.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looks whether the database keeps what the service needs, is migrated, and has room.
pub(super) async fn examine(findings: &mut Findings<'_>, name: Name, configured: &Configured) {
    let address = match configured.database.address() {
        Ok(address) => address,
        Err(error) => {
            let advice = "Set database.url or database.url_file.";
            return findings.add("database", State::Failed, chain(&error), advice);
        }
    };
    let limits = db::Limits { connections: 1, acquire: PATIENCE, ..configured.database.limits() };
    let db = match Db::connect(address.expose(), "doctor", &limits).await {
        Ok(db) => db,
        Err(error) => {
            let advice = match error {
                db::Error::Address(_) | db::Error::Connect(_) => {
                    "Look at [database], whether the server runs, and whether the role may log in."
                }
                _ => "The service refuses this server: change what is named.",
            };
            return findings.add("database", State::Failed, chain(&error), advice);
        }
    };
    let migrated = db.check_migrated(name.migrator()).await;
    let looked = async {
        let mut connection = db.read().await?;
        server(findings, &mut connection).await?;
        match &migrated {
            Ok(()) => {
                findings.add("schema", State::Ok, "has every migration of this program", "");
                messaging(findings, &mut connection).await?;
            }
            Err(error) => {
                let advice = "Run `liuyan migrate` with this program, or let the service do so (database.migrate).";
                findings.add("schema", State::Failed, chain(error), advice);
            }
        }
        Ok::<(), sqlx::Error>(())
    };
    if let Err(error) = looked.await {
        let advice = "The service's role must be able to read its own database.";
        findings.add("database", State::Failed, error.to_string(), advice);
    }
    db.close().await;
}

/// What the server is, and how much of it is used.
async fn server(
    findings: &mut Findings<'_>,
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let row = sqlx::raw_sql(
        "select split_part(current_setting('server_version'), ' ', 1),
                current_setting('fsync') = 'on' and current_setting('full_page_writes') = 'on',
                extract(epoch from clock_timestamp())::float8,
                (select count(*) from pg_stat_activity where backend_type = 'client backend'),
                current_setting('max_connections')::bigint
                    - current_setting('superuser_reserved_connections')::bigint,
                coalesce((select max(extract(epoch from clock_timestamp() - xact_start))::float8
                          from pg_stat_activity
                          where datname = current_database() and backend_type = 'client backend'), 0)",
    )
    .fetch_one(&mut *connection)
    .await?;
    let version: String = row.try_get(0)?;
    findings.add("database", State::Ok, format!("Postgres {version}"), "");
    let durable: bool = row.try_get(1)?;
    let (state, detail) = match durable {
        true => (State::Ok, "what is committed survives a power cut"),
        false => (State::Failed, "fsync or full_page_writes is off"),
    };
    findings.add("durability", state, detail, "Switch both on: acknowledged messages can be lost.");
    clocks(findings, row.try_get(2)?);
    let (used, most): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
    let crowded = used as f64 > most as f64 * CROWDED;
    let state = if crowded { State::Warning } else { State::Ok };
    let advice =
        "Lower database.connections or the replicas, or raise max_connections of the server.";
    findings.add("connections", state, format!("{used} of {most} on the whole server"), advice);
    let oldest: f64 = row.try_get(5)?;
    if oldest > LONG {
        let detail = format!("the oldest is {oldest:.0} s old");
        let advice = "Find it in pg_stat_activity: it keeps dead rows from being cleared away.";
        findings.add("transactions", State::Warning, detail, advice);
    }
    Ok(())
}

fn clocks(findings: &mut Findings<'_>, theirs: f64) {
    let ours = SystemClock.now();
    let apart = (ours.as_millisecond() as f64 / 1_000.0 - theirs).abs();
    let state = if apart > APART { State::Failed } else { State::Ok };
    let advice = "Set both clocks by NTP: tokens are refused where clocks differ.";
    findings.add("clock", state, format!("{apart:.1} s from that of the database"), advice);
}

/// What waits to be said, what was heard and could not take effect, and whether tomorrow has a place.
async fn messaging(
    findings: &mut Findings<'_>,
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let now: Timestamp = SystemClock.now();
    let row: PgRow = sqlx::raw_sql(
        "select (select count(*) from messaging.waiting),
                coalesce((select extract(epoch from clock_timestamp() - created_at)::float8
                          from messaging.outbox where event_id =
                              (select event_ids[1] from messaging.waiting_batches
                               order by batch_id limit 1)), 0),
                (select count(*) from messaging.parked),
                (select count(*) from messaging.dead_letters where state = 'dead')",
    )
    .fetch_one(&mut *connection)
    .await?;
    let (waiting, oldest): (i64, f64) = (row.try_get(0)?, row.try_get(1)?);
    let state = if oldest > WAITING { State::Warning } else { State::Ok };
    let detail = match waiting {
        0 => "nothing waits for the bus".to_owned(),
        _ => format!("{waiting} events wait for the bus, the oldest for {oldest:.0} s"),
    };
    let advice =
        "Look whether the bus runs and whether a replica of this service holds its relay's lease.";
    findings.add("outbox", state, detail, advice);
    let (parked, dead): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
    let state = if dead > 0 { State::Warning } else { State::Ok };
    let detail = format!("{dead} dead letters, {parked} events wait for an earlier one");
    findings.add(
        "inbox",
        state,
        detail,
        "`liuyan dead-letters list` shows them, and `retry` tries again.",
    );
    let tomorrow = outbox::ready_for_tomorrow(connection, now).await?;
    let (state, detail) = match tomorrow {
        true => (State::Ok, "tomorrow's events have their partition"),
        false => (State::Warning, "tomorrow's events have no partition"),
    };
    let advice =
        "A running service makes it within the hour; until then events go to the default one.";
    findings.add("partitions", state, detail, advice);
    Ok(())
}
