//! Files that are known by their hashes alone: their message came back from its receipt, and their
//! bytes did not.

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{attachments, messages::decode};
use crate::domain::file::File;

/// Who has uploaded a file that nobody has.
const NOBODY: &str = "lost";

/// Adds the files whose bytes are gone, each with its message, its place there, and when the message
/// was submitted. Who counts files counts them, too.
///
/// # Errors
/// The database's.
pub(super) async fn insert(
    tx: &mut PgConnection,
    files: &[(Uuid, i16, &File, Timestamp)],
) -> Result<(), sqlx::Error> {
    for (message_id, position, file, at) in files {
        let Some(lost) = file.lost else { continue };
        let size = i64::try_from(lost.size).map_err(decode)?.max(1);
        sqlx::query!(
            "insert into attachments (attachment_id, owner, request_id, media_type, size, sha256,
                                      width, height, received, received_sha256, uploaded_at,
                                      message_id, position, public, lost)
             values ($1, $2, $1, $3, $4, $5, 0, 0, $4, $5, $6, $7, $8, $9, true)",
            file.attachment_id,
            NOBODY,
            lost.media_type.word(),
            size,
            file.sha256.as_slice(),
            clock::to_db(*at),
            message_id,
            position,
            file.public,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Puts files that were uploaded again in the places of those of a message that are lost and had the
/// same bytes. Gives how many came back.
///
/// # Errors
/// The database's.
pub async fn bring_back(
    tx: &mut PgConnection,
    message_id: Uuid,
    owner: &str,
    uploaded: &[Uuid],
) -> Result<u64, sqlx::Error> {
    // Two lost files may have had the same bytes: each upload is the return of one.
    let pairs = sqlx::query!(
        r#"select gone.attachment_id as gone, fresh.attachment_id as fresh, gone.position, gone.public
           from (select *, row_number() over (partition by sha256 order by position) as nth
                 from attachments where message_id = $1 and lost) as gone
           join (select *, row_number() over (partition by sha256 order by attachment_id) as nth
                 from attachments
                 where attachment_id = any($2) and owner = $3 and message_id is null) as fresh
               using (sha256, nth)"#,
        message_id,
        uploaded,
        owner,
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut back = 0;
    for pair in pairs {
        let gone =
            sqlx::query!("delete from attachments where attachment_id = $1 and lost", pair.gone)
                .execute(&mut *tx)
                .await?;
        if gone.rows_affected() == 0 {
            // Somebody else has brought it back at the same time.
            continue;
        }
        attachments::count(tx, -1).await?;
        let bound = sqlx::query!(
            "update attachments set message_id = $2, position = $3, public = $4
             where attachment_id = $1 and message_id is null",
            pair.fresh,
            message_id,
            pair.position,
            pair.public,
        )
        .execute(&mut *tx)
        .await?;
        if bound.rows_affected() != 1 {
            return Err(sqlx::Error::RowNotFound);
        }
        back += 1;
    }
    Ok(back)
}
