//! Cases.

use jiff::Timestamp;
use liuyan_kit::{clock::to_db, db};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::expect_all;
use crate::domain::{CaseId, MessageId, ProblemId, case::Case, state::Outcome};

mod row;

use row::{CaseRow, handled, line};

/// Which case.
#[derive(Debug, Clone)]
pub enum Name {
    /// By its id.
    Case(CaseId),
    /// By its message.
    Message(MessageId),
    /// By the public number.
    Number(String),
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// What is due first, first.
    Deadline,
    /// What was answered last, first; without what was not answered.
    Replied,
}

impl Order {
    /// When a case stands in this order.
    pub fn time(self, case: &Case) -> Timestamp {
        match self {
            Self::Newest => case.submitted_at,
            Self::Deadline => case.deadline_at,
            Self::Replied => case.last_replied_at.unwrap_or(case.submitted_at),
        }
    }
}

/// From when to when: the first moment, and the one after the last.
pub type Span = (Option<Timestamp>, Option<Timestamp>);

/// At which times something happened to a case.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// When it was submitted.
    pub submitted: Span,
    /// When it was answered last.
    pub replied: Span,
}

/// Which cases, and who asks.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Whether all are shown, not only public ones.
    pub any: bool,
    /// Offices whose cases are shown, too, if they are not public.
    pub readable: Vec<String>,
    /// Whether only these, or all, are shown, and not what is merely public.
    pub own: bool,
    /// Offices whose accusation hides a case.
    pub kept_away_by: Vec<String>,
    /// Only of this office.
    pub office_id: Option<String>,
    /// Only of this county.
    pub division_code: Option<String>,
    /// Only in this city.
    pub city_code: Option<String>,
    /// Only in this province.
    pub province_code: Option<String>,
    /// Only in this state.
    pub state: Option<&'static str>,
    /// Only of this domain.
    pub domain: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only what waits for a first answer.
    pub unanswered: bool,
    /// Only what is watched.
    pub supervised: bool,
    /// Only in this common problem.
    pub problem_id: Option<ProblemId>,
    /// Only what was submitted, or answered last, at these times.
    pub times: Times,
    /// Only after this one, in the order of the list.
    pub after: Option<(Timestamp, CaseId)>,
}

/// Inserts new cases.
pub async fn insert(tx: &mut PgConnection, cases: &[Case]) -> Result<(), sqlx::Error> {
    let rows: Vec<Value> = cases.iter().map(line).collect();
    let inserted =
        sqlx::query_file!("src/queries/insert_cases.sql", Value::Array(rows)).execute(tx).await?;
    expect_all(&inserted, cases.len())
}

/// Writes what can change of a case that was [`lock`]ed.
pub async fn update(tx: &mut PgConnection, case: &Case) -> Result<(), sqlx::Error> {
    let text = case.text.clone().unwrap_or_default();
    let updated = sqlx::query_file!(
        "src/queries/update_case.sql",
        case.case_id.uuid(),
        case.text.is_some(),
        text.title,
        text.body,
        text.demand,
        text.details,
        text.place,
        case.is_public(),
        case.state.code(),
        case.state.outcome().map(Outcome::code),
        case.accepted_at.map(to_db),
        case.replied_at.map(to_db),
        case.last_replied_at.map(to_db),
        case.closed_at.map(to_db),
        to_db(case.last_step_at),
        case.revision,
        case.changes,
        case.reply_count,
        case.custody_count,
        case.rating_count,
        case.request_count,
        case.office_id,
        case.place.division_code,
        case.place.city_code,
        case.place.province_code,
        case.assigned_by,
        case.look_count,
        to_db(case.deadline_at),
        case.calendar_known,
        handled(&case.handling),
    )
    .execute(tx)
    .await?;
    db::expect_one(&updated)
}

/// Finds a case.
pub async fn find(connection: &mut PgConnection, name: &Name) -> Result<Option<Case>, sqlx::Error> {
    let row = match name {
        Name::Case(case_id) => {
            sqlx::query_as!(CaseRow, "select * from cases where case_id = $1", case_id.uuid())
                .fetch_optional(connection)
                .await?
        }
        Name::Message(message_id) => {
            sqlx::query_as!(CaseRow, "select * from cases where message_id = $1", message_id.uuid())
                .fetch_optional(connection)
                .await?
        }
        Name::Number(number) => {
            sqlx::query_as!(CaseRow, "select * from cases where number = $1", number)
                .fetch_optional(connection)
                .await?
        }
    };
    row.map(Case::try_from).transpose()
}

/// Finds a case and locks it until the transaction ends.
pub async fn lock(tx: &mut PgConnection, case_id: CaseId) -> Result<Option<Case>, sqlx::Error> {
    let row = sqlx::query_as!(
        CaseRow,
        "select * from cases where case_id = $1 for update",
        case_id.uuid()
    )
    .fetch_optional(tx)
    .await?;
    row.map(Case::try_from).transpose()
}

/// Locks cases, in the order of their ids.
pub async fn lock_all(tx: &mut PgConnection, ids: &[CaseId]) -> Result<Vec<Case>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query_as!(
        CaseRow,
        "select * from cases where case_id = any($1) order by case_id for update",
        &ids
    )
    .fetch_all(tx)
    .await?
    .into_iter()
    .map(Case::try_from)
    .collect()
}

/// Cases by their ids.
pub async fn among(
    connection: &mut PgConnection,
    ids: &[CaseId],
) -> Result<Vec<Case>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query_as!(CaseRow, "select * from cases where case_id = any($1)", &ids)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(Case::try_from)
        .collect()
}

/// Locks those of the cases that nobody else works on, in the order of their ids.
pub async fn lock_free(tx: &mut PgConnection, ids: &[CaseId]) -> Result<Vec<Case>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query_as!(
        CaseRow,
        "select * from cases where case_id = any($1) order by case_id for update skip locked",
        &ids
    )
    .fetch_all(tx)
    .await?
    .into_iter()
    .map(Case::try_from)
    .collect()
}

/// Locks the cases of messages, in the order of their ids.
pub async fn lock_of_messages(
    tx: &mut PgConnection,
    ids: &[MessageId],
) -> Result<Vec<Case>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query_as!(
        CaseRow,
        "select * from cases where message_id = any($1) order by case_id for update",
        &ids
    )
    .fetch_all(tx)
    .await?
    .into_iter()
    .map(Case::try_from)
    .collect()
}

/// The cases of these ids that are public, in no order.
pub async fn public(
    connection: &mut PgConnection,
    ids: &[CaseId],
) -> Result<Vec<Case>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query_as!(CaseRow, "select * from cases where public and case_id = any($1)", &ids)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(Case::try_from)
        .collect()
}

/// Makes the statements that follow on this connection be planned with their values: which index
/// fits depends on which of the filters are there, and on the words that are looked for.
pub(super) async fn plan_with_values(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select set_config('plan_cache_mode', 'force_custom_plan', false) as mode")
        .fetch_one(connection)
        .await
        .map(drop)
}

/// Of how many offices the cases are read one office after the other. Of more than these, the cases lie so
/// close in the order of all that its own index finds a page sooner.
const READ_APART: usize = 500;

/// Up to `limit` cases in this order.
pub async fn list(
    connection: &mut PgConnection,
    order: Order,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Case>, sqlx::Error> {
    plan_with_values(connection).await?;
    if filter.own && !filter.any && filter.readable.len() <= READ_APART {
        return inbox(connection, order, filter, limit).await;
    }
    // The statements differ in their order alone; each file is checked by itself.
    macro_rules! listed {
        ($file:literal) => {
            sqlx::query_file_as!(
                CaseRow,
                $file,
                filter.any,
                !filter.readable.is_empty(),
                &filter.readable,
                filter.own,
                &filter.kept_away_by,
                filter.office_id,
                filter.division_code,
                filter.city_code,
                filter.province_code,
                filter.state,
                filter.domain,
                filter.kind,
                filter.unanswered,
                filter.after.map(|(at, _)| to_db(at)),
                filter.after.map(|(_, case_id)| case_id.uuid()),
                limit,
                filter.supervised,
                filter.problem_id.map(|id| id.uuid()),
                filter.times.submitted.0.map(to_db),
                filter.times.submitted.1.map(to_db),
                filter.times.replied.0.map(to_db),
                filter.times.replied.1.map(to_db),
            )
            .fetch_all(connection)
            .await?
        };
    }
    let rows = match order {
        Order::Newest => listed!("src/queries/list_newest.sql"),
        Order::Deadline => listed!("src/queries/list_deadline.sql"),
        Order::Replied => listed!("src/queries/list_replied.sql"),
    };
    rows.into_iter().map(Case::try_from).collect()
}

/// Up to `limit` cases of an inbox in this order: what its offices have, help with or lead.
async fn inbox(
    connection: &mut PgConnection,
    order: Order,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Case>, sqlx::Error> {
    macro_rules! listed {
        ($file:literal) => {
            sqlx::query_file_as!(
                CaseRow,
                $file,
                &filter.readable,
                &filter.kept_away_by,
                filter.office_id,
                filter.division_code,
                filter.city_code,
                filter.province_code,
                filter.state,
                filter.domain,
                filter.kind,
                filter.unanswered,
                filter.after.map(|(at, _)| to_db(at)),
                filter.after.map(|(_, case_id)| case_id.uuid()),
                limit,
                filter.supervised,
                filter.problem_id.map(|id| id.uuid()),
                filter.times.submitted.0.map(to_db),
                filter.times.submitted.1.map(to_db),
                filter.times.replied.0.map(to_db),
                filter.times.replied.1.map(to_db),
            )
            .fetch_all(connection)
            .await?
        };
    }
    let rows = match order {
        Order::Newest => listed!("src/queries/inbox_newest.sql"),
        Order::Deadline => listed!("src/queries/inbox_deadline.sql"),
        Order::Replied => listed!("src/queries/inbox_replied.sql"),
    };
    rows.into_iter().map(Case::try_from).collect()
}
