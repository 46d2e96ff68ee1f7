//! What hangs on a case: custody, replies, ratings. The case's row counts each of them.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::expect_all;
use crate::domain::{
    CaseId, ReplyId,
    case::{Case, Reply, Segment},
    rating::Rating,
};

/// Begins the custody of new cases; of those that have ended it ends at once.
pub async fn begin_custody(tx: &mut PgConnection, cases: &[Case]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = cases.iter().map(|case| case.case_id.uuid()).collect();
    let offices: Vec<String> = cases.iter().map(|case| case.office_id.clone()).collect();
    let from: Vec<OffsetDateTime> = cases.iter().map(|case| to_db(case.opened_at)).collect();
    let until: Vec<Option<OffsetDateTime>> =
        cases.iter().map(|case| case.closed_at.map(to_db)).collect();
    let begun = sqlx::query!(
        "insert into custody (case_id, position, office_id, held_from, held_until)
         select case_id, 1, office_id, held_from, held_until
         from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])
             as held (case_id, office_id, held_from, held_until)",
        &ids,
        &offices,
        &from,
        &until as &[Option<OffsetDateTime>],
    )
    .execute(tx)
    .await?;
    expect_all(&begun, cases.len())
}

/// Ends the custody of a case that has ended.
pub async fn end_custody(
    tx: &mut PgConnection,
    case_id: CaseId,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let ended = sqlx::query!(
        "update custody set held_until = $2 where case_id = $1 and held_until is null",
        case_id.uuid(),
        to_db(at),
    )
    .execute(tx)
    .await?;
    db::expect_one(&ended)
}

/// Adds a reply; `position` counts the replies of its case from 1.
pub async fn insert_reply(
    tx: &mut PgConnection,
    case_id: CaseId,
    position: i32,
    reply: &Reply,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into replies (reply_id, case_id, position, office_id, body, replied_at, entered_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        reply.reply_id.uuid(),
        case_id.uuid(),
        position,
        reply.office_id,
        reply.body,
        to_db(reply.replied_at),
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Replies and custody of cases.
#[derive(Debug, Default)]
pub struct Children {
    /// Replies by case, oldest first.
    pub replies: HashMap<CaseId, Vec<Reply>>,
    /// Custody by case, oldest first.
    pub custody: HashMap<CaseId, Vec<Segment>>,
}

/// The replies and the custody of cases.
pub async fn of(connection: &mut PgConnection, cases: &[Case]) -> Result<Children, sqlx::Error> {
    let mut children = Children::default();
    let answered: Vec<Uuid> =
        cases.iter().filter(|case| case.reply_count > 0).map(|case| case.case_id.uuid()).collect();
    if !answered.is_empty() {
        let replies = sqlx::query!(
            "select case_id, reply_id, office_id, body, replied_at from replies
             where case_id = any($1) order by case_id, position",
            &answered
        )
        .fetch_all(&mut *connection)
        .await?;
        for row in replies {
            children.replies.entry(row.case_id.into()).or_default().push(Reply {
                reply_id: row.reply_id.into(),
                office_id: row.office_id,
                body: row.body,
                replied_at: from_db(row.replied_at),
            });
        }
    }
    let all: Vec<Uuid> = cases.iter().map(|case| case.case_id.uuid()).collect();
    let custody = sqlx::query!(
        "select case_id, office_id, held_from, held_until from custody
         where case_id = any($1) order by case_id, position",
        &all
    )
    .fetch_all(connection)
    .await?;
    for row in custody {
        children.custody.entry(row.case_id.into()).or_default().push(Segment {
            office_id: row.office_id,
            from: from_db(row.held_from),
            until: row.held_until.map(from_db),
        });
    }
    Ok(children)
}

/// What is stored of the rating of a reply.
#[derive(Debug, Clone, Copy)]
pub struct Rated {
    /// Whether the case has this reply.
    pub has_reply: bool,
    /// When the reply was first rated.
    pub rated_at: Option<Timestamp>,
}

/// Whether a case has a reply, and when that was first rated.
pub async fn rated(
    connection: &mut PgConnection,
    case_id: CaseId,
    reply_id: ReplyId,
) -> Result<Rated, sqlx::Error> {
    let row = sqlx::query!(
        r#"select ratings.rated_at as "rated_at?"
           from replies left join ratings using (reply_id)
           where replies.reply_id = $1 and replies.case_id = $2"#,
        reply_id.uuid(),
        case_id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(Rated { has_reply: row.is_some(), rated_at: row.and_then(|row| row.rated_at).map(from_db) })
}

/// Stores a rating, or changes it.
pub async fn put_rating(
    tx: &mut PgConnection,
    case_id: CaseId,
    reply_id: ReplyId,
    rating: Rating,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let put = sqlx::query!(
        "insert into ratings (reply_id, case_id, resolution, attitude, speed, rated_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $6)
         on conflict (reply_id) do update
         set resolution = excluded.resolution, attitude = excluded.attitude,
             speed = excluded.speed, changed_at = excluded.changed_at",
        reply_id.uuid(),
        case_id.uuid(),
        rating.resolution(),
        rating.attitude(),
        rating.speed(),
        to_db(now),
    )
    .execute(tx)
    .await?;
    db::expect_one(&put)
}
