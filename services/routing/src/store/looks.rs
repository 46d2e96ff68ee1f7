//! Looks of officials at texts that intake alone keeps. They are only ever added.

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{CaseId, MessageId};

/// A look.
#[derive(Debug, Clone)]
pub struct Look {
    /// Its id.
    pub look_id: Uuid,
    /// The case.
    pub case_id: CaseId,
    /// Who looks.
    pub caller: String,
    /// When.
    pub at: Timestamp,
}

/// Records a look; the case counts it in the same transaction.
pub async fn insert(tx: &mut PgConnection, look: &Look) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into looks (look_id, case_id, caller, looked_at) values ($1, $2, $3, $4)",
        look.look_id,
        look.case_id.uuid(),
        look.caller,
        to_db(look.at),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The revision of the text that was judged, of a message with a case.
pub async fn text_revision(
    connection: &mut PgConnection,
    message_id: MessageId,
) -> Result<u32, sqlx::Error> {
    let revision = sqlx::query_scalar!(
        "select text_revision from openings where message_id = $1",
        message_id.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(revision.unsigned_abs())
}
