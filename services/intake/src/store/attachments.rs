//! Files: who uploaded them, what they are, and which message has them.

use jiff::Timestamp;
use liuyan_kit::{clock, db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    lost_files,
    messages::{Row as MessageRow, decode},
};
use crate::domain::file::{Attachment, MediaType};

/// A file that came.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Who uploads it.
    pub owner: String,
    /// The id that they made.
    pub request_id: Uuid,
    /// The file as it is kept.
    pub attachment: Attachment,
    /// How many bytes came.
    pub received: u64,
    /// SHA-256 of what came.
    pub received_sha256: [u8; 32],
    /// When.
    pub uploaded_at: Timestamp,
}

/// What somebody has uploaded since a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Files.
    pub files: u64,
    /// Bytes, as they came or as they are kept, whichever are more.
    pub bytes: u64,
    /// When the first of them came.
    pub first_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Row {
    attachment_id: Uuid,
    media_type: String,
    size: i64,
    sha256: Vec<u8>,
    public: Option<bool>,
    width: i32,
    height: i32,
    lost: bool,
}

impl TryFrom<Row> for Attachment {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            attachment_id: row.attachment_id,
            media_type: MediaType::named(&row.media_type)
                .ok_or_else(|| sqlx::Error::Decode("a type that is not known".into()))?,
            size: row.size.unsigned_abs(),
            sha256: row.sha256.as_slice().try_into().map_err(decode)?,
            public: row.public.unwrap_or_default(),
            width: row.width.unsigned_abs(),
            height: row.height.unsigned_abs(),
            lost: row.lost,
        })
    }
}

/// Lets nobody else count or store files of this owner until the transaction ends.
///
/// # Errors
/// The database's.
pub async fn lock_owner(tx: &mut PgConnection, owner: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", owner)
        .execute(tx)
        .await?;
    Ok(())
}

/// What an owner has uploaded since then.
///
/// # Errors
/// The database's.
pub async fn usage(
    connection: &mut PgConnection,
    owner: &str,
    since: Timestamp,
) -> Result<Usage, sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*) as "files!", coalesce(sum(greatest(received, size)), 0)::bigint as "bytes!",
                  min(uploaded_at) as first_at
           from attachments where owner = $1 and uploaded_at > $2"#,
        owner,
        clock::to_db(since),
    )
    .fetch_one(connection)
    .await?;
    Ok(Usage {
        files: row.files.unsigned_abs(),
        bytes: row.bytes.unsigned_abs(),
        first_at: row.first_at.map(clock::from_db),
    })
}

/// How many bytes no message has named yet.
///
/// # Errors
/// The database's.
pub async fn unused_bytes(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let bytes = sqlx::query_scalar!(
        r#"select coalesce(sum(size), 0)::bigint as "bytes!"
           from attachments where message_id is null"#
    )
    .fetch_one(connection)
    .await?;
    Ok(bytes.unsigned_abs())
}

/// The file that a request brought before, and the hash of what came then.
///
/// # Errors
/// The database's.
pub async fn of_request(
    connection: &mut PgConnection,
    owner: &str,
    request_id: Uuid,
) -> Result<Option<(Attachment, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!(
        "select attachment_id, media_type, size, sha256, width, height, received_sha256
         from attachments where owner = $1 and request_id = $2",
        owner,
        request_id,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    // Not said at upload, and so not in the answer.
    let public = Some(false);
    let file = Row {
        attachment_id: row.attachment_id,
        media_type: row.media_type,
        size: row.size,
        sha256: row.sha256,
        public,
        width: row.width,
        height: row.height,
        lost: false,
    };
    Ok(Some((file.try_into()?, row.received_sha256)))
}

/// Stores a file whose object is there.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut PgConnection, upload: &Upload) -> Result<(), sqlx::Error> {
    let number = |value: u64| i64::try_from(value).map_err(decode);
    let pixels = |value: u32| i32::try_from(value).map_err(decode);
    let file = &upload.attachment;
    sqlx::query!(
        "insert into attachments (attachment_id, owner, request_id, media_type, size, sha256, width,
                                  height, received, received_sha256, uploaded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        file.attachment_id,
        upload.owner,
        upload.request_id,
        file.media_type.word(),
        number(file.size)?,
        file.sha256.as_slice(),
        pixels(file.width)?,
        pixels(file.height)?,
        number(upload.received)?,
        upload.received_sha256.as_slice(),
        clock::to_db(upload.uploaded_at),
    )
    .execute(&mut *tx)
    .await?;
    count(tx, 1).await
}

/// Counts rows that came or went.
pub(super) async fn count(tx: &mut PgConnection, change: i64) -> Result<(), sqlx::Error> {
    let counted =
        sqlx::query!("update attachment_count set kept = kept + $1", change).execute(tx).await?;
    db::expect_one(&counted)
}

/// Of these files, those of an owner that no message has, with their hashes.
///
/// # Errors
/// The database's.
pub async fn free(
    connection: &mut PgConnection,
    owner: &str,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, [u8; 32])>, sqlx::Error> {
    let rows = sqlx::query!(
        "select attachment_id, sha256 from attachments
         where attachment_id = any($1) and owner = $2 and message_id is null",
        ids,
        owner,
    )
    .fetch_all(connection)
    .await?;
    let file = |sha256: Vec<u8>| sha256.as_slice().try_into().map_err(decode);
    rows.into_iter().map(|row| Ok((row.attachment_id, file(row.sha256)?))).collect()
}

/// Gives messages that are being stored their files. `false` if one of these has gone meanwhile, or
/// is another message's: then the transaction must not be committed.
///
/// # Errors
/// The database's.
pub async fn bind(tx: &mut PgConnection, rows: &[MessageRow<'_>]) -> Result<bool, sqlx::Error> {
    let (mut files, mut owners, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    let (mut positions, mut public) = (Vec::<i16>::new(), Vec::new());
    let mut lost = Vec::new();
    for row in rows {
        let of = &row.message.draft.files;
        let message_id = row.message.message_id();
        for (file, position) in of.list.iter().zip(1..) {
            if file.lost.is_some() {
                lost.push((message_id, position, file, row.message.receipt.submitted_at));
                continue;
            }
            files.push(file.attachment_id);
            owners.push(of.owner.clone());
            messages.push(message_id);
            positions.push(position);
            public.push(file.public);
        }
    }
    if !lost.is_empty() {
        lost_files::insert(tx, &lost).await?;
        count(tx, i64::try_from(lost.len()).map_err(decode)?).await?;
    }
    if files.is_empty() && lost.is_empty() {
        return Ok(true);
    }
    let bound = sqlx::query!(
        "update attachments
         set message_id = fresh.message_id, position = fresh.position, public = fresh.public
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::smallint[], $5::boolean[])
             as fresh (attachment_id, owner, message_id, position, public)
         where attachments.attachment_id = fresh.attachment_id
           and attachments.owner = fresh.owner and attachments.message_id is null",
        &files,
        &owners,
        &messages,
        &positions,
        &public,
    )
    .execute(&mut *tx)
    .await?;
    if bound.rows_affected() != files.len() as u64 {
        return Ok(false);
    }
    messages.extend(lost.iter().map(|(message_id, ..)| *message_id));
    sqlx::query!(
        "update messages set attachments = found.files
         from (select message_id, count(*)::smallint as files
               from unnest($1::uuid[]) as fresh (message_id) group by message_id) found
         where messages.message_id = found.message_id",
        &messages,
    )
    .execute(tx)
    .await?;
    Ok(true)
}

/// The files of messages, in the author's order, each with its message.
///
/// # Errors
/// The database's.
pub async fn of_messages(
    connection: &mut PgConnection,
    message_ids: &[Uuid],
) -> Result<Vec<(Uuid, Attachment)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select message_id as "message_id!", attachment_id, media_type, size, sha256, public,
                  width, height, lost
           from attachments where message_id = any($1) order by message_id, position"#,
        message_ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let found = Row {
                attachment_id: row.attachment_id,
                media_type: row.media_type,
                size: row.size,
                sha256: row.sha256,
                public: row.public,
                width: row.width,
                height: row.height,
                lost: row.lost,
            };
            Ok((row.message_id, found.try_into()?))
        })
        .collect()
}

/// Whether a message is one that everybody may read, as far as it is known here.
///
/// # Errors
/// The database's.
pub async fn is_public(
    connection: &mut PgConnection,
    message_id: Uuid,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from messages where message_id = $1 and visibility = 'public'
                          and state = 'approved') as "public!""#,
        message_id
    )
    .fetch_one(connection)
    .await
}

/// Forgets up to `limit` files that came before then and that no message has; gives their ids. Their
/// objects go afterwards.
///
/// # Errors
/// The database's.
pub async fn forget_unused(
    tx: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let gone: Vec<Uuid> = sqlx::query_scalar!(
        "delete from attachments where attachment_id in (
             select attachment_id from attachments
             where message_id is null and uploaded_at < $1
             order by uploaded_at limit $2 for update skip locked)
         returning attachment_id",
        clock::to_db(before),
        limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    if !gone.is_empty() {
        count(tx, -i64::try_from(gone.len()).map_err(decode)?).await?;
    }
    Ok(gone)
}

/// Forgets the files of messages that are erased; gives their ids. Their objects go afterwards.
///
/// # Errors
/// The database's.
pub async fn forget_of_messages(
    tx: &mut PgConnection,
    message_ids: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let gone: Vec<Uuid> = sqlx::query_scalar!(
        "with counted as (
             update messages set attachments = 0
             where message_id = any($1) and attachments > 0)
         delete from attachments where message_id = any($1) returning attachment_id",
        message_ids,
    )
    .fetch_all(&mut *tx)
    .await?;
    if !gone.is_empty() {
        count(tx, -i64::try_from(gone.len()).map_err(decode)?).await?;
    }
    Ok(gone)
}

/// Of these files, those that have a row.
///
/// # Errors
/// The database's.
pub async fn known(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select attachment_id from attachments where attachment_id = any($1)", ids)
        .fetch_all(connection)
        .await
}
