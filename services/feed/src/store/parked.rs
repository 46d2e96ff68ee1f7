//! Events that readers put aside, and those that are to be given out again.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::subscription::Parked;

struct Row {
    event_id: Uuid,
    position: Option<i64>,
    reason: String,
    attempts: i32,
    parked_at: OffsetDateTime,
    released_at: Option<OffsetDateTime>,
}

impl From<Row> for Parked {
    fn from(row: Row) -> Self {
        Self {
            event_id: row.event_id,
            position: row.position,
            reason: row.reason,
            attempts: row.attempts,
            parked_at: from_db(row.parked_at),
            released_at: row.released_at.map(from_db),
        }
    }
}

/// Puts an event aside, once more if it was before; tells whether it is a further one.
pub async fn park(
    tx: &mut PgConnection,
    key: i64,
    event_id: Uuid,
    position: Option<i64>,
    reason: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query!(
        r#"insert into parked_events (subscription_key, event_id, position, reason, attempts, parked_at)
           values ($1, $2, $3, $4, 1, $5)
           on conflict on constraint parked_events_pkey do update
           set reason = excluded.reason, attempts = parked_events.attempts + 1,
               parked_at = excluded.parked_at, released_at = null
           returning (xmax = 0) as "further!""#,
        key,
        event_id,
        position,
        reason,
        to_db(now),
    )
    .fetch_one(tx)
    .await?;
    Ok(row.further)
}

/// Adds a test event, which is to be given out; tells whether it is a further one.
pub async fn add_test(
    tx: &mut PgConnection,
    key: i64,
    event_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let added = sqlx::query!(
        "insert into parked_events
             (subscription_key, event_id, position, reason, attempts, parked_at, released_at)
         values ($1, $2, null, '', 0, $3, $3)
         on conflict on constraint parked_events_pkey do nothing",
        key,
        event_id,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(added.rows_affected() == 1)
}

/// Lists those of a subscription after an event, by their ids, which is by their age.
pub async fn list(
    connection: &mut PgConnection,
    key: i64,
    after: Uuid,
    most: i64,
) -> Result<Vec<Parked>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "select event_id, position, reason, attempts, parked_at, released_at from parked_events
         where subscription_key = $1 and event_id > $2 order by event_id limit $3",
        key,
        after,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Parked::from).collect())
}

/// Finds one.
pub async fn find(
    connection: &mut PgConnection,
    key: i64,
    event_id: Uuid,
) -> Result<Option<Parked>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select event_id, position, reason, attempts, parked_at, released_at from parked_events
         where subscription_key = $1 and event_id = $2",
        key,
        event_id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Parked::from))
}

/// Those that are to be given out and are not among `given`, the oldest first.
pub async fn released(
    connection: &mut PgConnection,
    key: i64,
    given: &[Uuid],
    most: i64,
) -> Result<Vec<Parked>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "select event_id, position, reason, attempts, parked_at, released_at from parked_events
         where subscription_key = $1 and released_at is not null and event_id <> all($2)
         order by event_id limit $3",
        key,
        given,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Parked::from).collect())
}

/// Releases those that are parked, all if `ids` is empty; tells how many.
pub async fn release(
    tx: &mut PgConnection,
    key: i64,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "update parked_events set released_at = $3
         where subscription_key = $1 and released_at is null
           and (cardinality($2::uuid[]) = 0 or event_id = any($2))",
        key,
        ids,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets some, all if `ids` is empty; tells how many.
pub async fn forget(tx: &mut PgConnection, key: i64, ids: &[Uuid]) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from parked_events
         where subscription_key = $1 and (cardinality($2::uuid[]) = 0 or event_id = any($2))",
        key,
        ids,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}
