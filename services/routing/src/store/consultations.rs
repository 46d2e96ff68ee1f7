//! Consultations, their results, and the cases that belong to them.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use liuyan_kit::{
    clock::{from_db, to_db},
    db,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{corrupt, directory::day};
use crate::domain::{
    CaseId, ConsultationId, MessageId,
    consultation::{Consultation, Stage, Statement, Uptake},
};

/// Which consultations, and who asks.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Whether planned ones are shown, too, of all offices.
    pub any: bool,
    /// Offices whose planned ones are shown, too.
    pub theirs: Vec<String>,
    /// Only what `any` and `theirs` tell of.
    pub own: bool,
    /// Only of this office.
    pub office_id: Option<String>,
    /// Only of the divisions of this path.
    pub path: Option<Vec<String>>,
    /// Only in this stage.
    pub stage: Option<Stage>,
    /// Only after this one.
    pub after: Option<(Timestamp, ConsultationId)>,
}

/// A consultation with the number of its public messages.
#[derive(Debug, Clone)]
pub struct Counted {
    /// It.
    pub consultation: Consultation,
    /// How many messages of it are public.
    pub messages: i64,
}

struct Row {
    consultation_id: Uuid,
    office_id: String,
    division_code: Option<String>,
    division_path: Vec<String>,
    domain: String,
    question: String,
    description: String,
    from_on: String,
    until_on: String,
    stage: String,
    summary: Option<String>,
    created_at: OffsetDateTime,
    published_at: Option<OffsetDateTime>,
    corrected_at: Option<OffsetDateTime>,
    statement_count: i32,
    changes: i64,
    messages: i64,
}

impl TryFrom<Row> for Counted {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let stage =
            Stage::of(&row.stage).ok_or_else(|| corrupt("stage of a consultation", &row.stage))?;
        let consultation = Consultation {
            consultation_id: row.consultation_id.into(),
            office_id: row.office_id,
            division_code: row.division_code,
            division_path: row.division_path,
            domain: row.domain,
            question: row.question,
            description: row.description,
            from_on: day(&row.from_on)?,
            until_on: day(&row.until_on)?,
            stage,
            summary: row.summary,
            created_at: from_db(row.created_at),
            published_at: row.published_at.map(from_db),
            corrected_at: row.corrected_at.map(from_db),
            statement_count: row.statement_count,
            changes: row.changes,
        };
        Ok(Self { consultation, messages: row.messages })
    }
}

/// Finds a consultation and locks it until the transaction ends.
pub async fn lock(
    tx: &mut PgConnection,
    id: ConsultationId,
) -> Result<Option<Consultation>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select consultation_id, office_id, division_code, division_path, domain, question,
                  description, from_on::text as "from_on!", until_on::text as "until_on!", stage, summary, created_at, published_at,
                  corrected_at, statement_count, changes, 0::bigint as "messages!"
           from consultations where consultation_id = $1 for update"#,
        id.uuid()
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(Counted::try_from).transpose()?.map(|it| it.consultation))
}

/// Finds a consultation.
pub async fn find(
    connection: &mut PgConnection,
    id: ConsultationId,
) -> Result<Option<Counted>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select consultation_id, office_id, division_code, division_path, domain, question,
                  description, from_on::text as "from_on!", until_on::text as "until_on!", stage, summary, created_at, published_at,
                  corrected_at, statement_count, changes,
                  (select count(*) from cases c where c.consultation_id = q.consultation_id
                   and c.public) as "messages!"
           from consultations q where consultation_id = $1"#,
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    row.map(Counted::try_from).transpose()
}

/// Up to `limit` consultations, the newest first, as they stand on a day.
pub async fn list(
    connection: &mut PgConnection,
    filter: &Filter,
    today: Date,
    limit: i64,
) -> Result<Vec<Counted>, sqlx::Error> {
    let rows = sqlx::query_file_as!(
        Row,
        "src/queries/list_consultations.sql",
        filter.any,
        &filter.theirs,
        filter.own,
        filter.office_id,
        filter.path.as_deref(),
        filter.stage.map(Stage::code),
        today.to_string(),
        filter.after.map(|(at, _)| to_db(at)),
        filter.after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Counted::try_from).collect()
}

/// Writes a consultation, new or changed.
pub async fn put(
    tx: &mut PgConnection,
    consultation: &Consultation,
    by: &str,
) -> Result<(), sqlx::Error> {
    let written = sqlx::query_file!(
        "src/queries/put_consultation.sql",
        consultation.consultation_id.uuid(),
        consultation.office_id,
        consultation.division_code,
        &consultation.division_path,
        consultation.domain,
        consultation.question,
        consultation.description,
        consultation.from_on.to_string(),
        consultation.until_on.to_string(),
        consultation.stage.code(),
        consultation.summary,
        to_db(consultation.created_at),
        by,
        consultation.published_at.map(to_db),
        consultation.corrected_at.map(to_db),
        consultation.statement_count,
        consultation.changes,
    )
    .execute(tx)
    .await?;
    db::expect_one(&written)
}

/// Puts statements in the place of those that were there. The cases of which they speak are locked.
pub async fn put_statements(
    tx: &mut PgConnection,
    id: ConsultationId,
    statements: &[Statement],
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from consultation_citations where consultation_id = $1", id.uuid())
        .execute(&mut *tx)
        .await?;
    sqlx::query!("delete from consultation_statements where consultation_id = $1", id.uuid())
        .execute(&mut *tx)
        .await?;
    for (position, statement) in (0..).zip(statements) {
        let cases: Vec<Uuid> = statement.cases.iter().map(|id| id.uuid()).collect();
        sqlx::query!(
            "insert into consultation_statements
                 (consultation_id, position, uptake, what, taken_up_by, citation_count)
             values ($1, $2, $3, $4, $5, cardinality($6::uuid[]))",
            id.uuid(),
            position,
            statement.uptake.code(),
            statement.what,
            statement.taken_up_by,
            &cases,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "insert into consultation_citations (consultation_id, position, case_id)
             select $1, $2, case_id from unnest($3::uuid[]) as cited (case_id)",
            id.uuid(),
            position,
            &cases,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// The cases of a consultation with these public numbers, locked, of which nobody is accused. Nobody
/// speaks of what its author had erased.
pub async fn numbered(
    tx: &mut PgConnection,
    id: ConsultationId,
    numbers: &[String],
) -> Result<BTreeMap<String, CaseId>, sqlx::Error> {
    let rows = sqlx::query!(
        "select number, case_id from cases
         where consultation_id = $1 and number = any($2) and cardinality(accused_office_ids) = 0
           and (outcome is null or outcome <> 'withdrawn')
           and not exists (select from erasures e where e.message_id = cases.message_id)
         order by case_id for share",
        id.uuid(),
        numbers
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.number, row.case_id.into())).collect())
}

/// A statement as it is told.
#[derive(Debug, Clone)]
pub struct Told {
    /// Whether it was taken up.
    pub uptake: Uptake,
    /// What was suggested, and what the office says of it.
    pub what: String,
    /// By what it was taken up.
    pub taken_up_by: String,
    /// The numbers of the public messages of which it speaks.
    pub numbers: Vec<String>,
    /// Whether it speaks of the message that was asked for.
    pub speaks: bool,
}

/// The statements of a result in their order; whether each speaks of a message.
pub async fn statements(
    connection: &mut PgConnection,
    id: ConsultationId,
    message_id: Option<MessageId>,
) -> Result<Vec<Told>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select uptake, what, taken_up_by,
                  array(select number from consultation_citations t join cases c using (case_id)
                        where t.consultation_id = s.consultation_id and t.position = s.position
                          and c.public order by number) as "numbers!",
                  exists (select from consultation_citations t join cases c using (case_id)
                          where t.consultation_id = s.consultation_id and t.position = s.position
                            and c.message_id = $2) as "speaks!"
           from consultation_statements s where consultation_id = $1 order by position"#,
        id.uuid(),
        message_id.map(|id| id.uuid()),
    )
    .fetch_all(connection)
    .await?;
    let told = rows.into_iter().map(|row| {
        Ok(Told {
            uptake: Uptake::of(&row.uptake).ok_or_else(|| corrupt("uptake", &row.uptake))?,
            what: row.what,
            taken_up_by: row.taken_up_by,
            numbers: row.numbers,
            speaks: row.speaks,
        })
    });
    told.collect()
}

/// The consultation to which a message with a case belongs.
pub async fn of_message(
    connection: &mut PgConnection,
    message_id: MessageId,
) -> Result<Option<ConsultationId>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select consultation_id from cases where message_id = $1",
        message_id.uuid()
    );
    Ok(found.fetch_optional(connection).await?.flatten().map(ConsultationId::from))
}

/// Up to `limit` public cases of a consultation, the newest first.
pub async fn cases(
    connection: &mut PgConnection,
    id: ConsultationId,
    after: Option<(Timestamp, CaseId)>,
    limit: i64,
) -> Result<Vec<(Timestamp, CaseId)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select submitted_at, case_id from cases
         where consultation_id = $1 and public
           and ($2::timestamptz is null or (submitted_at, case_id) < ($2, $3::uuid))
         order by submitted_at desc, case_id desc limit $4",
        id.uuid(),
        after.map(|(at, _)| to_db(at)),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (from_db(row.submitted_at), row.case_id.into())).collect())
}

/// Takes an erased message out of the statements that speak of it.
pub async fn forget(tx: &mut PgConnection, case_id: CaseId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with gone as (
             delete from consultation_citations where case_id = $1 returning consultation_id, position
         )
         update consultation_statements s set citation_count = citation_count - 1
         from gone where s.consultation_id = gone.consultation_id and s.position = gone.position",
        case_id.uuid(),
    )
    .execute(tx)
    .await
    .map(drop)
}
