//! What makes messages durable: requests, authors, messages with their texts and receipts, and the events that
//! say so become durable together, by one statement.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use liuyan_kit::{id, messaging::outbox, seal::DataKey};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    entrances, log, says,
    vault::Vault,
    writer::{Submission, Written},
};
use crate::{
    domain::{column::until_tomorrow, draft::Entrance, log::Entry},
    error::{Error, Limit},
    store::{
        attachments,
        authors::{self, Author, BatchAuthor},
        messages::{self, Batch, Row},
        requests,
    },
};

/// Whether a batch is stored by one statement that changes anything: nothing of it takes places of a column, is
/// entered by a hotline, names files, or comes back after a loss.
pub(super) fn is_plain(batch: &[Arc<Submission>]) -> bool {
    batch.iter().all(|submission| {
        let message = &submission.message;
        let by_board = matches!(message.draft.entrance, Entrance::Board);
        by_board && message.draft.files.list.is_empty() && !message.restored
    })
}

/// Stores submissions. No two of `batch` have the same request. Mostly none was met before, and only
/// `wary` ones are looked for: those that were met tell what they stored then.
///
/// # Errors
/// What fails the batch as a whole; [`Error::RequestMet`] if a request was met before, or comes by another
/// batch at this moment: it is to be tried again, warily.
pub(super) async fn store(
    connection: &mut PgConnection,
    vault: &Vault,
    batch: &[Arc<Submission>],
    wary: bool,
    now: Timestamp,
) -> Result<Vec<Result<Written, Error>>, Error> {
    let met = if wary { met_before(connection, batch).await? } else { Met::new() };
    let mut new: Vec<&Arc<Submission>> =
        batch.iter().filter(|submission| !met.contains_key(&key(submission))).collect();
    new.sort_by_key(|submission| submission.message.message_id());
    let places = entrances::take_places(connection, &mut new, now).await?;
    if !wary && places.has_none_for_some() {
        // Those that were met before need none.
        return Err(Error::RequestMet);
    }
    let (rows, authors) = with_authors(connection, vault, &new, now).await?;
    if !rows.is_empty() {
        let (mut said, mut said_again) = (Vec::with_capacity(rows.len()), Vec::new());
        for (row, submission) in rows.iter().zip(&new) {
            // A message that came back may have been spoken of before it was lost.
            let to = if row.message.restored { &mut said_again } else { &mut said };
            to.push(says::submitted(row, submission.traceparent.clone()));
        }
        let stored = Batch { rows: &rows, authors: &authors, said: &said };
        messages::insert_messages(connection, &stored, now).await.map_err(met_something)?;
        if !attachments::bind(connection, &rows).await? {
            return Err(Error::FilesTaken);
        }
        restored(connection, &new, now).await?;
        outbox::publish_all(connection, now, &said_again).await?;
        entrances::note(connection, &places, &new, now).await?;
    }

    let outcome = |submission: &Arc<Submission>| {
        if places.has_none_for(submission) {
            return Err(Error::Limited(Limit::ColumnDay, until_tomorrow(now)));
        }
        match met.get(&key(submission)) {
            None => Ok(Written::New),
            Some((_, body_hash)) if *body_hash != submission.request.body_hash => {
                Err(Error::RequestIdReused)
            }
            Some((message_id, _)) => Ok(Written::Before(*message_id)),
        }
    };
    Ok(batch.iter().map(outcome).collect())
}

fn met_something(error: sqlx::Error) -> Error {
    let error = Error::from(error);
    if error.is_of(messages::BATCH_IS_NEW) { Error::RequestMet } else { error }
}

/// Messages that came back are marked, and their receipts enter the transparency log if it lost them.
async fn restored(
    tx: &mut PgConnection,
    new: &[&Arc<Submission>],
    now: Timestamp,
) -> Result<(), Error> {
    let entry = |submission: &&Arc<Submission>| {
        let receipt = &submission.message.receipt;
        let salt = receipt.salt?;
        Some(Entry::receipt(receipt.message_id, &salt, &receipt.statement, now))
    };
    let restored: Vec<&&Arc<Submission>> = new.iter().filter(|it| it.message.restored).collect();
    if restored.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = restored.iter().map(|it| it.message.message_id()).collect();
    messages::mark_restored(tx, &ids).await?;
    let entries: Vec<Entry> = restored.into_iter().filter_map(entry).collect();
    Ok(log::append_again(tx, &entries).await?)
}

/// What makes the request of a submission one.
type Key = (String, Uuid);
/// The messages of requests that were met before, and the hashes of their bodies.
type Met = HashMap<Key, (Uuid, Vec<u8>)>;

fn key(submission: &Submission) -> Key {
    let (caller, request_id) = submission.request.key();
    (caller.to_owned(), request_id)
}

async fn met_before(tx: &mut PgConnection, batch: &[Arc<Submission>]) -> Result<Met, Error> {
    let keys: Vec<Key> = batch.iter().map(|submission| key(submission)).collect();
    let requests = requests::find_requests(tx, &keys).await?;
    Ok(requests
        .into_iter()
        .map(|row| ((row.caller, row.request_id), (row.message_id, row.body_hash)))
        .collect())
}

/// Finds or makes the authors, and seals with each message what its author gave. Keeps the order.
async fn with_authors<'m>(
    connection: &mut PgConnection,
    vault: &Vault,
    submissions: &[&'m Arc<Submission>],
    now: Timestamp,
) -> Result<(Vec<Row<'m>>, Vec<BatchAuthor>), Error> {
    let phones: Vec<Option<[u8; 32]>> = submissions
        .iter()
        .map(|it| it.message.draft.contact.as_ref().and_then(|contact| vault.phone_index(contact)))
        .collect();
    let mut wanted: Vec<[u8; 32]> = phones.iter().flatten().copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let before = match wanted.is_empty() {
        true => Vec::new(),
        false => authors::find_authors(connection, &wanted).await?,
    };
    let mut authors: Vec<BatchAuthor> = Vec::with_capacity(submissions.len());
    let mut keys: Vec<DataKey> = Vec::with_capacity(submissions.len());
    let mut by_phone: HashMap<[u8; 32], usize> = HashMap::with_capacity(wanted.len());
    for Author { author_id, phone_index, wrapped_key } in before {
        let Ok(index) = <[u8; 32]>::try_from(phone_index) else { continue };
        by_phone.insert(index, authors.len());
        keys.push(vault.open_key(author_id, &wrapped_key)?);
        let phone_index = Some(index);
        authors.push(BatchAuthor { author_id, phone_index, wrapped_key, messages: 0, known: true });
    }
    let mut rows = Vec::with_capacity(submissions.len());
    for (submission, phone_index) in submissions.iter().zip(phones) {
        let message = &submission.message;
        let author = match &message.draft.contact {
            None => None,
            Some(contact) => {
                let known = phone_index.and_then(|index| by_phone.get(&index).copied());
                let at = known.unwrap_or_else(|| {
                    let author_id = id::v7(now);
                    let (key, wrapped_key) = vault.new_key(author_id);
                    let (messages, known) = (0, false);
                    keys.push(key);
                    authors.push(BatchAuthor {
                        author_id,
                        phone_index,
                        wrapped_key,
                        messages,
                        known,
                    });
                    authors.len() - 1
                });
                if let Some(index) = phone_index {
                    by_phone.insert(index, at);
                }
                authors[at].messages += 1;
                let sealed = vault.seal_contact(&keys[at], message.message_id(), contact)?;
                Some((authors[at].author_id, sealed))
            }
        };
        rows.push(Row { message, author, request: &submission.request });
    }
    Ok((rows, authors))
}
