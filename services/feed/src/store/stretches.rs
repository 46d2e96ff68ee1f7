//! Stretches of the log, and where their payloads are.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::domain::stretch::{Manifest, Part, Stretch};

struct Row {
    first_position: i64,
    last_position: i64,
    changes: i64,
    object: Option<String>,
    bytes: Option<i64>,
    digest: Option<Vec<u8>>,
    events: Option<i64>,
    hash: Option<i64>,
    first_recorded_at: Option<OffsetDateTime>,
    last_recorded_at: Option<OffsetDateTime>,
    part_positions: Option<Vec<i64>>,
    part_offsets: Option<Vec<i64>>,
}

impl From<Row> for Stretch {
    fn from(row: Row) -> Self {
        let time = |time: Option<OffsetDateTime>| time.map_or(Timestamp::UNIX_EPOCH, from_db);
        let offsets = row.part_offsets.unwrap_or_default();
        let parts = row.part_positions.unwrap_or_default().into_iter().zip(offsets);
        Self {
            first: row.first_position,
            last: row.last_position,
            changes: row.changes,
            manifest: row.object.map(|object| Manifest {
                object,
                bytes: row.bytes.unwrap_or_default(),
                digest: row.digest.unwrap_or_default(),
                events: row.events.unwrap_or_default(),
                hash: row.hash.unwrap_or_default(),
                first_recorded_at: time(row.first_recorded_at),
                last_recorded_at: time(row.last_recorded_at),
                parts: parts.map(|(position, offset)| Part { position, offset }).collect(),
            }),
        }
    }
}

/// Where the last stretch ends; 0 if there is none.
pub async fn end(tx: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select coalesce(max(last_position), 0) as "end!" from stretches"#)
        .fetch_one(tx)
        .await
}

/// Begins a stretch; the head must be locked.
pub async fn make(tx: &mut PgConnection, first: i64, last: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("select make_stretch($1, $2)", first, last).fetch_one(tx).await.map(|_| ())
}

/// The stretches that are objects and hold one of these positions.
pub async fn holding(
    connection: &mut PgConnection,
    positions: &[i64],
) -> Result<Vec<Stretch>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "select first_position, last_position, changes, object, bytes, digest, events, hash,
                first_recorded_at, last_recorded_at, part_positions, part_offsets
         from stretches
         where object is not null and exists (
             select from unnest($1::bigint[]) as wanted (position)
             where wanted.position between first_position and last_position
         )
         order by first_position",
        positions
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Stretch::from).collect())
}

/// The stretch that is to be written next, unless it is being written or rests: the oldest object with rewritten
/// payloads, or else the oldest rows whose last event was recorded before a time.
pub async fn due(
    connection: &mut PgConnection,
    before: Timestamp,
    resting: &[i64],
) -> Result<Option<Stretch>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select first_position, last_position, changes, object, bytes, digest, events, hash,
                first_recorded_at, last_recorded_at, part_positions, part_offsets
         from stretches
         where writing is null and first_position <> all($2) and (rewritten > 0 or object is null and expired_at is null and exists (
             select from log where position = last_position and recorded_at < $1
         ))
         order by rewritten = 0, first_position limit 1",
        to_db(before),
        resting,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Stretch::from))
}

/// Says that an object of a stretch is being written; `false` if another one is, or the stretch has
/// changed since it was looked at.
pub async fn begin_writing(
    tx: &mut PgConnection,
    stretch: &Stretch,
    object: &str,
    until: Timestamp,
) -> Result<bool, sqlx::Error> {
    let begun = sqlx::query!(
        "update stretches set writing = $2, writing_until = $3
         where first_position = $1 and writing is null and changes = $4 and expired_at is null",
        stretch.first,
        object,
        to_db(until),
        stretch.changes,
    )
    .execute(tx)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Gives up an object that was being written: it is to be removed.
pub async fn give_up(tx: &mut PgConnection, object: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update stretches set writing = null, writing_until = null, leaving = leaving || $1::text
         where writing = $1",
        object
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// Gives up every object whose time is over: its writer has died.
pub async fn give_up_late(tx: &mut PgConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update stretches set writing = null, writing_until = null, leaving = leaving || writing
         where writing_until <= $1",
        to_db(now)
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// Puts an object in the place of the rows of a stretch, or of an older object; the head must be locked.
/// `false` if the stretch has changed since, or the object was given up.
pub async fn settle(
    tx: &mut PgConnection,
    stretch: &Stretch,
    manifest: &Manifest,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let positions: Vec<i64> = manifest.parts.iter().map(|part| part.position).collect();
    let offsets: Vec<i64> = manifest.parts.iter().map(|part| part.offset).collect();
    let settled = sqlx::query_file!(
        "src/queries/settle_stretch.sql",
        stretch.first,
        stretch.changes,
        manifest.object,
        manifest.bytes,
        manifest.digest,
        manifest.events,
        manifest.hash,
        to_db(manifest.first_recorded_at),
        to_db(manifest.last_recorded_at),
        &positions,
        &offsets,
        to_db(now),
    )
    .execute(&mut *tx)
    .await?;
    if settled.rows_affected() == 0 {
        return Ok(false);
    }
    leave_rows(tx, stretch).await?;
    Ok(true)
}

/// Lets the payloads of a stretch go that are rows: its own, or those that went before its object.
async fn leave_rows(tx: &mut PgConnection, stretch: &Stretch) -> Result<(), sqlx::Error> {
    if stretch.manifest.is_none() {
        sqlx::query!("select let_go_of_stretch($1)", stretch.first).fetch_one(&mut *tx).await?;
    }
    sqlx::query!(
        "delete from rewritten where position between $1 and $2",
        stretch.first,
        stretch.last
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// Objects that are to be removed, with the stretches that had them.
pub async fn leaving(connection: &mut PgConnection) -> Result<Vec<(i64, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select first_position, unnest(leaving) as "object!" from stretches
           where cardinality(leaving) > 0 order by first_position limit 100"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.first_position, row.object)).collect())
}

/// Says that an object is removed.
pub async fn gone(tx: &mut PgConnection, first: i64, object: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update stretches set leaving = array_remove(leaving, $2::text) where first_position = $1",
        first,
        object
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// The oldest stretch that is kept, if its last event was recorded before a time.
pub async fn to_expire(
    connection: &mut PgConnection,
    before: Timestamp,
) -> Result<Option<Stretch>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select first_position, last_position, changes, object, bytes, digest, events, hash,
                first_recorded_at, last_recorded_at, part_positions, part_offsets
         from (select * from stretches where expired_at is null order by first_position limit 1) as oldest
         where writing is null
           and exists (select from log where position = last_position and recorded_at < $1)",
        to_db(before)
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Stretch::from))
}

/// Ends the keeping of a stretch; the head must be locked. `false` if it has changed since.
pub async fn expire(
    tx: &mut PgConnection,
    stretch: &Stretch,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let expired = sqlx::query!(
        "update stretches
         set expired_at = $3, leaving = case when object is null then leaving else leaving || object end,
             object = null, bytes = null, digest = null, events = null, hash = null,
             first_recorded_at = null, last_recorded_at = null, part_positions = null,
             part_offsets = null, exported_at = null, rewritten = 0
         where first_position = $1 and changes = $2 and writing is null and expired_at is null",
        stretch.first,
        stretch.changes,
        to_db(now),
    )
    .execute(&mut *tx)
    .await?;
    if expired.rows_affected() == 0 {
        return Ok(false);
    }
    leave_rows(&mut *tx, stretch).await?;
    let moved = sqlx::query!(
        "update head set kept_from = $1 + 1, rewrites = rewrites + 1 where kept_from <= $1",
        stretch.last
    )
    .execute(tx)
    .await?;
    expect_one(&moved)?;
    Ok(true)
}
