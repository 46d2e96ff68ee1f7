//! What a batch notes of the entrances of its messages: places of columns, and who entered what for
//! whom. Messages by the board's own entrances cost nothing here.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::writer::Submission;
use crate::{
    domain::draft::Entrance,
    error::Error,
    store::{
        column_messages::{self, HotlineEntry, NewColumnMessage},
        columns,
    },
};

/// The places that columns have given.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: Vec<NewColumnMessage>,
    refused: HashSet<Uuid>,
}

impl Places {
    /// Whether the day's quota of a column had too few places.
    pub(super) fn has_none_for_some(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Whether the day's quota of its column had no place for it.
    pub(super) fn has_none_for(&self, submission: &Submission) -> bool {
        self.refused.contains(&submission.message.message_id())
    }
}

/// Takes places for the new messages of columns, the older messages first. Those that find none go
/// from `new`: their requests are as if they had never come.
pub(super) async fn take_places(
    tx: &mut PgConnection,
    new: &mut Vec<&Arc<Submission>>,
    now: Timestamp,
) -> Result<Places, Error> {
    let mut by_column: HashMap<&str, Vec<&Arc<Submission>>> = HashMap::new();
    for submission in new.iter().copied() {
        if let Some(column) = submission.message.draft.entrance.column() {
            by_column.entry(&column.column_id).or_default().push(submission);
        }
    }
    let mut places = Places::default();
    if by_column.is_empty() {
        return Ok(places);
    }
    let wanted = by_column
        .iter()
        .map(|(id, submissions)| (*id, i32::try_from(submissions.len()).unwrap_or(i32::MAX)))
        .collect();
    let granted = column_messages::take_places(tx, &wanted, columns::day_of(now)).await?;
    for (column_id, submissions) in by_column {
        let granted = granted.get(column_id).ok_or(Error::Lost("a column"))?;
        let first = granted.last_change - i64::try_from(granted.messages).unwrap_or_default() + 1;
        for (change, submission) in (first..).zip(&submissions) {
            let message_id = submission.message.message_id();
            if change > granted.last_change {
                places.refused.insert(message_id);
                continue;
            }
            let column_id = column_id.to_owned();
            places.taken.push(NewColumnMessage { message_id, column_id, change });
        }
    }
    new.retain(|submission| !places.has_none_for(submission));
    Ok(places)
}

/// Notes by which columns messages came, and who entered them.
pub(super) async fn note(
    tx: &mut PgConnection,
    places: &Places,
    new: &[&Arc<Submission>],
    now: Timestamp,
) -> Result<(), Error> {
    if !places.taken.is_empty() {
        column_messages::insert_messages(tx, &places.taken, now).await?;
    }
    let entries: Vec<HotlineEntry> = new
        .iter()
        .filter_map(|submission| {
            let Entrance::Hotline { operator } = &submission.message.draft.entrance else {
                return None;
            };
            Some(HotlineEntry {
                message_id: submission.message.message_id(),
                operator: operator.clone(),
                entered_by: submission.request.caller.clone(),
            })
        })
        .collect();
    if !entries.is_empty() {
        column_messages::insert_entries(tx, &entries).await?;
    }
    Ok(())
}
