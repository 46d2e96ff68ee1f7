//! The keeper: takes days out of the outbox, and brings them back when somebody misses them.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use super::{
    Archive, Error, day_of,
    format::{Packer, Reader, Tally},
    history::in_outbox,
    list, next_day, store,
};
use crate::{
    config,
    grpc::Channel,
    host::Readiness,
    id,
    messaging::{confirm::Confirmer, relay::Office},
    objects::Objects,
};

/// Where archives are, among a service's objects.
const FOLDER: &str = "events";
/// What is packed before it is sent on.
const CHUNK: usize = 1 << 16;
/// Events that come back at a time.
const BATCH: usize = 500;
/// How long a day stays back after it was last wanted.
const WANTED: SignedDuration = SignedDuration::from_mins(5);

/// A consumer that must confirm, and how it is reached. Without a channel it never does.
pub type Hearer = (&'static str, Option<Channel>);

/// Takes days out of the outbox of one service.
#[derive(Clone)]
pub struct Keeper {
    /// Asks the consumers.
    pub confirmer: Confirmer,
    /// Everybody who must have confirmed.
    pub hearers: Vec<Hearer>,
    /// Where the archives go.
    pub objects: Objects,
    /// Whether this replica is at work.
    pub office: Office,
    /// Where it says how it is.
    pub readiness: Readiness,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("source", &self.confirmer.source).finish_non_exhaustive()
    }
}

/// What became of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It stays: something is not published, or not confirmed by everybody.
    NotYet,
    /// It is an object now, or nothing had been said in it.
    Gone,
    /// It is in the outbox again.
    Back,
}

/// Looks after the outbox until it is stopped.
pub async fn run(keeper: Keeper) {
    let stopping = keeper.confirmer.stopping.clone();
    let pause = Duration::from_millis(keeper.settings().archive_every_ms);
    let keeping = async {
        let mut cleared = None;
        loop {
            if let Some(epoch) = keeper.office.epoch() {
                let result = keeper.look_after(epoch, &mut cleared).await;
                let condition = result.map(|_| ()).map_err(|error| {
                    let source = keeper.confirmer.source;
                    tracing::warn!(
                        source,
                        error = &error as &dyn std::error::Error,
                        "the outbox could not be archived"
                    );
                    error.to_string()
                });
                keeper.readiness.set("archive", condition);
            }
            sleep(pause).await;
        }
    };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = keeping => {}
    }
}

impl Keeper {
    fn settings(&self) -> &config::Messaging {
        &self.confirmer.settings
    }

    fn now(&self) -> Timestamp {
        self.confirmer.clock.now()
    }

    async fn look_after(&self, epoch: i64, cleared: &mut Option<i64>) -> Result<(), Error> {
        if *cleared != Some(epoch) {
            self.clear(epoch).await?;
            *cleared = Some(epoch);
        }
        self.round(epoch).await.map(|_| ())
    }

    /// One round: brings back what is wanted, then looks at each day that is old enough.
    ///
    /// # Errors
    /// What stands in the way; everything is as it was, and the next round tries again.
    pub async fn round(&self, epoch: i64) -> Result<Vec<(Timestamp, Step)>, Error> {
        let db = &self.confirmer.db;
        let mut steps = Vec::new();
        let wanted = store::wanted(&mut *db.read().await?).await?;
        for day in wanted {
            self.bring_back(epoch, day).await?;
            steps.push((day, Step::Back));
        }
        let keep = SignedDuration::from_hours(24 * i64::from(self.settings().keep_days));
        let before = day_of(self.now().saturating_sub(keep).unwrap_or(Timestamp::UNIX_EPOCH));
        self.gather_strays(before).await?;
        // Archives first: a day that another replica sends away between the two questions is in neither
        // answer, or found gone when it is written. The other way round it would be taken for a day
        // that has come back, and be called back.
        let (archives, days) = {
            let mut connection = db.read().await?;
            (list(&mut connection).await?, store::partitions(&mut connection, before).await?)
        };
        for day in days {
            let archive = archives.iter().find(|archive| archive.day == day);
            let step = match archive {
                Some(archive) => self.send_away(epoch, archive).await?,
                None => self.archive(epoch, day, None).await?,
            };
            steps.push((day, step));
        }
        Ok(steps)
    }

    /// Sees to it that events of old days that the default partition took have a day's partition.
    async fn gather_strays(&self, before: Timestamp) -> Result<(), Error> {
        let db = &self.confirmer.db;
        let (strays, archives) = {
            let mut connection = db.read().await?;
            (store::strays(&mut connection, before).await?, list(&mut connection).await?)
        };
        let now = self.now();
        for day in strays {
            let archived = archives.iter().any(|archive| archive.day == day);
            db.write(move |tx| {
                Box::pin(async move {
                    if archived {
                        store::want(tx, day, now).await
                    } else {
                        store::make_partition(tx, day).await
                    }
                })
            })
            .await?;
        }
        Ok(())
    }

    /// Makes an object of a day, if everything of it is published and confirmed, and lets the rows go.
    /// `older` is an archive of this day that the new one replaces.
    async fn archive(
        &self,
        epoch: i64,
        day: Timestamp,
        older: Option<&Archive>,
    ) -> Result<Step, Error> {
        let until = next_day(day);
        let (tally, waiting) =
            store::tally(&mut *self.confirmer.db.read().await?, day, until).await?;
        if waiting > 0 || !self.is_confirmed(day).await? {
            return Ok(Step::NotYet);
        }
        if tally.events == 0 {
            self.drop_empty(epoch, day).await?;
            return Ok(Step::Gone);
        }
        let archive = self.export(epoch, day).await?;
        self.compare(&archive).await?;
        self.settle(epoch, archive.clone()).await?;
        tracing::info!(
            source = self.confirmer.source,
            object = archive.object,
            events = archive.events,
            bytes = archive.bytes,
            "a day of the outbox is archived"
        );
        if let Some(older) = older {
            self.objects.delete(&older.object).await?;
        }
        Ok(Step::Gone)
    }

    /// Whether every consumer has confirmed the day, and says so again now.
    async fn is_confirmed(&self, day: Timestamp) -> Result<bool, Error> {
        let (names, until) = (self.names(), next_day(day));
        let confirmed =
            store::confirmed(&mut *self.confirmer.db.read().await?, &names, until).await?;
        if !confirmed {
            return Ok(false);
        }
        for (consumer, channel) in &self.hearers {
            let Some(channel) = channel else { return Ok(false) };
            match self.confirmer.agrees(consumer, channel.clone(), day, until).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(
                        source = self.confirmer.source,
                        consumer,
                        "a consumer no longer has what it had confirmed"
                    );
                    return Ok(false);
                }
                Err(error) => {
                    tracing::debug!(source = self.confirmer.source, consumer, %error, "not yet");
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn names(&self) -> Vec<String> {
        self.hearers.iter().map(|(consumer, _)| (*consumer).to_owned()).collect()
    }

    /// Writes the object of a day. Nothing else is changed.
    ///
    /// # Errors
    /// If the database or the objects are away; nothing is left then.
    pub async fn export(&self, epoch: i64, day: Timestamp) -> Result<Archive, Error> {
        let object = format!(
            "{FOLDER}/{}/e{epoch}-{}.ndjson.gz",
            day.strftime("%Y-%m-%d"),
            id::v7(self.now()).simple()
        );
        let packing = |error: std::io::Error| Error::damaged(&object, error);
        let mut writer = self.objects.writer(&object)?;
        let mut packer = Packer::new(self.confirmer.source, day).map_err(packing)?;
        let mut events = in_outbox(&self.confirmer.db, day, next_day(day)).boxed();
        let mut size = 0;
        while let Some(event) = events.try_next().await? {
            size += event.payload.len();
            packer.add(event).map_err(packing)?;
            if size > CHUNK {
                writer.write(packer.ready()).await?;
                size = 0;
            }
        }
        writer.write(packer.ready()).await?;
        let (rest, digest, Tally { events, hash }) = packer.finish().map_err(packing)?;
        writer.write(rest).await?;
        let bytes = i64::try_from(writer.finish().await?).unwrap_or(i64::MAX);
        Ok(Archive { day, events, hash, digest, bytes, object, back: false })
    }

    /// Reads the object back and compares it with the rows, one by one.
    ///
    /// # Errors
    /// [`Error::Damaged`], or whoever is away.
    pub async fn compare(&self, archive: &Archive) -> Result<(), Error> {
        let mut reader = Reader::open(&self.objects, archive.clone()).await?;
        let mut events = in_outbox(&self.confirmer.db, archive.day, archive.until()).boxed();
        loop {
            let (kept, said) = (reader.next().await?, events.try_next().await?);
            if kept != said {
                return Err(Error::damaged(&archive.object, "it differs from the outbox"));
            }
            if said.is_none() {
                return Ok(());
            }
        }
    }

    /// Writes the archive down and lets the rows go, in one transaction; if the lease still stands,
    /// everybody still confirms, and the rows are those that were counted.
    ///
    /// # Errors
    /// [`Error::LeaseLost`], [`Error::Changed`]; the rows are still there then.
    pub async fn settle(&self, epoch: i64, archive: Archive) -> Result<(), Error> {
        let (names, now) = (self.names(), self.now());
        self.confirmer
            .db
            .write(move |tx| {
                Box::pin(async move {
                    store::take_time(tx).await?;
                    store::hold_lease(tx, epoch).await?;
                    if !store::confirmed(tx, &names, archive.until()).await? {
                        return Err(Error::Changed(archive.day));
                    }
                    store::record(tx, &archive, now).await?;
                    store::let_go(tx, archive.day, archive.events).await
                })
            })
            .await
    }

    async fn drop_empty(&self, epoch: i64, day: Timestamp) -> Result<(), Error> {
        self.confirmer
            .db
            .write(move |tx| {
                Box::pin(async move {
                    store::hold_lease(tx, epoch).await?;
                    store::let_go(tx, day, 0).await
                })
            })
            .await
    }

    /// A day that has an archive and is in the outbox, too: lets the rows go again when nobody has
    /// wanted them for a while. If events were added or the object is damaged, it is archived anew.
    async fn send_away(&self, epoch: i64, archive: &Archive) -> Result<Step, Error> {
        let db = &self.confirmer.db;
        let day = archive.day;
        let (tally, waiting, unwanted) = {
            let mut connection = db.read().await?;
            let (tally, waiting) = store::tally(&mut connection, day, archive.until()).await?;
            let moment = self.now().saturating_sub(WANTED).unwrap_or(Timestamp::UNIX_EPOCH);
            (tally, waiting, store::unwanted_since(&mut connection, day, moment).await?)
        };
        if !archive.back {
            // A partition was made for a day that has gone: a clock went backwards. What is in it
            // joins the rest first.
            let now = self.now();
            db.write(move |tx| Box::pin(async move { store::want(tx, day, now).await })).await?;
            return Ok(Step::NotYet);
        }
        // Whoever wanted it has it by now, or wants it again.
        if !unwanted || waiting > 0 || !self.is_confirmed(day).await? {
            return Ok(Step::NotYet);
        }
        let same = tally == Tally { events: archive.events, hash: archive.hash };
        if !same {
            return self.archive(epoch, day, Some(archive)).await;
        }
        match self.read(archive).await {
            Ok(()) => {}
            Err(Error::Damaged { .. } | Error::Objects(crate::objects::Error::NotFound(_))) => {
                return self.archive(epoch, day, Some(archive)).await;
            }
            Err(error) => return Err(error),
        }
        let events = archive.events;
        db.write(move |tx| {
            Box::pin(async move {
                store::hold_lease(tx, epoch).await?;
                store::gone_again(tx, day).await?;
                store::let_go(tx, day, events).await
            })
        })
        .await?;
        Ok(Step::Gone)
    }

    /// Reads an archive to its end.
    async fn read(&self, archive: &Archive) -> Result<(), Error> {
        let mut reader = Reader::open(&self.objects, archive.clone()).await?;
        while reader.next().await?.is_some() {}
        Ok(())
    }

    /// Puts the events of an archived day into the outbox again, all or none.
    async fn bring_back(&self, epoch: i64, day: Timestamp) -> Result<(), Error> {
        let db = &self.confirmer.db;
        let archives = list(&mut *db.read().await?).await?;
        let Some(archive) = archives.into_iter().find(|archive| archive.day == day) else {
            return Ok(());
        };
        let mut reader = Reader::open(&self.objects, archive).await?;
        let now = self.now();
        db.write(move |tx| {
            Box::pin(async move {
                store::take_time(tx).await?;
                store::begin_return(tx, day).await?;
                let mut batch = Vec::with_capacity(BATCH);
                while let Some(event) = reader.next().await? {
                    batch.push(event);
                    if batch.len() == BATCH {
                        store::add_returned(tx, day, std::mem::take(&mut batch)).await?;
                    }
                }
                store::add_returned(tx, day, batch).await?;
                store::hold_lease(tx, epoch).await?;
                store::end_return(tx, day, now).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
        tracing::info!(source = self.confirmer.source, %day, "a day is back in the outbox");
        Ok(())
    }

    /// Removes what replicas before this one left half done: objects of earlier epochs that were never
    /// written down. Such an object can't be written down any more, because its epoch has ended.
    ///
    /// # Errors
    /// If the database or the objects are away.
    pub async fn clear(&self, epoch: i64) -> Result<(), Error> {
        let known = list(&mut *self.confirmer.db.read().await?).await?;
        let mut listed = self.objects.list(FOLDER)?.boxed();
        while let Some(found) = listed.try_next().await? {
            let ended = epoch_of(&found.name).is_some_and(|of| of < epoch);
            if ended && !known.iter().any(|archive| archive.object == found.name) {
                self.objects.delete(&found.name).await?;
            }
        }
        Ok(())
    }
}

/// The epoch in an archive's name.
fn epoch_of(name: &str) -> Option<i64> {
    let file = name.rsplit('/').next()?;
    file.strip_prefix('e')?.split_once('-')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_tells_its_epoch() {
        assert_eq!(epoch_of("events/2026-10-01/e17-0193.ndjson.gz"), Some(17));
        assert_eq!(epoch_of("events/2026-10-01/x17-0193.ndjson.gz"), None);
    }

    #[test]
    fn a_day_begins_at_midnight_in_greenwich() {
        let moment: Timestamp = "2026-10-01T23:59:59.9Z".parse().unwrap();
        let day: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        assert_eq!(day_of(moment), day);
        assert_eq!(day_of(day), day);
        assert_eq!(next_day(day).to_string(), "2026-10-02T00:00:00Z");
    }
}
