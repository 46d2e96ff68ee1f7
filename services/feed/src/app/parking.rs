//! Events outside of the log's order: those that a reader puts aside, and test events.

use std::collections::HashMap;

use bytes::Bytes;
use uuid::Uuid;

use super::App;
use crate::{
    domain::{
        cursor::Cursor,
        filter::Audience,
        subscription::{Parked, Signs, Subscription},
    },
    error::Error,
    payload, store,
};

impl App {
    /// Lists what a subscription has put aside, after an event, with the encoded events; tells
    /// whether more follow.
    ///
    /// # Errors
    /// [`Error::SubscriptionNotFound`], or if the database fails.
    pub async fn parked(
        &self,
        owner: &str,
        id: &str,
        after: Uuid,
        most: usize,
        audience: &Audience,
    ) -> Result<(Vec<(Parked, Bytes)>, bool), Error> {
        let subscription = self.subscription(owner, id).await?;
        let mut connection = self.db.read().await?;
        let asked = i64::try_from(most + 1).unwrap_or(i64::MAX);
        let mut found =
            store::parked::list(&mut connection, subscription.key, after, asked).await?;
        drop(connection);
        let more = found.len() > most;
        found.truncate(most);
        Ok((self.with_payloads(id, found, audience).await?, more))
    }

    /// Adds the encoded event to each. An event that is no longer kept is left out, and one that its owner may
    /// not see any more.
    pub(super) async fn with_payloads(
        &self,
        id: &str,
        parked: Vec<Parked>,
        audience: &Audience,
    ) -> Result<Vec<(Parked, Bytes)>, Error> {
        let positions: Vec<i64> = parked.iter().filter_map(|it| it.position).collect();
        let mut payloads = if positions.is_empty() {
            HashMap::new()
        } else {
            let mut facts = {
                let mut connection = self.db.read().await?;
                store::log::facts_at(&mut connection, &positions).await?
            };
            facts.retain(|facts| audience.sees(facts));
            let seen: Vec<i64> = facts.iter().map(|facts| facts.position).collect();
            self.shelf.payloads(&seen).await?
        };
        let payload = |it: &Parked| match it.position {
            Some(position) => payloads.remove(&position),
            None => Some(payload::test(it.event_id, id, it.parked_at).into()),
        };
        let mut payload = payload;
        Ok(parked.into_iter().filter_map(|it| payload(&it).map(|bytes| (it, bytes))).collect())
    }

    /// Puts an event aside for the stream that has the subscription.
    ///
    /// # Errors
    /// [`Error::TakenOver`] if another stream has it, [`Error::TooManyParked`].
    pub(super) async fn park(
        &self,
        key: i64,
        generation: i64,
        event: (Uuid, Option<i64>),
        reason: String,
    ) -> Result<(), Error> {
        let (now, most) = (self.clock.now(), self.config.parked_per_subscription);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let further =
                        store::parked::park(tx, key, event.0, event.1, &reason, now).await?;
                    if !further {
                        return Ok(());
                    }
                    let signs = store::subscriptions::signs(tx, &[key]).await?;
                    if signs.first().is_none_or(|(_, signs)| signs.generation != generation) {
                        return Err(Error::TakenOver);
                    }
                    let parked = store::subscriptions::count_parked(tx, key, 1).await?;
                    if parked > most { Err(Error::TooManyParked(most)) } else { Ok(()) }
                })
            })
            .await
    }

    /// Gives parked events out again, or forgets them; all if `ids` is empty. Tells how many.
    ///
    /// # Errors
    /// [`Error::SubscriptionNotFound`], or if the database fails.
    pub async fn release(
        &self,
        owner: String,
        id: String,
        ids: Vec<Uuid>,
        discard: bool,
    ) -> Result<u64, Error> {
        let now = self.clock.now();
        let done = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let found = store::subscriptions::lock(tx, &owner, &id).await?;
                    let Subscription { key, .. } = found.ok_or(Error::SubscriptionNotFound)?;
                    if discard {
                        let gone = store::parked::forget(tx, key, &ids).await?;
                        store::subscriptions::count_parked(tx, key, less(gone)).await?;
                        return Ok::<_, Error>(gone);
                    }
                    let released = store::parked::release(tx, key, &ids, now).await?;
                    store::subscriptions::count_parked(tx, key, 0).await?;
                    Ok(released)
                })
            })
            .await?;
        self.streams.look(&self.db).await?;
        Ok(done)
    }

    /// Adds a test event for one subscription; the same id again is one event. Gives it encoded.
    ///
    /// # Errors
    /// [`Error::SubscriptionNotFound`], [`Error::TooManyParked`].
    pub async fn publish_test(
        &self,
        owner: String,
        id: String,
        event_id: Uuid,
    ) -> Result<Bytes, Error> {
        let (now, most) = (self.clock.now(), self.config.parked_per_subscription);
        let subscription_id = id.clone();
        let at = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let found = store::subscriptions::lock(tx, &owner, &id).await?;
                    let Subscription { key, .. } = found.ok_or(Error::SubscriptionNotFound)?;
                    if store::parked::add_test(tx, key, event_id, now).await? {
                        let parked = store::subscriptions::count_parked(tx, key, 1).await?;
                        return if parked > most {
                            Err(Error::TooManyParked(most))
                        } else {
                            Ok(now)
                        };
                    }
                    let there = store::parked::find(tx, key, event_id).await?;
                    Ok(there.map_or(now, |there| there.parked_at))
                })
            })
            .await?;
        self.streams.look(&self.db).await?;
        Ok(payload::test(event_id, &subscription_id, at).into())
    }

    /// Moves the place of the stream that has the subscription, if `place` is given, and settles
    /// events that were given out again. Tells how many were; `None` if the place was moved by hand since the
    /// stream was opened: then nothing has changed.
    ///
    /// # Errors
    /// [`Error::TakenOver`] if another stream has it.
    pub(super) async fn settle(
        &self,
        key: i64,
        signs: Signs,
        place: Option<Cursor>,
        settled: Vec<Uuid>,
    ) -> Result<Option<u64>, Error> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let moved = match place {
                        Some(place) => {
                            let store = store::subscriptions::commit_of_stream;
                            store(tx, key, signs, place, now).await?
                        }
                        None => false,
                    };
                    if !moved {
                        let found = store::subscriptions::signs(tx, &[key]).await?;
                        if found.first().is_none_or(|(_, it)| it.generation != signs.generation) {
                            return Err(Error::TakenOver);
                        }
                        if place.is_some() {
                            return Ok(None);
                        }
                    }
                    if settled.is_empty() {
                        return Ok(Some(0));
                    }
                    let gone = store::parked::forget(tx, key, &settled).await?;
                    store::subscriptions::count_parked(tx, key, less(gone)).await?;
                    Ok(Some(gone))
                })
            })
            .await
    }
}

/// So many less.
fn less(gone: u64) -> i32 {
    -i32::try_from(gone).unwrap_or(i32::MAX)
}
