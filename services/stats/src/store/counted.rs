//! What was counted of each message.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{expect_rows, integer, unknown};
use crate::domain::{
    count::{Contribution, Scope},
    measure::{Measure, Measures},
    month::Month,
};

struct Row {
    message_id: Uuid,
    scope: String,
    month: i32,
    office_id: String,
    path: Vec<String>,
    domain: String,
    kind: String,
    ground: String,
    days: Option<i32>,
    review_days: Option<i32>,
    counts: Vec<i64>,
}

impl TryFrom<Row> for (Uuid, Contribution) {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let contribution = Contribution {
            scope: Scope::of(&row.scope).ok_or_else(|| unknown("scope", &row.scope))?,
            month: Month::stored(row.month),
            office_id: row.office_id,
            path: row.path,
            domain: row.domain,
            kind: row.kind,
            ground: Some(row.ground).filter(|ground| !ground.is_empty()),
            days: row.days.and_then(|days| u32::try_from(days).ok()),
            review_days: row.review_days.and_then(|days| u32::try_from(days).ok()),
            counts: Measures::stored(&row.counts),
        };
        Ok((row.message_id, contribution))
    }
}

/// Forgets what was counted of messages.
pub(crate) async fn delete(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let result =
        sqlx::query!("delete from counted where message_id = any($1)", ids).execute(tx).await?;
    expect_rows(&result, ids.len())
}

/// What was counted of messages.
pub(crate) async fn of(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Contribution>, sqlx::Error> {
    let rows =
        sqlx::query_file_as!(Row, "src/queries/counted_of.sql", ids).fetch_all(connection).await?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

/// Keeps what was counted of messages.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    counted: &[(Uuid, Contribution)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = counted.iter().map(|(id, _)| *id).collect();
    let texts = |get: fn(&Contribution) -> String| -> Vec<String> {
        counted.iter().map(|(_, contribution)| get(contribution)).collect()
    };
    let months: Vec<i32> = counted.iter().map(|(_, it)| it.month.number()).collect();
    let days: Vec<Option<i32>> = counted.iter().map(|(_, it)| it.days.map(integer)).collect();
    let review_days: Vec<Option<i32>> =
        counted.iter().map(|(_, it)| it.review_days.map(integer)).collect();
    let counts: Vec<i32> = counted
        .iter()
        .flat_map(|(_, it)| it.counts.counts().iter().map(|it| integer(*it)))
        .collect();
    let result = sqlx::query_file!(
        "src/queries/insert_counted.sql",
        &ids,
        &texts(|it| it.scope.code().to_owned()),
        &months,
        &texts(|it| it.office_id.clone()),
        &texts(|it| it.path.join("/")),
        &texts(|it| it.domain.clone()),
        &texts(|it| it.kind.clone()),
        &texts(|it| it.ground.clone().unwrap_or_default()),
        &days as &[Option<i32>],
        &counts,
        integer(Measure::COUNT),
        &review_days as &[Option<i32>],
    )
    .execute(tx)
    .await?;
    expect_rows(&result, counted.len())
}
