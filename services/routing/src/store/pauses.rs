//! When offices waited for their authors.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::children::Children;
use crate::domain::{
    CaseId,
    case::{Case, Pause},
};

/// Begins a wait. The question is the note of the case's last act.
pub async fn begin(tx: &mut PgConnection, case: &Case, at: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into pauses (case_id, position, act_position, paused_at) values ($1, $2, $3, $4)",
        case.case_id.uuid(),
        case.handling.pause_count,
        case.handling.act_count,
        to_db(at),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends the wait of a case.
pub async fn end(tx: &mut PgConnection, case_id: CaseId, at: Timestamp) -> Result<(), sqlx::Error> {
    let ended = sqlx::query!(
        "update pauses set resumed_at = $2 where case_id = $1 and resumed_at is null",
        case_id.uuid(),
        to_db(at),
    )
    .execute(tx)
    .await?;
    db::expect_one(&ended)
}

/// Adds the waits of these cases to what hangs on them.
pub(super) async fn of(
    connection: &mut PgConnection,
    ids: &[Uuid],
    children: &mut Children,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        "select p.case_id, paused_at, resumed_at, note
         from pauses p join acts a on a.case_id = p.case_id and a.position = p.act_position
         where p.case_id = any($1) order by p.case_id, p.position",
        ids
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let case_id = CaseId::from(row.case_id);
        let pause = Pause { from: from_db(row.paused_at), until: row.resumed_at.map(from_db) };
        if let (None, Some(question)) = (pause.until, row.note) {
            children.questions.insert(case_id, question);
        }
        children.pauses.entry(case_id).or_default().push(pause);
    }
    Ok(())
}
