//! Promises with dates inside replies.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{children::Children, corrupt};
use crate::domain::{
    CaseId, PromiseId, ReplyId,
    case::Case,
    promise::{Promise, Standing},
};

/// Adds what a reply of a case promises.
pub async fn insert(
    tx: &mut PgConnection,
    case: &Case,
    reply_id: ReplyId,
    promise: &Promise,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into promises (promise_id, reply_id, case_id, office_id, what, due_at)
         values ($1, $2, $3, $4, $5, $6)",
        promise.promise_id.uuid(),
        reply_id.uuid(),
        case.case_id.uuid(),
        case.office_id,
        promise.what,
        to_db(promise.due_at),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Where a promise of a case stands, and by when it is due.
pub async fn find(
    tx: &mut PgConnection,
    case_id: CaseId,
    promise_id: PromiseId,
) -> Result<Option<(Standing, Timestamp)>, sqlx::Error> {
    let row = sqlx::query!(
        "select state, due_at from promises where case_id = $1 and promise_id = $2",
        case_id.uuid(),
        promise_id.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    row.map(|row| Ok((standing(&row.state)?, from_db(row.due_at)))).transpose()
}

fn standing(code: &str) -> Result<Standing, sqlx::Error> {
    Standing::of_code(code).ok_or_else(|| corrupt("promise", code))
}

/// Settles an open promise.
pub async fn settle(
    tx: &mut PgConnection,
    promise_id: PromiseId,
    standing: Standing,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let settled = sqlx::query!(
        "update promises set state = $2, settled_at = $3 where promise_id = $1 and state = 'open'",
        promise_id.uuid(),
        standing.code(),
        to_db(at),
    )
    .execute(tx)
    .await?;
    db::expect_one(&settled)
}

/// Up to `limit` cases with open promises whose day has passed.
pub async fn due(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<CaseId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select case_id from promises where state = 'open' and due_at < $1
         order by due_at, promise_id limit $2",
        to_db(now),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(CaseId::from).collect())
}

/// The open promises of a case whose day has passed, with that day's end.
pub async fn overdue(
    tx: &mut PgConnection,
    case_id: CaseId,
    now: Timestamp,
) -> Result<Vec<(PromiseId, Timestamp)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select promise_id, due_at from promises
         where case_id = $1 and state = 'open' and due_at < $2 order by due_at, promise_id",
        case_id.uuid(),
        to_db(now),
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.promise_id.into(), from_db(row.due_at))).collect())
}

/// Adds what was promised to the replies of these cases.
pub(super) async fn of(
    connection: &mut PgConnection,
    ids: &[Uuid],
    children: &mut Children,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        "select promise_id, reply_id, case_id, what, due_at, state, settled_at from promises
         where case_id = any($1) order by case_id, due_at, promise_id",
        ids
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let promise = Promise {
            promise_id: row.promise_id.into(),
            due_at: from_db(row.due_at),
            what: row.what,
            standing: standing(&row.state)?,
            settled_at: row.settled_at.map(from_db),
        };
        let reply_id = ReplyId::from(row.reply_id);
        let replies = children.replies.get_mut(&row.case_id.into());
        let reply = replies.and_then(|all| all.iter_mut().find(|it| it.reply_id == reply_id));
        if let Some(reply) = reply {
            reply.promises.push(promise);
        }
    }
    Ok(())
}
