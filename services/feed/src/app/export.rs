//! Old stretches of the log become objects, objects are written anew when something in them is taken back,
//! and in the end they go.
//!
//! A name is written down before the object is written, and taken back or made good in one transaction
//! with everything that follows from it. So whatever a crash leaves is known by its stretch: an object
//! that nobody finished is removed when its time is over, one that is not used any more at the next round.

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::{host::Worked, id, objects};
use sha2::{Digest as _, Sha256};

use super::{App, troubles::Of};
use crate::{
    domain::stretch::{Manifest, Part, Stretch},
    error::Error,
    exported::Packer,
    store,
};

/// Where the objects are, among those of the service.
pub const FOLDER: &str = "log";
/// Payloads that are read at a time.
const AT_A_TIME: i64 = 64;
/// Bytes of lines that make a part: what is unpacked to read one event of it.
const PART: usize = 512 << 10;
/// How long a stretch rests whose object is damaged or has gone, and one whose object could not be reached.
const DAMAGED_RESTS: SignedDuration = SignedDuration::from_mins(5);
const AWAY_RESTS: SignedDuration = SignedDuration::from_secs(30);

impl App {
    /// Does what is due, one stretch at a time; tells whether more may be. A stretch that cannot be read is noted
    /// in [`App::troubles`] and rests; those after it go on.
    ///
    /// # Errors
    /// If the database or the objects fail; the next round goes on.
    pub async fn look_after_stretches(&self) -> Result<Worked, Error> {
        self.sweep().await?;
        if self.expire_one().await? || self.write_one().await? {
            // What it left is removed at once.
            self.sweep().await?;
            return Ok(Worked::More);
        }
        Ok(Worked::Idle)
    }

    fn days_ago(&self, days: u32) -> Timestamp {
        let age = SignedDuration::from_hours(24 * i64::from(days));
        self.clock.now().saturating_sub(age).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Writes the object of the stretch that waits for it; tells whether one did.
    async fn write_one(&self) -> Result<bool, Error> {
        if self.shelf.objects().is_none() {
            return Ok(false);
        }
        let before = self.days_ago(self.config.export_after_days);
        let resting = self.troubles.resting(self.clock.now());
        let due = {
            let mut connection = self.db.read().await?;
            store::stretches::due(&mut connection, before, &resting).await?
        };
        let Some(stretch) = due else { return Ok(false) };
        let Some(object) = self.begin_writing(&stretch).await? else { return Ok(false) };
        match self.write_and_settle(&stretch, &object).await {
            Ok(true) => self.troubles.end(Of::Stretch(stretch.first)),
            Ok(false) => self.give_up(object).await?,
            Err(error) => {
                self.give_up(object).await?;
                self.rest(&stretch, error)?;
            }
        }
        Ok(true)
    }

    /// Lets a stretch rest that could not be written for a reason of its own; gives back any other error. If
    /// the objects are away the round ends with it, and the next one begins with another stretch.
    fn rest(&self, stretch: &Stretch, error: Error) -> Result<(), Error> {
        let rests = match &error {
            error if error.is_damage() => DAMAGED_RESTS,
            Error::Objects(_) => AWAY_RESTS,
            _ => return Err(error),
        };
        let now = self.clock.now();
        let again_at = now.saturating_add(rests).unwrap_or(now);
        self.troubles.note(Of::Stretch(stretch.first), error.to_string(), again_at);
        if !error.is_damage() {
            return Err(error);
        }
        let error = &error as &dyn std::error::Error;
        tracing::error!(first = stretch.first, error, "a stretch of the log rests");
        Ok(())
    }

    async fn write_and_settle(&self, stretch: &Stretch, object: &str) -> Result<bool, Error> {
        let manifest = self.write_object(stretch, object).await?;
        self.compare(&manifest, stretch).await?;
        let (first, events, bytes) = (stretch.first, manifest.events, manifest.bytes);
        let settled = self.settle_object(stretch.clone(), manifest).await?;
        if settled {
            tracing::info!(object, first, events, bytes, "a stretch of the log is an object");
        }
        Ok(settled)
    }

    /// Gives the object of a stretch a name and writes it down; `None` if another replica is at it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn begin_writing(&self, stretch: &Stretch) -> Result<Option<String>, Error> {
        let now = self.clock.now();
        let limit = SignedDuration::from_secs(i64::from(self.config.export_limit_s));
        let until = now.saturating_add(limit).unwrap_or(now);
        let name = id::v7(now).simple();
        let object =
            format!("{FOLDER}/{:012}-{:012}/{name}.jsonl.zst", stretch.first, stretch.last);
        let (stretch, named) = (stretch.clone(), object.clone());
        let begun: Result<bool, Error> = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    Ok(store::stretches::begin_writing(tx, &stretch, &named, until).await?)
                })
            })
            .await;
        Ok(begun?.then_some(object))
    }

    async fn give_up(&self, object: String) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                Box::pin(async move { Ok(store::stretches::give_up(tx, &object).await?) })
            })
            .await
    }

    /// Writes the object of a stretch, from rows or from an older object. Nothing else is changed.
    ///
    /// # Errors
    /// If the database or the objects fail; no object is there then.
    pub async fn write_object(&self, stretch: &Stretch, object: &str) -> Result<Manifest, Error> {
        let objects = self.shelf.objects().ok_or(objects::Error::Nowhere)?;
        let damaged =
            |error: crate::exported::Damaged| Error::Damaged(object.to_owned(), error.to_string());
        let mut packer = Packer::new(stretch.first, stretch.last).map_err(damaged)?;
        let mut writer = objects.writer(object)?;
        let mut parts = vec![Part { position: stretch.first, offset: 0 }];
        let (mut digest, mut offset) = (Sha256::new(), 0_i64);
        let mut after = stretch.first - 1;
        while after < stretch.last {
            let until = stretch.last.min(after + AT_A_TIME);
            for payload in self.stored(after, until, object).await? {
                if packer.waiting() > PART {
                    let part = packer.part().map_err(damaged)?;
                    digest.update(&part);
                    offset += i64::try_from(part.len()).unwrap_or(i64::MAX);
                    writer.write(part).await?;
                    parts.push(Part { position: payload.0, offset });
                }
                packer.add(&payload.1).map_err(damaged)?;
            }
            after = until;
        }
        let (part, events, hash) = packer.finish().map_err(damaged)?;
        digest.update(&part);
        writer.write(part).await?;
        let bytes = i64::try_from(writer.finish().await?).unwrap_or(i64::MAX);
        let (first_recorded_at, last_recorded_at) = {
            let mut connection = self.db.read().await?;
            let first = store::log::recorded_at(&mut connection, stretch.first).await?;
            let last = store::log::recorded_at(&mut connection, stretch.last).await?;
            first.zip(last).ok_or(sqlx::Error::RowNotFound)?
        };
        let digest = digest.finalize().to_vec();
        let object = object.to_owned();
        Ok(Manifest {
            object,
            bytes,
            digest,
            events,
            hash,
            first_recorded_at,
            last_recorded_at,
            parts,
        })
    }

    /// The payloads of a stretch in their order, of which none may be missing.
    async fn stored(
        &self,
        after: i64,
        until: i64,
        object: &str,
    ) -> Result<Vec<(i64, bytes::Bytes)>, Error> {
        let positions: Vec<i64> = (after + 1..=until).collect();
        let mut payloads = self.shelf.payloads(&positions).await?;
        let mut stored = Vec::with_capacity(positions.len());
        for position in positions {
            let Some(payload) = payloads.remove(&position) else {
                let what = format!("the payload of {position} is missing");
                return Err(Error::Damaged(object.to_owned(), what));
            };
            stored.push((position, payload));
        }
        Ok(stored)
    }

    /// Reads an object back and compares it with what it was written from, event by event.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it differs.
    pub async fn compare(&self, manifest: &Manifest, stretch: &Stretch) -> Result<(), Error> {
        let mut last = stretch.first - 1;
        for index in 0..manifest.parts.len() {
            let events = self.shelf.fetch(manifest, index).await?;
            for chunk in events.chunks(usize::try_from(AT_A_TIME).unwrap_or(1)) {
                let until = last + i64::try_from(chunk.len()).unwrap_or(i64::MAX);
                if self.stored(last, until, &manifest.object).await? != chunk {
                    let what = "it differs from what it was written from".to_owned();
                    return Err(Error::Damaged(manifest.object.clone(), what));
                }
                last = until;
            }
        }
        if last == stretch.last {
            Ok(())
        } else {
            Err(Error::Damaged(manifest.object.clone(), "it ends too early".to_owned()))
        }
    }

    /// Makes an object the one of its stretch, in the place of rows or of an older one. `false` if
    /// something of the stretch was taken back since: the object is to be written again.
    ///
    /// # Errors
    /// If the database fails; then nothing has changed.
    pub async fn settle_object(&self, stretch: Stretch, manifest: Manifest) -> Result<bool, Error> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    store::head::lock(tx).await?.ok_or(Error::HeadMissing)?;
                    Ok(store::stretches::settle(tx, &stretch, &manifest, now).await?)
                })
            })
            .await
    }

    /// Removes objects that nobody uses any more, and those that their writers did not finish in time.
    ///
    /// # Errors
    /// If the database or the objects fail; the next round goes on.
    pub async fn sweep(&self) -> Result<(), Error> {
        let Some(objects) = self.shelf.objects() else { return Ok(()) };
        let now = self.clock.now();
        let leaving = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    store::stretches::give_up_late(tx, now).await?;
                    Ok::<_, Error>(store::stretches::leaving(tx).await?)
                })
            })
            .await?;
        for (first, object) in leaving {
            objects.delete(&object).await?;
            self.db
                .write(move |tx| {
                    Box::pin(async move {
                        Ok::<_, Error>(store::stretches::gone(tx, first, &object).await?)
                    })
                })
                .await?;
        }
        Ok(())
    }

    /// Ends the keeping of the oldest stretch if it is old enough; tells whether it did.
    async fn expire_one(&self) -> Result<bool, Error> {
        if self.config.keep_days == 0 {
            return Ok(false);
        }
        let (before, now) = (self.days_ago(self.config.keep_days), self.clock.now());
        let old = {
            let mut connection = self.db.read().await?;
            store::stretches::to_expire(&mut connection, before).await?
        };
        let Some(stretch) = old else { return Ok(false) };
        let expired = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    store::head::lock(tx).await?.ok_or(Error::HeadMissing)?;
                    Ok::<_, Error>(store::stretches::expire(tx, &stretch, now).await?)
                })
            })
            .await?;
        self.tail.refresh().await?;
        Ok(expired)
    }
}
