//! Moderation: what became of messages before they had a case.

use std::sync::Arc;

use liuyan_kit::messaging::{Consumer, Delivered, Fault, Handle};
use liuyan_proto::{
    Event,
    liuyan::moderation::v1::{MessageApproved, MessageDeclined, MessageReturned, MessageWithdrawn},
};
use sqlx::PgConnection;
use tokio::sync::Notify;

use super::{Unreadable, told};
use crate::{app::hearing, domain::fact::Verdict};

/// Hears moderation, and signals `arrived` when there may be something to count.
pub fn of_moderation(arrived: Arc<Notify>) -> Consumer {
    Consumer::new("moderation")
        .on::<MessageApproved, _>(OfModeration)
        .on::<MessageReturned, _>(OfModeration)
        .on::<MessageDeclined, _>(OfModeration)
        .on::<MessageWithdrawn, _>(OfModeration)
        .wakes(arrived)
}

#[derive(Clone, Copy)]
struct OfModeration;

/// An event that is a verdict about a message.
trait IsVerdict: Event {
    fn verdict(&self) -> Result<Verdict, Unreadable>;
}

impl IsVerdict for MessageApproved {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        Ok(Verdict::Approved { accused: !self.accused_office_ids.is_empty() })
    }
}

impl IsVerdict for MessageReturned {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        Ok(Verdict::Returned)
    }
}

impl IsVerdict for MessageDeclined {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        if self.ground.is_empty() {
            return Err(Unreadable("ground"));
        }
        Ok(Verdict::Declined { ground: self.ground.clone() })
    }
}

impl IsVerdict for MessageWithdrawn {
    fn verdict(&self) -> Result<Verdict, Unreadable> {
        Ok(Verdict::Withdrawn)
    }
}

impl<E: IsVerdict + Send + Sync> Handle<E> for OfModeration {
    async fn handle(&self, tx: &mut PgConnection, events: &[Delivered<E>]) -> Result<(), Fault> {
        let heard = events.iter().map(|delivered| {
            let verdict = delivered.event.verdict()?;
            Ok((delivered.subject_id, verdict, told(delivered)))
        });
        let heard: Result<Vec<_>, Unreadable> = heard.collect();
        Ok(hearing::decided(tx, &heard?).await?)
    }
}
