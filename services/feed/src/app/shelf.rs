//! Fetching payloads from wherever they are: rows, or parts of objects. What was taken back lately is read
//! from its row first, so that no object is believed before it has been written anew.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use liuyan_kit::{
    db::Db,
    objects::{self, Objects},
};
use tokio::sync::Semaphore;

use crate::{
    domain::{
        Entry, Facts,
        stretch::{Manifest, Stretch},
    },
    error::Error,
    exported, store,
};

/// How often a stretch is looked up again whose object has gone: it was written anew meanwhile.
const LOOKS: usize = 3;
/// Parts that are fetched and unpacked at the same time, which bounds memory.
const AT_A_TIME: usize = 4;

/// The events of a part, in the order of their positions.
type Unpacked = Arc<Vec<(i64, Bytes)>>;

/// Where payloads come from. One serves all readers of the process.
#[derive(Debug)]
pub struct Shelf {
    db: Db,
    objects: Option<Objects>,
    parts: Mutex<Parts>,
    fetching: Semaphore,
}

/// Parts that were read last.
#[derive(Debug, Default)]
struct Parts {
    kept: VecDeque<(String, usize, Unpacked, usize)>,
    bytes: usize,
    most_bytes: usize,
}

impl Shelf {
    /// A shelf of rows, and of objects if there is a place for them. It keeps up to `most_bytes` of
    /// unpacked parts in memory.
    pub fn new(db: Db, objects: Option<Objects>, most_bytes: usize) -> Self {
        Self {
            db,
            objects,
            parts: Mutex::new(Parts { most_bytes, ..Parts::default() }),
            fetching: Semaphore::new(AT_A_TIME),
        }
    }

    /// The place for objects, if there is one.
    pub fn objects(&self) -> Option<&Objects> {
        self.objects.as_ref()
    }

    /// Forgets what it keeps in memory: something was taken back.
    pub fn forget(&self) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.kept.clear();
        parts.bytes = 0;
    }

    /// The encoded events at some positions; what is kept nowhere is left out.
    ///
    /// # Errors
    /// If the database or the objects fail, or an object is damaged.
    pub async fn payloads(&self, positions: &[i64]) -> Result<HashMap<i64, Bytes>, Error> {
        let mut look = 0;
        loop {
            look += 1;
            match self.look(positions).await {
                Err(Error::Objects(objects::Error::NotFound(_))) if look < LOOKS => {}
                looked => return looked,
            }
        }
    }

    async fn look(&self, positions: &[i64]) -> Result<HashMap<i64, Bytes>, Error> {
        let (mut found, stretches) = {
            let mut connection = self.db.read().await?;
            let found = store::log::payloads(&mut connection, positions).await?;
            let missing = missing(positions, &found);
            let stretches = if missing.is_empty() {
                Vec::new()
            } else {
                store::stretches::holding(&mut connection, &missing).await?
            };
            (found, stretches)
        };
        for Stretch { first, last, manifest, .. } in stretches {
            let Some(manifest) = manifest else { continue };
            let mut wanted = missing(positions, &found);
            wanted.retain(|position| (first..=last).contains(position));
            self.add_from_object(&manifest, &wanted, &mut found).await?;
        }
        Ok(found)
    }

    async fn add_from_object(
        &self,
        manifest: &Manifest,
        wanted: &[i64],
        found: &mut HashMap<i64, Bytes>,
    ) -> Result<(), Error> {
        let mut at: Option<(usize, Unpacked)> = None;
        for position in wanted {
            let Some((index, _)) = manifest.part_of(*position) else { continue };
            let part = match at.take() {
                Some((known, part)) if known == index => part,
                _ => self.part(manifest, index).await?,
            };
            let place = part.binary_search_by_key(position, |(position, _)| *position);
            let Ok(place) = place else {
                return Err(Error::Damaged(manifest.object.clone(), "an event is missing".into()));
            };
            found.insert(*position, part[place].1.clone());
            at = Some((index, part));
        }
        Ok(())
    }

    /// A part of an object, from memory if it was read lately.
    ///
    /// # Errors
    /// If the objects fail, or it is damaged.
    async fn part(&self, manifest: &Manifest, index: usize) -> Result<Unpacked, Error> {
        if let Some(part) = self.remembered(&manifest.object, index) {
            return Ok(part);
        }
        let _permit = self.fetching.acquire().await.map_err(|_| Error::Stopping)?;
        // Whoever waited before us may have wanted the same.
        if let Some(part) = self.remembered(&manifest.object, index) {
            return Ok(part);
        }
        let part = self.fetch(manifest, index).await?;
        let part = Arc::new(part);
        let bytes = part.iter().map(|(_, payload)| payload.len()).sum();
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.keep(manifest.object.clone(), index, Arc::clone(&part), bytes);
        Ok(part)
    }

    /// A part of an object as it is there now.
    ///
    /// # Errors
    /// If the objects fail, or it is damaged.
    pub async fn fetch(
        &self,
        manifest: &Manifest,
        index: usize,
    ) -> Result<Vec<(i64, Bytes)>, Error> {
        let objects = self.objects.as_ref().ok_or(objects::Error::Nowhere)?;
        let damaged = |what: String| Error::Damaged(manifest.object.clone(), what);
        let range = manifest.bytes_of(index).ok_or_else(|| damaged("no such part".to_owned()))?;
        let packed = match objects.get_part(&manifest.object, range).await {
            // An object that ends before the part does is not away.
            Err(error @ objects::Error::Away(_)) => {
                let found = objects.get(&manifest.object).await?.bytes;
                let as_written = i64::try_from(found) == Ok(manifest.bytes);
                return Err(if as_written { error.into() } else { damaged(cut_off(found)) });
            }
            packed => packed?,
        };
        let unpacked = tokio::task::spawn_blocking(move || exported::unpack(&packed)).await;
        let unpacked = unpacked.map_err(|_| Error::Stopping)?;
        unpacked.map_err(|error| damaged(error.to_string()))
    }

    fn remembered(&self, object: &str, index: usize) -> Option<Unpacked> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.find(object, index)
    }

    /// Adds payloads to facts. What is kept nowhere is an error here: whoever asks has seen it in the log.
    ///
    /// # Errors
    /// If the database or the objects fail.
    pub async fn entries(&self, facts: Vec<Facts>) -> Result<Vec<Entry>, Error> {
        if facts.is_empty() {
            return Ok(Vec::new());
        }
        let positions: Vec<i64> = facts.iter().map(|facts| facts.position).collect();
        let mut payloads = self.payloads(&positions).await?;
        let entry = |facts: Facts| {
            let payload = payloads.remove(&facts.position).ok_or(sqlx::Error::RowNotFound)?;
            Ok(Entry { facts, payload })
        };
        facts.into_iter().map(entry).collect()
    }
}

fn cut_off(bytes: u64) -> String {
    format!("it has {bytes} bytes")
}

/// The positions that were not found.
fn missing(positions: &[i64], found: &HashMap<i64, Bytes>) -> Vec<i64> {
    positions.iter().copied().filter(|position| !found.contains_key(position)).collect()
}

impl Parts {
    fn find(&mut self, object: &str, index: usize) -> Option<Unpacked> {
        let place = self.kept.iter().position(|(name, at, ..)| *at == index && name == object)?;
        let part = self.kept.remove(place)?;
        let unpacked = Arc::clone(&part.2);
        self.kept.push_back(part);
        Some(unpacked)
    }

    fn keep(&mut self, object: String, index: usize, part: Unpacked, bytes: usize) {
        self.bytes += bytes;
        self.kept.push_back((object, index, part, bytes));
        while self.bytes > self.most_bytes {
            let Some((.., bytes)) = self.kept.pop_front() else { break };
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_that_were_read_last_stay_and_no_more_than_allowed() {
        let mut parts = Parts { most_bytes: 25, ..Parts::default() };
        for index in 0..2 {
            parts.keep("a".to_owned(), index, Arc::default(), 10);
        }
        assert!(parts.find("a", 0).is_some());
        parts.keep("a".to_owned(), 2, Arc::default(), 10);
        assert!(parts.find("a", 1).is_none(), "it was read longest ago");
        assert!(parts.find("a", 0).is_some() && parts.find("a", 2).is_some());
        assert!(parts.find("b", 0).is_none());
        assert_eq!(parts.bytes, 20);
    }
}
