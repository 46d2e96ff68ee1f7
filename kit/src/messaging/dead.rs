//! Dead letters, as a person deals with them.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ledger;
use crate::clock;

/// An event that could not take effect.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeadLetter {
    /// The service that said it.
    pub source: String,
    /// Its id.
    pub event_id: Uuid,
    /// What it is about.
    pub subject_id: Uuid,
    /// Which event of its subject it is.
    pub version: i64,
    /// Its type.
    pub kind: String,
    /// The protobuf message.
    #[serde(skip)]
    pub payload: Vec<u8>,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong the last time.
    pub last_error: String,
    /// `failing`, `dead`, `retrying`, `resolved` or `discarded`.
    pub state: String,
    /// When it failed first.
    pub first_failed_at: Timestamp,
    /// When it failed last.
    pub last_failed_at: Timestamp,
    /// How many later events of its subject wait behind it.
    pub waiting: i64,
}

/// Lists dead letters, the oldest first; also those that were dealt with if `all`.
///
/// # Errors
/// The database's.
pub async fn list(
    connection: &mut PgConnection,
    all: bool,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select source, event_id, subject_id, version, type as kind, payload, attempts,
                  last_error, state, first_failed_at, last_failed_at,
                  (select count(*) from messaging.parked
                   where parked.source = dead.source and parked.subject_id = dead.subject_id)
                      as "waiting!"
           from messaging.dead_letters as dead
           where $1 or state in ('failing', 'dead', 'retrying')
           order by first_failed_at, event_id"#,
        all
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DeadLetter {
            source: row.source,
            event_id: row.event_id,
            subject_id: row.subject_id,
            version: row.version,
            kind: row.kind,
            payload: row.payload,
            attempts: row.attempts,
            last_error: row.last_error,
            state: row.state,
            first_failed_at: clock::from_db(row.first_failed_at),
            last_failed_at: clock::from_db(row.last_failed_at),
            waiting: row.waiting,
        })
        .collect())
}

/// Wishes that a dead letter be tried again; the service does it within a second. Gives false if
/// there is no such dead letter.
///
/// # Errors
/// The database's.
pub async fn retry(tx: &mut PgConnection, event_id: Uuid) -> Result<bool, sqlx::Error> {
    let updated = sqlx::query!(
        "update messaging.dead_letters set state = 'retrying'
         where event_id = $1 and state = 'dead' and version > 0",
        event_id
    )
    .execute(tx)
    .await?;
    Ok(updated.rows_affected() > 0)
}

/// Gives a dead letter up: it never takes effect, and the events behind it go on. Gives false if
/// there is no such dead letter.
///
/// # Errors
/// The database's.
pub async fn discard(tx: &mut PgConnection, event_id: Uuid) -> Result<bool, sqlx::Error> {
    let rows = sqlx::query!(
        "select source, subject_id, version from messaging.dead_letters
         where event_id = $1 and state in ('dead', 'retrying')",
        event_id
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in &rows {
        // The position is locked before the letter changes, as everywhere.
        if row.version > 0 {
            let subjects = [row.subject_id];
            let positions = ledger::lock_positions(tx, &row.source, &subjects).await?;
            if positions.get(&row.subject_id).is_some_and(|last| last + 1 == row.version) {
                let moved = [(row.subject_id, row.version)].into();
                ledger::move_positions(tx, &row.source, &moved).await?;
            }
        }
        sqlx::query!(
            "update messaging.dead_letters set state = 'discarded'
             where source = $1 and event_id = $2",
            row.source,
            event_id
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(!rows.is_empty())
}
