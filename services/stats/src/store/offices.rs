//! Offices and where they are.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::integer;

/// An office.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Office {
    /// Its id.
    pub office_id: String,
    /// The subject of its events.
    pub subject_id: Uuid,
    /// Its divisions, the highest first.
    pub path: Vec<String>,
}

/// What became of offices that were put.
#[derive(Debug, Default)]
pub(crate) struct Put {
    /// How many are new.
    pub added: usize,
    /// Those that are new or somewhere else now.
    pub moved: Vec<String>,
}

/// Stores offices; each may be there only once.
pub(crate) async fn put(tx: &mut PgConnection, offices: &[Office]) -> Result<Put, sqlx::Error> {
    let ids: Vec<String> = offices.iter().map(|office| office.office_id.clone()).collect();
    let subjects: Vec<Uuid> = offices.iter().map(|office| office.subject_id).collect();
    // Postgres has no arrays of arrays of different lengths.
    let paths: Vec<String> = offices.iter().map(|office| office.path.join("/")).collect();
    let rows = sqlx::query!(
        r#"insert into offices as held (office_id, subject_id, path)
           select office_id, subject_id, string_to_array(path, '/')
           from unnest($1::text[], $2::uuid[], $3::text[]) as put (office_id, subject_id, path)
           order by office_id
           on conflict on constraint offices_pkey do update set path = excluded.path
           where held.path <> excluded.path
           returning office_id, (xmax = 0) as "added!""#,
        &ids,
        &subjects,
        &paths,
    )
    .fetch_all(tx)
    .await?;
    let added = rows.iter().filter(|row| row.added).count();
    Ok(Put { added, moved: rows.into_iter().map(|row| row.office_id).collect() })
}

/// The divisions of offices.
pub(crate) async fn paths(
    connection: &mut PgConnection,
    ids: &[String],
) -> Result<HashMap<String, Vec<String>>, sqlx::Error> {
    let rows = sqlx::query!("select office_id, path from offices where office_id = any($1)", ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.office_id, row.path)).collect())
}

/// At which level a division is, from 1, the highest; `None` if no office is in it.
pub(crate) async fn depth(
    connection: &mut PgConnection,
    code: &str,
) -> Result<Option<usize>, sqlx::Error> {
    let depth = sqlx::query_scalar!(
        "select max(array_position(path, $1)) from offices where path @> array[$1]",
        code,
    )
    .fetch_one(connection)
    .await?;
    Ok(depth.and_then(|depth| usize::try_from(depth).ok()))
}

/// The offices of a division and of those below it, each with its division at the level `depth`, if it
/// is that far down.
pub(crate) async fn offices_of(
    connection: &mut PgConnection,
    code: &str,
    depth: usize,
) -> Result<HashMap<String, Option<String>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select office_id, path[$2] as division from offices where path @> array[$1]",
        code,
        integer(depth),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.office_id, row.division)).collect())
}

/// The highest divisions.
pub(crate) async fn provinces(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select distinct path[1] as "code!" from offices where cardinality(path) > 0"#
    )
    .fetch_all(connection)
    .await
}
