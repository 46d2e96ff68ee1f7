//! Making, changing and ending subscriptions, and moving their places by hand.

use super::{App, Start};
use crate::{
    domain::{
        cursor::Cursor,
        subscription::{Subscription, Wish},
    },
    error::Error,
    store,
};

impl App {
    /// Makes a subscription; one that is there and is the same is given as it is.
    ///
    /// # Errors
    /// [`Error::SubscriptionExists`] if another one has this id, [`Error::TooManySubscriptions`],
    /// or if the start does not exist.
    pub async fn subscribe(
        &self,
        owner: String,
        wish: Wish,
        start: Start,
    ) -> Result<Subscription, Error> {
        let position = self.place(start).await?;
        let place = Cursor::at(&self.head(), position);
        let (now, most) = (self.clock.now(), self.config.subscriptions_per_owner);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    // The owner's row is locked first: of two makers, the second sees the first's.
                    let count = store::subscriptions::count_one_more(tx, &owner).await?;
                    let made = store::subscriptions::insert(tx, &owner, &wish, place, now).await?;
                    if !made {
                        store::subscriptions::count_one_less(tx, &owner).await?;
                    } else if count > most {
                        return Err(Error::TooManySubscriptions(most));
                    }
                    let found = store::subscriptions::find(tx, &owner, &wish.id).await?;
                    let found = found.ok_or(Error::SubscriptionNotFound)?;
                    let same = found.filter == wish.filter && found.mask == wish.mask;
                    if made || (same && found.title == wish.title) {
                        Ok(found)
                    } else {
                        Err(Error::SubscriptionExists)
                    }
                })
            })
            .await
    }

    /// Gives a subscription.
    ///
    /// # Errors
    /// [`Error::SubscriptionNotFound`] if the owner has none of that id.
    pub async fn subscription(&self, owner: &str, id: &str) -> Result<Subscription, Error> {
        let mut connection = self.db.read().await?;
        let found = store::subscriptions::find(&mut connection, owner, id).await?;
        found.ok_or(Error::SubscriptionNotFound)
    }

    /// Lists the subscriptions of an owner after an id, and tells whether more follow.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn subscriptions(
        &self,
        owner: &str,
        after: &str,
        most: usize,
    ) -> Result<(Vec<Subscription>, bool), Error> {
        let mut connection = self.db.read().await?;
        let asked = i64::try_from(most + 1).unwrap_or(i64::MAX);
        let mut found = store::subscriptions::list(&mut connection, owner, after, asked).await?;
        let more = found.len() > most;
        found.truncate(most);
        Ok((found, more))
    }

    /// Puts title, filter and mask. An open stream goes on as it was opened.
    ///
    /// # Errors
    /// [`Error::EtagMismatch`] if `etag` is another one's.
    pub async fn put_subscription(
        &self,
        owner: String,
        wish: Wish,
        etag: String,
    ) -> Result<Subscription, Error> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let found = store::subscriptions::lock(tx, &owner, &wish.id).await?;
                    let found = found.ok_or(Error::SubscriptionNotFound)?;
                    if !etag.is_empty() && etag != found.etag() {
                        return Err(Error::EtagMismatch);
                    }
                    store::subscriptions::put(tx, found.key, &wish).await?;
                    let put = store::subscriptions::find(tx, &owner, &wish.id).await?;
                    put.ok_or(Error::SubscriptionNotFound)
                })
            })
            .await
    }

    /// Ends a subscription; one that is not there is ended already.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unsubscribe(&self, owner: String, id: String) -> Result<(), Error> {
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let Some(found) = store::subscriptions::lock(tx, &owner, &id).await? else {
                        return Ok::<_, Error>(());
                    };
                    store::parked::forget(tx, found.key, &[]).await?;
                    store::subscriptions::delete(tx, found.key).await?;
                    store::subscriptions::count_one_less(tx, &owner).await?;
                    Ok(())
                })
            })
            .await?;
        self.streams.look(&self.db).await
    }

    /// Says that everything up to a cursor is done; an older one changes nothing.
    ///
    /// # Errors
    /// If the cursor does not exist.
    pub async fn commit(
        &self,
        owner: String,
        id: String,
        cursor: Cursor,
    ) -> Result<Subscription, Error> {
        let position = self.place(Start::Cursor(cursor)).await?;
        let (head, now) = (self.head(), self.clock.now());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    let found = store::subscriptions::lock(tx, &owner, &id).await?;
                    let found = found.ok_or(Error::SubscriptionNotFound)?;
                    let further = found.place.resolve(&head).is_ok_and(|place| place >= position);
                    if !further {
                        let place = Cursor::at(&head, position);
                        store::subscriptions::commit(tx, found.key, place, now).await?;
                    }
                    let moved = store::subscriptions::find(tx, &owner, &id).await?;
                    moved.ok_or(Error::SubscriptionNotFound)
                })
            })
            .await
    }

    /// Moves the place, on or back; an open stream ends.
    ///
    /// # Errors
    /// If the place does not exist.
    pub async fn seek(
        &self,
        owner: String,
        id: String,
        start: Start,
    ) -> Result<Subscription, Error> {
        let place = Cursor::at(&self.head(), self.place(start).await?);
        let now = self.clock.now();
        let moved = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let found = store::subscriptions::lock(tx, &owner, &id).await?;
                    let found = found.ok_or(Error::SubscriptionNotFound)?;
                    store::subscriptions::commit(tx, found.key, place, now).await?;
                    store::subscriptions::count_seek(tx, found.key).await?;
                    let moved = store::subscriptions::find(tx, &owner, &id).await?;
                    moved.ok_or(Error::SubscriptionNotFound)
                })
            })
            .await?;
        self.streams.look(&self.db).await?;
        Ok(moved)
    }
}
