//! Moderation: what became of messages before they had a case.

use std::sync::Arc;

use jiff::Timestamp;
use liuyan_kit::messaging::{Consumer, Delivered, Fault, Handle};
use liuyan_proto::{
    Event,
    liuyan::moderation::v1::{
        AppealDecided, AppealOutcome, DecisionAppealed, MessageApproved, MessageDeclined,
        MessageReturned, MessageWithdrawn,
    },
};
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::{Unreadable, time, told};
use crate::{
    app::hearing::{self, Decided},
    domain::fact::Verdict,
};

/// Hears moderation, and signals `arrived` when there may be something to count.
pub fn of_moderation(arrived: Arc<Notify>) -> Consumer {
    Consumer::new("moderation")
        .on::<MessageApproved, _>(OfModeration)
        .on::<MessageReturned, _>(OfModeration)
        .on::<MessageDeclined, _>(OfModeration)
        .on::<MessageWithdrawn, _>(OfModeration)
        .on::<DecisionAppealed, _>(OfModeration)
        .on::<AppealDecided, _>(OfModeration)
        .wakes(arrived)
}

#[derive(Clone, Copy)]
struct OfModeration;

/// An event that is a verdict about a message.
trait IsVerdict: Event {
    fn verdict(&self) -> Result<Verdict, Unreadable>;

    /// When a moderator decided, if one did. How long that took of what came from another system
    /// would say nothing.
    fn reviewed_at(&self) -> Result<Option<Timestamp>, Unreadable> {
        Ok(None)
    }
}

impl IsVerdict for MessageApproved {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        Ok(Verdict::Approved { accused: !self.accused_office_ids.is_empty() })
    }

    fn reviewed_at(&self) -> Result<Option<Timestamp>, Unreadable> {
        if self.by_rules || self.occurred_at.is_some() {
            return Ok(None);
        }
        time(self.approved_at.as_ref(), "approved_at")
    }
}

impl IsVerdict for MessageReturned {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        Ok(Verdict::Returned)
    }

    fn reviewed_at(&self) -> Result<Option<Timestamp>, Unreadable> {
        time(self.returned_at.as_ref(), "returned_at")
    }
}

impl IsVerdict for MessageDeclined {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        if self.ground.is_empty() {
            return Err(Unreadable("ground"));
        }
        Ok(Verdict::Declined { ground: self.ground.clone() })
    }

    fn reviewed_at(&self) -> Result<Option<Timestamp>, Unreadable> {
        time(self.declined_at.as_ref(), "declined_at")
    }
}

impl IsVerdict for MessageWithdrawn {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        Ok(Verdict::Withdrawn)
    }
}

impl IsVerdict for DecisionAppealed {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        Ok(Verdict::Appealed)
    }
}

impl IsVerdict for AppealDecided {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        match self.outcome() {
            AppealOutcome::Upheld => Ok(Verdict::AppealDecided { upheld: true }),
            AppealOutcome::Overturned => Ok(Verdict::AppealDecided { upheld: false }),
            AppealOutcome::Unspecified => Err(Unreadable("outcome")),
        }
    }
}

impl<E: IsVerdict + Send + Sync> Handle<E> for OfModeration {
    async fn handle(&self, tx: &mut PgConnection, events: &[Delivered<E>]) -> Result<(), Fault> {
        let heard = events.iter().map(|delivered| {
            let verdict = delivered.event.verdict()?;
            let heard = Decided { verdict, reviewed_at: delivered.event.reviewed_at()? };
            Ok((delivered.subject_id, heard, told(delivered)))
        });
        let heard: Result<Vec<_>, Unreadable> = heard.collect();
        Ok(hearing::decided(tx, &heard?).await?)
    }
}
