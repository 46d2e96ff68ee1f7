//! Contacts that are no longer needed.

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use uuid::Uuid;

/// Up to `limit` messages that ended before `before` and still have a contact, the oldest first.
///
/// # Errors
/// The database's.
pub async fn due(
    connection: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select message_id from messages
         where ended_at < $1 and contact is not null
         order by ended_at, message_id limit $2",
        clock::to_db(before),
        limit,
    )
    .fetch_all(connection)
    .await
}
