//! Authors: one row a phone, and one a message for those who gave none.

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use uuid::Uuid;

/// An author who may be there already.
#[derive(Debug, Clone)]
pub struct NewAuthor {
    /// Its id, if it is new.
    pub author_id: Uuid,
    /// Blind index of the phone; `None` where only a name was given.
    pub phone_index: Option<[u8; 32]>,
    /// Its wrapped key, if it is new.
    pub wrapped_key: Vec<u8>,
    /// How many messages come with this batch.
    pub messages: i32,
}

/// An author who was there before.
#[derive(Debug)]
pub struct Author {
    /// Its id.
    pub author_id: Uuid,
    /// Blind index of the phone.
    pub phone_index: Option<Vec<u8>>,
    /// Its wrapped key.
    pub wrapped_key: Vec<u8>,
}

/// Stores those that are new and counts the messages of all; gives those that were there before. Rows are
/// taken in the order of the index, so that two batches never wait for each other in a circle. No two of
/// `authors` may have the same index.
///
/// # Errors
/// The database's.
pub async fn upsert_authors(
    tx: &mut PgConnection,
    authors: &[&NewAuthor],
    now: Timestamp,
) -> Result<Vec<Author>, sqlx::Error> {
    let ids: Vec<Uuid> = authors.iter().map(|author| author.author_id).collect();
    let indices: Vec<Option<[u8; 32]>> = authors.iter().map(|author| author.phone_index).collect();
    let keys: Vec<&[u8]> = authors.iter().map(|author| author.wrapped_key.as_slice()).collect();
    let counts: Vec<i32> = authors.iter().map(|author| author.messages).collect();
    sqlx::query_as!(
        Author,
        "with stored as (
             insert into authors (author_id, phone_index, wrapped_key, messages, created_at)
             select author_id, phone_index, wrapped_key, messages, $5
             from unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::int[])
                 as fresh (author_id, phone_index, wrapped_key, messages)
             order by phone_index
             on conflict on constraint authors_phone_index_key do update
             set messages = authors.messages + excluded.messages
             returning author_id, phone_index, wrapped_key
         )
         select author_id, phone_index, wrapped_key from stored where author_id <> all($1)",
        &ids,
        &indices as &[Option<[u8; 32]>],
        &keys as &[&[u8]],
        &counts,
        clock::to_db(now),
    )
    .fetch_all(tx)
    .await
}
