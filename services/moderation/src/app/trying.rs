//! Sets of rules are tried on stored messages, batch by batch. A crash leaves a trial where it was.

use std::{collections::HashMap, sync::Arc};

use jiff::SignedDuration;
use liuyan_kit::telemetry;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{App, comparing::Against, rules::ready, screening::Read};
use crate::{
    domain::{
        rules::{BadRules, Files},
        screen::Screener,
        text::Text,
        trial::Tally,
    },
    error::Error,
    store::{
        rules,
        trials::{self, Leased},
    },
    texts::MOST_AT_ONCE,
};

/// Why the texts are read; intake keeps it.
const PURPOSE: &str = "trying-rules";
/// After how long a batch that crashed is taken up by another worker.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// After how long texts are asked for again that intake did not give.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

impl App {
    /// Reads one batch of the oldest trial; tells whether there was one.
    ///
    /// # Errors
    /// Intake's or the database's; nothing is lost by either.
    pub async fn try_some(self: &Arc<Self>) -> Result<bool, Error> {
        let now = self.clock.now();
        let until = now + LEASE;
        let leased = self
            .db
            .write(move |tx| {
                Box::pin(async move { Ok::<_, Error>(trials::lease(tx, now, until).await?) })
            })
            .await?;
        let Some(leased) = leased else { return Ok(false) };
        let span = tracing::info_span!("rules.try", trial_id = %leased.trial_id);
        telemetry::follow(&span, leased.traceparent.as_deref());
        Box::pin(self.try_batch(leased)).instrument(span).await?;
        Ok(true)
    }

    /// Adds what a set says of messages beside earlier ones.
    async fn beside_earlier(
        &self,
        (screener, mut read): Reading,
    ) -> Result<HashMap<Uuid, Read>, Error> {
        self.compare_read(&screener, &mut read, Against::Earlier).await?;
        Ok(read)
    }

    async fn try_batch(self: &Arc<Self>, leased: Leased) -> Result<(), Error> {
        let limit = usize::try_from(leased.left).unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE);
        let (ids, before, after) = {
            let mut connection = self.db.read().await?;
            let limit = i64::try_from(limit).unwrap_or(1);
            let ids = trials::messages(&mut connection, leased.next_id, limit).await?;
            let before = rules::files(&mut connection, leased.base_version).await?;
            let after = rules::files(&mut connection, leased.version).await?;
            (ids, before.ok_or(Error::RulesNotFound)?, after.ok_or(Error::RulesNotFound)?)
        };
        let texts = match self.texts.of(&ids, PURPOSE).await {
            Ok(texts) => texts,
            Err(error) => {
                let due_at = self.clock.now() + AGAIN;
                self.db
                    .write(move |tx| {
                        Box::pin(async move {
                            let id = leased.trial_id;
                            Ok::<_, Error>(trials::give_back(tx, id, due_at).await?)
                        })
                    })
                    .await?;
                return Err(error);
            }
        };
        let read = tokio::task::spawn_blocking(move || read_by_both(&before, &after, &texts));
        let (before, after) = read.await?.map_err(|error| Error::BadData(error.into()))?;
        let tally = tally(self.beside_earlier(before).await?, &self.beside_earlier(after).await?);
        // There are no more, or enough were read.
        let ends = ids.len() < limit || tally.read >= leased.left;
        let next_id = ids.last().copied().filter(|_| !ends);
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    trials::advance(tx, now, &leased, &tally, next_id).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// What one set finds in a batch, with the set.
type Reading = (Box<Screener>, HashMap<Uuid, Read>);

/// Reads texts by two sets.
fn read_by_both(
    before: &Files,
    after: &Files,
    texts: &HashMap<Uuid, Text>,
) -> Result<(Reading, Reading), BadRules> {
    let by = |files: &Files| -> Result<Reading, BadRules> {
        let screener = Box::new(ready(files, 0)?);
        let read = texts.iter().map(|(id, text)| (*id, Read::of(&screener, text))).collect();
        Ok((screener, read))
    };
    Ok((by(before)?, by(after)?))
}

/// Counts what two sets found, the newest message first.
fn tally(before: HashMap<Uuid, Read>, after: &HashMap<Uuid, Read>) -> Tally {
    let mut before: Vec<_> = before.into_iter().collect();
    before.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let mut tally = Tally::default();
    for (id, before) in before {
        let after = after.get(&id).map_or(&[][..], |after| &after.hits);
        tally.add(id, &before.hits, after);
    }
    tally
}
