//! What was published of the definitions.

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;

use super::integer;

/// Notes that a version of the definitions is published; false if it was before.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    now: Timestamp,
    version: u32,
    sha256: &[u8],
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "insert into definitions (version, sha256, published_at) values ($1, $2, $3)
         on conflict on constraint definitions_pkey do nothing",
        integer(version),
        sha256,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Whether a version was published with this content.
pub(crate) async fn is_same(
    tx: &mut PgConnection,
    version: u32,
    sha256: &[u8],
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select sha256 = $2 as "same!" from definitions where version = $1"#,
        integer(version),
        sha256,
    )
    .fetch_one(tx)
    .await
}
