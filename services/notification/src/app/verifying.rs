//! Proving that an endpoint is its holder's.

use std::sync::Arc;

use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{App, endpoints::Seen};
use crate::{
    domain::{code, delivery::EndpointState},
    error::Error,
    store::endpoints,
};

impl App {
    /// Takes a code that was sent to an endpoint. Somebody who follows the link twice gets the same
    /// answer twice. Whatever is wrong, the answer is the same: it tells nobody which endpoints
    /// there are.
    ///
    /// # Errors
    /// [`Error::VerificationFailed`].
    pub(crate) async fn verify(
        self: &Arc<Self>,
        endpoint_id: Uuid,
        code: &str,
    ) -> Result<Seen, Error> {
        let (app, now) = (Arc::clone(self), self.clock.now());
        let code = code::tidy(code);
        let verified = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    endpoints::lock(tx, endpoint_id).await?;
                    let Some(mut endpoint) = endpoints::one(tx, endpoint_id).await? else {
                        return Ok::<_, Error>(None);
                    };
                    let most = app.config.endpoints.code_attempts;
                    let Some(verification_id) = endpoint.verification_id else { return Ok(None) };
                    if !endpoints::may_be_tried(&endpoint, now, most) {
                        return Ok(None);
                    }
                    let right = app.vault.code(endpoint_id, verification_id);
                    if !bool::from(right.as_bytes().ct_eq(code.as_bytes())) {
                        // Committed, although the caller gets an error.
                        endpoints::count_wrong_code(tx, endpoint_id).await?;
                        return Ok(None);
                    }
                    if endpoint.state == EndpointState::Pending {
                        endpoints::activate(tx, now, endpoint_id).await?;
                        endpoint.state = EndpointState::Active;
                    }
                    Ok(Some(endpoint))
                })
            })
            .await?;
        self.seen(verified.ok_or(Error::VerificationFailed)?)
    }
}
