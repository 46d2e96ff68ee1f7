//! Messages as their authors see them: with the newest text.

use liuyan_kit::clock;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{attachments, messages::decode};
use crate::domain::{
    draft::Words,
    message::{Message, Text},
    page::Cursor,
};

/// A row of `messages` and its newest one of `texts`.
#[derive(Debug)]
struct Row {
    message_id: Uuid,
    number: String,
    office_id: String,
    kind: String,
    domain: String,
    topic: String,
    visibility: String,
    state: String,
    ground: String,
    submitted_at: OffsetDateTime,
    occurred_at: Option<OffsetDateTime>,
    case_id: Option<Uuid>,
    deadline_at: Option<OffsetDateTime>,
    revision: i32,
    title: String,
    body: String,
    demand: String,
    details: String,
    place: String,
    place_public: bool,
    column_id: Option<String>,
    attachments: i16,
}

impl TryFrom<Row> for Message {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            message_id: row.message_id,
            number: row.number,
            office_id: row.office_id,
            kind: row.kind,
            domain: row.domain,
            topic: row.topic,
            public: row.visibility == "public",
            state: row.state.parse().map_err(decode)?,
            ground: row.ground,
            submitted_at: clock::from_db(row.submitted_at),
            occurred_at: row.occurred_at.map(clock::from_db),
            text: Text {
                message_id: row.message_id,
                revision: row.revision.unsigned_abs(),
                words: Words {
                    title: row.title,
                    body: row.body,
                    demand: row.demand,
                    details: row.details,
                },
                place: row.place,
                place_public: row.place_public,
                attachments: Vec::new(),
            },
            case_id: row.case_id,
            deadline_at: row.deadline_at.map(clock::from_db),
            column_id: row.column_id.unwrap_or_default(),
        })
    }
}

/// Messages with their files, which are asked for only where there are some.
async fn with_files(
    connection: &mut PgConnection,
    rows: Vec<Row>,
) -> Result<Vec<Message>, sqlx::Error> {
    let with: Vec<Uuid> =
        rows.iter().filter(|row| row.attachments > 0).map(|row| row.message_id).collect();
    let mut messages =
        rows.into_iter().map(Message::try_from).collect::<Result<Vec<_>, sqlx::Error>>()?;
    if !with.is_empty() {
        for (message_id, file) in attachments::of_messages(connection, &with).await? {
            if let Some(of) = messages.iter_mut().find(|it| it.message_id == message_id) {
                of.text.attachments.push(file);
            }
        }
    }
    Ok(messages)
}

/// A message.
///
/// # Errors
/// The database's.
pub async fn message(
    connection: &mut PgConnection,
    message_id: Uuid,
) -> Result<Option<Message>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select message_id, number, office_id, kind, domain, topic, visibility, state, ground,
                submitted_at, occurred_at, case_id, deadline_at, revision, title, body, demand,
                details, place, place_public, attachments, column_id as "column_id?"
         from messages join texts using (message_id, revision)
         left join column_messages using (message_id)
         where message_id = $1"#,
        message_id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(with_files(connection, vec![row]).await?.pop())
}

/// Whether a message was written by somebody who was signed in as this account.
///
/// # Errors
/// The database's.
pub async fn is_of_account(
    connection: &mut PgConnection,
    message_id: Uuid,
    account_id: Uuid,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from messages where message_id = $1 and account_id = $2) as "its!""#,
        message_id,
        account_id
    )
    .fetch_one(connection)
    .await
}

/// Messages of an account, the newest first, those after `cursor` only.
///
/// # Errors
/// The database's.
pub async fn of_account(
    connection: &mut PgConnection,
    account_id: Uuid,
    cursor: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select message_id, number, office_id, kind, domain, topic, visibility, state, ground,
                submitted_at, occurred_at, case_id, deadline_at, revision, title, body, demand,
                details, place, place_public, attachments, column_id as "column_id?"
         from messages join texts using (message_id, revision)
         left join column_messages using (message_id)
         where account_id = $1
           and (submitted_at, message_id) < (coalesce($2::timestamptz, 'infinity'), $3::uuid)
         order by submitted_at desc, message_id desc
         limit $4"#,
        account_id,
        cursor.map(|cursor| clock::to_db(cursor.submitted_at)),
        cursor.map_or(Uuid::nil(), |cursor| cursor.message_id),
        limit,
    )
    .fetch_all(&mut *connection)
    .await?;
    with_files(connection, rows).await
}
