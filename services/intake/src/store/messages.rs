//! Messages, their texts, remarks and receipts.

use jiff::Timestamp;
use liuyan_kit::{
    clock, db,
    messaging::{
        Outgoing,
        outbox::{First, Headers},
    },
};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{authors::BatchAuthor, requests::NewRequest};
use crate::domain::{
    draft::Words,
    log::Hash,
    message::{NewMessage, Receipt, Text},
    state::Standing,
};

/// A message that is ready, and its author as far as that is known.
#[derive(Debug)]
pub struct Row<'a> {
    /// The message.
    pub message: &'a NewMessage,
    /// The author, and name and phone sealed by the author's key.
    pub author: Option<(Uuid, Vec<u8>)>,
    /// The request that brings it.
    pub request: &'a NewRequest,
}

/// The constraint that a batch meets in which something was taken to be new that was there before.
pub const BATCH_IS_NEW: &str = "batch_is_new";

/// Messages that are stored together.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The messages, in the order of their ids.
    pub rows: &'a [Row<'a>],
    /// Their authors: each phone once.
    pub authors: &'a [BatchAuthor],
    /// The first event of each message, unless it is restored.
    pub said: &'a [Outgoing],
}

/// Stores messages with their requests, authors, texts, remarks, receipts and events, and lets receipts wait
/// for their places in the log, unless their messages are restored: all or nothing, in one statement. Of two
/// batches with the same request or a new author with the same phone, the later one waits here for the earlier one to
/// end.
///
/// # Errors
/// The database's; [`BATCH_IS_NEW`] if a request was met before, or an author is another one than was thought;
/// `messages_number_key` if a number is taken.
pub async fn insert_messages(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    fn all<'a, R, T>(rows: &'a [R], column: impl Fn(&'a R) -> T) -> Vec<T> {
        rows.iter().map(column).collect()
    }
    let Batch { rows, authors, said } = *batch;
    let text = |column: fn(&NewMessage) -> &str| all(rows, |row| column(row.message));
    let bytes = |column: fn(&NewMessage) -> &[u8]| all(rows, |row| column(row.message));
    let mut requests: Vec<&NewRequest> = rows.iter().map(|row| row.request).collect();
    requests.sort_unstable_by_key(|request| request.key());
    let (logged, leaves): (Vec<Uuid>, Vec<Hash>) = rows
        .iter()
        .filter(|row| !row.message.restored)
        .filter_map(|row| Some((row.message.message_id(), row.message.receipt.leaf_hash()?)))
        .unzip();
    let (remarked, remarks): (Vec<Uuid>, Vec<&str>) = rows
        .iter()
        .map(|row| (row.message.message_id(), row.message.draft.remark.as_str()))
        .filter(|(_, remark)| !remark.is_empty())
        .unzip();
    let First { event_ids, subject_ids, kinds, payloads, headers } = First::of(said, now);
    sqlx::query_file!(
        "src/queries/insert_messages.sql",
        &all(rows, |row| row.message.message_id()),
        &all(rows, |row| row.message.number.to_string()),
        &text(|m| &m.draft.office_id) as &[&str],
        &text(|m| &m.draft.kind) as &[&str],
        &text(|m| &m.draft.domain) as &[&str],
        &text(|m| &m.draft.topic) as &[&str],
        &text(|m| m.draft.visibility.word()) as &[&str],
        &text(|m| m.draft.channel.word()) as &[&str],
        &text(|m| &m.draft.locale) as &[&str],
        &all(rows, |row| clock::to_db(row.message.receipt.submitted_at)),
        &all(rows, |row| row.message.draft.occurred_at.map(clock::to_db))
            as &[Option<OffsetDateTime>],
        &all(rows, |row| row.author.as_ref().map(|(id, _)| *id)) as &[Option<Uuid>],
        &all(rows, |row| row.author.as_ref().map(|(_, sealed)| sealed.as_slice()))
            as &[Option<&[u8]>],
        &text(|m| &m.access_key_id) as &[&str],
        &bytes(|m| &m.access_hash) as &[&[u8]],
        &all(rows, |row| !row.message.draft.remark.is_empty()),
        &text(|m| &m.draft.words.title) as &[&str],
        &text(|m| &m.draft.words.body) as &[&str],
        &text(|m| &m.draft.words.demand) as &[&str],
        &text(|m| &m.draft.words.details) as &[&str],
        &text(|m| &m.draft.place.text) as &[&str],
        &all(rows, |row| row.message.draft.place.public),
        &all(rows, |row| row.message.draft.place.location.map(|(latitude, _)| latitude))
            as &[Option<f64>],
        &all(rows, |row| row.message.draft.place.location.map(|(_, longitude)| longitude))
            as &[Option<f64>],
        &bytes(|m| &m.receipt.content_hash) as &[&[u8]],
        &all(rows, |row| row.message.receipt.salt) as &[Option<[u8; 32]>],
        &bytes(|m| &m.receipt.statement) as &[&[u8]],
        &text(|m| &m.receipt.key_id) as &[&str],
        &bytes(|m| &m.receipt.signature) as &[&[u8]],
        &all(rows, |row| row.message.account_id) as &[Option<Uuid>],
        &all(rows, |row| row.message.draft.consultation_id) as &[Option<Uuid>],
        &all(&requests, |it| it.caller.as_str()) as &[&str],
        &all(&requests, |it| it.request_id),
        &all(&requests, |it| it.body_hash) as &[[u8; 32]],
        &all(&requests, |it| it.message_id),
        &all(&requests, |it| clock::to_db(it.created_at)),
        &logged,
        &leaves as &[Hash],
        clock::to_db(now),
        &remarked,
        &remarks as &[&str],
        &all(authors, |it| it.author_id),
        &all(authors, |it| it.phone_index) as &[Option<[u8; 32]>],
        &all(authors, |it| it.wrapped_key.as_slice()) as &[&[u8]],
        &all(authors, |it| it.messages),
        &all(authors, |it| it.known),
        &event_ids,
        &subject_ids,
        &kinds as &[&str],
        &payloads as &[&[u8]],
        &headers as &[Json<Headers<'_>>],
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Texts of messages without their files, each in the revision asked, where 0 is the one that counts, in
/// the order asked; not those of erased messages.
///
/// # Errors
/// The database's.
pub async fn texts(
    connection: &mut PgConnection,
    asked: &[(Uuid, u32)],
) -> Result<Vec<Text>, sqlx::Error> {
    let (ids, revisions): (Vec<Uuid>, Vec<i32>) = asked
        .iter()
        .map(|(id, revision)| (*id, i32::try_from(*revision).unwrap_or(i32::MAX)))
        .unzip();
    let rows = sqlx::query!(
        "select texts.message_id, texts.revision, title, body, demand, details, place, place_public
         from unnest($1::uuid[], $2::int[]) with ordinality as asked (message_id, revision, at)
         join messages on messages.message_id = asked.message_id
         join texts on texts.message_id = messages.message_id
                   and texts.revision = coalesce(nullif(asked.revision, 0), messages.revision)
         where erased_at is null
         order by asked.at",
        &ids,
        &revisions,
    )
    .fetch_all(connection)
    .await?;
    let text = rows.into_iter().map(|row| Text {
        message_id: row.message_id,
        revision: row.revision.unsigned_abs(),
        words: Words { title: row.title, body: row.body, demand: row.demand, details: row.details },
        place: row.place,
        place_public: row.place_public,
        attachments: Vec::new(),
    });
    Ok(text.collect())
}

pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// The receipt of a message, as it was given.
///
/// # Errors
/// The database's.
pub async fn receipt(
    connection: &mut PgConnection,
    message_id: Uuid,
) -> Result<Option<Receipt>, sqlx::Error> {
    let row = sqlx::query!(
        "select number, office_id, submitted_at, occurred_at, content_hash, salt, statement, key_id,
                signature
         from messages join receipts using (message_id)
         where message_id = $1",
        message_id
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Receipt {
        message_id,
        number: row.number,
        office_id: row.office_id,
        submitted_at: clock::from_db(row.submitted_at),
        occurred_at: row.occurred_at.map(clock::from_db),
        content_hash: row.content_hash.as_slice().try_into().map_err(decode)?,
        salt: row.salt.map(|salt| salt.as_slice().try_into()).transpose().map_err(decode)?,
        statement: row.statement,
        key_id: row.key_id,
        signature: row.signature.as_slice().try_into().map_err(decode)?,
    }))
}

/// What opens a message.
#[derive(Debug)]
pub struct Access {
    /// The message.
    pub message_id: Uuid,
    /// Names the key of the hash.
    pub key_id: String,
    /// The keyed hash of the access code.
    pub hash: Vec<u8>,
    /// Whether the message came back from its receipt.
    pub restored: bool,
}

/// What opens the message with this number.
///
/// # Errors
/// The database's.
pub async fn access_by_number(
    connection: &mut PgConnection,
    number: &str,
) -> Result<Option<Access>, sqlx::Error> {
    sqlx::query_as!(
        Access,
        "select message_id, access_key_id as key_id, access_hash as hash, restored
         from messages where number = $1",
        number
    )
    .fetch_optional(connection)
    .await
}

/// Notes that messages came back from their receipts.
///
/// # Errors
/// The database's.
pub async fn mark_restored(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!("update messages set restored = true where message_id = any($1)", ids)
        .execute(tx)
        .await?;
    Ok(())
}

/// The key of a message's access code.
///
/// # Errors
/// The database's.
pub async fn access_key_id(
    connection: &mut PgConnection,
    message_id: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select access_key_id from messages where message_id = $1", message_id)
        .fetch_optional(connection)
        .await
}

/// Locks a message and tells where it stands, what kind it is and which revision its text has.
///
/// # Errors
/// The database's.
pub async fn lock_message(
    tx: &mut PgConnection,
    message_id: Uuid,
) -> Result<Option<(Standing, String, i32)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select state, kind, revision,
                  withdrawal_requested_at is not null as "requested!",
                  withdrawal_refused_at is not null as "refused!"
           from messages where message_id = $1 for update"#,
        message_id
    )
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let standing = Standing {
        state: row.state.parse().map_err(decode)?,
        withdrawal_requested: row.requested,
        withdrawal_refused: row.refused,
    };
    Ok(Some((standing, row.kind, row.revision)))
}

/// Counts one more request of a message that is locked. Once the earlier ones have been pruned,
/// counting begins anew.
///
/// # Errors
/// The database's.
pub async fn count_request(
    tx: &mut PgConnection,
    message_id: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let counted = sqlx::query!(
        "update messages
         set requests = case when occurred_at is null and last_request_at < pruned_before
                             then 1 else requests + 1 end,
             last_request_at = greatest(last_request_at, $2)
         from pruning
         where message_id = $1",
        message_id,
        clock::to_db(now),
    )
    .execute(tx)
    .await?;
    db::expect_one(&counted)
}

/// Notes that the author wishes to withdraw.
///
/// # Errors
/// The database's.
pub async fn request_withdrawal(
    tx: &mut PgConnection,
    message_id: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let noted = sqlx::query!(
        "update messages set withdrawal_requested_at = $2
         where message_id = $1 and withdrawal_requested_at is null",
        message_id,
        clock::to_db(now),
    )
    .execute(tx)
    .await?;
    db::expect_one(&noted)
}

/// Puts a returned message back in review with the next revision of its text, which has salt and leaf of its
/// entry in the log. The place stays.
///
/// # Errors
/// The database's.
pub async fn insert_revision(
    tx: &mut PgConnection,
    message_id: Uuid,
    revision: i32,
    words: &Words,
    (salt, leaf_hash): ([u8; 32], [u8; 32]),
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let kept = sqlx::query!(
        "insert into texts (message_id, revision, title, body, demand, details, place, place_public,
                            latitude, longitude, created_at, salt, leaf_hash)
         select message_id, $2, $3, $4, $5, $6, place, place_public, latitude, longitude, $7, $8, $9
         from texts where message_id = $1 and revision = $2 - 1",
        message_id,
        revision,
        words.title,
        words.body,
        words.demand,
        words.details,
        clock::to_db(now),
        salt.as_slice(),
        leaf_hash.as_slice(),
    )
    .execute(&mut *tx)
    .await?;
    db::expect_one(&kept)?;
    let moved = sqlx::query!(
        "update messages set revision = $2, state = 'in_review', ground = ''
         where message_id = $1 and revision = $2 - 1 and state = 'returned'",
        message_id,
        revision,
    )
    .execute(tx)
    .await?;
    db::expect_one(&moved)
}
