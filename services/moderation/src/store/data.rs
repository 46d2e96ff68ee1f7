//! Data that releases bring.

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;

use super::{expect_rows, integer};
use crate::domain::ground::Ground;

/// Data with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataSet {
    /// `grounds` or `rules`.
    pub name: &'static str,
    /// Its version.
    pub version: u32,
    /// How many rows or rules it has.
    pub row_count: usize,
    /// The fingerprint of its files.
    pub sha256: [u8; 32],
}

/// Notes that a data set is there; false if it was known.
pub(crate) async fn insert_set(
    tx: &mut PgConnection,
    now: Timestamp,
    set: &DataSet,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "insert into data_sets (name, version, row_count, sha256, loaded_at)
         values ($1, $2, $3, $4, $5) on conflict on constraint data_sets_pkey do nothing",
        set.name,
        integer(set.version),
        integer(set.row_count),
        &set.sha256[..],
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Whether a data set was loaded with the same content.
pub(crate) async fn is_same_set(tx: &mut PgConnection, set: &DataSet) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select sha256 = $3 and row_count = $4 as "same!" from data_sets where name = $1 and version = $2"#,
        set.name,
        integer(set.version),
        &set.sha256[..],
        integer(set.row_count),
    )
    .fetch_one(tx)
    .await
}

/// Stores a version of the list of grounds.
pub(crate) async fn insert_grounds(
    tx: &mut PgConnection,
    version: u32,
    grounds: &[Ground],
) -> Result<(), sqlx::Error> {
    let ordinals: Vec<i32> = (1..).take(grounds.len()).collect();
    let texts = |get: fn(&Ground) -> &str| -> Vec<String> {
        grounds.iter().map(|ground| get(ground).to_owned()).collect()
    };
    let flags = |get: fn(&Ground) -> bool| -> Vec<bool> { grounds.iter().map(get).collect() };
    let result = sqlx::query!(
        "insert into grounds (version, ordinal, ground, name_zh, name_en, senior_only, author_can_mend)
         select $1, * from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[])",
        integer(version),
        &ordinals,
        &texts(|ground| &ground.code),
        &texts(|ground| &ground.name_zh),
        &texts(|ground| &ground.name_en),
        &flags(|ground| ground.senior_only),
        &flags(|ground| ground.author_can_mend),
    )
    .execute(tx)
    .await?;
    expect_rows(&result, grounds.len())
}

/// The newest list of grounds, in its order.
pub(crate) async fn grounds(connection: &mut PgConnection) -> Result<Vec<Ground>, sqlx::Error> {
    sqlx::query_as!(
        Ground,
        "select ground as code, name_zh, name_en, senior_only, author_can_mend from grounds
         where version = (select max(version) from data_sets where name = 'grounds')
         order by ordinal"
    )
    .fetch_all(connection)
    .await
}
