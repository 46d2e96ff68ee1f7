//! The log.

use std::collections::HashMap;

use bytes::Bytes;
use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::pending::Heard;
use crate::domain::{
    Facts, Holder,
    filter::{CASE_HIDDEN, Coarse},
};

/// An event on its way into the log.
#[derive(Debug, Clone)]
pub struct Appended {
    /// What was heard of it.
    pub heard: Heard,
    /// Its type in the log: that of what was heard, or the feed's own.
    pub event_type: String,
    /// Its place.
    pub position: i64,
    /// The office that the case leaves by it.
    pub former: Option<Holder>,
    /// Which event of the case it is here; a restricted one is none.
    pub subject_revision: Option<i64>,
    /// When it is recorded.
    pub recorded_at: Timestamp,
    /// Whether the payload holds ids only.
    pub hidden: bool,
    /// The encoded event.
    pub payload: Vec<u8>,
}

/// Appends events; the head must be locked.
pub async fn append(tx: &mut PgConnection, events: &[Appended]) -> Result<(), sqlx::Error> {
    sqlx::query_file!(
        "src/queries/append_log.sql",
        &column(events, |event| event.position),
        &column(events, |event| event.heard.event_id),
        &column(events, |event| event.heard.case_id),
        &column(events, |event| event.subject_revision) as &[Option<i64>],
        &column(events, |event| event.heard.version),
        &column(events, |event| event.event_type.clone()),
        &column(events, |event| to_db(event.recorded_at)),
        &column(events, |event| event.heard.office_id.clone()),
        &column(events, |event| event.heard.division_code.clone()),
        &column(events, |event| event.heard.kind.clone()),
        &column(events, |event| event.heard.domain.clone()),
        &column(events, |event| event.heard.state),
        &column(events, |event| event.hidden),
        &column(events, |event| size(&event.payload)),
        &former(events, |holder| &holder.office_id) as &[Option<String>],
        &former(events, |holder| &holder.division_code) as &[Option<String>],
        &column(events, |event| event.subject_revision.is_none()),
        &column(events, |event| event.subject_revision.is_none() && event.heard.accuses),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into payloads (position, payload) select * from unnest($1::bigint[], $2::bytea[])",
        &column(events, |event| event.position),
        &column(events, |event| event.payload.clone()),
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn size(payload: &[u8]) -> i32 {
    i32::try_from(payload.len()).unwrap_or(i32::MAX)
}

fn column<T>(events: &[Appended], value: impl Fn(&Appended) -> T) -> Vec<T> {
    events.iter().map(value).collect()
}

fn former(events: &[Appended], value: fn(&Holder) -> &String) -> Vec<Option<String>> {
    column(events, |event| event.former.as_ref().map(|holder| value(holder).clone()))
}

/// The offices with which these cases were shown last; a case it never showed is left out.
pub async fn holders(
    tx: &mut PgConnection,
    case_ids: &[Uuid],
) -> Result<HashMap<Uuid, Holder>, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct on (case_id) case_id, office_id, division_code
         from log where case_id = any($1) order by case_id, position desc",
        case_ids
    )
    .fetch_all(tx)
    .await?;
    let holder = |office_id, division_code| Holder { office_id, division_code };
    Ok(rows
        .into_iter()
        .map(|row| (row.case_id, holder(row.office_id, row.division_code)))
        .collect())
}

/// The stored events of a case that hold more than ids, by their positions. The payload is missing if it is
/// in an object, or kept nowhere.
pub async fn shown_payloads(
    tx: &mut PgConnection,
    case_id: Uuid,
) -> Result<Vec<(i64, Option<Vec<u8>>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select log.position, coalesce(rewritten.payload, payloads.payload) as payload
           from log left join payloads using (position) left join rewritten using (position)
           where case_id = $1 and not hidden and not restricted order by log.position"#,
        case_id
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.position, row.payload)).collect())
}

/// The positions of stored events of some cases that hold more than ids and are in objects.
pub async fn shown_in_objects(
    connection: &mut PgConnection,
    case_ids: &[Uuid],
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select position from log join stretches on position between first_position and last_position
         where case_id = any($1) and not hidden and not restricted and object is not null
         order by position",
        case_ids
    )
    .fetch_all(connection)
    .await
}

/// Puts new payloads in the place of stored ones, whose rows they are in or whose object they go before.
/// An event without a new payload is not kept any more, and only marked.
pub async fn rewrite(
    tx: &mut PgConnection,
    payloads: &[(i64, Option<Vec<u8>>)],
    hidden: bool,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let positions: Vec<i64> = payloads.iter().map(|(position, _)| *position).collect();
    let bytes: Vec<Option<Vec<u8>>> = payloads.iter().map(|(_, payload)| payload.clone()).collect();
    sqlx::query!(
        "update log
         set payload_bytes = coalesce(octet_length(new.payload), payload_bytes), hidden = $3, redacted_at = $4
         from unnest($1::bigint[], $2::bytea[]) as new (position, payload)
         where log.position = new.position",
        &positions,
        &bytes as &[Option<Vec<u8>>],
        hidden,
        to_db(now),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query_file!("src/queries/rewrite.sql", &positions, &bytes as &[Option<Vec<u8>>])
        .fetch_one(tx)
        .await?;
    Ok(())
}

struct Row {
    position: i64,
    recorded_at: OffsetDateTime,
    event_type: String,
    office_id: String,
    division_code: String,
    former_office_id: Option<String>,
    former_division_code: Option<String>,
    kind: String,
    domain: String,
    state: i32,
    restricted: bool,
    accuses: bool,
    payload_bytes: i32,
}

impl From<Row> for Facts {
    fn from(row: Row) -> Self {
        Self {
            position: row.position,
            recorded_at: from_db(row.recorded_at),
            event_type: row.event_type,
            holder: Holder { office_id: row.office_id, division_code: row.division_code },
            former: row
                .former_office_id
                .zip(row.former_division_code)
                .map(|(office_id, division_code)| Holder { office_id, division_code }),
            kind: row.kind,
            domain: row.domain,
            state: row.state,
            restricted: row.restricted,
            accuses: row.accuses,
            payload_bytes: usize::try_from(row.payload_bytes).unwrap_or_default(),
        }
    }
}

/// The facts of the next events after a position, up to another, without their payloads.
pub async fn facts(
    connection: &mut PgConnection,
    after: i64,
    until: i64,
    most: i64,
) -> Result<Vec<Facts>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select position, recorded_at, type as event_type, office_id, division_code,
                  former_office_id, former_division_code, kind, domain, state, restricted, accuses,
                  payload_bytes
           from log where position > $1 and position <= $2 order by position limit $3"#,
        after,
        until,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Facts::from).collect())
}

/// The facts of the events after a position, up to another, that a coarse filter lets through, and of the last
/// one in any case.
pub async fn coarse_facts(
    connection: &mut PgConnection,
    after: i64,
    until: i64,
    coarse: &Coarse,
) -> Result<Vec<Facts>, sqlx::Error> {
    let rows = sqlx::query_file_as!(
        Row,
        "src/queries/coarse_facts.sql",
        after,
        until,
        CASE_HIDDEN,
        coarse.offices.as_deref() as Option<&[String]>,
        coarse.divisions.as_deref() as Option<&[String]>,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Facts::from).collect())
}

/// The facts of events after a position, up to another, that are the newest of their cases as of `of`. Cases
/// that were taken back have none.
pub async fn newest_facts(
    connection: &mut PgConnection,
    after: i64,
    until: i64,
    of: i64,
) -> Result<Vec<Facts>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select position, recorded_at, type as event_type, office_id, division_code,
                  former_office_id, former_division_code, kind, domain, state, restricted, accuses,
                  payload_bytes
           from log
           where position > $1 and position <= $2 and not hidden and not exists (
               select from log as later
               where later.case_id = log.case_id and later.position > log.position
                 and later.position <= $3
           )
           order by position"#,
        after,
        until,
        of,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Facts::from).collect())
}

/// The facts of events at some positions.
pub async fn facts_at(
    connection: &mut PgConnection,
    positions: &[i64],
) -> Result<Vec<Facts>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select position, recorded_at, type as event_type, office_id, division_code,
                  former_office_id, former_division_code, kind, domain, state, restricted, accuses,
                  payload_bytes
           from log where position = any($1)"#,
        positions
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Facts::from).collect())
}

/// Remembers of the restricted events of a case that it accuses an office; gives the number of those of which
/// that was not known.
pub async fn mark_accusing(tx: &mut PgConnection, case_id: Uuid) -> Result<u64, sqlx::Error> {
    let marked = sqlx::query!(
        "update log set accuses = true where case_id = $1 and restricted and not accuses",
        case_id
    )
    .execute(tx)
    .await?;
    Ok(marked.rows_affected())
}

/// The position of the first event that was recorded at or after a time.
pub async fn first_since(
    connection: &mut PgConnection,
    time: Timestamp,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select position from log where recorded_at >= $1 order by recorded_at limit 1",
        to_db(time)
    )
    .fetch_optional(connection)
    .await
}

/// When the event at a position was recorded.
pub async fn recorded_at(
    connection: &mut PgConnection,
    position: i64,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let time = sqlx::query_scalar!("select recorded_at from log where position = $1", position)
        .fetch_optional(connection)
        .await?;
    Ok(time.map(from_db))
}

/// The position of an event by its id.
pub async fn position_of(
    connection: &mut PgConnection,
    event_id: Uuid,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("select position from log where event_id = $1", event_id)
        .fetch_optional(connection)
        .await
}

/// The encoded events at some positions that are in rows: those of stretches that are none yet, and those
/// that were rewritten since.
pub async fn payloads(
    connection: &mut PgConnection,
    positions: &[i64],
) -> Result<HashMap<i64, Bytes>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select position as "position!", payload as "payload!" from payloads where position = any($1)
           union all
           select position, payload from rewritten where position = any($1)"#,
        positions
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.position, Bytes::from(row.payload))).collect())
}
