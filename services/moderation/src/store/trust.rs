//! How authors did before, by their pseudonyms, and the sample of what would have passed.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;
use uuid::Uuid;

use super::number;
use crate::domain::standing::Standing;

/// The history of authors; what was declined before `since` is forgotten.
pub(crate) async fn standings(
    connection: &mut PgConnection,
    author_ids: &[String],
    since: Timestamp,
) -> Result<HashMap<String, Standing>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select author_id, (count(*) filter (where state = 'approved'))::int as "approved!",
                  (count(*) filter (where state in ('declined', 'appealed') and decided_at >= $2))::int
                      as "declined!"
           from reviews where author_id = any($1) and author_id <> '' group by author_id"#,
        author_ids,
        to_db(since),
    )
    .fetch_all(connection)
    .await?;
    let standings = rows.into_iter().map(|row| {
        let (approved, declined) = (number(row.approved), number(row.declined));
        (row.author_id, Standing { approved, declined })
    });
    Ok(standings.collect())
}

/// Notes that these messages are held because they belong to the sample.
pub(crate) async fn mark_sampled(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!("update reviews set sampled = true where message_id = any($1)", ids)
        .execute(tx)
        .await?;
    Ok(())
}
