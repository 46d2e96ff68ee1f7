//! Removes what no message has named in time, and objects that no row knows.

use futures::StreamExt as _;
use jiff::SignedDuration;
use uuid::Uuid;

use super::{super::App, a_day_before};
use crate::{domain::file, error::Error, store::attachments as store};

/// How many files are forgotten at a time.
const BATCH: i64 = 200;
/// How many objects are compared at a time.
const COMPARED: usize = 500;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files that no message has named.
    pub unused: usize,
    /// Objects that no row knew.
    pub unknown: usize,
}

impl App {
    /// Removes files that waited too long for their message, with their objects; then objects that
    /// have no row and are older than a day: an upload that was cut off may leave one. Safe to run in
    /// two replicas at once.
    ///
    /// # Errors
    /// The database's, or that the objects cannot be reached.
    pub async fn sweep_files(&self) -> Result<Swept, Error> {
        let files = &self.0.files;
        let Ok(objects) = files.objects() else { return Ok(Swept::default()) };
        let hours = SignedDuration::from_hours(files.config.unused_hours.max(1).into());
        let before = self.now().saturating_sub(hours).unwrap_or_default();
        let mut swept = Swept::default();
        loop {
            let gone = self
                .0
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        Ok::<_, Error>(store::forget_unused(tx, before, BATCH).await?)
                    })
                })
                .await?;
            for id in &gone {
                // If this fails, the object has no row any more and goes with the next sweep.
                objects.delete(&file::object(*id)).await?;
            }
            swept.unused += gone.len();
            if gone.is_empty() {
                break;
            }
        }
        let yesterday = a_day_before(self.now());
        let mut listed = objects.list(file::OBJECTS)?.chunks(COMPARED);
        while let Some(chunk) = listed.next().await {
            let mut old: Vec<Uuid> = Vec::new();
            for object in chunk {
                let object = object?;
                if object.at < yesterday {
                    old.extend(file::of_object(&object.name));
                }
            }
            let known = store::known(&mut *self.0.db.read().await?, &old).await?;
            for id in old.iter().filter(|id| !known.contains(id)) {
                objects.delete(&file::object(*id)).await?;
                swept.unknown += 1;
            }
        }
        Ok(swept)
    }
}
