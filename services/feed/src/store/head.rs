//! The end of the log.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::Head;

struct Row {
    epoch: Uuid,
    epoch_began_after: i64,
    position: i64,
    recorded_at: OffsetDateTime,
    kept_from: i64,
    rewrites: i64,
}

impl From<Row> for Head {
    fn from(row: Row) -> Self {
        Self {
            epoch: row.epoch,
            epoch_began_after: row.epoch_began_after,
            position: row.position,
            recorded_at: from_db(row.recorded_at),
            kept_from: row.kept_from,
            rewrites: row.rewrites,
        }
    }
}

/// Begins the log, if there is none yet. A log that lost its head is not begun anew: its cursors
/// would seem good and would not be.
pub async fn found(tx: &mut PgConnection, epoch: Uuid, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into head (epoch, recorded_at)
         select $1, $2 where not exists (select from log)
         on conflict do nothing",
        epoch,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads the head.
pub async fn read(connection: &mut PgConnection) -> Result<Option<Head>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select epoch, epoch_began_after, position, recorded_at, kept_from, rewrites from head"
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Head::from))
}

/// Reads the head and locks it until the transaction ends: whoever holds it is the one appender.
pub async fn lock(tx: &mut PgConnection) -> Result<Option<Head>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select epoch, epoch_began_after, position, recorded_at, kept_from, rewrites from head for update"
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(Head::from))
}

/// Writes the end of the log, which must be locked.
pub async fn move_to(tx: &mut PgConnection, head: &Head) -> Result<(), sqlx::Error> {
    let moved = sqlx::query!(
        "update head set position = $1, recorded_at = $2, rewrites = $3 where epoch = $4",
        head.position,
        to_db(head.recorded_at),
        head.rewrites,
        head.epoch,
    )
    .execute(tx)
    .await?;
    expect_one(&moved)
}

/// Begins a new life of the log at its end.
pub async fn begin_epoch(tx: &mut PgConnection, epoch: Uuid) -> Result<(), sqlx::Error> {
    let begun = sqlx::query!("update head set epoch = $1, epoch_began_after = position", epoch)
        .execute(tx)
        .await?;
    expect_one(&begun)
}
