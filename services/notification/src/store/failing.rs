//! Endpoints at which nothing arrives.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::unknown;
use crate::domain::holder::Holder;

/// Notes that something arrived at endpoints that were failing.
pub(crate) async fn works(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with failing as (
             select endpoint_id from endpoints
             where endpoint_id = any($1) and failing_since is not null
             order by endpoint_id for update
         )
         update endpoints set failing_since = null
         from failing where endpoints.endpoint_id = failing.endpoint_id",
        ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An endpoint that fails.
#[derive(Debug, Clone)]
pub(crate) struct Failing {
    /// The endpoint.
    pub(crate) endpoint_id: Uuid,
    /// Whose.
    pub(crate) holder: Holder,
    /// Since when.
    pub(crate) since: Timestamp,
}

/// Notes that nothing arrived at endpoints; gives the active ones with the time since when.
pub(crate) async fn fails(
    tx: &mut PgConnection,
    now: Timestamp,
    ids: &[Uuid],
) -> Result<Vec<Failing>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"with failing as (
               select endpoint_id from endpoints
               where endpoint_id = any($1) and state = 'active'
               order by endpoint_id for update
           )
           update endpoints set failing_since = coalesce(failing_since, $2)
           from failing where endpoints.endpoint_id = failing.endpoint_id
           returning endpoints.endpoint_id, holder, failing_since as "since!""#,
        ids,
        to_db(now),
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let holder = row.holder.parse().map_err(|_| unknown("holder", &row.holder))?;
            Ok(Failing { endpoint_id: row.endpoint_id, holder, since: from_db(row.since) })
        })
        .collect()
}

/// Switches endpoints off. The rows are locked and active.
pub(crate) async fn disable(
    tx: &mut PgConnection,
    now: Timestamp,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update endpoints set state = 'disabled', disabled_at = $2, disablings = disablings + 1
         where endpoint_id = any($1) and state = 'active'",
        ids,
        to_db(now),
    )
    .execute(tx)
    .await?;
    super::expect_rows(&result, ids.len())
}
