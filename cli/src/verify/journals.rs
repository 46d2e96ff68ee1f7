//! What clients hold proof of.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Databases, Finding, rows};
use crate::{board::Board, error::Error, import};

/// Every acknowledgement in the journals of imports is a stored message with the same number and
/// the same text.
pub(super) async fn acknowledged_is_stored(
    board: &Board,
    databases: &Databases,
) -> Result<Finding, Error> {
    let mut finding = Finding::new("what was acknowledged is stored", "journals, intake");
    let journal = import::entries(&board.data_dir)?;
    if journal.is_empty() {
        return Ok(finding);
    }
    let stored: Vec<(Uuid, String, String)> = rows(
        databases.of("intake")?,
        "select message_id, number, encode(content_hash, 'hex') from messages
         join receipts using (message_id)",
    )
    .await?;
    let stored: HashMap<Uuid, (String, String)> =
        stored.into_iter().map(|(id, number, hash)| (id, (number, hash))).collect();
    let replies: Vec<(Uuid, Uuid)> = rows(
        databases.of("routing")?,
        "select reply_id, message_id from replies join cases using (case_id)",
    )
    .await?;
    let replies: HashMap<Uuid, Uuid> = replies.into_iter().collect();
    let mut messages: HashMap<Uuid, Uuid> = HashMap::new();
    for entry in journal {
        finding.checked += 1;
        match stored.get(&entry.message_id) {
            None => {
                finding.breach(format!("message {} was acknowledged and is gone", entry.number))
            }
            Some((number, hash))
                if plain(number) != plain(&entry.number) || *hash != entry.content_hash =>
            {
                finding.breach(format!("message {} is not what was acknowledged", entry.number));
            }
            Some(_) => {}
        }
        if let Some(first) = messages.insert(entry.message_id, entry.request_id) {
            finding.breach(format!("requests {first} and {} are one message", entry.request_id));
        }
        if let Some(reply) = entry.reply_id
            && replies.get(&reply) != Some(&entry.message_id)
        {
            finding.breach(format!("reply {reply} was acknowledged and is gone"));
        }
    }
    Ok(finding)
}

/// A number without the hyphens that are for people.
fn plain(number: &str) -> String {
    number.chars().filter(|letter| *letter != '-').collect()
}
