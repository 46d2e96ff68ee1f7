//! Authors: one row a phone, and one a message for those who gave none.

use sqlx::PgConnection;
use uuid::Uuid;

/// The author of messages of a batch.
#[derive(Debug, Clone)]
pub struct BatchAuthor {
    /// Its id.
    pub author_id: Uuid,
    /// Blind index of the phone; `None` where only a name was given.
    pub phone_index: Option<[u8; 32]>,
    /// Its wrapped key.
    pub wrapped_key: Vec<u8>,
    /// How many messages come with this batch.
    pub messages: i32,
    /// Whether it was there before, by [`find_authors`].
    pub known: bool,
}

/// An author who was there before.
#[derive(Debug)]
pub struct Author {
    /// Its id.
    pub author_id: Uuid,
    /// Blind index of the phone.
    pub phone_index: Vec<u8>,
    /// Its wrapped key.
    pub wrapped_key: Vec<u8>,
}

/// The authors that have these phones, in no order.
///
/// # Errors
/// The database's.
pub async fn find_authors(
    connection: &mut PgConnection,
    phones: &[[u8; 32]],
) -> Result<Vec<Author>, sqlx::Error> {
    sqlx::query_as!(
        Author,
        r#"select author_id as "author_id!", phone_index as "phone_index!", wrapped_key as "wrapped_key!"
           from authors_by_phone($1)"#,
        phones as &[[u8; 32]],
    )
    .fetch_all(connection)
    .await
}
