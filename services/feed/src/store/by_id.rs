//! Events by their ids.

use sqlx::PgConnection;
use uuid::Uuid;

/// Where the log holds those of these events that it holds, in the order of their positions.
pub async fn positions(
    connection: &mut PgConnection,
    event_ids: &[Uuid],
) -> Result<Vec<(i64, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select position, event_id from log where event_id = any($1) order by position",
        event_ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.position, row.event_id)).collect())
}

/// Those of these events that never will be in the log.
pub async fn withheld(
    connection: &mut PgConnection,
    event_ids: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select event_id from withheld where event_id = any($1)", event_ids)
        .fetch_all(connection)
        .await
}
