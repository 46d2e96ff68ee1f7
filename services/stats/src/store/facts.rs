//! What each source said of messages.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{expect_rows, unknown};
use crate::domain::fact::{Case, Decision, Fact, Outcome, Submission, View};

/// Stores what intake said. A message that is there stays as it is.
pub(crate) async fn insert_submissions(
    tx: &mut PgConnection,
    submissions: &[(Uuid, Submission)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = submissions.iter().map(|(id, _)| *id).collect();
    let texts = |get: fn(&Submission) -> &String| -> Vec<String> {
        submissions.iter().map(|(_, submission)| get(submission).clone()).collect()
    };
    let private: Vec<bool> = submissions.iter().map(|(_, it)| it.private).collect();
    let times: Vec<OffsetDateTime> =
        submissions.iter().map(|(_, it)| to_db(it.submitted_at)).collect();
    sqlx::query!(
        "insert into submissions (message_id, office_id, kind, domain, private, submitted_at)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[])
         on conflict on constraint submissions_pkey do nothing",
        &ids,
        &texts(|it| &it.office_id),
        &texts(|it| &it.kind),
        &texts(|it| &it.domain),
        &private,
        &times,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What moderation said of messages, locked.
pub(crate) async fn lock_decisions(
    tx: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Decision>, sqlx::Error> {
    let rows = sqlx::query!(
        "select message_id, approved, accused, returned, declined_ground, withdrawn, appealed, upheld,
                overturned, reviewed_at
         from decisions where message_id = any($1) order by message_id for update",
        ids,
    )
    .fetch_all(tx)
    .await?;
    let decisions = rows.into_iter().map(|row| {
        let decision = Decision {
            approved: row.approved,
            accused: row.accused,
            returned: row.returned,
            declined_ground: row.declined_ground,
            withdrawn: row.withdrawn,
            appealed: row.appealed,
            upheld: row.upheld,
            overturned: row.overturned,
            reviewed_at: row.reviewed_at.map(from_db),
        };
        (row.message_id, decision)
    });
    Ok(decisions.collect())
}

/// Stores what moderation said.
pub(crate) async fn put_decisions(
    tx: &mut PgConnection,
    decisions: &HashMap<Uuid, Decision>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = decisions.keys().copied().collect();
    let flags = |get: fn(&Decision) -> bool| -> Vec<bool> { decisions.values().map(get).collect() };
    let grounds: Vec<Option<String>> =
        decisions.values().map(|decision| decision.declined_ground.clone()).collect();
    let numbers = |get: fn(&Decision) -> i32| -> Vec<i32> { decisions.values().map(get).collect() };
    let reviewed: Vec<Option<OffsetDateTime>> =
        decisions.values().map(|decision| decision.reviewed_at.map(to_db)).collect();
    let result = sqlx::query_file!(
        "src/queries/put_decisions.sql",
        &ids,
        &flags(|it| it.approved),
        &flags(|it| it.accused),
        &flags(|it| it.returned),
        &grounds as &[Option<String>],
        &flags(|it| it.withdrawn),
        &numbers(|it| it.appealed),
        &numbers(|it| it.upheld),
        &numbers(|it| it.overturned),
        &reviewed as &[Option<OffsetDateTime>],
    )
    .execute(tx)
    .await?;
    expect_rows(&result, decisions.len())
}

struct CaseRow {
    message_id: Uuid,
    case_id: Uuid,
    office_id: String,
    kind: String,
    domain: String,
    private: bool,
    accused: bool,
    revision: i64,
    deadline_at: OffsetDateTime,
    first_reply_at: Option<OffsetDateTime>,
    closed_at: Option<OffsetDateTime>,
    outcome: Option<String>,
    transfers: i32,
    marks: Option<i16>,
}

impl TryFrom<CaseRow> for (Uuid, Case) {
    type Error = sqlx::Error;

    fn try_from(row: CaseRow) -> Result<Self, sqlx::Error> {
        let ended = match (row.closed_at, row.outcome) {
            (Some(at), Some(code)) => {
                let outcome = Outcome::of(&code).ok_or_else(|| unknown("outcome", &code))?;
                Some((from_db(at), outcome))
            }
            _ => None,
        };
        let view = View {
            office_id: row.office_id,
            kind: row.kind,
            domain: row.domain,
            private: row.private,
            accused: row.accused,
            open: ended.is_none(),
            revision: row.revision,
        };
        let case = Case {
            case_id: row.case_id,
            view,
            deadline_at: from_db(row.deadline_at),
            first_reply_at: row.first_reply_at.map(from_db),
            ended,
            transfers: row.transfers,
            marks: row.marks,
        };
        Ok((row.message_id, case))
    }
}

/// What routing said of messages, locked.
pub(crate) async fn lock_cases(
    tx: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Case>, sqlx::Error> {
    let rows = sqlx::query_as!(
        CaseRow,
        "select message_id, case_id, office_id, kind, domain, private, accused, revision, deadline_at,
                first_reply_at, closed_at, outcome, transfers, marks
         from cases where message_id = any($1) order by message_id for update",
        ids,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

async fn cases(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Case>, sqlx::Error> {
    let rows = sqlx::query_as!(
        CaseRow,
        "select message_id, case_id, office_id, kind, domain, private, accused, revision, deadline_at,
                first_reply_at, closed_at, outcome, transfers, marks
         from cases where message_id = any($1)",
        ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

/// Stores what routing said.
pub(crate) async fn put_cases(
    tx: &mut PgConnection,
    cases: &HashMap<Uuid, Case>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = cases.keys().copied().collect();
    let case_ids: Vec<Uuid> = cases.values().map(|case| case.case_id).collect();
    let texts = |get: fn(&View) -> &String| -> Vec<String> {
        cases.values().map(|case| get(&case.view).clone()).collect()
    };
    let flags = |get: fn(&View) -> bool| -> Vec<bool> {
        cases.values().map(|case| get(&case.view)).collect()
    };
    let times = |get: fn(&Case) -> Option<Timestamp>| -> Vec<Option<OffsetDateTime>> {
        cases.values().map(|case| get(case).map(to_db)).collect()
    };
    let revisions: Vec<i64> = cases.values().map(|case| case.view.revision).collect();
    let deadlines: Vec<OffsetDateTime> = cases.values().map(|it| to_db(it.deadline_at)).collect();
    let outcomes: Vec<Option<String>> =
        cases.values().map(|case| case.ended.map(|(_, outcome)| outcome.code().into())).collect();
    let transfers: Vec<i32> = cases.values().map(|case| case.transfers).collect();
    let marks: Vec<Option<i16>> = cases.values().map(|case| case.marks).collect();
    let result = sqlx::query_file!(
        "src/queries/put_cases.sql",
        &ids,
        &case_ids,
        &texts(|view| &view.office_id),
        &texts(|view| &view.kind),
        &texts(|view| &view.domain),
        &flags(|view| view.private),
        &flags(|view| view.accused),
        &revisions,
        &deadlines,
        &times(|case| case.first_reply_at) as &[Option<OffsetDateTime>],
        &times(|case| case.ended.map(|(at, _)| at)) as &[Option<OffsetDateTime>],
        &outcomes as &[Option<String>],
        &transfers,
        &marks as &[Option<i16>],
    )
    .execute(tx)
    .await?;
    expect_rows(&result, cases.len())
}

/// What all sources said of messages. Those that intake has not told of are left out.
pub(crate) async fn of(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Fact)>, sqlx::Error> {
    let mut cases = cases(connection, ids).await?;
    let rows = sqlx::query!(
        r#"select message_id as "message_id!", office_id as "office_id!", kind as "kind!",
                  domain as "domain!", private as "private!", submitted_at as "submitted_at!",
                  coalesce(approved, false) as "approved!", coalesce(accused, false) as "accused!",
                  coalesce(returned, false) as "returned!", declined_ground as "declined_ground?",
                  coalesce(withdrawn, false) as "withdrawn!", coalesce(appealed, 0) as "appealed!",
                  coalesce(upheld, 0) as "upheld!", coalesce(overturned, 0) as "overturned!",
                  reviewed_at as "reviewed_at?"
           from submissions left join decisions using (message_id)
           where message_id = any($1)"#,
        ids,
    )
    .fetch_all(connection)
    .await?;
    let facts = rows.into_iter().map(|row| {
        let fact = Fact {
            submission: Submission {
                office_id: row.office_id,
                kind: row.kind,
                domain: row.domain,
                private: row.private,
                submitted_at: from_db(row.submitted_at),
            },
            decision: Decision {
                approved: row.approved,
                accused: row.accused,
                returned: row.returned,
                declined_ground: row.declined_ground,
                withdrawn: row.withdrawn,
                appealed: row.appealed,
                upheld: row.upheld,
                overturned: row.overturned,
                reviewed_at: row.reviewed_at.map(from_db),
            },
            case: cases.remove(&row.message_id),
        };
        (row.message_id, fact)
    });
    Ok(facts.collect())
}
