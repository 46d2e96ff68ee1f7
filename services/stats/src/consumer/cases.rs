//! Routing: the work on approved messages, and where offices are. Ratings are heard when they are
//! final, and not before. Waiting for the author, more time, help, corrections, reminders and being
//! watched are not heard: whether an answer was in time is told by the first date alone.

use std::sync::Arc;

use liuyan_kit::messaging::{Consumer, Delivered, Fault, Handle};
use liuyan_proto::{
    Event,
    liuyan::{common::v1 as common, routing::v1 as routing},
};
use sqlx::PgConnection;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Unreadable, id, is_private, time, told};
use crate::{
    app::hearing::{self, CaseHeard},
    domain::{
        division,
        fact::{Outcome, Step, View},
    },
    store::offices::Office,
};

/// Hears routing, and signals `arrived` when there may be something to count.
pub fn of_routing(arrived: Arc<Notify>) -> Consumer {
    Consumer::new("routing")
        .on::<routing::OfficePut, _>(OfRouting)
        .on::<routing::CaseOpened, _>(OfRouting)
        .on::<routing::CaseAssigned, _>(OfRouting)
        .on::<routing::CaseAccepted, _>(OfRouting)
        .on::<routing::CaseTransferred, _>(OfRouting)
        .on::<routing::CaseReturned, _>(OfRouting)
        .on::<routing::CaseReplied, _>(OfRouting)
        .on::<routing::FollowUpAsked, _>(OfRouting)
        .on::<routing::CaseReopened, _>(OfRouting)
        .on::<routing::CaseRated, _>(OfRouting)
        .on::<routing::CaseClosed, _>(OfRouting)
        .wakes(arrived)
}

#[derive(Clone, Copy)]
struct OfRouting;

/// An event of a case.
trait IsStep: Event {
    /// What every event of a case tells.
    fn case(&self) -> Option<&routing::CaseRef>;
    /// What was done; `case_id` is the event's subject.
    fn step(&self, case_id: Uuid) -> Result<Step, Unreadable>;
}

macro_rules! steps {
    ($($event:ident: |$it:ident, $case_id:ident| $step:expr),+ $(,)?) => {
        $(impl IsStep for routing::$event {
            fn case(&self) -> Option<&routing::CaseRef> {
                self.case.as_ref()
            }

            fn step(&self, $case_id: Uuid) -> Result<Step, Unreadable> {
                let $it = self;
                $step
            }
        })+
    };
}

steps! {
    CaseOpened: |event, case_id| {
        let deadline_at = time(event.deadline_at.as_ref(), "deadline_at")?;
        Ok(Step::Opened { case_id, deadline_at: deadline_at.ok_or(Unreadable("deadline_at"))? })
    },
    CaseAssigned: |_event, _case_id| Ok(Step::Handled),
    CaseAccepted: |_event, _case_id| Ok(Step::Handled),
    CaseTransferred: |_event, _case_id| Ok(Step::Transferred),
    // Another office has it now, whichever way it came there.
    CaseReturned: |_event, _case_id| Ok(Step::Transferred),
    CaseReplied: |_event, _case_id| Ok(Step::Replied),
    FollowUpAsked: |_event, _case_id| Ok(Step::Handled),
    CaseReopened: |_event, _case_id| Ok(Step::Handled),
    CaseRated: |event, _case_id| marks(event).map(Step::Rated),
    CaseClosed: |event, _case_id| outcome(event.outcome()).map(Step::Closed),
}

/// The sum of three marks, each from 1 to 5.
fn marks(event: &routing::CaseRated) -> Result<i16, Unreadable> {
    let marks = [event.resolution, event.attitude, event.speed];
    if marks.iter().any(|mark| !(1..=5).contains(mark)) {
        return Err(Unreadable("a mark"));
    }
    i16::try_from(marks.iter().sum::<u32>()).map_err(|_| Unreadable("a mark"))
}

fn outcome(outcome: common::Outcome) -> Result<Outcome, Unreadable> {
    match outcome {
        common::Outcome::Unspecified => Err(Unreadable("outcome")),
        common::Outcome::Solved => Ok(Outcome::Solved),
        common::Outcome::PartlySolved => Ok(Outcome::PartlySolved),
        common::Outcome::Explained => Ok(Outcome::Explained),
        common::Outcome::Refused => Ok(Outcome::Refused),
        common::Outcome::Impossible => Ok(Outcome::Impossible),
        common::Outcome::Duplicate => Ok(Outcome::Duplicate),
        common::Outcome::Withdrawn => Ok(Outcome::Withdrawn),
    }
}

impl<E: IsStep + Send + Sync> Handle<E> for OfRouting {
    async fn handle(&self, tx: &mut PgConnection, events: &[Delivered<E>]) -> Result<(), Fault> {
        let heard = events.iter().map(|delivered| Ok((heard(delivered)?, told(delivered))));
        let heard: Result<Vec<_>, Unreadable> = heard.collect();
        Ok(hearing::happened(tx, &heard?).await?)
    }
}

fn heard<E: IsStep>(delivered: &Delivered<E>) -> Result<CaseHeard, Unreadable> {
    let case = delivered.event.case().ok_or(Unreadable("case"))?;
    if id(&case.case_id, "case_id")? != delivered.subject_id {
        return Err(Unreadable("case_id"));
    }
    if case.office_id.is_empty() {
        return Err(Unreadable("office_id"));
    }
    let occurred_at = time(case.occurred_at.as_ref(), "occurred_at")?;
    Ok(CaseHeard {
        message_id: id(&case.message_id, "message_id")?,
        view: View {
            office_id: case.office_id.clone(),
            kind: case.kind.clone(),
            domain: case.domain.clone(),
            private: is_private(case.visibility),
            accused: !case.accused_office_ids.is_empty(),
            open: case.state() != common::CaseState::Closed,
            revision: i64::try_from(case.revision).unwrap_or(i64::MAX),
        },
        at: occurred_at.unwrap_or(delivered.at),
        step: delivered.event.step(delivered.subject_id)?,
    })
}

impl Handle<routing::OfficePut> for OfRouting {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<routing::OfficePut>],
    ) -> Result<(), Fault> {
        let heard = events.iter().map(|delivered| Ok((office(delivered)?, delivered.at)));
        let heard: Result<Vec<_>, Unreadable> = heard.collect();
        Ok(hearing::offices_put(tx, heard?).await?)
    }
}

/// An office. Events of earlier releases do not tell the divisions above it; its code does.
fn office(delivered: &Delivered<routing::OfficePut>) -> Result<Office, Unreadable> {
    let event = &delivered.event;
    if event.office_id.is_empty() {
        return Err(Unreadable("office_id"));
    }
    let path = match event.division_path.as_slice() {
        [] => division::path_of(&event.division_code),
        path => path.to_vec(),
    };
    // An empty code or one with a slash would not come back from the database as it went in.
    if path.iter().any(|code| code.is_empty() || code.contains('/')) {
        return Err(Unreadable("division_path"));
    }
    Ok(Office { office_id: event.office_id.clone(), subject_id: delivered.subject_id, path })
}
