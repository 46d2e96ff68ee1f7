//! Intake: messages that were stored. What their authors do with them later is counted as moderation
//! and routing tell it.

use std::sync::Arc;

use liuyan_kit::messaging::{Consumer, Delivered, Fault, Handle};
use liuyan_proto::liuyan::intake::v1::MessageSubmitted;
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::{Unreadable, id, is_private, time, told};
use crate::{app::hearing, domain::fact::Submission};

/// Hears intake, and signals `arrived` when there may be something to count.
pub fn of_intake(arrived: Arc<Notify>) -> Consumer {
    Consumer::new("intake").on::<MessageSubmitted, _>(OfIntake).wakes(arrived)
}

struct OfIntake;

impl Handle<MessageSubmitted> for OfIntake {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageSubmitted>],
    ) -> Result<(), Fault> {
        let heard = events.iter().map(|delivered| {
            let submission = submission(delivered)?;
            Ok((delivered.subject_id, submission, told(delivered)))
        });
        let heard: Result<Vec<_>, Unreadable> = heard.collect();
        Ok(hearing::submitted(tx, heard?).await?)
    }
}

fn submission(delivered: &Delivered<MessageSubmitted>) -> Result<Submission, Unreadable> {
    let event = &delivered.event;
    if id(&event.message_id, "message_id")? != delivered.subject_id {
        return Err(Unreadable("message_id"));
    }
    if event.office_id.is_empty() {
        return Err(Unreadable("office_id"));
    }
    let submitted_at = time(event.submitted_at.as_ref(), "submitted_at")?;
    let submitted_at = submitted_at.ok_or(Unreadable("submitted_at"))?;
    let occurred_at = time(event.occurred_at.as_ref(), "occurred_at")?;
    Ok(Submission {
        office_id: event.office_id.clone(),
        kind: event.kind.clone(),
        domain: event.domain.clone(),
        private: is_private(event.visibility),
        submitted_at: occurred_at.unwrap_or(submitted_at),
    })
}
