//! What moderation hears, from the bus's words to the domain's. All of it comes from intake, so that
//! for one message the order is given: submitted, then resubmitted, withdrawn or erased.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::{
    clock::{SharedClock, from_proto},
    messaging::{Consumer, Delivered, Fault, Handle},
};
use liuyan_proto::liuyan::{
    common::v1 as common,
    intake::v1::{MessageErased, MessageResubmitted, MessageSubmitted, WithdrawalRequested},
};
use sqlx::PgConnection;
use tokio::sync::Notify;

use crate::{
    app::hearing::{self, Refused},
    domain::review::{Mended, Submission, Visibility},
};

/// Hears intake, and signals `arrived` when there may be something to screen.
pub fn of_intake(clock: SharedClock, arrived: Arc<Notify>) -> Consumer {
    let handler = OfIntake { clock };
    Consumer::new("intake")
        .on::<MessageSubmitted, _>(handler.clone())
        .on::<MessageResubmitted, _>(handler.clone())
        .on::<WithdrawalRequested, _>(handler.clone())
        .on::<MessageErased, _>(handler)
        .wakes(arrived)
}

#[derive(Clone)]
struct OfIntake {
    clock: SharedClock,
}

/// A field of an event that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{0} of the event can't be read")]
struct Unreadable(&'static str);

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Database(error) => error.into(),
            Refused::Unknown(error) => Self::reject(error),
        }
    }
}

impl Handle<MessageSubmitted> for OfIntake {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageSubmitted>],
    ) -> Result<(), Fault> {
        let messages: Result<Vec<_>, _> = events.iter().map(submission).collect();
        Ok(hearing::submitted(tx, self.clock.now(), &messages.map_err(Fault::reject)?).await?)
    }
}

impl Handle<MessageResubmitted> for OfIntake {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageResubmitted>],
    ) -> Result<(), Fault> {
        let mended = events.iter().map(|delivered| match delivered.event.revision {
            0 => Err(Fault::reject(Unreadable("revision"))),
            revision => Ok(Mended {
                message_id: delivered.subject_id,
                revision,
                traceparent: delivered.traceparent.clone(),
            }),
        });
        let mended: Vec<_> = mended.collect::<Result<_, _>>()?;
        Ok(hearing::resubmitted(tx, self.clock.now(), &mended).await?)
    }
}

impl Handle<WithdrawalRequested> for OfIntake {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<WithdrawalRequested>],
    ) -> Result<(), Fault> {
        let wishes: Vec<_> = events
            .iter()
            .map(|delivered| (delivered.subject_id, delivered.traceparent.clone()))
            .collect();
        Ok(hearing::withdrawal_requested(tx, self.clock.now(), &wishes).await?)
    }
}

/// What tells of the text is removed. Heard from intake alone, so that it comes after the submission
/// and after the wish to withdraw by which every erasure of something under way begins.
impl Handle<MessageErased> for OfIntake {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageErased>],
    ) -> Result<(), Fault> {
        let erased: Vec<_> = events
            .iter()
            .map(|delivered| (delivered.subject_id, delivered.traceparent.clone()))
            .collect();
        Ok(hearing::erased(tx, self.clock.now(), &erased).await?)
    }
}

fn submission(delivered: &Delivered<MessageSubmitted>) -> Result<Submission, Unreadable> {
    let (subject_id, event) = (delivered.subject_id, &delivered.event);
    let time =
        |time: &Option<prost_types::Timestamp>, name| -> Result<Option<Timestamp>, Unreadable> {
            time.as_ref().map(|time| from_proto(time).ok_or(Unreadable(name))).transpose()
        };
    if event.message_id.parse() != Ok(subject_id) {
        return Err(Unreadable("message_id"));
    }
    if event.office_id.is_empty() {
        return Err(Unreadable("office_id"));
    }
    // A visibility that this release does not know is kept from everybody.
    let visibility = match event.visibility() {
        common::Visibility::Public => Visibility::Public,
        common::Visibility::Unspecified if event.visibility == 0 => Visibility::Public,
        common::Visibility::Unspecified | common::Visibility::Private => Visibility::Private,
    };
    Ok(Submission {
        message_id: subject_id,
        number: event.number.clone(),
        office_id: event.office_id.clone(),
        kind: event.kind.clone(),
        domain: event.domain.clone(),
        topic: event.topic.clone(),
        visibility,
        author_id: event.author_id.clone(),
        account_id: event.account_id.clone(),
        submitted_at: time(&event.submitted_at, "submitted_at")?
            .ok_or(Unreadable("submitted_at"))?,
        occurred_at: time(&event.occurred_at, "occurred_at")?,
        consultation_id: event.consultation_id.clone(),
        revision: event.revision.max(1),
        traceparent: delivered.traceparent.clone(),
    })
}
