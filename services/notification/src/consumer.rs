//! What is heard. Of everything that may be told, ids, codes and times are kept; see `app/hearing.rs`
//! for what happens when an event comes before the message that it is about.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use liuyan_kit::{
    clock::SharedClock,
    messaging::{Consumer, Delivered, Fault, Handle},
};
use liuyan_proto::liuyan::{
    common::v1 as common,
    identity::v1::AccountErased,
    intake::v1::{MessageErased, MessageSubmitted},
    moderation::v1 as moderation,
    routing::v1 as routing,
};
use sqlx::PgConnection;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    app::{
        App, erasing,
        hearing::{self, Heard},
        telling::Terms,
    },
    domain::{
        address::Channel,
        event::{Happened, is_historical},
    },
    store::{messages::Submission, offices::Office},
};

mod facts;

use facts::{Telling, time};

/// Hears the others.
#[derive(Clone)]
pub struct Ears {
    /// The time.
    pub clock: SharedClock,
    /// Who is told.
    pub terms: Terms,
    /// Signalled when there may be something to send.
    pub wakes: [Arc<Notify>; 2],
}

/// A field of an event that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{0} of the event can't be read")]
struct Unreadable(&'static str);

impl Ears {
    /// Hears for `app`.
    pub fn of(app: &App) -> Self {
        Self {
            clock: Arc::clone(&app.clock),
            terms: Terms::of(&app.config),
            wakes: [Channel::Email, Channel::Webhook].map(|channel| app.wakes.of(channel)),
        }
    }

    /// Hears intake: which messages there are, and whose; and which were erased.
    pub fn of_intake(&self) -> Consumer {
        let consumer = Consumer::new("intake")
            .on::<MessageSubmitted, _>(self.clone())
            .on::<MessageErased, _>(self.clone());
        self.waking(consumer)
    }

    /// Hears moderation: what was decided.
    pub fn of_moderation(&self) -> Consumer {
        let consumer = Consumer::new("moderation")
            .on::<moderation::MessageApproved, _>(self.clone())
            .on::<moderation::MessageReturned, _>(self.clone())
            .on::<moderation::MessageDeclined, _>(self.clone())
            .on::<moderation::DecisionAppealed, _>(self.clone())
            .on::<moderation::AppealDecided, _>(self.clone());
        self.waking(consumer)
    }

    /// Hears routing: cases, and which office is under which. A rating that is not final is
    /// private. An event tells one office: that which has the case, or that which was asked to help or
    /// is above. What a reply promises is told with the reply.
    pub fn of_routing(&self) -> Consumer {
        let consumer = Consumer::new("routing")
            .on::<routing::OfficePut, _>(self.clone())
            .on::<routing::CaseOpened, _>(self.clone())
            .on::<routing::CaseAssigned, _>(self.clone())
            .on::<routing::CaseAccepted, _>(self.clone())
            .on::<routing::CaseTransferred, _>(self.clone())
            .on::<routing::CaseReturned, _>(self.clone())
            .on::<routing::CasePaused, _>(self.clone())
            .on::<routing::CaseResumed, _>(self.clone())
            .on::<routing::CaseExtended, _>(self.clone())
            .on::<routing::ReplyCorrected, _>(self.clone())
            .on::<routing::FollowUpAsked, _>(self.clone())
            .on::<routing::CaseReopened, _>(self.clone())
            .on::<routing::PromiseKept, _>(self.clone())
            .on::<routing::PromiseBroken, _>(self.clone())
            .on::<routing::CaseSupervised, _>(self.clone())
            .on::<routing::CaseEscalated, _>(self.clone())
            .on::<routing::HelperInvited, _>(self.clone())
            .on::<routing::DeadlineNeared, _>(self.clone())
            .on::<routing::DeadlineMissed, _>(self.clone())
            .on::<routing::CaseReplied, _>(self.clone())
            .on::<routing::CaseTextChanged, _>(self.clone())
            .on::<routing::CaseRated, _>(self.clone())
            .on::<routing::CaseClosed, _>(self.clone())
            .on::<routing::WithdrawalRefused, _>(self.clone())
            .on::<routing::ResultTold, _>(self.clone());
        self.waking(consumer)
    }

    /// Hears identity: which accounts are gone.
    pub fn of_identity(&self) -> Consumer {
        Consumer::new("identity").on::<AccountErased, _>(self.clone())
    }

    /// Hears stats; nobody is told of its definitions yet, so that only the position moves.
    pub fn of_stats(&self) -> Consumer {
        Consumer::new("stats")
    }

    fn waking(&self, consumer: Consumer) -> Consumer {
        let [one, other] = &self.wakes;
        consumer.wakes(Arc::clone(one)).wakes(Arc::clone(other))
    }

    fn is_historical(&self, occurred_at: Timestamp, said_at: Timestamp) -> bool {
        is_historical(occurred_at, said_at, self.terms.historical_after)
    }
}

impl<E: Telling> Handle<E> for Ears {
    async fn handle(&self, tx: &mut PgConnection, events: &[Delivered<E>]) -> Result<(), Fault> {
        let heard: Result<Vec<Heard>, Unreadable> =
            events.iter().map(|delivered| self.heard(delivered)).collect();
        let heard = heard.map_err(Fault::reject)?;
        Ok(hearing::happened(tx, self.terms, self.clock.now(), heard).await?)
    }
}

impl Ears {
    fn heard<E: Telling>(&self, delivered: &Delivered<E>) -> Result<Heard, Unreadable> {
        let facts = delivered.event.facts(delivered.subject_id, delivered.at)?;
        let case = facts.case.unwrap_or_default();
        let event = Happened {
            event_id: delivered.event_id,
            kind: E::KIND,
            message_id: facts.message_id,
            case_id: (!case.case_id.is_empty()).then_some(delivered.subject_id),
            occurred_at: facts.occurred_at,
            said_at: delivered.at,
            historical: self.is_historical(facts.occurred_at, delivered.at),
            public: case.public,
            office_id: facts.other_office_id.unwrap_or_else(|| case.office_id.clone()),
            division_code: case.division_code,
            withdrawn: facts.withdrawn,
            deadline_at: facts.deadline_at,
            reply_id: facts.reply_id,
            uptake: facts.uptake,
            traceparent: delivered.traceparent.clone(),
        };
        let (holder_office_id, accused_office_ids) = (case.office_id, case.accused_office_ids);
        Ok(Heard { event, holder_office_id, accused_office_ids })
    }

    fn submission(
        &self,
        delivered: &Delivered<MessageSubmitted>,
    ) -> Result<Submission, Unreadable> {
        let event = &delivered.event;
        let account_id = match event.account_id.as_str() {
            "" => None,
            id => Some(id.parse().map_err(|_| Unreadable("account_id"))?),
        };
        if event.number.is_empty() {
            return Err(Unreadable("number"));
        }
        let occurred_at = time("occurred_at", event.occurred_at.as_ref())?;
        // A visibility that this release does not know is kept from everybody.
        let public = event.visibility == 0 || event.visibility() == common::Visibility::Public;
        Ok(Submission {
            message_id: delivered.subject_id,
            number: event.number.clone(),
            kind: event.kind.clone(),
            public,
            account_id,
            historical: occurred_at.is_some_and(|at| self.is_historical(at, delivered.at)),
        })
    }
}

impl Handle<MessageSubmitted> for Ears {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageSubmitted>],
    ) -> Result<(), Fault> {
        let new: Result<Vec<Submission>, Unreadable> =
            events.iter().map(|delivered| self.submission(delivered)).collect();
        let new = new.map_err(Fault::reject)?;
        Ok(hearing::submitted(tx, self.terms, self.clock.now(), new).await?)
    }
}

/// Comes after the submission: both are of one subject of one source. What other sources say of the
/// message later is told to its office, and to nobody on its author's behalf.
impl Handle<MessageErased> for Ears {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageErased>],
    ) -> Result<(), Fault> {
        let messages: Vec<Uuid> = events.iter().map(|delivered| delivered.subject_id).collect();
        Ok(erasing::message_erased(tx, self.clock.now(), &messages).await?)
    }
}

impl Handle<routing::OfficePut> for Ears {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<routing::OfficePut>],
    ) -> Result<(), Fault> {
        // Of several events of one office the last counts.
        let put: BTreeMap<String, Office> = (events.iter())
            .map(|delivered| {
                let parent_office_id = delivered.event.parent_office_id.clone();
                let office = Office { subject_id: delivered.subject_id, parent_office_id };
                (delivered.event.office_id.clone(), office)
            })
            .collect();
        Ok(hearing::offices_put(tx, &put).await?)
    }
}

impl Handle<AccountErased> for Ears {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<AccountErased>],
    ) -> Result<(), Fault> {
        let accounts: Vec<Uuid> = events.iter().map(|delivered| delivered.subject_id).collect();
        Ok(erasing::erased(tx, self.clock.now(), &accounts).await?)
    }
}

#[cfg(test)]
mod tests {
    use liuyan_proto::Event;

    use super::*;
    use crate::domain::event::Kind;

    fn agrees<E: Telling>() {
        assert_eq!(E::TYPE, E::KIND.event_type());
        assert_eq!(E::SOURCE, E::KIND.source());
    }

    #[test]
    fn every_kind_has_the_type_that_its_source_says() {
        agrees::<moderation::MessageApproved>();
        agrees::<moderation::MessageReturned>();
        agrees::<moderation::MessageDeclined>();
        agrees::<moderation::DecisionAppealed>();
        agrees::<moderation::AppealDecided>();
        agrees::<routing::CaseOpened>();
        agrees::<routing::CaseAssigned>();
        agrees::<routing::CaseAccepted>();
        agrees::<routing::CaseTransferred>();
        agrees::<routing::CaseReturned>();
        agrees::<routing::CasePaused>();
        agrees::<routing::CaseResumed>();
        agrees::<routing::CaseExtended>();
        agrees::<routing::ReplyCorrected>();
        agrees::<routing::FollowUpAsked>();
        agrees::<routing::CaseReopened>();
        agrees::<routing::PromiseKept>();
        agrees::<routing::PromiseBroken>();
        agrees::<routing::CaseSupervised>();
        agrees::<routing::CaseEscalated>();
        agrees::<routing::HelperInvited>();
        agrees::<routing::DeadlineNeared>();
        agrees::<routing::DeadlineMissed>();
        agrees::<routing::CaseReplied>();
        agrees::<routing::CaseTextChanged>();
        agrees::<routing::CaseRated>();
        agrees::<routing::CaseClosed>();
        agrees::<routing::WithdrawalRefused>();
        agrees::<routing::ResultTold>();
        let disabled = liuyan_proto::liuyan::notification::v1::EndpointDisabled::TYPE;
        assert_eq!(disabled, Kind::EndpointDisabled.event_type());
    }
}
