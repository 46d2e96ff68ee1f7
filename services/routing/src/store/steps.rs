//! The steps of cases' clocks.

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;

use crate::domain::{CaseId, escalation::Step};

/// Up to `limit` cases whose next step is to be looked at.
pub async fn due(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<CaseId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select case_id from cases where step_due_at <= $1 order by step_due_at, case_id limit $2",
        to_db(now),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(CaseId::from).collect())
}

/// Notes that a step is said. The key sees to it that it is said once.
pub async fn insert(
    tx: &mut PgConnection,
    case_id: CaseId,
    step: Step,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into steps (case_id, step, at, said_at) values ($1, $2, $3, $4)",
        case_id.uuid(),
        step.code(),
        to_db(at),
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}
