//! Events by their ids, for whoever heard of one elsewhere.

use bytes::Bytes;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{Head, filter::Audience},
    error::Error,
    store,
};

/// What is known of some ids. An id that is in neither list is not in the log yet, or not for the reader.
#[derive(Debug)]
pub struct Found {
    /// The events that are in the log, encoded, in the order of their positions.
    pub events: Vec<(i64, Bytes)>,
    /// The ids of those that never will be, or are kept no longer.
    pub withheld: Vec<Uuid>,
    /// The end of the log at that time.
    pub head: Head,
}

impl App {
    /// Looks events up by their ids.
    ///
    /// # Errors
    /// If the database or the objects fail.
    pub async fn by_id(&self, event_ids: &[Uuid], audience: &Audience) -> Result<Found, Error> {
        let (head, places, mut withheld, mut facts) = {
            let mut connection = self.db.read().await?;
            // What is withheld first: an event that is placed meanwhile is then in the log.
            let withheld = store::by_id::withheld(&mut connection, event_ids).await?;
            let places = store::by_id::positions(&mut connection, event_ids).await?;
            let positions: Vec<i64> = places.iter().map(|(position, _)| *position).collect();
            let facts = store::log::facts_at(&mut connection, &positions).await?;
            // Read last, so that no place is ahead of it.
            let head = store::head::read(&mut connection).await?.ok_or(Error::HeadMissing)?;
            (head, places, withheld, facts)
        };
        facts.retain(|facts| audience.sees(facts));
        let seen: Vec<i64> = facts.iter().map(|facts| facts.position).collect();
        let mut payloads = self.shelf.payloads(&seen).await?;
        let mut events = Vec::with_capacity(seen.len());
        for (position, event_id) in places {
            if !seen.contains(&position) {
                continue;
            }
            match payloads.remove(&position) {
                Some(payload) => events.push((position, payload)),
                None => withheld.push(event_id),
            }
        }
        Ok(Found { events, withheld, head })
    }
}
