//! Corrections of replies.

use jiff::Timestamp;
use liuyan_kit::{clock::to_db, db};
use sqlx::PgConnection;

use crate::domain::{CaseId, ReplyId, case::Case};

/// Whether a case has this reply.
pub async fn is_of(
    tx: &mut PgConnection,
    case_id: CaseId,
    reply_id: ReplyId,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select reply_id from replies where case_id = $1 and reply_id = $2",
        case_id.uuid(),
        reply_id.uuid(),
    );
    Ok(found.fetch_optional(tx).await?.is_some())
}

/// What takes the place of a reply's text.
#[derive(Debug, Clone, Copy)]
pub struct Correction<'a> {
    /// The text.
    pub body: &'a str,
    /// What the gate said, if it would have stopped it.
    pub gate: Option<&'static str>,
    /// When it was corrected.
    pub at: Timestamp,
}

/// Puts another text in the place of a reply's, and keeps the one that was there. What was once given past
/// the gate stays marked.
pub async fn correct(
    tx: &mut PgConnection,
    case_id: CaseId,
    reply_id: ReplyId,
    correction: &Correction<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into reply_versions (reply_id, position, case_id, body, corrected_at)
         select reply_id, (select count(*) + 1 from reply_versions v where v.reply_id = $1), case_id,
                body, $3
         from replies where reply_id = $1 and case_id = $2",
        reply_id.uuid(),
        case_id.uuid(),
        to_db(correction.at),
    )
    .execute(&mut *tx)
    .await?;
    let corrected = sqlx::query!(
        "update replies set body = $3, corrected_at = $4, gate = coalesce(gate, $5)
         where reply_id = $1 and case_id = $2",
        reply_id.uuid(),
        case_id.uuid(),
        correction.body,
        to_db(correction.at),
        correction.gate,
    )
    .execute(tx)
    .await?;
    db::expect_one(&corrected)
}

/// The newest replies of an office to other cases, up to `limit`.
pub async fn of_others(
    tx: &mut PgConnection,
    office_id: &str,
    case_id: CaseId,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select body from replies where office_id = $1 and case_id <> $2
         order by replied_at desc limit $3",
        office_id,
        case_id.uuid(),
        limit,
    )
    .fetch_all(tx)
    .await
}

/// The newest public questions that the office of a case has besides it, up to `limit`; if it has too
/// few, those of its division.
pub async fn questions_of_others(
    tx: &mut PgConnection,
    case: &Case,
    limit: i64,
) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/questions_of_others.sql",
        case.office_id,
        case.place.division_code,
        case.case_id.uuid(),
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| row.question).collect())
}

/// The figures of an office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Its replies.
    pub replies: i64,
    /// Those that the gate stopped and it gave all the same.
    pub overridden: i64,
    /// What it promised.
    pub promises: i64,
    /// What of it was kept.
    pub kept: i64,
    /// What of it was not.
    pub broken: i64,
}

/// Counts what an office answered and promised.
pub async fn figures(
    connection: &mut PgConnection,
    office_id: &str,
) -> Result<Figures, sqlx::Error> {
    sqlx::query_as!(
        Figures,
        r#"select r.replies as "replies!", r.overridden as "overridden!", p.promises as "promises!",
                  p.kept as "kept!", p.broken as "broken!"
           from (select count(*) as replies, count(gate) as overridden
                 from replies where office_id = $1) r,
                (select count(*) as promises, count(*) filter (where state = 'kept') as kept,
                        count(*) filter (where state = 'broken') as broken
                 from promises where office_id = $1) p"#,
        office_id,
    )
    .fetch_one(connection)
    .await
}
