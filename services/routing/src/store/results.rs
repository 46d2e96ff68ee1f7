//! What the authors of a consultation's messages were told of its result.

use liuyan_kit::db;
use sqlx::PgConnection;
use uuid::Uuid;

use super::corrupt;
use crate::domain::{CaseId, ConsultationId, consultation::Uptake};

/// A published consultation of which authors are still to be told.
#[derive(Debug, Clone)]
pub struct Untold {
    /// Its id.
    pub consultation_id: ConsultationId,
    /// The trace in which its result was published.
    pub traceparent: Option<String>,
}

/// What the result makes of a case, and what its author was told last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// The case.
    pub case_id: CaseId,
    /// What the statements together make of it.
    pub uptake: Option<Uptake>,
    /// What its author was told last; none if nothing yet.
    pub told: Option<Option<Uptake>>,
}

/// The published consultation that waits longest to be told.
pub async fn due(connection: &mut PgConnection) -> Result<Option<Untold>, sqlx::Error> {
    let row = sqlx::query!(
        "select consultation_id, traceparent from consultations
         where stage = 'published' and told_through < changes
         order by published_at limit 1"
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Untold {
        consultation_id: row.consultation_id.into(),
        traceparent: row.traceparent,
    }))
}

/// Notes in which trace a result was published, so that what is told of it goes on there.
pub async fn published_in(
    tx: &mut PgConnection,
    id: ConsultationId,
    traceparent: Option<String>,
) -> Result<(), sqlx::Error> {
    let noted = sqlx::query!(
        "update consultations set traceparent = $2 where consultation_id = $1",
        id.uuid(),
        traceparent,
    )
    .execute(tx)
    .await?;
    db::expect_one(&noted)
}

/// Up to `limit` cases of a consultation that is locked, not looked at since its change.
pub async fn weighed(
    tx: &mut PgConnection,
    id: ConsultationId,
    change: i64,
    limit: i64,
) -> Result<Vec<Weighed>, sqlx::Error> {
    let rows = sqlx::query_file!("src/queries/result_to_tell.sql", id.uuid(), change, limit)
        .fetch_all(tx)
        .await?;
    let read = |code: &str| Uptake::of(code).ok_or_else(|| corrupt("uptake", code));
    let weighed = rows.into_iter().map(|row| {
        let uptakes: Vec<Uptake> =
            row.uptakes.iter().map(|code| read(code)).collect::<Result<_, _>>()?;
        let told = row.told.map(|code| match code.as_str() {
            "" => Ok(None),
            code => read(code).map(Some),
        });
        Ok(Weighed {
            case_id: row.case_id.into(),
            uptake: Uptake::together(&uptakes),
            told: told.transpose()?,
        })
    });
    weighed.collect()
}

/// Notes that cases of a consultation were looked at, and what the authors were told whom it concerned.
pub async fn looked_at(
    tx: &mut PgConnection,
    id: ConsultationId,
    change: i64,
    weighed: &[Weighed],
) -> Result<(), sqlx::Error> {
    let case_ids: Vec<Uuid> = weighed.iter().map(|one| one.case_id.uuid()).collect();
    let uptakes: Vec<String> = weighed
        .iter()
        .map(|one| one.uptake.map(Uptake::code).unwrap_or_default().to_owned())
        .collect();
    sqlx::query!(
        "insert into consultation_tellings as known (case_id, consultation_id, uptake, times, seen)
         select case_id, $1, uptake, 1, $2
         from unnest($3::uuid[], $4::text[]) as one (case_id, uptake) order by case_id
         on conflict (case_id) do update
         set times = known.times + (known.uptake <> excluded.uptake)::int,
             uptake = excluded.uptake, seen = excluded.seen",
        id.uuid(),
        change,
        &case_ids,
        &uptakes,
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Notes that all authors of a consultation were told, up to a change.
pub async fn all_told(
    tx: &mut PgConnection,
    id: ConsultationId,
    change: i64,
) -> Result<(), sqlx::Error> {
    let noted = sqlx::query!(
        "update consultations set told_through = $2 where consultation_id = $1",
        id.uuid(),
        change,
    )
    .execute(tx)
    .await?;
    db::expect_one(&noted)
}

/// Cases of consultations are opened in this transaction: if a result is public, or is just becoming so,
/// their authors are to be told, too.
pub async fn more_to_tell(
    tx: &mut PgConnection,
    ids: &[ConsultationId],
) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "with locked as (
             select consultation_id from consultations where consultation_id = any($1)
             order by consultation_id for update
         )
         update consultations q set told_through = least(told_through, changes - 1)
         from locked where q.consultation_id = locked.consultation_id",
        &ids,
    )
    .execute(tx)
    .await
    .map(drop)
}
