//! The one transaction in which messages become durable: requests, authors, messages with their
//! texts and receipts, and the events that say so.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
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
    domain::{column::until_tomorrow, log::Entry, message::NewMessage},
    error::{Error, Limit},
    store::{
        attachments,
        authors::{self, NewAuthor},
        messages::{self, Row},
        requests,
    },
};

/// Stores the submissions whose requests are new; tells of the others what they stored before.
/// No two of `batch` have the same request.
///
/// # Errors
/// What fails the batch as a whole.
pub(super) async fn store(
    tx: &mut PgConnection,
    vault: &Vault,
    batch: &[Arc<Submission>],
    now: Timestamp,
) -> Result<Vec<Result<Written, Error>>, Error> {
    let incoming: Vec<_> = batch.iter().map(|submission| &submission.request).collect();
    let fresh: HashSet<(String, Uuid)> =
        requests::insert_requests(tx, &incoming).await?.into_iter().collect();
    let is_fresh = |submission: &Submission| {
        let request = &submission.request;
        fresh.contains(&(request.caller.clone(), request.request_id))
    };
    let known = known(tx, batch.iter().filter(|submission| !is_fresh(submission))).await?;

    let mut new: Vec<&Arc<Submission>> =
        batch.iter().filter(|submission| is_fresh(submission)).collect();
    new.sort_by_key(|submission| submission.message.message_id());
    let places = entrances::take_places(tx, &mut new, now).await?;
    let rows = with_authors(tx, vault, &new, now).await?;
    if !rows.is_empty() {
        messages::insert_messages(tx, &rows).await?;
        if !attachments::bind(tx, &rows).await? {
            return Err(Error::FilesTaken);
        }
        log_receipts(tx, &new, now).await?;
        let said: Vec<_> = rows
            .iter()
            .zip(&new)
            .map(|(row, submission)| says::submitted(row, submission.traceparent.clone()))
            .collect();
        outbox::publish_all(tx, now, &said).await?;
        entrances::note(tx, &places, &new, now).await?;
    }

    let outcome = |submission: &Arc<Submission>| {
        if places.has_none_for(submission) {
            return Err(Error::Limited(Limit::ColumnDay, until_tomorrow(now)));
        }
        if is_fresh(submission) {
            return Ok(Written::New);
        }
        let request = &submission.request;
        match known.get(&(request.caller.clone(), request.request_id)) {
            Some((_, body_hash)) if *body_hash != request.body_hash => Err(Error::RequestIdReused),
            Some((message_id, _)) => Ok(Written::Before(*message_id)),
            None => Err(Error::Lost("a request that was met before")),
        }
    };
    Ok(batch.iter().map(outcome).collect())
}

/// Every receipt enters the transparency log with its message.
async fn log_receipts(
    tx: &mut PgConnection,
    new: &[&Arc<Submission>],
    now: Timestamp,
) -> Result<(), Error> {
    let entry = |submission: &&Arc<Submission>| {
        let receipt = &submission.message.receipt;
        let salt = receipt.salt?;
        Some(Entry::receipt(receipt.message_id, &salt, &receipt.statement, now))
    };
    let fresh = |it: &&&Arc<Submission>| !it.message.restored;
    let entries: Vec<Entry> = new.iter().filter(fresh).filter_map(entry).collect();
    log::append(tx, &entries).await?;
    let restored: Vec<Entry> = new.iter().filter(|it| !fresh(it)).filter_map(entry).collect();
    Ok(log::append_again(tx, &restored).await?)
}

type Known = HashMap<(String, Uuid), (Uuid, Vec<u8>)>;

async fn known(
    tx: &mut PgConnection,
    met: impl Iterator<Item = &Arc<Submission>>,
) -> Result<Known, Error> {
    let keys: Vec<(String, Uuid)> = met
        .map(|submission| (submission.request.caller.clone(), submission.request.request_id))
        .collect();
    if keys.is_empty() {
        return Ok(Known::new());
    }
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
    let messages: Vec<&'m NewMessage> =
        submissions.iter().map(|submission| &submission.message).collect();
    let mut by_phone: BTreeMap<[u8; 32], (NewAuthor, DataKey)> = BTreeMap::new();
    let mut by_message: HashMap<Uuid, (NewAuthor, DataKey)> = HashMap::new();
    for message in &messages {
        let Some(contact) = &message.draft.contact else { continue };
        let phone_index = vault.phone_index(contact);
        if let Some((author, _)) = phone_index.and_then(|index| by_phone.get_mut(&index)) {
            author.messages += 1;
            continue;
        }
        let author_id = id::v7(now);
        let (key, wrapped_key) = vault.new_key(author_id);
        let author = NewAuthor { author_id, phone_index, wrapped_key, messages: 1 };
        match phone_index {
            Some(index) => by_phone.insert(index, (author, key)),
            None => by_message.insert(message.message_id(), (author, key)),
        };
    }
    let wanted: Vec<NewAuthor> =
        by_phone.values().chain(by_message.values()).map(|(author, _)| author.clone()).collect();
    let mut found: HashMap<[u8; 32], (Uuid, DataKey)> = HashMap::new();
    if !wanted.is_empty() {
        for author in authors::upsert_authors(tx, &wanted, now).await? {
            let Some(index) = author.phone_index.and_then(|index| index.try_into().ok()) else {
                continue;
            };
            // One that was there before has its own id and key.
            let key = match by_phone.remove(&index) {
                Some((mine, key)) if mine.author_id == author.author_id => key,
                _ => vault.open_key(author.author_id, &author.wrapped_key)?,
            };
            found.insert(index, (author.author_id, key));
        }
    }
    let mut rows = Vec::with_capacity(messages.len());
    for message in messages {
        let author = match &message.draft.contact {
            None => None,
            Some(contact) => {
                let (author_id, key) = match vault.phone_index(contact) {
                    Some(index) => found.get(&index).map(|(id, key)| (*id, key)),
                    None => by_message.get(&message.message_id()).map(|(a, k)| (a.author_id, k)),
                }
                .ok_or(Error::Lost("an author that was just stored"))?;
                Some((author_id, vault.seal_contact(key, message.message_id(), contact)?))
            }
        };
        rows.push(Row { message, author });
    }
    Ok(rows)
}
