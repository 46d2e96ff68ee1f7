//! Messages and cases, as far as somebody is told of them.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

/// What intake tells of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Submission {
    /// The message.
    pub(crate) message_id: Uuid,
    /// Its public number.
    pub(crate) number: String,
    /// Its kind.
    pub(crate) kind: String,
    /// Whether everybody may read it once it is approved.
    pub(crate) public: bool,
    /// Its author's account.
    pub(crate) account_id: Option<Uuid>,
    /// Whether it came from another system.
    pub(crate) historical: bool,
}

/// A message, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// Whether intake has told of it.
    pub(crate) submitted: bool,
    /// Its author's account.
    pub(crate) account_id: Option<Uuid>,
    /// Whether it came from another system.
    pub(crate) historical: bool,
}

/// Counts more events of messages and locks their rows, in the order of their ids; rows of messages
/// that were not heard of are made. So whoever brings the submission and whoever brings an event
/// wait for each other, whichever comes first.
pub(crate) async fn count_events(
    tx: &mut PgConnection,
    counts: &BTreeMap<Uuid, i64>,
) -> Result<HashMap<Uuid, Known>, sqlx::Error> {
    let ids: Vec<Uuid> = counts.keys().copied().collect();
    let counts: Vec<i64> = counts.values().copied().collect();
    let rows = sqlx::query!(
        r#"insert into messages (message_id, event_count)
           select * from unnest($1::uuid[], $2::bigint[])
           on conflict (message_id)
               do update set event_count = messages.event_count + excluded.event_count
           returning message_id, number is not null as "submitted!", account_id, historical"#,
        &ids,
        &counts,
    )
    .fetch_all(tx)
    .await?;
    let known = rows.into_iter().map(|row| {
        let (submitted, account_id) = (row.submitted, row.account_id);
        (row.message_id, Known { submitted, account_id, historical: row.historical })
    });
    Ok(known.collect())
}

/// Stores what intake tells of messages, which must be in the order of their ids; gives those of
/// which events wait.
pub(crate) async fn submit(
    tx: &mut PgConnection,
    new: &[Submission],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let ids: Vec<Uuid> = new.iter().map(|one| one.message_id).collect();
    let numbers: Vec<String> = new.iter().map(|one| one.number.clone()).collect();
    let kinds: Vec<String> = new.iter().map(|one| one.kind.clone()).collect();
    let visibilities: Vec<String> =
        new.iter().map(|one| if one.public { "public" } else { "private" }.to_owned()).collect();
    let accounts: Vec<Option<Uuid>> = new.iter().map(|one| one.account_id).collect();
    let historical: Vec<bool> = new.iter().map(|one| one.historical).collect();
    let rows = sqlx::query!(
        "insert into messages (message_id, number, kind, visibility, account_id, historical)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bool[])
         on conflict (message_id) do update
             set number = excluded.number, kind = excluded.kind, visibility = excluded.visibility,
                 account_id = excluded.account_id, historical = excluded.historical
         returning message_id, event_count",
        &ids,
        &numbers,
        &kinds,
        &visibilities,
        &accounts as &[Option<Uuid>],
        &historical,
    )
    .fetch_all(tx)
    .await?;
    let waited_for = rows.into_iter().filter(|row| row.event_count > 0);
    Ok(waited_for.map(|row| row.message_id).collect())
}

/// A case as the last of its events left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaseNow {
    /// The message.
    pub(crate) message_id: Uuid,
    /// The office that has it.
    pub(crate) office_id: String,
    /// Whether everybody may see it.
    pub(crate) public: bool,
    /// Offices that are never told.
    pub(crate) accused_office_ids: Vec<String>,
    /// How many more events name it.
    pub(crate) more_events: i64,
}

/// Stores how cases stand, in the order of their ids. Events of a case come in order, so that the
/// last one heard is the last one said.
pub(crate) async fn put_cases(
    tx: &mut PgConnection,
    cases: &BTreeMap<Uuid, CaseNow>,
) -> Result<(), sqlx::Error> {
    if cases.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = cases.keys().copied().collect();
    let messages: Vec<Uuid> = cases.values().map(|case| case.message_id).collect();
    let offices: Vec<String> = cases.values().map(|case| case.office_id.clone()).collect();
    let public: Vec<bool> = cases.values().map(|case| case.public).collect();
    // Postgres has no arrays of arrays of different lengths.
    let accused: Vec<serde_json::Value> =
        cases.values().map(|case| serde_json::json!(case.accused_office_ids)).collect();
    let counts: Vec<i64> = cases.values().map(|case| case.more_events).collect();
    let result = sqlx::query!(
        "insert into cases (case_id, message_id, office_id, public, accused_office_ids, event_count)
         select case_id, message_id, office_id, public,
                array(select jsonb_array_elements_text(accused)), count
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bool[], $5::jsonb[], $6::bigint[])
             as new (case_id, message_id, office_id, public, accused, count)
         on conflict (case_id) do update
             set office_id = excluded.office_id, public = excluded.public,
                 accused_office_ids = excluded.accused_office_ids,
                 event_count = cases.event_count + excluded.event_count",
        &ids,
        &messages,
        &offices,
        &public,
        &accused,
        &counts,
    )
    .execute(tx)
    .await?;
    super::expect_rows(&result, cases.len())
}

/// How cases stand.
pub(crate) async fn cases(
    tx: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, CaseNow>, sqlx::Error> {
    let rows = sqlx::query!(
        "select case_id, message_id, office_id, public, accused_office_ids
         from cases where case_id = any($1)",
        ids
    )
    .fetch_all(tx)
    .await?;
    let cases = rows.into_iter().map(|row| {
        let case = CaseNow {
            message_id: row.message_id,
            office_id: row.office_id,
            public: row.public,
            accused_office_ids: row.accused_office_ids,
            more_events: 0,
        };
        (row.case_id, case)
    });
    Ok(cases.collect())
}
