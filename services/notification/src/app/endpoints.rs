//! Registering and removing endpoints.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::{db::OnConstraint as _, id};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, Call};
use crate::{
    config,
    domain::{
        address::{Address, Channel},
        day,
        delivery::{DropReason, EndpointState},
        event::{Happened, Kind},
        holder::Holder,
        signature,
        wish::Wish,
    },
    error::Error,
    store::{
        deliveries,
        endpoints::{self, Endpoint, New},
        events::{self, Told},
        holders,
        queue::{self, URGENT},
        requests::{self, Answered},
    },
};

/// Where somebody wants to be told, and of what.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    /// Whose.
    pub(crate) holder: Holder,
    /// How.
    pub(crate) channel: Channel,
    /// Where.
    pub(crate) address: Address,
    /// Of what.
    pub(crate) wish: Wish,
    /// In which language.
    pub(crate) locale: String,
}

/// An endpoint as its holder sees it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// What is stored.
    pub(crate) endpoint: Endpoint,
    /// The address, shortened.
    pub(crate) hint: String,
}

impl App {
    /// Registers an endpoint, which is sent a code. Gives the signing secret of a webhook too: to
    /// the same request again, and to nobody else.
    ///
    /// # Errors
    /// [`Error::AccountGone`], [`Error::EndpointExists`], [`Error::TooManyEndpoints`],
    /// [`Error::TooManyRegistrations`], [`Error::RequestIdReused`].
    pub(crate) async fn register(
        self: &Arc<Self>,
        call: Call,
        wish: Registration,
    ) -> Result<(Seen, String), Error> {
        let (app, now) = (Arc::clone(self), self.clock.now());
        let channel = wish.channel;
        let endpoint = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let caller = call.caller.as_str();
                    let endpoint_id = match requests::begin(tx, caller, call.request_id).await? {
                        Some(known) if known.body_index == call.body_index => known.target_id,
                        Some(_) => return Err(Error::RequestIdReused),
                        None => {
                            let endpoint_id = app.store_endpoint(tx, now, wish).await?;
                            let body_index = call.body_index.to_vec();
                            let answered = Answered { body_index, target_id: endpoint_id };
                            requests::insert(tx, now, caller, call.request_id, &answered).await?;
                            endpoint_id
                        }
                    };
                    endpoints::one(tx, endpoint_id).await?.ok_or(Error::EndpointNotFound)
                })
            })
            .await?;
        self.wakes.of(channel).notify_one();
        let secret = match &endpoint.secret {
            Some(sealed) => {
                signature::secret_text(&self.vault.secret(endpoint.endpoint_id, sealed)?)
            }
            None => String::new(),
        };
        Ok((self.seen(endpoint)?, secret))
    }

    async fn store_endpoint(
        &self,
        tx: &mut PgConnection,
        now: Timestamp,
        wish: Registration,
    ) -> Result<Uuid, Error> {
        holders::lock_one(tx, &wish.holder).await?.ok_or(Error::AccountGone)?;
        let index = self.vault.address_index(wish.channel, &wish.address);
        limit(tx, now, &self.config.endpoints, &wish.holder, &index).await?;
        let (endpoint_id, verification_id) = (id::v7(now), id::v7(now));
        let secret = (wish.channel == Channel::Webhook)
            .then(|| self.vault.seal_secret(endpoint_id, &id::secret()));
        let expires_at = now + self.config.endpoints.code_lifetime();
        let new = New {
            endpoint_id,
            address: self.vault.seal_address(endpoint_id, &wish.address),
            address_index: index,
            holder: wish.holder.clone(),
            channel: wish.channel,
            secret,
            wish: wish.wish,
            locale: wish.locale,
            verification_id,
            verification_expires_at: expires_at,
        };
        endpoints::insert(tx, now, &new)
            .await
            .on_constraint("endpoints_address_once", || Error::EndpointExists)?;
        holders::register(tx, &wish.holder, day::of(now)).await?;
        self.send_code(tx, now, &new).await?;
        Ok(endpoint_id)
    }

    /// The code goes through the same queue as everything else, before everything else.
    async fn send_code(
        &self,
        tx: &mut PgConnection,
        now: Timestamp,
        new: &New,
    ) -> Result<(), sqlx::Error> {
        let event = own_event(Kind::EndpointVerify, new.verification_id, now);
        let off = new.channel == Channel::Email && self.config.email_is_off();
        let delivery = queue::New {
            delivery_id: id::v7(now),
            event_id: event.event_id,
            endpoint_id: new.endpoint_id,
            channel: new.channel,
            priority: URGENT,
            dropped: off.then(|| DropReason::ChannelOff.as_str()),
        };
        queue::insert(tx, now, &[delivery]).await?;
        events::insert(tx, &[(event, Some(Told { notices: 0, deliveries: 1 }))]).await
    }

    /// A holder's endpoints, the oldest first.
    ///
    /// # Errors
    /// The database's, or that of the seal.
    pub(crate) async fn endpoints_of(&self, holder: &Holder) -> Result<Vec<Seen>, Error> {
        let endpoints = endpoints::of(&mut *self.db.read().await?, holder).await?;
        endpoints.into_iter().map(|endpoint| self.seen(endpoint)).collect()
    }

    /// Removes an endpoint of one of the caller's holders; what waits for it is not sent. `mine`
    /// decides whether a holder is the caller.
    ///
    /// # Errors
    /// [`Error::EndpointNotFound`].
    pub(crate) async fn remove(
        &self,
        endpoint_id: Uuid,
        mine: impl Fn(&Holder) -> bool + Send + 'static,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    // Deliveries before endpoints: so does whoever records an attempt.
                    let found = endpoints::one(tx, endpoint_id).await?;
                    if !found.is_some_and(|found| may_go(&found, &mine)) {
                        return Err(Error::EndpointNotFound);
                    }
                    let reason = DropReason::EndpointGone.as_str();
                    deliveries::drop_waiting(tx, endpoint_id, reason).await?;
                    endpoints::lock(tx, endpoint_id).await?;
                    let found = endpoints::one(tx, endpoint_id).await?;
                    if !found.is_some_and(|found| may_go(&found, &mine)) {
                        return Err(Error::EndpointNotFound);
                    }
                    Ok(endpoints::delete(tx, now, endpoint_id).await?)
                })
            })
            .await
    }

    /// An endpoint as its holder sees it.
    pub(crate) fn seen(&self, endpoint: Endpoint) -> Result<Seen, Error> {
        let hint = match &endpoint.address {
            Some(sealed) => {
                self.vault.address(endpoint.endpoint_id, sealed)?.hint(endpoint.channel)
            }
            None => String::new(),
        };
        Ok(Seen { endpoint, hint })
    }
}

/// An account's own address is not removed but switched off by preference.
fn may_go(endpoint: &Endpoint, mine: &impl Fn(&Holder) -> bool) -> bool {
    endpoint.state != EndpointState::Deleted && endpoint.address.is_some() && mine(&endpoint.holder)
}

/// Keeps people from sending codes to strangers: the holder's row is locked, so that nobody passes
/// side by side.
async fn limit(
    tx: &mut PgConnection,
    now: Timestamp,
    limits: &config::Endpoints,
    holder: &Holder,
    address_index: &[u8],
) -> Result<(), Error> {
    if endpoints::of(tx, holder).await?.len() >= usize::from(limits.most) {
        return Err(Error::TooManyEndpoints(limits.most));
    }
    let today = holders::registered(tx, holder, day::of(now)).await?;
    let waiting = endpoints::pending_at(tx, address_index).await?;
    if today >= i32::from(limits.most_a_day) || waiting >= i64::from(limits.most_pending_of_address)
    {
        return Err(Error::TooManyRegistrations);
    }
    Ok(())
}

/// An event of this service's own: about no message.
pub(crate) fn own_event(kind: Kind, event_id: Uuid, now: Timestamp) -> Happened {
    Happened {
        event_id,
        kind,
        message_id: Uuid::nil(),
        case_id: None,
        occurred_at: now,
        said_at: now,
        historical: false,
        public: false,
        office_id: String::new(),
        division_code: String::new(),
        withdrawn: false,
        deadline_at: None,
        reply_id: None,
        uptake: String::new(),
        traceparent: liuyan_kit::telemetry::current_traceparent(),
    }
}
