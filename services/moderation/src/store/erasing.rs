//! Removing what tells of the text of messages that their authors had erased.

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{expect_rows, likeness};

/// Empties reviews that are locked: hits, redactions, spans and what their authors were told; the
/// answers that were kept for repetition held that, too. What has not ended ends here as withdrawn.
/// Counts go down with what goes.
pub(crate) async fn empty(
    tx: &mut PgConnection,
    now: Timestamp,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    likeness::erase(tx, ids).await?;
    sqlx::query!("delete from hits where message_id = any($1)", ids).execute(&mut *tx).await?;
    sqlx::query!("delete from redactions where message_id = any($1)", ids)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("delete from decision_spans where message_id = any($1)", ids)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "update decisions set explanation = '', span_count = 0 where message_id = any($1)",
        ids
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update appeals set reason = '', explanation = '' where message_id = any($1)",
        ids
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update requests set response = ''
         from audit
         where audit.request_id = requests.request_id and audit.actor = requests.caller
           and audit.message_id = any($1)",
        ids
    )
    .execute(&mut *tx)
    .await?;
    let emptied = sqlx::query!(
        "update reviews
         set erased_at = coalesce(erased_at, $2), change = change + 1, explanation = '',
             hit_count = 0, redaction_count = 0, claimed_by = null, claim_expires_at = null,
             account_id = ''
         where message_id = any($1)",
        ids,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_rows(&emptied, ids.len())
}
