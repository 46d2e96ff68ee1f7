//! Cases that editors show as handled well.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;

use crate::domain::{CaseId, directory::Place};

/// A model case.
#[derive(Debug, Clone)]
pub struct Model {
    /// The case.
    pub case_id: CaseId,
    /// Why it is shown.
    pub why: String,
    /// Its place in the list.
    pub place: i32,
    /// When it was first shown.
    pub picked_at: Timestamp,
}

/// Where a model case stands in the list.
pub type Key = (i32, Timestamp, CaseId);

/// Shows a case, or changes how it is shown. Gives when it was first shown.
pub async fn put(tx: &mut PgConnection, model: &Model, by: &str) -> Result<Timestamp, sqlx::Error> {
    let picked_at = sqlx::query_scalar!(
        "insert into model_cases (case_id, why, place, picked_at, picked_by) values ($1, $2, $3, $4, $5)
         on conflict (case_id) do update
         set why = excluded.why, place = excluded.place, retired_at = null
         returning picked_at",
        model.case_id.uuid(),
        model.why,
        model.place,
        to_db(model.picked_at),
        by,
    )
    .fetch_one(tx)
    .await?;
    Ok(from_db(picked_at))
}

/// Shows a case no more; gives whether it was shown.
pub async fn retire(
    tx: &mut PgConnection,
    case_id: CaseId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let retired = sqlx::query!(
        "update model_cases set retired_at = $2 where case_id = $1 and retired_at is null",
        case_id.uuid(),
        to_db(now),
    );
    Ok(retired.execute(tx).await?.rows_affected() == 1)
}

/// Takes away what an editor wrote about a case whose message was erased.
pub async fn forget(
    tx: &mut PgConnection,
    case_id: CaseId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update model_cases set why = '', retired_at = coalesce(retired_at, $2) where case_id = $1",
        case_id.uuid(),
        to_db(now),
    )
    .execute(tx)
    .await
    .map(drop)
}

/// Up to `limit` model cases that are public, in the editors' order; only of this place and domain, and
/// only after this one.
pub async fn list(
    connection: &mut PgConnection,
    (place, domain): (&Place, Option<&str>),
    after: Option<Key>,
    limit: i64,
) -> Result<Vec<Model>, sqlx::Error> {
    let rows = sqlx::query!(
        "select m.case_id, m.why, m.place, m.picked_at
         from model_cases m join cases c using (case_id)
         where m.retired_at is null and c.public
           and ($1::text is null or c.division_code = $1)
           and ($2::text is null or c.city_code = $2)
           and ($3::text is null or c.province_code = $3)
           and ($4::text is null or c.domain = $4)
           and ($5::integer is null
                or (m.place, -extract(epoch from m.picked_at), m.case_id)
                   > ($5, -extract(epoch from $6::timestamptz), $7::uuid))
         order by m.place, -extract(epoch from m.picked_at), m.case_id
         limit $8",
        place.division_code,
        place.city_code,
        place.province_code,
        domain,
        after.map(|(place, _, _)| place),
        after.map(|(_, at, _)| to_db(at)),
        after.map(|(_, _, id)| id.uuid()),
        limit,
    )
    .fetch_all(connection)
    .await?;
    let models = rows.into_iter().map(|row| Model {
        case_id: row.case_id.into(),
        why: row.why,
        place: row.place,
        picked_at: from_db(row.picked_at),
    });
    Ok(models.collect())
}
