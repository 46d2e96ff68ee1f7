//! What moderation and routing say about messages and cases enters the transparency log, whether or
//! not intake has anything else to do with it. An entry shows a salted hash alone, so that nobody
//! learns from it whether the message is public.

use liuyan_kit::messaging::{Delivered, Fault, Handle};
use liuyan_proto::{
    Event,
    liuyan::{
        moderation::v1::{
            AppealDecided, DecisionAppealed, MessageApproved, MessageDeclined, MessageRedacted,
            MessageReturned, MessageWithdrawn,
        },
        routing::v1::{
            CaseAccepted, CaseAssigned, CaseClosed, CaseEscalated, CaseExtended, CaseGrouped,
            CaseOpened, CasePaused, CaseRated, CaseReopened, CaseReplied, CaseResumed,
            CaseReturned, CaseSupervised, CaseTextChanged, CaseTransferred, CaseUngrouped,
            DeadlineMissed, DeadlineNeared, FollowUpAsked, HelperInvited, PromiseBroken,
            PromiseKept, PromiseMade, ReplyCorrected, ResultTold, WithdrawalRefused,
        },
    },
};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::Messages;
use crate::{
    app::log,
    domain::log::{Entry, Said},
};

/// Types of events that are logged, and who says them.
pub const LOGGED: [(&str, &str); 34] = [
    source::<MessageApproved>(),
    source::<MessageReturned>(),
    source::<MessageDeclined>(),
    source::<MessageWithdrawn>(),
    source::<MessageRedacted>(),
    source::<DecisionAppealed>(),
    source::<AppealDecided>(),
    source::<CaseOpened>(),
    source::<CaseAssigned>(),
    source::<CaseAccepted>(),
    source::<CaseTransferred>(),
    source::<CaseReplied>(),
    source::<CaseRated>(),
    source::<CaseTextChanged>(),
    source::<CaseClosed>(),
    source::<CaseReturned>(),
    source::<CasePaused>(),
    source::<CaseResumed>(),
    source::<CaseExtended>(),
    source::<CaseGrouped>(),
    source::<CaseUngrouped>(),
    source::<CaseEscalated>(),
    source::<HelperInvited>(),
    source::<ReplyCorrected>(),
    source::<FollowUpAsked>(),
    source::<CaseReopened>(),
    source::<CaseSupervised>(),
    source::<DeadlineNeared>(),
    source::<DeadlineMissed>(),
    source::<PromiseMade>(),
    source::<PromiseKept>(),
    source::<PromiseBroken>(),
    source::<WithdrawalRefused>(),
    source::<ResultTold>(),
];

const fn source<E: Event>() -> (&'static str, &'static str) {
    (E::SOURCE, E::TYPE)
}

/// Hears as the handler inside, and logs what was heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged<H>(pub(super) H);

impl<E: Event + Sync, H: Handle<E>> Handle<E> for Logged<H> {
    async fn handle(&self, tx: &mut PgConnection, events: &[Delivered<E>]) -> Result<(), Fault> {
        self.0.handle(tx, events).await?;
        let entries: Vec<Entry> = events
            .iter()
            .map(|it| {
                let said = Said {
                    kind: E::TYPE,
                    event_id: it.event_id,
                    subject_id: it.subject_id,
                    version: it.version,
                    payload_hash: Sha256::digest(it.event.encode_to_vec()).into(),
                };
                Entry::event(&said, rand::random(), it.at)
            })
            .collect();
        Ok(log::append(tx, &entries).await?)
    }
}

/// Intake does nothing else with these.
macro_rules! only_logged {
    ($($event:ty),+ $(,)?) => {
        $(impl Handle<$event> for Messages {
            async fn handle(
                &self,
                _: &mut PgConnection,
                _: &[Delivered<$event>],
            ) -> Result<(), Fault> {
                Ok(())
            }
        })+
    };
}
only_logged!(
    DecisionAppealed,
    AppealDecided,
    CaseAssigned,
    CaseAccepted,
    CaseTransferred,
    CaseReplied,
    CaseRated,
    CaseTextChanged,
    CaseReturned,
    CasePaused,
    CaseResumed,
    CaseExtended,
    CaseGrouped,
    CaseUngrouped,
    CaseEscalated,
    HelperInvited,
    ReplyCorrected,
    CaseSupervised,
    DeadlineNeared,
    DeadlineMissed,
    PromiseMade,
    PromiseKept,
    PromiseBroken,
    ResultTold,
);
