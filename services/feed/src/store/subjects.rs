//! What the log has shown of each case, and what was withheld.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::fate::{Reason, Shown};

/// What the log has shown of these cases; a case it never showed is left out.
pub async fn shown(
    tx: &mut PgConnection,
    case_ids: &[Uuid],
) -> Result<HashMap<Uuid, Shown>, sqlx::Error> {
    let rows = sqlx::query!(
        "select case_id, revision, hidden from subjects where case_id = any($1)",
        case_ids
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.case_id, Shown { revision: row.revision, hidden: row.hidden }))
        .collect())
}

/// How a case changes: what has been shown of it now, and how many more events were withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The case.
    pub case_id: Uuid,
    /// What has been shown.
    pub shown: Shown,
    /// How many events more were withheld.
    pub withheld: i64,
    /// How many restricted events more there are.
    pub restricted: i64,
}

/// Writes down changes, one of each case.
pub async fn change(tx: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    let case_ids: Vec<Uuid> = changes.iter().map(|change| change.case_id).collect();
    let revisions: Vec<i64> = changes.iter().map(|change| change.shown.revision).collect();
    let withheld: Vec<i64> = changes.iter().map(|change| change.withheld).collect();
    let restricted: Vec<i64> = changes.iter().map(|change| change.restricted).collect();
    let hidden: Vec<bool> = changes.iter().map(|change| change.shown.hidden).collect();
    sqlx::query!(
        "insert into subjects (case_id, revision, withheld, hidden, restricted)
         select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::boolean[], $5::bigint[])
         on conflict (case_id) do update set
             revision = excluded.revision,
             withheld = subjects.withheld + excluded.withheld,
             hidden = excluded.hidden,
             restricted = subjects.restricted + excluded.restricted",
        &case_ids,
        &revisions,
        &withheld,
        &hidden,
        &restricted,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An event that was not appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld {
    /// Its id.
    pub event_id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// The version of the case's events at routing.
    pub version: i64,
    /// Why.
    pub reason: Reason,
}

/// Writes down what was not appended.
pub async fn withhold(
    tx: &mut PgConnection,
    events: &[Withheld],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let event_ids: Vec<Uuid> = events.iter().map(|event| event.event_id).collect();
    let case_ids: Vec<Uuid> = events.iter().map(|event| event.case_id).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    let reasons: Vec<String> = events.iter().map(|event| event.reason.code().to_owned()).collect();
    sqlx::query!(
        "insert into withheld (event_id, case_id, version, reason, withheld_at)
         select event_id, case_id, version, reason, $5
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[])
              as withheld (event_id, case_id, version, reason)",
        &event_ids,
        &case_ids,
        &versions,
        &reasons,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}
