//! What is heard. Every event of a case is stored to wait for the appender; nothing is decided here.
//!
//! Whole streams of intake, moderation and stats are heard too, and only move the position: what
//! intake and moderation say of a message reaches the feed through routing, which alone decides what
//! is public, and figures are no events of a case. So no order between the sources matters here.

use liuyan_kit::messaging::{Consumer, Delivered, Fault, Handle};
use liuyan_proto::{
    Event,
    liuyan::{common::v1::Visibility, routing::v1 as routing},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store::pending::{self, Heard};

/// Stores events of cases. The order within a case is that of their versions, which the batch
/// keeps: see [`Handle`].
#[derive(Debug, Clone, Copy)]
pub struct Cases;

/// An event of a case.
trait CaseEvent: Event {
    /// What every event of a case tells.
    fn case(&self) -> Option<&routing::CaseRef>;
}

/// Why an event cannot be stored.
#[derive(Debug, thiserror::Error)]
enum Malformed {
    #[error("the event names no case")]
    NoCase,
    #[error("the event's case is not its subject")]
    OtherSubject,
    #[error("{0} is no UUID")]
    NoUuid(&'static str),
}

macro_rules! case_events {
    ($($event:ident),+ $(,)?) => {
        $(impl CaseEvent for routing::$event {
            fn case(&self) -> Option<&routing::CaseRef> {
                self.case.as_ref()
            }
        })+

        /// The consumer of routing. Ratings are not stored: they are private until they are final,
        /// and what is final is a figure of stats and no part of the case's public view. Reminders, missed
        /// deadlines and being watched change nothing of that view either.
        pub fn of_routing() -> Consumer {
            Consumer::new("routing")$(.on::<routing::$event, _>(Cases))+
        }
    };
}

case_events!(
    CaseOpened,
    CaseAssigned,
    CaseAccepted,
    CaseTransferred,
    CaseReturned,
    CasePaused,
    CaseResumed,
    CaseExtended,
    CaseGrouped,
    CaseUngrouped,
    HelperInvited,
    CaseReplied,
    ReplyCorrected,
    FollowUpAsked,
    CaseReopened,
    PromiseMade,
    PromiseKept,
    PromiseBroken,
    CaseTextChanged,
    WithdrawalRefused,
    CaseClosed,
);

impl<E: CaseEvent + Send + Sync> Handle<E> for Cases {
    async fn handle(&self, tx: &mut PgConnection, events: &[Delivered<E>]) -> Result<(), Fault> {
        let heard: Vec<Heard> =
            events.iter().map(heard).collect::<Result<_, _>>().map_err(Fault::reject)?;
        pending::add(tx, &heard).await?;
        Ok(())
    }
}

fn heard<E: CaseEvent>(delivered: &Delivered<E>) -> Result<Heard, Malformed> {
    let case = delivered.event.case().ok_or(Malformed::NoCase)?;
    if uuid("case_id", &case.case_id)? != delivered.subject_id {
        return Err(Malformed::OtherSubject);
    }
    let occurred_at = case.occurred_at.as_ref().and_then(liuyan_kit::clock::from_proto);
    Ok(Heard {
        event_id: delivered.event_id,
        case_id: delivered.subject_id,
        message_id: uuid("message_id", &case.message_id)?,
        version: delivered.version,
        event_type: E::TYPE.to_owned(),
        public: case.public,
        occurred_at: occurred_at.unwrap_or(delivered.at),
        traceparent: delivered.traceparent.clone(),
        office_id: case.office_id.clone(),
        division_code: case.division_code.clone(),
        kind: case.kind.clone(),
        domain: case.domain.clone(),
        state: case.state,
        view_revision: i64::try_from(case.revision).unwrap_or(i64::MAX),
        restricted: !case.public && is_kept_private(case),
        accuses: !case.public && !case.accused_office_ids.is_empty(),
        causation_id: optional_uuid("causation_id", &case.causation_id)?,
    })
}

/// Whether a case is not public for its own sake: not because it was withdrawn, or waits for its text.
fn is_kept_private(case: &routing::CaseRef) -> bool {
    case.visibility == i32::from(Visibility::Private) || !case.accused_office_ids.is_empty()
}

fn optional_uuid(field: &'static str, text: &str) -> Result<Option<Uuid>, Malformed> {
    if text.is_empty() { Ok(None) } else { uuid(field, text).map(Some) }
}

fn uuid(field: &'static str, text: &str) -> Result<Uuid, Malformed> {
    text.parse().map_err(|_| Malformed::NoUuid(field))
}
