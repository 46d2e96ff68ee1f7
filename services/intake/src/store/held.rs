//! All that is held on an author.

use std::collections::HashMap;

use liuyan_kit::clock::from_db;
use sqlx::PgConnection;
use uuid::Uuid;

use super::attachments;
use crate::domain::held::{HeldMessage, HeldReceipt, HeldText};

/// Whose data are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of one message.
    Message(Uuid),
    /// Those of all messages of an account.
    Account(Uuid),
    /// Those of all messages that were left with a phone, by its blind index.
    Phone([u8; 32]),
}

impl Whose {
    /// What tokens of pages are bound to.
    pub fn owner(&self) -> Uuid {
        match self {
            Self::Message(id) | Self::Account(id) => *id,
            Self::Phone(index) => {
                let mut half = [0; 16];
                half.copy_from_slice(&index[..16]);
                Uuid::from_bytes(half)
            }
        }
    }
}

/// Up to `limit` messages, the newest first, those after the message `after`; with `unerased`, of
/// those that still have something that can be erased: a contact, and the message itself if
/// `messages_too`.
///
/// # Errors
/// The database's.
pub async fn find(
    connection: &mut PgConnection,
    whose: &Whose,
    unerased: Option<bool>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let messages_too = unerased.unwrap_or_default();
    let all = unerased.is_none();
    match whose {
        Whose::Message(message_id) => {
            sqlx::query_scalar!(
                "select message_id from messages
                 where message_id = $1
                   and ($2 or contact is not null or $3 and erased_at is null)
                 limit $4",
                message_id,
                all,
                messages_too,
                limit,
            )
            .fetch_all(connection)
            .await
        }
        Whose::Account(account_id) => {
            sqlx::query_scalar!(
                "select message_id from messages
                 where account_id = $1
                   and ($2 or contact is not null or $3 and erased_at is null)
                   and ($5::uuid is null or (submitted_at, message_id) < (
                            select submitted_at, message_id from messages where message_id = $5))
                 order by submitted_at desc, message_id desc limit $4",
                account_id,
                all,
                messages_too,
                limit,
                after,
            )
            .fetch_all(connection)
            .await
        }
        Whose::Phone(index) => {
            sqlx::query_scalar!(
                "select message_id from messages
                 where author_id = (select author_id from authors where phone_index = $1)
                   and ($2 or contact is not null or $3 and erased_at is null)
                   and ($5::uuid is null or message_id < $5)
                 order by message_id desc limit $4",
                index.as_slice(),
                all,
                messages_too,
                limit,
                after,
            )
            .fetch_all(connection)
            .await
        }
    }
}

/// Name and phone, as they are stored with a message.
#[derive(Debug)]
pub struct SealedContact {
    /// The author.
    pub author_id: Uuid,
    /// The author's key.
    pub wrapped_key: Vec<u8>,
    /// What it seals.
    pub contact: Vec<u8>,
}

/// Messages with all that belongs to them, in the order of their ids, each with its sealed contact.
///
/// # Errors
/// The database's.
pub async fn read(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<(HeldMessage, Option<SealedContact>)>, sqlx::Error> {
    let mut texts = texts(connection, ids).await?;
    let mut requests = requests(connection, ids).await?;
    let files = attachments::of_messages(connection, ids).await?;
    let rows =
        sqlx::query_file!("src/queries/held_messages.sql", ids).fetch_all(connection).await?;
    let held = rows.into_iter().map(|row| {
        let sealed = match (row.author_id, row.wrapped_key, row.contact) {
            (Some(author_id), Some(wrapped_key), Some(contact)) => {
                Some(SealedContact { author_id, wrapped_key, contact })
            }
            _ => None,
        };
        let receipt = match (row.statement, row.content_hash, row.signature, row.key_id) {
            (Some(statement), Some(content_hash), Some(signature), Some(key_id)) => {
                Some(HeldReceipt {
                    statement: String::from_utf8_lossy(&statement).into_owned(),
                    content_hash: hex::encode(content_hash),
                    salt: row.salt.map(hex::encode),
                    key_id,
                    signature: hex::encode(signature),
                })
            }
            _ => None,
        };
        let message = HeldMessage {
            message_id: row.message_id,
            number: row.number,
            state: row.state,
            ground: row.ground,
            author: None,
            account_id: row.account_id,
            office_id: row.office_id,
            kind: row.kind,
            domain: row.domain,
            topic: row.topic,
            visibility: row.visibility,
            channel: row.channel,
            locale: row.locale,
            submitted_at: from_db(row.submitted_at),
            occurred_at: row.occurred_at.map(from_db),
            withdrawal_requested_at: row.withdrawal_requested_at.map(from_db),
            withdrawal_refused_at: row.withdrawal_refused_at.map(from_db),
            redacted_at: row.redacted_at.map(from_db),
            ended_at: row.ended_at.map(from_db),
            contact_erased_at: row.contact_erased_at.map(from_db),
            erased_at: row.erased_at.map(from_db),
            case_id: row.case_id,
            deadline_at: row.deadline_at.map(from_db),
            consultation_id: row.consultation_id,
            column_id: row.column_id,
            column_changed_at: row.column_changed_at.map(from_db),
            operator: row.operator,
            entered_by: row.entered_by,
            texts: texts.remove(&row.message_id).unwrap_or_default(),
            remark: row.remark,
            receipt,
            requests: requests.remove(&row.message_id).unwrap_or_default(),
            attachments: files
                .iter()
                .filter(|(id, _)| *id == row.message_id)
                .map(|(_, file)| file.into())
                .collect(),
        };
        (message, sealed)
    });
    Ok(held.collect())
}

async fn texts(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<HeldText>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select message_id, revision, created_at, title, body, demand, details, place, latitude,
                longitude, place_public
         from texts where message_id = any($1) order by message_id, revision",
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut texts: HashMap<Uuid, Vec<HeldText>> = HashMap::new();
    for row in rows {
        texts.entry(row.message_id).or_default().push(HeldText {
            revision: row.revision,
            created_at: from_db(row.created_at),
            title: row.title,
            body: row.body,
            demand: row.demand,
            details: row.details,
            place: row.place,
            latitude: row.latitude,
            longitude: row.longitude,
            place_public: row.place_public,
        });
    }
    Ok(texts)
}

async fn requests(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<jiff::Timestamp>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select message_id, created_at from requests where message_id = any($1)
         order by created_at",
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut times: HashMap<Uuid, Vec<jiff::Timestamp>> = HashMap::new();
    for row in rows {
        times.entry(row.message_id).or_default().push(from_db(row.created_at));
    }
    Ok(times)
}
