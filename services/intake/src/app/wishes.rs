//! What authors may ask of a message that they have submitted: to take it back, or to take it
//! again with a mended text.

use jiff::Timestamp;
use liuyan_kit::messaging::outbox;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{App, Once, log, says};
use crate::{
    domain::{
        draft::{self, Words},
        log::{Entry, Mended},
        message::Message,
        state::Withdrawal,
    },
    error::Error,
    store::{
        column_messages, messages,
        requests::{self, NewRequest},
        shown,
    },
};

/// Makes the answer that is kept and given again for the same request, byte for byte.
pub type Encode = fn(&Message) -> Vec<u8>;

impl App {
    /// Notes the author's wish to withdraw and says it, the first time. Who decides is moderation
    /// before approval and routing after it. Gives the encoded answer.
    ///
    /// # Errors
    /// [`Error::Obstacle`] if it is too late.
    pub async fn withdraw(
        &self,
        once: Once,
        message_id: Uuid,
        encode: Encode,
    ) -> Result<Vec<u8>, Error> {
        let now = self.0.clock.now();
        let request = new_request(once, message_id, now);
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = answered_before(tx, &request).await? {
                        return Ok(answer);
                    }
                    let (standing, ..) = messages::lock_message(tx, message_id)
                        .await?
                        .ok_or(Error::MessageNotFound)?;
                    match standing.withdraw().map_err(Error::Obstacle)? {
                        Withdrawal::Known => {}
                        Withdrawal::New => {
                            messages::request_withdrawal(tx, message_id, now).await?;
                            let wish = says::withdrawal_requested(message_id, now);
                            outbox::publish_all(tx, now, &[wish]).await?;
                        }
                    }
                    answer(tx, &request, encode).await
                })
            })
            .await
    }

    /// Takes a returned message again with a mended text, as its next revision. Gives the encoded
    /// answer.
    ///
    /// # Errors
    /// Every rule that the text breaks, or [`Error::Obstacle`] if it was not returned.
    pub async fn resubmit(
        &self,
        once: Once,
        message_id: Uuid,
        words: Words,
        encode: Encode,
    ) -> Result<Vec<u8>, Error> {
        let now = self.0.clock.now();
        let request = new_request(once, message_id, now);
        let limits = self.0.config.limits.clone();
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(answer) = answered_before(tx, &request).await? {
                        return Ok(answer);
                    }
                    let (standing, kind, revision) = messages::lock_message(tx, message_id)
                        .await?
                        .ok_or(Error::MessageNotFound)?;
                    standing.resubmit().map_err(Error::Obstacle)?;
                    let words = draft::mend(&words, &kind, &limits).map_err(Error::Fields)?;
                    let next = revision + 1;
                    let salt = rand::random();
                    let mended = Mended { message_id, revision: next, words: &words };
                    let entry = Entry::text(&mended, &salt, now);
                    let proof = (salt, entry.leaf_hash);
                    messages::insert_revision(tx, message_id, next, &words, proof, now).await?;
                    log::append(tx, &[entry]).await?;
                    column_messages::bump(tx, &[message_id], now).await?;
                    let comes = says::resubmitted(message_id, next.unsigned_abs(), now);
                    outbox::publish_all(tx, now, &[comes]).await?;
                    answer(tx, &request, encode).await
                })
            })
            .await
    }
}

fn new_request(once: Once, message_id: Uuid, now: Timestamp) -> NewRequest {
    let Once { caller, request_id, body_hash } = once;
    NewRequest { caller, request_id, body_hash, message_id, created_at: now }
}

/// Notes a request. Gives the answer if it was met before; waits for one that is under way. A
/// request that fails is not remembered, since its transaction is rolled back.
async fn answered_before(
    tx: &mut PgConnection,
    request: &NewRequest,
) -> Result<Option<Vec<u8>>, Error> {
    if requests::insert_request(tx, request).await? {
        return Ok(None);
    }
    let key = (request.caller.clone(), request.request_id);
    let met = requests::find_requests(tx, &[key])
        .await?
        .pop()
        .ok_or(Error::Lost("a request that was met before"))?;
    if met.body_hash != request.body_hash {
        return Err(Error::RequestIdReused);
    }
    Ok(Some(met.response.ok_or(Error::Lost("an answer that was given before"))?))
}

/// Counts the request and keeps its answer: the message as it stands now.
async fn answer(
    tx: &mut PgConnection,
    request: &NewRequest,
    encode: Encode,
) -> Result<Vec<u8>, Error> {
    messages::count_request(tx, request.message_id, request.created_at).await?;
    let message = shown::message(tx, request.message_id).await?.ok_or(Error::MessageNotFound)?;
    let response = encode(&message);
    requests::answer_request(tx, request, &response).await?;
    Ok(response)
}
