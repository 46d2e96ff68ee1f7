//! The newest public cases of a province, of which it is looked what many speak of.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;

use crate::domain::CaseId;

/// A public case.
#[derive(Debug, Clone)]
pub struct Recent {
    /// It.
    pub case_id: CaseId,
    /// When it was submitted.
    pub at: Timestamp,
    /// Its county, if it lies in one.
    pub division_code: Option<String>,
    /// Its city, if it lies in one.
    pub city_code: Option<String>,
    /// Its title.
    pub title: String,
    /// What it says.
    pub body: String,
}

/// Up to `limit` public cases of a province that were submitted after a moment, the newest first.
pub async fn recent(
    connection: &mut PgConnection,
    province: &str,
    after: Timestamp,
    limit: i64,
) -> Result<Vec<Recent>, sqlx::Error> {
    let rows = sqlx::query_file!("src/queries/hot_cases.sql", province, to_db(after), limit)
        .fetch_all(connection)
        .await?;
    let recent = rows.into_iter().map(|row| Recent {
        case_id: row.case_id.into(),
        at: from_db(row.submitted_at),
        division_code: row.division_code,
        city_code: row.city_code,
        title: row.title,
        body: row.body,
    });
    Ok(recent.collect())
}
