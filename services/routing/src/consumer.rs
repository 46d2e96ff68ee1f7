//! What routing hears. Handlers only store what is to be done; workers do it, so that it does not
//! matter which source comes first.

use std::collections::BTreeMap;

use liuyan_kit::{
    clock::{SharedClock, from_proto},
    messaging::{Consumer, Delivered, Fault, Handle},
};
use liuyan_proto::liuyan::{
    common::v1 as common,
    intake::v1::{MessageErased, WithdrawalRequested},
    moderation::v1::{MessageApproved, MessageRedacted},
};
use sqlx::PgConnection;

use crate::{
    domain::{
        MessageId,
        case::{Opening, Visibility},
    },
    store::{
        erasures,
        openings::{self, Approved, Wish},
    },
};

/// Hears intake: wishes to withdraw, and what was erased.
pub fn of_intake(clock: SharedClock) -> Consumer {
    Consumer::new("intake")
        .on::<WithdrawalRequested, _>(Handler(clock.clone()))
        .on::<MessageErased, _>(Handler(clock))
}

/// Hears moderation: what was approved, and what was redacted afterwards. That a message was
/// withdrawn before it was approved needs no answer here: the wish, which intake told, stays as a
/// tombstone.
pub fn of_moderation(clock: SharedClock) -> Consumer {
    Consumer::new("moderation")
        .on::<MessageApproved, _>(Handler(clock.clone()))
        .on::<MessageRedacted, _>(Handler(clock))
}

struct Handler(SharedClock);

/// An approved message waits for its case. If its author's wish to withdraw came first, the worker
/// finds that wish when it opens the case.
impl Handle<MessageApproved> for Handler {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageApproved>],
    ) -> Result<(), Fault> {
        let approved: Result<Vec<Approved>, Fault> = events.iter().map(approved).collect();
        Ok(openings::insert(tx, &approved?, self.0.now()).await?)
    }
}

/// A redaction is counted; the worker fetches the text anew. It never comes before the approval:
/// both are of one subject of one source. If the case is not open yet, the worker that opens it
/// fetches the new text, or the count tells that it fetched the old one.
impl Handle<MessageRedacted> for Handler {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageRedacted>],
    ) -> Result<(), Fault> {
        let redacted: Result<Vec<_>, Fault> = events
            .iter()
            .map(|delivered| {
                let id = message_id(&delivered.event.message_id)?;
                Ok((id, delivered.traceparent.clone()))
            })
            .collect();
        Ok(openings::count_redactions(tx, &redacted?, self.0.now()).await?)
    }
}

/// A wish to withdraw is kept for ever. If the approval has not come yet it is a tombstone: should
/// the approval come all the same, the case is closed as it opens.
impl Handle<WithdrawalRequested> for Handler {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<WithdrawalRequested>],
    ) -> Result<(), Fault> {
        let wishes: Result<Vec<Wish>, Fault> = events
            .iter()
            .map(|delivered| {
                let at = delivered.event.requested_at.as_ref().and_then(from_proto);
                Ok(Wish {
                    message_id: message_id(&delivered.event.message_id)?,
                    at: at.unwrap_or(delivered.at),
                    traceparent: delivered.traceparent.clone(),
                })
            })
            .collect();
        Ok(openings::insert_withdrawals(tx, &wishes?).await?)
    }
}

/// That a message was erased is kept for ever. If the approval has not come yet it is a tombstone:
/// should the approval come all the same, the case opens without a text.
impl Handle<MessageErased> for Handler {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageErased>],
    ) -> Result<(), Fault> {
        let mut erased = BTreeMap::new();
        for delivered in events {
            let message_id = message_id(&delivered.event.message_id)?;
            let at = delivered.event.erased_at.as_ref().and_then(from_proto);
            let traceparent = delivered.traceparent.clone();
            let one = Wish { message_id, at: at.unwrap_or(delivered.at), traceparent };
            erased.insert(delivered.subject_id, one);
        }
        let erased: Vec<Wish> = erased.into_values().collect();
        Ok(erasures::insert(tx, &erased).await?)
    }
}

fn message_id(text: &str) -> Result<MessageId, Fault> {
    text.parse().map_err(Fault::reject)
}

fn approved(delivered: &Delivered<MessageApproved>) -> Result<Approved, Fault> {
    let event = &delivered.event;
    let time = |time: &Option<_>, name: &str| {
        time.as_ref()
            .and_then(from_proto)
            .ok_or_else(|| Fault::reject(format!("{name} is missing or no time")))
    };
    let visibility = match event.visibility() {
        common::Visibility::Private => Visibility::Private,
        common::Visibility::Public => Visibility::Public,
        // Unspecified is taken as public by contract, an unknown value never is.
        common::Visibility::Unspecified if event.visibility == 0 => Visibility::Public,
        common::Visibility::Unspecified => Visibility::Private,
    };
    Ok(Approved {
        opening: Opening {
            message_id: message_id(&event.message_id)?,
            number: event.number.clone(),
            office_id: event.office_id.clone(),
            kind: event.kind.clone(),
            domain: event.domain.clone(),
            topic: event.topic.clone(),
            visibility,
            submitted_at: time(&event.submitted_at, "submitted_at")?,
            occurred_at: event
                .occurred_at
                .is_some()
                .then(|| time(&event.occurred_at, "occurred_at"))
                .transpose()?,
            accused: event.accused_office_ids.clone(),
            redactions: 0,
            traceparent: delivered.traceparent.clone(),
            precedent: None,
            suggested: None,
            consultation_id: match event.consultation_id.as_str() {
                "" => None,
                id => Some(id.parse().map_err(Fault::reject)?),
            },
        },
        text_revision: event.revision,
        approved_at: time(&event.approved_at, "approved_at")?,
    })
}
