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

use super::{expect_all, pauses, promises};
use crate::domain::{
    CaseId, ReplyId,
    case::{Case, Pause, Reply, Segment},
    view::{self, View},
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

/// Takes back the end of the last custody: the case is worked on again by the office that had it.
pub async fn resume_custody(tx: &mut PgConnection, case: &Case) -> Result<(), sqlx::Error> {
    let resumed = sqlx::query!(
        "update custody set held_until = null where case_id = $1 and position = $2",
        case.case_id.uuid(),
        case.custody_count,
    )
    .execute(tx)
    .await?;
    db::expect_one(&resumed)
}

/// The offices that held a case, the first first.
pub async fn held_by(tx: &mut PgConnection, case_id: CaseId) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select office_id from custody where case_id = $1 order by position",
        case_id.uuid()
    )
    .fetch_all(tx)
    .await
}

/// From which office to which one a case was handed on by those that had it, in order.
pub async fn handed_on(
    tx: &mut PgConnection,
    case_id: CaseId,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let steps = sqlx::query!(
        "select from_office_id, office_id
         from transfers join custody using (case_id, position)
         where case_id = $1 and way = 'transfer' order by position",
        case_id.uuid()
    )
    .fetch_all(tx)
    .await?;
    Ok(steps.into_iter().map(|step| (step.from_office_id, step.office_id)).collect())
}

/// The office that gave a case back first, if one did.
pub async fn first_returner(
    tx: &mut PgConnection,
    case_id: CaseId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select from_office_id from transfers where case_id = $1 and way = 'return'
         order by position limit 1",
        case_id.uuid()
    )
    .fetch_optional(tx)
    .await
}

/// A case that was given to another office.
#[derive(Debug)]
pub struct Transfer<'a> {
    /// The office that had it.
    pub from_office_id: &'a str,
    /// Why.
    pub reason: &'a str,
    /// How.
    pub way: Way,
    /// The office that the one which had it named, if it gave it back.
    pub named_office_id: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// How a case came to another office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The office that had it gave it away.
    Transfer,
    /// The office that had it gave it back.
    Return,
    /// A second office gave it back, and the common superior has it.
    Referral,
    /// The common superior decided.
    Decision,
}

impl Way {
    /// Its code.
    fn code(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Return => "return",
            Self::Referral => "referral",
            Self::Decision => "decision",
        }
    }
}

/// Ends the custody of the office that had a case and begins that of the one that has it now,
/// without a gap, and keeps the reason.
pub async fn hand_over(
    tx: &mut PgConnection,
    case: &Case,
    transfer: &Transfer<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    end_custody(&mut *tx, case.case_id, transfer.at).await?;
    sqlx::query!(
        "insert into custody (case_id, position, office_id, held_from) values ($1, $2, $3, $4)",
        case.case_id.uuid(),
        case.custody_count,
        case.office_id,
        to_db(transfer.at),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into transfers (case_id, position, from_office_id, reason, entered_at, way, named_office_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
        case.case_id.uuid(),
        case.custody_count,
        transfer.from_office_id,
        transfer.reason,
        to_db(now),
        transfer.way.code(),
        transfer.named_office_id,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A reply to be stored.
#[derive(Debug)]
pub struct NewReply<'a> {
    /// Its id.
    pub reply_id: ReplyId,
    /// The office that answers.
    pub office_id: &'a str,
    /// Its text.
    pub body: &'a str,
    /// What the gate said, if it was given all the same.
    pub gate: Option<&'static str>,
    /// When it was given.
    pub at: Timestamp,
}

/// Adds a reply to a case, which counts it already.
pub async fn insert_reply(
    tx: &mut PgConnection,
    case: &Case,
    reply: &NewReply<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into replies (reply_id, case_id, position, office_id, body, gate, replied_at, entered_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        reply.reply_id.uuid(),
        case.case_id.uuid(),
        case.reply_count,
        reply.office_id,
        reply.body,
        reply.gate,
        to_db(reply.at),
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
    /// When the office waited, by case, oldest first.
    pub pauses: HashMap<CaseId, Vec<Pause>>,
    /// What the office that waits has asked, by case; for those who see it whole.
    pub questions: HashMap<CaseId, String>,
}

impl Children {
    /// The view of a case, with what hangs on it.
    pub fn view(&mut self, case: &Case) -> View {
        let replies = self.replies.remove(&case.case_id).unwrap_or_default();
        let custody = self.custody.remove(&case.case_id).unwrap_or_default();
        let pauses = self.pauses.remove(&case.case_id).unwrap_or_default();
        view::assemble(case, replies, custody, pauses)
    }
}

/// The replies and the custody of cases.
pub async fn of(connection: &mut PgConnection, cases: &[Case]) -> Result<Children, sqlx::Error> {
    let mut children = Children::default();
    let answered: Vec<Uuid> =
        cases.iter().filter(|case| case.reply_count > 0).map(|case| case.case_id.uuid()).collect();
    if !answered.is_empty() {
        let replies = sqlx::query!(
            "select case_id, reply_id, office_id, body, replied_at, corrected_at, gate
             from replies
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
                corrected_at: row.corrected_at.map(from_db),
                overridden: row.gate.is_some(),
                promises: Vec::new(),
            });
        }
    }
    let promised = cases.iter().filter(|case| case.handling.promise_count > 0);
    let promised: Vec<Uuid> = promised.map(|case| case.case_id.uuid()).collect();
    if !promised.is_empty() {
        promises::of(&mut *connection, &promised, &mut children).await?;
    }
    let paused = cases.iter().filter(|case| case.handling.pause_count > 0);
    let paused: Vec<Uuid> = paused.map(|case| case.case_id.uuid()).collect();
    if !paused.is_empty() {
        pauses::of(&mut *connection, &paused, &mut children).await?;
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
