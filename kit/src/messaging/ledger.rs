//! What a consumer remembers: positions, parked events, dead letters and digests. All SQL of
//! hearing is here, set-based, so that the cost per event stays small.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::envelope::{Envelope, Kept};
use crate::clock;

/// Locks the positions of `subjects` (sorted, distinct) and gives the last version of each.
///
/// A first event has no row to lock, so the row is made before: of two transactions that bring
/// versions 1 and 2 of a new subject, one waits for the other.
pub(super) async fn lock_positions(
    tx: &mut PgConnection,
    source: &str,
    subjects: &[Uuid],
) -> Result<HashMap<Uuid, i64>, sqlx::Error> {
    sqlx::query!(
        "insert into messaging.positions (source, subject_id, version)
         select $1, subject_id, 0 from unnest($2::uuid[]) as subject_id order by subject_id
         on conflict (source, subject_id) do nothing",
        source,
        subjects
    )
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query!(
        "select subject_id, version from messaging.positions
         where source = $1 and subject_id = any($2)
         order by subject_id for update",
        source,
        subjects
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject_id, row.version)).collect())
}

/// Moves positions forward.
pub(super) async fn move_positions(
    tx: &mut PgConnection,
    source: &str,
    moved: &BTreeMap<Uuid, i64>,
) -> Result<(), sqlx::Error> {
    let subjects: Vec<Uuid> = moved.keys().copied().collect();
    let versions: Vec<i64> = moved.values().copied().collect();
    let updated = sqlx::query!(
        "update messaging.positions as positions set version = moved.version
         from unnest($2::uuid[], $3::bigint[]) as moved (subject_id, version)
         where positions.source = $1 and positions.subject_id = moved.subject_id",
        source,
        &subjects,
        &versions
    )
    .execute(tx)
    .await?;
    if updated.rows_affected() == moved.len() as u64 {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// The parked events of `subjects`, in order. The positions are locked.
pub(super) async fn parked_of(
    tx: &mut PgConnection,
    source: &str,
    subjects: &[Uuid],
) -> Result<Vec<Envelope>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Kept,
        "select event_id, subject_id, version, type as kind, payload, headers
         from messaging.parked where source = $1 and subject_id = any($2)
         order by subject_id, version",
        source,
        subjects
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(Envelope::from_kept).collect())
}

/// The versions of `subjects` that are dead letters, or are being retried by a person's wish.
pub(super) async fn dead_versions(
    tx: &mut PgConnection,
    source: &str,
    subjects: &[Uuid],
) -> Result<HashSet<(Uuid, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select subject_id, version from messaging.dead_letters
         where source = $1 and subject_id = any($2) and state in ('dead', 'retrying')",
        source,
        subjects
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject_id, row.version)).collect())
}

/// Parks events that came early; gives those that were not parked before.
pub(super) async fn park(
    tx: &mut PgConnection,
    source: &str,
    events: &[&Envelope],
    now: Timestamp,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let event_ids: Vec<Uuid> = events.iter().map(|event| event.event_id).collect();
    let subject_ids: Vec<Uuid> = events.iter().map(|event| event.subject_id).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    let kinds: Vec<String> = events.iter().map(|event| event.kind.clone()).collect();
    let payloads: Vec<Vec<u8>> = events.iter().map(|event| event.payload.to_vec()).collect();
    let headers: Vec<serde_json::Value> = events.iter().map(|event| event.kept_headers()).collect();
    sqlx::query_scalar!(
        "insert into messaging.parked
             (source, subject_id, version, event_id, type, payload, headers, parked_at)
         select $1, subject_id, version, event_id, type, payload, headers, $8
         from unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::bytea[], $7::jsonb[])
             as early (subject_id, version, event_id, type, payload, headers)
         on conflict (source, subject_id, version) do nothing
         returning event_id",
        source,
        &subject_ids,
        &versions,
        &event_ids,
        &kinds,
        &payloads,
        &headers,
        clock::to_db(now)
    )
    .fetch_all(tx)
    .await
}

/// Takes events out of the parking; gives how many were there.
pub(super) async fn unpark(
    tx: &mut PgConnection,
    source: &str,
    events: &[&Envelope],
) -> Result<u64, sqlx::Error> {
    let subject_ids: Vec<Uuid> = events.iter().map(|event| event.subject_id).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    let deleted = sqlx::query!(
        "delete from messaging.parked as parked
         using unnest($2::uuid[], $3::bigint[]) as done (subject_id, version)
         where parked.source = $1 and parked.subject_id = done.subject_id
           and parked.version = done.version",
        source,
        &subject_ids,
        &versions
    )
    .execute(tx)
    .await?;
    Ok(deleted.rows_affected())
}

/// Adds newly settled events to the digests. The last statement of its transaction: the row of a
/// minute is shared by all replicas.
pub(super) async fn digest(
    tx: &mut PgConnection,
    source: &str,
    event_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    if event_ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into messaging.digests as digests (source, minute, count, hash)
         select $1, date_trunc('minute', messaging.time_of(event_id)), count(*),
                bit_xor(messaging.hash_of(event_id))
         from unnest($2::uuid[]) as event_id
         group by 2 order by 2
         on conflict (source, minute) do update
         set count = digests.count + excluded.count, hash = digests.hash # excluded.hash",
        source,
        event_ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets the failed attempts at events that took effect after all.
pub(super) async fn forgive(
    tx: &mut PgConnection,
    source: &str,
    event_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from messaging.dead_letters
         where source = $1 and event_id = any($2) and state = 'failing'",
        source,
        event_ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Counts one more failed attempt; makes the event a dead letter once `limit` is reached. Gives
/// true if it is dead now.
pub(super) async fn blame(
    tx: &mut PgConnection,
    source: &str,
    event: &Envelope,
    error: &str,
    limit: i32,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let state = sqlx::query_scalar!(
        "insert into messaging.dead_letters as dead
             (source, event_id, subject_id, version, type, payload, headers, attempts,
              last_error, state, first_failed_at, last_failed_at)
         values ($1, $2, $3, $4, $5, $6, $7, 1, $8,
                 case when $9 <= 1 then 'dead' else 'failing' end, $10, $10)
         on conflict (source, event_id) do update
         set attempts = dead.attempts + 1,
             last_error = excluded.last_error,
             last_failed_at = excluded.last_failed_at,
             state = case when dead.state in ('resolved', 'discarded') then dead.state
                          when dead.state <> 'failing' or dead.attempts + 1 >= $9 then 'dead'
                          else 'failing' end
         returning state",
        source,
        event.event_id,
        event.subject_id,
        event.version,
        event.kind,
        &event.payload[..],
        event.kept_headers(),
        error,
        limit,
        clock::to_db(now)
    )
    .fetch_one(tx)
    .await?;
    Ok(state == "dead")
}

/// Subjects whose next event is parked although nothing stands in its way: their predecessor took
/// effect without draining them, or a person dealt with a dead letter.
pub(super) async fn drainable(
    tx: &mut PgConnection,
    source: &str,
    limit: i64,
) -> Result<Vec<Envelope>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Kept,
        "select parked.event_id, parked.subject_id, parked.version, parked.type as kind,
                parked.payload, parked.headers
         from messaging.parked
         join messaging.positions using (source, subject_id)
         where source = $1 and parked.version <= positions.version + 1
         order by parked.parked_at
         limit $2",
        source,
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(Envelope::from_kept).collect())
}

/// Dead letters that a person wants to be tried again.
pub(super) async fn to_retry(
    tx: &mut PgConnection,
    source: &str,
    limit: i64,
) -> Result<Vec<Envelope>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Kept,
        "select event_id, subject_id, version, type as kind, payload, headers
         from messaging.dead_letters
         where source = $1 and state = 'retrying'
         order by subject_id, version limit $2",
        source,
        limit
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(Envelope::from_kept).collect())
}

/// Marks a dead letter as having taken effect.
pub(super) async fn resolve(
    tx: &mut PgConnection,
    source: &str,
    event_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messaging.dead_letters set state = 'resolved'
         where source = $1 and event_id = $2 and state = 'retrying'",
        source,
        event_id
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// How many events of `source` wait for an earlier one.
pub(super) async fn parked_count(
    connection: &mut PgConnection,
    source: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from messaging.parked where source = $1"#,
        source
    )
    .fetch_one(connection)
    .await
}

/// How many dead letters wait for a person.
pub(super) async fn dead_count(
    connection: &mut PgConnection,
    source: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from messaging.dead_letters
           where source = $1 and state = 'dead'"#,
        source
    )
    .fetch_one(connection)
    .await
}
