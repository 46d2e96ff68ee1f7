//! What events tell, each in its own words.

use jiff::Timestamp;
use liuyan_kit::clock::from_proto;
use liuyan_proto::{
    Event,
    liuyan::{common::v1 as common, moderation::v1 as moderation, routing::v1 as routing},
};
use uuid::Uuid;

use super::Unreadable;
use crate::domain::event::Kind;

/// An event by which somebody is told something.
pub(super) trait Telling: Event + Send + Sync {
    /// What it is.
    const KIND: Kind;

    /// What it tells beside its kind.
    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable>;
}

/// What an event tells.
pub(super) struct Facts {
    pub(super) message_id: Uuid,
    pub(super) occurred_at: Timestamp,
    pub(super) case: Option<routing::CaseRef>,
    /// The office that is told, if it is another than that which has the case.
    pub(super) other_office_id: Option<String>,
    pub(super) deadline_at: Option<Timestamp>,
    pub(super) reply_id: Option<Uuid>,
    pub(super) withdrawn: bool,
    /// What became of what the author suggested; empty of all but results.
    pub(super) uptake: String,
}

impl Facts {
    fn of_message(subject_id: Uuid, occurred_at: Timestamp) -> Self {
        Self {
            message_id: subject_id,
            occurred_at,
            case: None,
            other_office_id: None,
            deadline_at: None,
            reply_id: None,
            withdrawn: false,
            uptake: String::new(),
        }
    }

    fn of_case(
        case: Option<&routing::CaseRef>,
        subject_id: Uuid,
        said_at: Timestamp,
    ) -> Result<Self, Unreadable> {
        let case = case.ok_or(Unreadable("case"))?;
        if case.case_id.parse() != Ok(subject_id) {
            return Err(Unreadable("case.case_id"));
        }
        Ok(Self {
            message_id: case.message_id.parse().map_err(|_| Unreadable("case.message_id"))?,
            occurred_at: time("case.occurred_at", case.occurred_at.as_ref())?.unwrap_or(said_at),
            case: Some(case.clone()),
            other_office_id: None,
            deadline_at: None,
            reply_id: None,
            withdrawn: false,
            uptake: String::new(),
        })
    }
}

pub(super) fn time(
    field: &'static str,
    time: Option<&prost_types::Timestamp>,
) -> Result<Option<Timestamp>, Unreadable> {
    time.map(|time| from_proto(time).ok_or(Unreadable(field))).transpose()
}

impl Telling for moderation::MessageApproved {
    const KIND: Kind = Kind::MessageApproved;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let approved_at = time("approved_at", self.approved_at.as_ref())?;
        Ok(Facts::of_message(subject_id, approved_at.unwrap_or(said_at)))
    }
}

impl Telling for moderation::MessageReturned {
    const KIND: Kind = Kind::MessageReturned;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let returned_at = time("returned_at", self.returned_at.as_ref())?;
        Ok(Facts::of_message(subject_id, returned_at.unwrap_or(said_at)))
    }
}

impl Telling for moderation::MessageDeclined {
    const KIND: Kind = Kind::MessageDeclined;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let declined_at = time("declined_at", self.declined_at.as_ref())?;
        Ok(Facts::of_message(subject_id, declined_at.unwrap_or(said_at)))
    }
}

impl Telling for moderation::DecisionAppealed {
    const KIND: Kind = Kind::DecisionAppealed;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let appealed_at = time("appealed_at", self.appealed_at.as_ref())?;
        let deadline_at = time("due_at", self.due_at.as_ref())?;
        let facts = Facts::of_message(subject_id, appealed_at.unwrap_or(said_at));
        Ok(Facts { deadline_at, ..facts })
    }
}

impl Telling for moderation::AppealDecided {
    const KIND: Kind = Kind::AppealDecided;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let decided_at = time("decided_at", self.decided_at.as_ref())?;
        Ok(Facts::of_message(subject_id, decided_at.unwrap_or(said_at)))
    }
}

macro_rules! case_events {
    ($($event:ident),+ $(,)?) => {
        $(impl Telling for routing::$event {
            const KIND: Kind = Kind::$event;

            fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
                Facts::of_case(self.case.as_ref(), subject_id, said_at)
            }
        })+
    };
}

case_events!(
    CaseAssigned,
    CaseAccepted,
    CaseTransferred,
    CaseReturned,
    CasePaused,
    FollowUpAsked,
    CaseReopened,
    PromiseKept,
    PromiseBroken,
    CaseSupervised,
    CaseTextChanged,
    CaseRated,
    WithdrawalRefused,
);

/// Those that tell a deadline.
macro_rules! deadline_events {
    ($($event:ident),+ $(,)?) => {
        $(impl Telling for routing::$event {
            const KIND: Kind = Kind::$event;

            fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
                let facts = Facts::of_case(self.case.as_ref(), subject_id, said_at)?;
                let deadline_at = time("deadline_at", self.deadline_at.as_ref())?;
                Ok(Facts { deadline_at, ..facts })
            }
        })+
    };
}

deadline_events!(CaseResumed, CaseExtended, DeadlineNeared, DeadlineMissed);

impl Telling for routing::HelperInvited {
    const KIND: Kind = Kind::HelperInvited;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let facts = Facts::of_case(self.case.as_ref(), subject_id, said_at)?;
        Ok(Facts { other_office_id: Some(self.helper_office_id.clone()), ..facts })
    }
}

impl Telling for routing::CaseEscalated {
    const KIND: Kind = Kind::CaseEscalated;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let facts = Facts::of_case(self.case.as_ref(), subject_id, said_at)?;
        Ok(Facts { other_office_id: Some(self.superior_office_id.clone()), ..facts })
    }
}

impl Telling for routing::ReplyCorrected {
    const KIND: Kind = Kind::ReplyCorrected;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let facts = Facts::of_case(self.case.as_ref(), subject_id, said_at)?;
        Ok(Facts { reply_id: self.reply_id.parse().ok(), ..facts })
    }
}

impl Telling for routing::CaseOpened {
    const KIND: Kind = Kind::CaseOpened;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let facts = Facts::of_case(self.case.as_ref(), subject_id, said_at)?;
        Ok(Facts { deadline_at: time("deadline_at", self.deadline_at.as_ref())?, ..facts })
    }
}

impl Telling for routing::CaseReplied {
    const KIND: Kind = Kind::CaseReplied;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let facts = Facts::of_case(self.case.as_ref(), subject_id, said_at)?;
        Ok(Facts { reply_id: self.reply_id.parse().ok(), ..facts })
    }
}

impl Telling for routing::CaseClosed {
    const KIND: Kind = Kind::CaseClosed;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let facts = Facts::of_case(self.case.as_ref(), subject_id, said_at)?;
        Ok(Facts { withdrawn: self.outcome() == common::Outcome::Withdrawn, ..facts })
    }
}

/// The office that asked is named, whoever has the case.
impl Telling for routing::ResultTold {
    const KIND: Kind = Kind::ResultTold;

    fn facts(&self, subject_id: Uuid, said_at: Timestamp) -> Result<Facts, Unreadable> {
        let facts = Facts::of_case(self.case.as_ref(), subject_id, said_at)?;
        let (other_office_id, uptake) = (Some(self.office_id.clone()), self.uptake.clone());
        Ok(Facts { other_office_id, uptake, ..facts })
    }
}
