//! The chained log of looks at what is held on authors, and of erasures.

use liuyan_kit::{clock::to_db, db::expect_one};
use sqlx::PgConnection;

use crate::domain::audit::{Entry, link};

/// Adds a row to the chain. The head is locked until the end of the transaction, so that rows have
/// one order: append as late as possible.
pub(crate) async fn append(tx: &mut PgConnection, entry: &Entry) -> Result<(), sqlx::Error> {
    let head = sqlx::query!("select sequence, hash from audit_head for update")
        .fetch_one(&mut *tx)
        .await?;
    let sequence = head.sequence + 1;
    let hash = link(&head.hash, sequence, entry);
    let result = sqlx::query!(
        "with entry as (
             insert into audit (sequence, at, actor, action, subject, request_id, detail, prev_hash, hash)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         )
         update audit_head set sequence = $1, hash = $9",
        sequence,
        to_db(entry.at),
        entry.actor,
        entry.action.as_str(),
        entry.subject,
        entry.request_id,
        entry.detail,
        head.hash,
        &hash[..],
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}
