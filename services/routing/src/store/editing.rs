//! What editors put into the directory, and what was said of it.

use liuyan_kit::db;
use sqlx::PgConnection;

use super::expect_all;
use crate::domain::{
    directory::{Division, Office},
    lists::List,
};

/// Adds a division or changes it; from then on it is an editor's.
pub async fn put_division(tx: &mut PgConnection, division: &Division) -> Result<(), sqlx::Error> {
    let put = sqlx::query!(
        "insert into divisions (code, name, level, parent_code, source, valid_from, valid_until,
                                successor_code)
         values ($1, $2, $3, $4, 'editor', $5::text::date, $6::text::date, $7)
         on conflict (code) do update
         set name = excluded.name, level = excluded.level, parent_code = excluded.parent_code,
             source = excluded.source, valid_from = excluded.valid_from,
             valid_until = excluded.valid_until, successor_code = excluded.successor_code",
        division.code,
        division.name,
        division.level.code(),
        division.parent_code,
        division.valid.from.map(|day| day.to_string()),
        division.valid.until.map(|day| day.to_string()),
        division.valid.successor,
    )
    .execute(tx)
    .await?;
    db::expect_one(&put)
}

/// Adds an office or changes it; from then on it is an editor's.
pub async fn put_office(tx: &mut PgConnection, office: &Office) -> Result<(), sqlx::Error> {
    let put = sqlx::query!(
        "insert into offices
             (office_id, division_code, level, role, title, parent_office_id, open, source,
              valid_from, valid_until, successor_id)
         values ($1, $2, $3, $4, $5, $6, $7, 'editor', $8::text::date, $9::text::date, $10)
         on conflict (office_id) do update
         set division_code = excluded.division_code, level = excluded.level, role = excluded.role,
             title = excluded.title, parent_office_id = excluded.parent_office_id,
             open = excluded.open, source = excluded.source, valid_from = excluded.valid_from,
             valid_until = excluded.valid_until, successor_id = excluded.successor_id",
        office.office_id,
        office.division_code,
        office.level.code(),
        office.role,
        office.title,
        office.parent_office_id,
        office.open,
        office.valid.from.map(|day| day.to_string()),
        office.valid.until.map(|day| day.to_string()),
        office.valid.successor,
    )
    .execute(tx)
    .await?;
    db::expect_one(&put)
}

/// Counts a change of a list; if it was whole before, writes down number and hash of its rows.
pub async fn count_change(
    tx: &mut PgConnection,
    list: List,
    was_whole: bool,
) -> Result<(), sqlx::Error> {
    let counted = sqlx::query!(
        "update directory_lists
         set changes = changes + 1,
             rows = case when $2 then found.rows else directory_lists.rows end,
             sha256 = case when $2 then found.sha256 else directory_lists.sha256 end
         from directory_contents as found
         where directory_lists.list = $1 and found.list = $1",
        list.name(),
        was_whole,
    )
    .execute(tx)
    .await?;
    db::expect_one(&counted)
}

/// The divisions in which an office lies, as it was last said; none if it never was.
///
/// # Errors
/// The database's.
pub async fn told_path(
    tx: &mut PgConnection,
    office_id: &str,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let told = sqlx::query_scalar!("select told_path from offices where office_id = $1", office_id);
    Ok(told.fetch_optional(tx).await?.flatten())
}

/// The offices, each with the divisions in which it was last said to lie, the highest first.
pub async fn told_paths(
    connection: &mut PgConnection,
) -> Result<Vec<(String, Option<Vec<String>>)>, sqlx::Error> {
    let rows = sqlx::query!("select office_id, told_path from offices order by office_id")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.office_id, row.told_path)).collect())
}

/// Writes down in which divisions offices are said to lie.
pub async fn tell_paths(
    tx: &mut PgConnection,
    told: &[(String, Vec<String>)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<String> = told.iter().map(|(id, _)| id.clone()).collect();
    let paths: Vec<String> = told.iter().map(|(_, path)| path.join("/")).collect();
    let done = sqlx::query!(
        "update offices set told_path = string_to_array(told.path, '/')
         from unnest($1::text[], $2::text[]) as told (office_id, path)
         where offices.office_id = told.office_id",
        &ids,
        &paths,
    )
    .execute(tx)
    .await?;
    expect_all(&done, told.len())
}
