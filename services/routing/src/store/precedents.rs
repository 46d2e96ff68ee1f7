//! What superiors decided about who handles a kind of message.

use jiff::Timestamp;
use liuyan_kit::{clock::to_db, db};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::case::Case;

/// Makes the office that has a case now that of the next messages which are written to the same
/// office, of the same kind, domain and topic. The case has a domain.
pub async fn set(
    tx: &mut PgConnection,
    precedent_id: Uuid,
    case: &Case,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update precedents p set superseded_at = $2 from openings o
         where o.message_id = $1 and p.office_id = o.office_id and p.kind = o.kind
           and p.domain = o.domain and p.topic = o.topic and p.superseded_at is null",
        case.message_id.uuid(),
        to_db(at),
    )
    .execute(&mut *tx)
    .await?;
    let set = sqlx::query!(
        "insert into precedents (precedent_id, office_id, kind, domain, topic, to_office_id, case_id,
                                 decided_at)
         select $1, office_id, kind, domain, topic, $3, $4, $5 from openings where message_id = $2",
        precedent_id,
        case.message_id.uuid(),
        case.office_id,
        case.case_id.uuid(),
        to_db(at),
    )
    .execute(tx)
    .await?;
    db::expect_one(&set)
}
