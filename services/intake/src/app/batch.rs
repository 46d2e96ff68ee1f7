//! The one transaction in which messages become durable: requests, authors, messages with their
//! texts and receipts, and the events that say so.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

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
    domain::{column::until_tomorrow, log::Entry},
    error::{Error, Limit},
    store::{
        attachments,
        authors::{self, NewAuthor},
        messages::{self, Row},
        requests,
    },
};

/// Stores submissions. No two of `batch` have the same request. Mostly none was met before, and only
/// `wary` ones are looked for: those that were met tell what they stored then.
///
/// # Errors
/// What fails the batch as a whole; [`Error::RequestMet`] if a request was met before, or comes by another
/// batch at this moment: it is to be tried again, warily.
pub(super) async fn store(
    tx: &mut PgConnection,
    vault: &Vault,
    batch: &[Arc<Submission>],
    wary: bool,
    now: Timestamp,
) -> Result<Vec<Result<Written, Error>>, Error> {
    let met = if wary { met_before(tx, batch).await? } else { Met::new() };
    let mut new: Vec<&Arc<Submission>> =
        batch.iter().filter(|submission| !met.contains_key(&key(submission))).collect();
    new.sort_by_key(|submission| submission.message.message_id());
    let places = entrances::take_places(tx, &mut new, now).await?;
    if !wary && places.has_none_for_some() {
        // Those that were met before need none.
        return Err(Error::RequestMet);
    }
    let rows = with_authors(tx, vault, &new, now).await?;
    if !rows.is_empty() {
        if !messages::insert_messages(tx, &rows, now).await? {
            return Err(Error::RequestMet);
        }
        if !attachments::bind(tx, &rows).await? {
            return Err(Error::FilesTaken);
        }
        log_restored(tx, &new, now).await?;
        let (mut said, mut said_again) = (Vec::with_capacity(rows.len()), Vec::new());
        for (row, submission) in rows.iter().zip(&new) {
            // A message that came back may have been spoken of before it was lost.
            let to = if row.message.restored { &mut said_again } else { &mut said };
            to.push(says::submitted(row, submission.traceparent.clone()));
        }
        outbox::publish_first(tx, now, &said).await?;
        outbox::publish_all(tx, now, &said_again).await?;
        entrances::note(tx, &places, &new, now).await?;
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

/// The receipts of restored messages enter the transparency log if it lost them.
async fn log_restored(
    tx: &mut PgConnection,
    new: &[&Arc<Submission>],
    now: Timestamp,
) -> Result<(), Error> {
    let entry = |submission: &&Arc<Submission>| {
        let receipt = &submission.message.receipt;
        let salt = receipt.salt?;
        Some(Entry::receipt(receipt.message_id, &salt, &receipt.statement, now))
    };
    let restored: Vec<Entry> =
        new.iter().filter(|it| it.message.restored).filter_map(entry).collect();
    Ok(log::append_again(tx, &restored).await?)
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
    tx: &mut PgConnection,
    vault: &Vault,
    submissions: &[&'m Arc<Submission>],
    now: Timestamp,
) -> Result<Vec<Row<'m>>, Error> {
    let mut by_phone: BTreeMap<[u8; 32], (NewAuthor, DataKey)> = BTreeMap::new();
    let mut by_message: HashMap<Uuid, (NewAuthor, DataKey)> = HashMap::new();
    let mut phones = Vec::with_capacity(submissions.len());
    for submission in submissions {
        let contact = submission.message.draft.contact.as_ref();
        let phone_index = contact.and_then(|contact| vault.phone_index(contact));
        phones.push(phone_index);
        if contact.is_none() {
            continue;
        }
        if let Some((author, _)) = phone_index.and_then(|index| by_phone.get_mut(&index)) {
            author.messages += 1;
            continue;
        }
        let author_id = id::v7(now);
        let (key, wrapped_key) = vault.new_key(author_id);
        let author = NewAuthor { author_id, phone_index, wrapped_key, messages: 1 };
        match phone_index {
            Some(index) => by_phone.insert(index, (author, key)),
            None => by_message.insert(submission.message.message_id(), (author, key)),
        };
    }
    let wanted: Vec<&NewAuthor> =
        by_phone.values().chain(by_message.values()).map(|(author, _)| author).collect();
    let before = match wanted.is_empty() {
        true => Vec::new(),
        false => authors::upsert_authors(tx, &wanted, now).await?,
    };
    // One that was there before has its own id and key.
    for author in before {
        let index = author.phone_index.and_then(|index| <[u8; 32]>::try_from(index).ok());
        if let Some((mine, key)) = index.and_then(|index| by_phone.get_mut(&index)) {
            *key = vault.open_key(author.author_id, &author.wrapped_key)?;
            mine.author_id = author.author_id;
        }
    }
    let mut rows = Vec::with_capacity(submissions.len());
    for (submission, phone_index) in submissions.iter().zip(phones) {
        let message = &submission.message;
        let author = match &message.draft.contact {
            None => None,
            Some(contact) => {
                let (author, key) = match phone_index {
                    Some(index) => by_phone.get(&index),
                    None => by_message.get(&message.message_id()),
                }
                .ok_or(Error::Lost("an author that was just stored"))?;
                let sealed = vault.seal_contact(key, message.message_id(), contact)?;
                Some((author.author_id, sealed))
            }
        };
        rows.push(Row { message, author, request: &submission.request });
    }
    Ok(rows)
}
