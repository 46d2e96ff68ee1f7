//! The producer's side: asks the consumers, compares, and has the rest said again.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use liuyan_proto::liuyan::messaging::v1 as wire;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;
use wire::confirmation_service_client::ConfirmationServiceClient;

use super::{
    QUESTION_LIMIT,
    said::{self, Digest},
};
use crate::{
    clock::{self, SharedClock},
    config,
    db::Db,
    grpc::Channel,
    messaging::{archive, relay},
};

/// How long one round of questions may take at most, in minutes of event ids.
const ROUND_MINUTES: i64 = 24 * 60;
/// How many such windows are compared in a row, as long as nothing differs.
const WINDOWS: u32 = 64;

/// What came of one round with one consumer.
struct Answer {
    /// Events that are to be said again.
    again: u64,
    /// Whether it waits for a day to come back.
    waits: bool,
}

/// What came of comparing one window.
#[derive(Default)]
struct Window {
    again: u64,
    waits: bool,
    /// Whether all of it was confirmed and there is more.
    goes_on: bool,
}

/// Asks the consumers of one producer.
#[derive(Clone)]
pub struct Confirmer {
    /// The producer.
    pub source: &'static str,
    /// Its database.
    pub db: Db,
    /// The consumers, by name.
    pub consumers: Vec<(&'static str, Channel)>,
    /// Intervals and limits.
    pub settings: config::Messaging,
    /// The time.
    pub clock: SharedClock,
    /// Ends it.
    pub stopping: CancellationToken,
}

impl std::fmt::Debug for Confirmer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Confirmer").field("source", &self.source).finish_non_exhaustive()
    }
}

/// What goes wrong in a round; the next one tries again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the database is away")]
    Database(#[from] sqlx::Error),
    #[error("the consumer did not answer: {}", .0.message())]
    Consumer(#[from] Status),
}

/// Asks until it is stopped. Every replica asks; the answers lead to the same rows.
pub async fn run(confirmer: Confirmer) {
    let stopping = confirmer.stopping.clone();
    let asking = async {
        confirmer.register().await;
        let mut last_full: BTreeMap<&str, Instant> = BTreeMap::new();
        loop {
            sleep(Duration::from_millis(confirmer.settings.confirm_every_ms)).await;
            for (consumer, channel) in &confirmer.consumers {
                let full = last_full.get(consumer).is_none_or(|at| {
                    at.elapsed().as_millis() >= u128::from(confirmer.settings.confirm_grace_ms)
                });
                match confirmer.ask(consumer, channel.clone(), full).await {
                    Ok(Answer { again, waits }) => {
                        if full && !waits {
                            last_full.insert(consumer, Instant::now());
                        }
                        if again > 0 {
                            tracing::warn!(
                                source = confirmer.source,
                                consumer,
                                events = again,
                                "events that the consumer misses are said again"
                            );
                        }
                    }
                    Err(error) => {
                        tracing::debug!(source = confirmer.source, consumer, %error, "no confirmation");
                    }
                }
            }
        }
    };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = asking => {}
    }
}

impl Confirmer {
    /// Writes down which consumers there are, so that what they have not confirmed is kept.
    async fn register(&self) {
        let consumers: Vec<String> =
            self.consumers.iter().map(|(consumer, _)| (*consumer).to_owned()).collect();
        loop {
            let names = consumers.clone();
            let registered = self
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        sqlx::query!(
                            "insert into messaging.confirmations (consumer)
                             select name from unnest($1::text[]) as name
                             on conflict (consumer) do nothing",
                            &names
                        )
                        .execute(tx)
                        .await
                    })
                })
                .await;
            match registered {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "the consumers could not be written down");
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// One round with one consumer: its gaps, and with `full` its closed minutes too.
    async fn ask(
        &self,
        consumer: &'static str,
        channel: Channel,
        full: bool,
    ) -> Result<Answer, Trouble> {
        let mut client = ConfirmationServiceClient::new(channel);
        let mut answer =
            Answer { again: self.fill_gaps(consumer, &mut client).await?, waits: false };
        let mut windows = if full { WINDOWS } else { 0 };
        while windows > 0 {
            let window = self.compare_minutes(consumer, &mut client).await?;
            answer.again += window.again;
            answer.waits = window.waits;
            windows = if window.goes_on { windows - 1 } else { 0 };
        }
        Ok(answer)
    }

    /// Asks once more about a time that was confirmed. A consumer that no longer has it, because its
    /// database is an older one, has confirmed only what is before; gives whether it agrees.
    pub(crate) async fn agrees(
        &self,
        consumer: &'static str,
        channel: Channel,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<bool, Trouble> {
        let mut client = ConfirmationServiceClient::new(channel);
        let said = said::by_minute(&mut *self.db.read().await?, from, until).await?;
        let settled = settled(&mut client, self.source, from, until).await?;
        let differing = said.iter().find(|(minute, digest)| settled.get(minute) != Some(digest));
        let Some((minute, _)) = differing else { return Ok(true) };
        let minute = *minute;
        self.db
            .write(move |tx| Box::pin(async move { said::step_back(tx, consumer, minute).await }))
            .await?;
        Ok(false)
    }

    async fn fill_gaps(
        &self,
        consumer: &'static str,
        client: &mut ConfirmationServiceClient<Channel>,
    ) -> Result<u64, Trouble> {
        let request = wire::ListGapsRequest { source: self.source.to_owned() };
        let gaps = client.list_gaps(request).await?.into_inner().gaps;
        if gaps.is_empty() {
            return Ok(0);
        }
        let (mut subjects, mut from, mut until) = (Vec::new(), Vec::new(), Vec::new());
        for gap in &gaps {
            if let Ok(subject) = gap.subject_id.parse::<Uuid>() {
                subjects.push(subject);
                from.push(i64::try_from(gap.from_version).unwrap_or(i64::MAX));
                until.push(i64::try_from(gap.until_version).unwrap_or(i64::MAX));
            }
        }
        let asked: i64 = from.iter().zip(&until).map(|(from, until)| until - from).sum();
        Ok(self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let events = said::of_gaps(tx, &subjects, &from, &until).await?;
                    if i64::try_from(events.len()).is_ok_and(|found| found < asked) {
                        // The rest is archived. If it was confirmed, the consumer has lost it since:
                        // its minutes are compared from the beginning.
                        said::step_back_before_archives(tx, consumer).await?;
                    }
                    relay::say_again(tx, &events).await
                })
            })
            .await?)
    }

    /// Compares the closed minutes that are not yet confirmed, says again what is missing, and
    /// moves the mark up to which everything is confirmed. A day that is archived and differs is
    /// wanted back first.
    async fn compare_minutes(
        &self,
        consumer: &'static str,
        client: &mut ConfirmationServiceClient<Channel>,
    ) -> Result<Window, Trouble> {
        let grace = SignedDuration::from_millis(self.settings.confirm_grace_ms.cast_signed());
        let now = self.clock.now();
        let closed = minute_of(now.saturating_sub(grace).unwrap_or(now));
        let (from, until, said, archived) = {
            let mut connection = self.db.read().await?;
            let Some(from) = said::first_unconfirmed(&mut connection, consumer).await? else {
                return Ok(Window::default());
            };
            let longest = SignedDuration::from_mins(ROUND_MINUTES);
            let until = closed.min(from.saturating_add(longest).unwrap_or(closed));
            if from >= until {
                return Ok(Window::default());
            }
            let said = said::by_minute(&mut connection, from, until).await?;
            (from, until, said, said::archived(&mut connection, from, until).await?)
        };
        let settled = settled(client, self.source, from, until).await?;
        let mut window = Window { goes_on: until < closed, ..Window::default() };
        let mut wanted = None;
        let mut all_confirmed_before = until;
        for (minute, digest) in &said {
            if settled.get(minute) == Some(digest) {
                continue;
            }
            window.goes_on = false;
            all_confirmed_before = all_confirmed_before.min(*minute);
            let day = archive::day_of(*minute);
            let back = archived.get(&day);
            if back.is_some() {
                // The first one that differs; those behind it have their turn.
                wanted.get_or_insert(day);
            }
            if back == Some(&false) {
                window.waits = true;
            } else {
                window.again += self.send_missing(client, *minute).await?;
            }
        }
        self.confirm_before(consumer, all_confirmed_before).await?;
        if let Some(day) = wanted {
            self.db
                .write(move |tx| Box::pin(async move { archive::store::want(tx, day, now).await }))
                .await?;
        }
        Ok(window)
    }

    /// Asks which events of a minute are missing and marks them to be said again.
    async fn send_missing(
        &self,
        client: &mut ConfirmationServiceClient<Channel>,
        minute: Timestamp,
    ) -> Result<u64, Trouble> {
        let next = minute.saturating_add(SignedDuration::from_mins(1)).unwrap_or(minute);
        let keys = {
            let mut connection = self.db.read().await?;
            sqlx::query!(
                "select event_id, subject_id, version from messaging.outbox
                 where event_id >= messaging.first_id_at($1)
                   and event_id < messaging.first_id_at($2)
                   and not exists (
                       select from messaging.waiting
                       where last_id >= messaging.first_id_at($1)
                         and first_id < messaging.first_id_at($2)
                         and waiting.event_id = outbox.event_id)",
                clock::to_db(minute),
                clock::to_db(next)
            )
            .fetch_all(&mut *connection)
            .await?
        };
        let mut again = 0;
        for chunk in keys.chunks(QUESTION_LIMIT) {
            let events = chunk
                .iter()
                .map(|key| wire::EventKey {
                    event_id: key.event_id.to_string(),
                    subject_id: key.subject_id.to_string(),
                    version: key.version.unsigned_abs(),
                })
                .collect();
            let request = wire::FindMissingRequest { source: self.source.to_owned(), events };
            let missing = client.find_missing(request).await?.into_inner().event_ids;
            let missing: Vec<Uuid> = missing.iter().filter_map(|id| id.parse().ok()).collect();
            if !missing.is_empty() {
                again += self
                    .db
                    .write(move |tx| Box::pin(async move { relay::say_again(tx, &missing).await }))
                    .await?;
            }
        }
        Ok(again)
    }

    /// Notes that everything before `moment` is confirmed, as far as no late commit can still add
    /// to it.
    async fn confirm_before(
        &self,
        consumer: &'static str,
        moment: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let late = SignedDuration::from_millis(self.settings.late_commit_ms.cast_signed());
        let now = self.clock.now();
        let before = moment.min(minute_of(now.saturating_sub(late).unwrap_or(moment)));
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query!(
                        "update messaging.confirmations set confirmed_before = $2
                         where consumer = $1 and confirmed_before < $2",
                        consumer,
                        clock::to_db(before)
                    )
                    .execute(tx)
                    .await
                    .map(|_| ())
                })
            })
            .await
    }
}

/// What the consumer has settled, by minute.
async fn settled(
    client: &mut ConfirmationServiceClient<Channel>,
    source: &str,
    from: Timestamp,
    until: Timestamp,
) -> Result<BTreeMap<Timestamp, Digest>, Status> {
    let request = wire::GetDigestsRequest {
        source: source.to_owned(),
        from: Some(clock::to_proto(from)),
        until: Some(clock::to_proto(until)),
    };
    let digests = client.get_digests(request).await?.into_inner().digests;
    Ok(digests
        .into_iter()
        .filter_map(|digest| {
            let minute = clock::from_proto(digest.window.as_ref()?)?;
            Some((minute, Digest { count: digest.count, hash: digest.hash }))
        })
        .collect())
}

fn minute_of(moment: Timestamp) -> Timestamp {
    let seconds = moment.as_second().div_euclid(60) * 60;
    Timestamp::from_second(seconds).unwrap_or(moment)
}
