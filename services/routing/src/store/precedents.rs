//! What superiors decided about who handles a kind of message.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{CaseId, MessageId, case::Case};

/// What a superior decided about messages that are written to an office, of a kind, domain and topic:
/// where they go.
pub async fn of(
    connection: &mut PgConnection,
    (office_id, kind, domain): &(String, String, String),
    topic: &str,
) -> Result<Option<String>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select to_office_id from precedents
         where office_id = $1 and kind = $2 and domain = $3 and topic = $4 and superseded_at is null",
        office_id,
        kind,
        domain,
        topic,
    );
    found.fetch_optional(connection).await
}

/// What superiors decided about messages that are written to offices, of a kind and of a domain, and of
/// no topic: where each of them goes, at the same place; none where nothing was decided.
pub async fn of_domains(
    connection: &mut PgConnection,
    asked: &[(String, String, String)],
) -> Result<Vec<Option<String>>, sqlx::Error> {
    let column = |of: fn(&(String, String, String)) -> &String| -> Vec<String> {
        asked.iter().map(|one| of(one).clone()).collect()
    };
    sqlx::query_scalar!(
        "select p.to_office_id as \"to_office_id?\"
         from unnest($1::text[], $2::text[], $3::text[]) with ordinality
             as asked (office_id, kind, domain, place)
         left join precedents p on p.office_id = asked.office_id and p.kind = asked.kind
             and p.domain = asked.domain and p.topic = '' and p.superseded_at is null
         order by place",
        &column(|it| &it.0),
        &column(|it| &it.1),
        &column(|it| &it.2),
    )
    .fetch_all(connection)
    .await
}

/// Makes the office that has a case now that of the next messages which are written to the same
/// office, of the same kind, domain and topic. The case has a domain.
pub async fn set(
    tx: &mut PgConnection,
    precedent_id: Uuid,
    case: &Case,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update precedents p set superseded_at = $2 from openings o
         where o.message_id = $1 and p.office_id = o.office_id and p.kind = o.kind
           and p.domain = o.domain and p.topic = o.topic and p.superseded_at is null",
        case.message_id.uuid(),
        to_db(at),
    )
    .execute(&mut *tx)
    .await?;
    let set = sqlx::query!(
        "insert into precedents (precedent_id, office_id, kind, domain, topic, to_office_id, case_id,
                                 decided_at)
         select $1, office_id, kind, domain, topic, $3, $4, $5 from openings where message_id = $2",
        precedent_id,
        case.message_id.uuid(),
        case.office_id,
        case.case_id.uuid(),
        to_db(at),
    )
    .execute(tx)
    .await?;
    db::expect_one(&set)
}

/// A precedent.
#[derive(Debug, Clone)]
pub struct Precedent {
    /// Its id.
    pub precedent_id: Uuid,
    /// The office to which such messages are written.
    pub office_id: String,
    /// Their kind.
    pub kind: String,
    /// Their domain.
    pub domain: String,
    /// Their topic.
    pub topic: String,
    /// The office that handles them.
    pub to_office_id: String,
    /// The case about which it was decided.
    pub case_id: CaseId,
    /// When.
    pub decided_at: Timestamp,
    /// Since when it is not in force.
    pub retired_at: Option<Timestamp>,
    /// How many cases it routed.
    pub cases: i64,
}

/// Which precedents.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only this one.
    pub precedent_id: Option<Uuid>,
    /// Only for what is written to these offices; all if none is named.
    pub office_ids: Option<Vec<String>>,
    /// Only for what is written to this office.
    pub office_id: Option<String>,
    /// Also those that are not in force.
    pub retired: bool,
    /// Only after this one.
    pub after: Option<(Timestamp, Uuid)>,
}

/// Up to `limit` precedents, the newest first.
pub async fn list(
    connection: &mut PgConnection,
    wanted: &Wanted,
    limit: i64,
) -> Result<Vec<Precedent>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/list_precedents.sql",
        wanted.precedent_id,
        wanted.office_ids.as_deref(),
        wanted.office_id,
        wanted.retired,
        wanted.after.map(|(at, _)| to_db(at)),
        wanted.after.map(|(_, id)| id),
        limit,
    )
    .fetch_all(connection)
    .await?;
    let precedents = rows.into_iter().map(|row| Precedent {
        precedent_id: row.precedent_id,
        office_id: row.office_id,
        kind: row.kind,
        domain: row.domain,
        topic: row.topic,
        to_office_id: row.to_office_id,
        case_id: row.case_id.into(),
        decided_at: from_db(row.decided_at),
        retired_at: row.superseded_at.map(from_db),
        cases: i64::from(row.case_count),
    });
    Ok(precedents.collect())
}

/// Takes one that is in force out of it.
pub async fn retire(
    tx: &mut PgConnection,
    precedent_id: Uuid,
    (by, why): (&str, &str),
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let retired = sqlx::query!(
        "update precedents set superseded_at = $2, retired_by = $3, retired_why = $4
         where precedent_id = $1 and superseded_at is null",
        precedent_id,
        to_db(now),
        by,
        why,
    );
    Ok(retired.execute(tx).await?.rows_affected() == 1)
}

/// Counts cases that were opened, and that precedents routed: each is counted with the last decision that led
/// there.
pub async fn count(tx: &mut PgConnection, routed: &[MessageId]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = routed.iter().map(|id| id.uuid()).collect();
    sqlx::query_file!("src/queries/count_precedents.sql", &ids).execute(tx).await.map(drop)
}
