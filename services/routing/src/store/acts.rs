//! The chained log of what was done with each case. It is only ever added to.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::{
    audit::ORIGIN,
    clock::{from_db, to_db},
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::requests::Request;
use crate::domain::{
    CaseId,
    acts::{Entry, ROUTING, link, note_hash},
    case::Case,
};

/// An act as it was logged.
#[derive(Debug, Clone)]
pub struct Act {
    /// Counts the acts of the case, from 1.
    pub position: i32,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// The office that had the case.
    pub office_id: String,
    /// Codes and ids.
    pub detail: String,
    /// What was written about it; empty once its message was erased.
    pub note: String,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// Adds an act to the log of a case that is locked. The case holds the end of the chain: write it
/// afterwards.
pub async fn append(
    tx: &mut PgConnection,
    case: &mut Case,
    entry: &Entry,
) -> Result<(), sqlx::Error> {
    let position = case.handling.act_count + 1;
    let prev = match case.handling.act_hash.as_slice() {
        [] => ORIGIN.to_vec(),
        hash => hash.to_vec(),
    };
    let hash = link(&prev, case.case_id.uuid(), position, entry);
    sqlx::query!(
        "insert into acts (case_id, position, at, actor, action, office_id, request_id, detail, note,
                           note_hash, prev_hash, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        case.case_id.uuid(),
        position,
        to_db(entry.at),
        entry.actor,
        entry.action,
        entry.office_id,
        entry.request_id,
        entry.detail,
        entry.note,
        note_hash(&entry.note),
        prev,
        &hash[..],
    )
    .execute(tx)
    .await?;
    case.handling.act_count = position;
    case.handling.act_hash = hash.to_vec();
    Ok(())
}

/// Up to `limit` acts of a case after a position, oldest first. Ratings that an earlier program entered as
/// they were given are left out: whether they are final is not known here, and then they are entered anew.
pub async fn of(
    connection: &mut PgConnection,
    case_id: CaseId,
    after: i32,
    limit: i64,
) -> Result<Vec<Act>, sqlx::Error> {
    let rows = sqlx::query!(
        "select position, at, actor, action, office_id, detail, note, hash from acts
         where case_id = $1 and position > $2 and not (action = 'reply-rated' and actor <> $4)
         order by position limit $3",
        case_id.uuid(),
        after,
        limit,
        ROUTING,
    )
    .fetch_all(connection)
    .await?;
    let acts = rows.into_iter().map(|row| Act {
        position: row.position,
        at: from_db(row.at),
        actor: row.actor,
        action: row.action,
        office_id: row.office_id,
        detail: row.detail,
        note: row.note.unwrap_or_default(),
        hash: row.hash,
    });
    Ok(acts.collect())
}

/// That an author asked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// The reply, as the log names it.
    pub reply_id: String,
    /// The code of the ground.
    pub ground: String,
    /// When.
    pub at: Timestamp,
}

/// What the authors of cases asked on, oldest first.
pub async fn follow_ups(
    connection: &mut PgConnection,
    ids: &[CaseId],
) -> Result<HashMap<CaseId, Vec<FollowUp>>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        "select case_id, detail, at from acts
         where case_id = any($1) and action = 'follow-up-asked' order by case_id, position",
        &ids
    )
    .fetch_all(connection)
    .await?;
    let mut all: HashMap<CaseId, Vec<FollowUp>> = HashMap::new();
    for row in rows {
        let part = |name: &str| part(&row.detail, name).unwrap_or_default().to_owned();
        let asked =
            FollowUp { reply_id: part("reply="), ground: part("ground="), at: from_db(row.at) };
        all.entry(row.case_id.into()).or_default().push(asked);
    }
    Ok(all)
}

/// What was noted with the act of a request, as codes and ids.
pub async fn detail_of(
    connection: &mut PgConnection,
    case_id: CaseId,
    request: &Request,
) -> Result<Option<String>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select detail from acts where case_id = $1 and request_id = $2 and actor = $3
         order by position limit 1",
        case_id.uuid(),
        request.request_id,
        request.caller,
    );
    found.fetch_optional(connection).await
}

/// The part of a detail that has this name.
pub fn part<'d>(detail: &'d str, name: &str) -> Option<&'d str> {
    detail.split_whitespace().find_map(|part| part.strip_prefix(name))
}

/// Takes out what officials wrote about a case whose message was erased: the notes of acts, whose hashes
/// stay, and the same words where they stand once more.
pub async fn forget_notes(tx: &mut PgConnection, case_id: CaseId) -> Result<(), sqlx::Error> {
    let case_id = case_id.uuid();
    sqlx::query!("update acts set note = null where case_id = $1 and note <> ''", case_id)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("update transfers set reason = '' where case_id = $1 and reason <> ''", case_id)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "update precedents set retired_why = null where case_id = $1 and retired_why is not null",
        case_id
    )
    .execute(tx)
    .await
    .map(drop)
}
