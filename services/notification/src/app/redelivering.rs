//! Beginning a new series of attempts.

use uuid::Uuid;

use super::{App, Call};
use crate::{
    domain::{delivery::EndpointState, event::Kind, holder::Holder},
    error::Error,
    store::{
        deliveries::{self, Delivery},
        endpoints,
        requests::{self, Answered},
    },
};

impl App {
    /// Lets a delivery that was given up be tried again. With `holder`, only one of theirs.
    ///
    /// # Errors
    /// [`Error::DeliveryNotFound`], [`Error::DeliveryNotGivenUp`], [`Error::EndpointNotActive`],
    /// [`Error::RequestIdReused`].
    pub(crate) async fn redeliver(
        &self,
        call: Call,
        delivery_id: Uuid,
        holder: Option<Holder>,
    ) -> Result<Delivery, Error> {
        let now = self.clock.now();
        let (delivery, channel) = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let known = requests::begin(tx, &call.caller, call.request_id).await?;
                    if known.as_ref().is_some_and(|known| known.body_index != call.body_index) {
                        return Err(Error::RequestIdReused);
                    }
                    let found = deliveries::one(tx, delivery_id).await?;
                    let found = found.ok_or(Error::DeliveryNotFound)?;
                    let endpoint = endpoints::one(tx, found.endpoint_id).await?;
                    let endpoint = endpoint.ok_or(Error::DeliveryNotFound)?;
                    if holder.is_some_and(|holder| holder != endpoint.holder) {
                        return Err(Error::DeliveryNotFound);
                    }
                    if known.is_some() {
                        return Ok((found, endpoint.channel));
                    }
                    if !found.state.can_be_revived() {
                        return Err(Error::DeliveryNotGivenUp);
                    }
                    let usable = match found.kind {
                        Kind::EndpointVerify => EndpointState::Pending,
                        _ => EndpointState::Active,
                    };
                    if endpoint.state != usable {
                        return Err(Error::EndpointNotActive);
                    }
                    deliveries::revive(tx, now, delivery_id).await?;
                    let body_index = call.body_index.to_vec();
                    let answered = Answered { body_index, target_id: delivery_id };
                    requests::insert(tx, now, &call.caller, call.request_id, &answered).await?;
                    let revived = deliveries::one(tx, delivery_id).await?;
                    Ok((revived.ok_or(Error::DeliveryNotFound)?, endpoint.channel))
                })
            })
            .await?;
        self.wakes.of(channel).notify_one();
        Ok(delivery)
    }
}
