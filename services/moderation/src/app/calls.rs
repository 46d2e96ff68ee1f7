//! Writes that their callers may repeat: how each begins, and how each ends.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::one;
use crate::{
    domain::{
        audit::{Action, Entry},
        review::Review,
    },
    error::Error,
    store::{
        audit,
        requests::{self, Answered},
    },
};

/// A write that its caller may repeat.
#[derive(Debug, Clone)]
pub struct Write {
    /// Who calls: issuer and subject of the token.
    pub caller: String,
    /// The id that the caller gave to the request.
    pub request_id: Uuid,
    /// SHA-256 of the request.
    pub body_hash: [u8; 32],
}

/// What a write did.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) at: Timestamp,
    pub(super) action: Action,
    pub(super) message_id: Option<Uuid>,
    /// As ids and codes; never a text.
    pub(super) detail: String,
}

impl Write {
    /// Lets one transaction at a time work on this write; gives the answer if there is one already.
    pub(super) async fn begin(&self, tx: &mut PgConnection) -> Result<Option<Vec<u8>>, Error> {
        match requests::begin(tx, &self.caller, self.request_id).await? {
            None => Ok(None),
            Some(answered) if answered.body_hash == self.body_hash => Ok(Some(answered.response)),
            Some(_) => Err(Error::RequestIdReused),
        }
    }

    /// Keeps the answer and adds what was done to the audit log, whose head is locked from here on:
    /// nothing may follow in the transaction.
    pub(super) async fn end(
        &self,
        tx: &mut PgConnection,
        done: Done,
        response: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let answered = Answered { body_hash: self.body_hash.to_vec(), response };
        requests::insert(tx, done.at, &self.caller, self.request_id, &answered).await?;
        let entry = Entry {
            at: done.at,
            actor: self.caller.clone(),
            action: done.action,
            message_id: done.message_id,
            request_id: Some(self.request_id),
            detail: done.detail,
        };
        audit::append(tx, &entry).await?;
        Ok(answered.response)
    }
}

/// A write on one review.
#[derive(Debug, Clone)]
pub struct Call {
    /// The write.
    pub write: Write,
    /// Makes the answer that is kept from the review after the write.
    pub answer: fn(&Review) -> Vec<u8>,
}

impl Call {
    /// Who calls.
    pub(super) fn caller(&self) -> &str {
        &self.write.caller
    }

    /// See [`Write::begin`].
    pub(super) async fn begin(&self, tx: &mut PgConnection) -> Result<Option<Vec<u8>>, Error> {
        self.write.begin(tx).await
    }

    /// Makes the answer of the review as it is now; see [`Write::end`].
    pub(super) async fn end(
        &self,
        tx: &mut PgConnection,
        at: Timestamp,
        action: Action,
        message_id: Uuid,
        detail: String,
    ) -> Result<Vec<u8>, Error> {
        let response = (self.answer)(&one(tx, message_id).await?);
        let done = Done { at, action, message_id: Some(message_id), detail };
        self.write.end(tx, done, response).await
    }
}
