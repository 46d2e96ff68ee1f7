//! Which office is under which.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

/// An office.
#[derive(Debug, Clone)]
pub(crate) struct Office {
    /// The subject of routing's events about it.
    pub(crate) subject_id: Uuid,
    /// The office above it; empty at the top.
    pub(crate) parent_office_id: String,
}

/// Stores offices, in the order of their ids.
pub(crate) async fn put(
    tx: &mut PgConnection,
    offices: &BTreeMap<String, Office>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<String> = offices.keys().cloned().collect();
    let subjects: Vec<Uuid> = offices.values().map(|office| office.subject_id).collect();
    let parents: Vec<String> =
        offices.values().map(|office| office.parent_office_id.clone()).collect();
    let fresh = sqlx::query_scalar!(
        r#"insert into offices (office_id, subject_id, parent_office_id)
           select * from unnest($1::text[], $2::uuid[], $3::text[])
           on conflict (office_id) do update set parent_office_id = excluded.parent_office_id
           returning (xmax = 0) as "fresh!""#,
        &ids,
        &subjects,
        &parents,
    )
    .fetch_all(&mut *tx)
    .await?;
    super::tally(tx, "offices", fresh.into_iter().filter(|fresh| *fresh).count()).await
}

/// Offices, each with itself and all above it.
pub(crate) async fn chains(
    tx: &mut PgConnection,
    ids: &[String],
) -> Result<HashMap<String, Vec<String>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with recursive above (asked, office_id, height) as (
               select asked, asked, 0 from unnest($1::text[]) as asked
               union all
               select asked, parent_office_id, height + 1
               from above join offices using (office_id)
               where parent_office_id <> '' and height < 16
           )
           select asked as "asked!", array_agg(office_id) as "chain!"
           from above group by asked"#,
        ids
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.asked, row.chain)).collect())
}
