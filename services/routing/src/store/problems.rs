//! Common problems and which cases are in them. Who changes one has locked the cases first, in the order
//! of their ids, and then the problem.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{corrupt, expect_all};
use crate::domain::{
    CaseId, ProblemId, ReplyId,
    common::{Leaving, Problem, Stage},
};

struct ProblemRow {
    problem_id: Uuid,
    title: String,
    lead_office_id: String,
    stage: String,
    body: Option<String>,
    created_at: OffsetDateTime,
    answered_at: Option<OffsetDateTime>,
    case_count: i32,
    left_count: i32,
    objected_count: i32,
    changes: i64,
}

impl TryFrom<ProblemRow> for Problem {
    type Error = sqlx::Error;

    fn try_from(row: ProblemRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            stage: Stage::of_code(&row.stage).ok_or_else(|| corrupt("stage", &row.stage))?,
            problem_id: row.problem_id.into(),
            title: row.title,
            lead_office_id: row.lead_office_id,
            body: row.body,
            created_at: from_db(row.created_at),
            answered_at: row.answered_at.map(from_db),
            case_count: row.case_count,
            left_count: row.left_count,
            objected_count: row.objected_count,
            changes: row.changes,
        })
    }
}

/// Inserts a new one.
pub async fn insert(tx: &mut PgConnection, problem: &Problem) -> Result<(), sqlx::Error> {
    let inserted = sqlx::query!(
        "insert into common_problems (problem_id, title, lead_office_id, stage, created_at, case_count,
                                      left_count, objected_count, changes)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        problem.problem_id.uuid(),
        problem.title,
        problem.lead_office_id,
        problem.stage.code(),
        to_db(problem.created_at),
        problem.case_count,
        problem.left_count,
        problem.objected_count,
        problem.changes,
    )
    .execute(tx)
    .await?;
    db::expect_one(&inserted)
}

/// Writes what can change of one that was [`lock`]ed.
pub async fn update(tx: &mut PgConnection, problem: &Problem) -> Result<(), sqlx::Error> {
    let updated = sqlx::query!(
        "update common_problems
         set stage = $2, body = $3, answered_at = $4, case_count = $5, left_count = $6,
             objected_count = $7, changes = $8
         where problem_id = $1",
        problem.problem_id.uuid(),
        problem.stage.code(),
        problem.body,
        problem.answered_at.map(to_db),
        problem.case_count,
        problem.left_count,
        problem.objected_count,
        problem.changes,
    )
    .execute(tx)
    .await?;
    db::expect_one(&updated)
}

/// Finds one and locks it until the transaction ends.
pub async fn lock(
    tx: &mut PgConnection,
    problem_id: ProblemId,
) -> Result<Option<Problem>, sqlx::Error> {
    let row = sqlx::query_as!(
        ProblemRow,
        "select * from common_problems where problem_id = $1 for update",
        problem_id.uuid()
    )
    .fetch_optional(tx)
    .await?;
    row.map(Problem::try_from).transpose()
}

/// When those of these that are answered were.
pub async fn answered_at(
    connection: &mut PgConnection,
    ids: &[ProblemId],
) -> Result<HashMap<ProblemId, Timestamp>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select problem_id, answered_at as "answered_at!" from common_problems
           where problem_id = any($1) and answered_at is not null"#,
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.problem_id.into(), from_db(row.answered_at))).collect())
}

/// Whether one waits for its answer. Who has locked a case of it is told what stays so.
pub async fn is_open(
    connection: &mut PgConnection,
    problem_id: ProblemId,
) -> Result<bool, sqlx::Error> {
    let stage = sqlx::query_scalar!(
        "select stage from common_problems where problem_id = $1",
        problem_id.uuid()
    );
    Ok(stage.fetch_optional(connection).await?.is_some_and(|it| it == Stage::Open.code()))
}

/// The cases that are in one now, by their ids.
pub async fn cases_of(
    connection: &mut PgConnection,
    problem_id: ProblemId,
) -> Result<Vec<CaseId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select case_id from common_cases where problem_id = $1 and left_at is null order by case_id",
        problem_id.uuid()
    );
    Ok(ids.fetch_all(connection).await?.into_iter().map(CaseId::from).collect())
}

/// Notes that cases came in.
pub async fn join(
    tx: &mut PgConnection,
    problem_id: ProblemId,
    ids: &[CaseId],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let joined = sqlx::query!(
        "insert into common_cases (problem_id, case_id, joined_at)
         select $1, case_id, $3 from unnest($2::uuid[]) as joined (case_id)",
        problem_id.uuid(),
        &ids,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_all(&joined, ids.len())
}

/// Notes that a case left.
pub async fn leave(
    tx: &mut PgConnection,
    problem_id: ProblemId,
    case_id: CaseId,
    leaving: Leaving,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let left = sqlx::query!(
        "update common_cases set left_at = $3, leaving = $4
         where problem_id = $1 and case_id = $2 and left_at is null",
        problem_id.uuid(),
        case_id.uuid(),
        to_db(now),
        leaving.code(),
    )
    .execute(tx)
    .await?;
    db::expect_one(&left)
}

/// Notes the replies that the cases got with the common answer.
pub async fn answered(
    tx: &mut PgConnection,
    problem_id: ProblemId,
    replies: &[(CaseId, ReplyId)],
) -> Result<(), sqlx::Error> {
    let cases: Vec<Uuid> = replies.iter().map(|(case_id, _)| case_id.uuid()).collect();
    let replies_of: Vec<Uuid> = replies.iter().map(|(_, reply_id)| reply_id.uuid()).collect();
    let noted = sqlx::query!(
        "update common_cases set reply_id = given.reply_id
         from unnest($2::uuid[], $3::uuid[]) as given (case_id, reply_id)
         where problem_id = $1 and left_at is null and common_cases.case_id = given.case_id",
        problem_id.uuid(),
        &cases,
        &replies_of,
    )
    .execute(tx)
    .await?;
    expect_all(&noted, replies.len())
}

/// One, with what is counted of its cases.
#[derive(Debug, Clone)]
pub struct Counted {
    /// It.
    pub problem: Problem,
    /// How many of its cases are public.
    pub public: i64,
    /// How many of its cases are rated since the common answer.
    pub rated: i64,
    /// How many of its public cases are.
    pub public_rated: i64,
}

/// Which common problems.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only this one.
    pub problem_id: Option<ProblemId>,
    /// Only those that this office leads.
    pub lead_office_id: Option<String>,
    /// Only in this stage.
    pub stage: Option<&'static str>,
    /// Offices whose common problems are shown also if no case is public.
    pub readable: Vec<String>,
    /// Whether all are.
    pub any: bool,
    /// Whether only these are.
    pub own: bool,
    /// Only after this one.
    pub after: Option<(Timestamp, ProblemId)>,
}

/// Up to `limit` of them, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    wanted: &Wanted,
    limit: i64,
) -> Result<Vec<Counted>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/list_problems.sql",
        wanted.problem_id.map(|id| id.uuid()),
        wanted.lead_office_id,
        wanted.stage,
        wanted.any,
        &wanted.readable,
        wanted.own,
        wanted.after.map(|(at, _)| to_db(at)),
        wanted.after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (public, rated, public_rated) = (row.public, row.rated, row.public_rated);
            let problem = ProblemRow {
                problem_id: row.problem_id,
                title: row.title,
                lead_office_id: row.lead_office_id,
                stage: row.stage,
                body: row.body,
                created_at: row.created_at,
                answered_at: row.answered_at,
                case_count: row.case_count,
                left_count: row.left_count,
                objected_count: row.objected_count,
                changes: row.changes,
            };
            Ok(Counted { problem: problem.try_into()?, public, rated, public_rated })
        })
        .collect()
}

/// Whether a reply was given with the answer of the common problem in which its case is.
pub async fn gave(tx: &mut PgConnection, reply_id: ReplyId) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select m.case_id from replies r join common_cases m using (case_id)
         where r.reply_id = $1 and m.reply_id = r.reply_id and m.left_at is null",
        reply_id.uuid(),
    );
    Ok(found.fetch_optional(tx).await?.is_some())
}
