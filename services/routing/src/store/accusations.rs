//! Who is accused by new names, and what the accused still have.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{CaseId, case::Case};

/// Adds offices to the accused of all cases that accuse one in whose place they come, each with those;
/// they help with these cases no more.
pub async fn grow(
    tx: &mut PgConnection,
    heirs: &[(String, Vec<String>)],
) -> Result<(), sqlx::Error> {
    for (heir, forerunners) in heirs {
        sqlx::query!(
            "update cases
             set accused_office_ids = array_append(accused_office_ids, $1),
                 helper_office_ids = array_remove(helper_office_ids, $1)
             where cardinality(accused_office_ids) > 0 and accused_office_ids && $2::text[]
               and not accused_office_ids @> array[$1]",
            heir,
            forerunners,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Writes who is accused in a case that is locked.
pub async fn put(tx: &mut PgConnection, case: &Case) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update cases set accused_office_ids = $2 where case_id = $1",
        case.case_id.uuid(),
        &case.accused,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Up to `limit` cases after one that accuse somebody and have not ended, in the order of their ids.
pub async fn open(
    connection: &mut PgConnection,
    after: Option<CaseId>,
    limit: i64,
) -> Result<Vec<CaseId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select case_id from cases
         where cardinality(accused_office_ids) > 0 and state <> 'closed' and case_id > $1
         order by case_id limit $2",
        after.map_or(Uuid::nil(), |id| id.uuid()),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(CaseId::from).collect())
}
