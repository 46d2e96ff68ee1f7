//! Looks of officials at texts that intake alone keeps. They are only ever added.

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::CaseId;

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
