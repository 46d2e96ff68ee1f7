//! What routing says, from the domain's words to the bus's. Thin: ids, codes, times.

use liuyan_kit::{clock::to_proto, id, messaging::Outgoing};
use liuyan_proto::liuyan::{common::v1 as common, routing::v1 as routing};
use uuid::Uuid;

use crate::{
    domain::{
        calendar::Calendar,
        case::{Case, Fact, Visibility, What},
        consultation::{Consultation, Stage, Uptake},
        directory::{Directory, Office},
        state::{Outcome, State},
    },
    error::Error,
};

/// An office was added or changed.
pub fn office_put(directory: &Directory, office: &Office) -> Outgoing {
    let event = routing::OfficePut {
        office_id: office.office_id.clone(),
        division_code: office.division_code.clone().unwrap_or_default(),
        open: office.open,
        parent_office_id: office.parent_office_id.clone().unwrap_or_default(),
        division_path: directory.path(office.division_code.as_deref()),
    };
    Outgoing::new(id::of_name("office", &office.office_id), &event)
}

/// The calendar changed.
pub fn calendar_put(calendar: &Calendar) -> Outgoing {
    let last_day = calendar.last_day().map(|day| day.to_string()).unwrap_or_default();
    let event = routing::CalendarPut { version: calendar.version, last_day };
    Outgoing::new(id::of_name("calendar", "china"), &event)
}

/// A code list was published.
pub fn code_list_published(list: &str, version: u32, codes: Vec<String>) -> Outgoing {
    let event = routing::CodeListPublished { list: list.to_owned(), version, codes };
    Outgoing::new(id::of_name("list", list), &event)
}

/// A consultation was planned, opened, changed or closed.
///
/// # Errors
/// [`Error::CalendarEnds`] if its days lie beyond all time.
pub fn consultation_put(consultation: &Consultation) -> Result<Outgoing, Error> {
    let (opens_at, closes_at) = consultation.times().ok_or(Error::CalendarEnds)?;
    let event = routing::ConsultationPut {
        consultation_id: consultation.consultation_id.to_string(),
        office_id: consultation.office_id.clone(),
        division_code: consultation.division_code.clone().unwrap_or_default(),
        domain: consultation.domain.clone(),
        open: consultation.stage == Stage::Open,
        opens_at: Some(to_proto(opens_at)),
        closes_at: Some(to_proto(closes_at)),
    };
    Ok(Outgoing::new(consultation.consultation_id.uuid(), &event))
}

/// The result of a consultation was published or corrected.
pub fn consultation_published(consultation: &Consultation, now: jiff::Timestamp) -> Outgoing {
    let event = routing::ConsultationPublished {
        consultation_id: consultation.consultation_id.to_string(),
        office_id: consultation.office_id.clone(),
        statements: consultation.statement_count.unsigned_abs(),
        published_at: Some(to_proto(now)),
    };
    Outgoing::new(consultation.consultation_id.uuid(), &event)
}

/// Something happened to a case; `cause` is the request of the office that did it.
#[expect(clippy::too_many_lines, reason = "a table: each event in its own words")]
pub fn of_case(case: &Case, fact: &Fact, cause: Option<Uuid>) -> Outgoing {
    let case_id = case.case_id.uuid();
    let refer = Some(refer(case, fact, cause));
    match &fact.what {
        What::Opened => {
            let event = routing::CaseOpened {
                case: refer,
                submitted_at: Some(to_proto(case.submitted_at)),
                deadline_at: Some(to_proto(case.deadline_at)),
                consultation_id: case.consultation_id.map(|id| id.to_string()).unwrap_or_default(),
            };
            Outgoing::new(case_id, &event)
        }
        What::Assigned => {
            let rule = case.assigned_by.clone();
            Outgoing::new(case_id, &routing::CaseAssigned { case: refer, rule })
        }
        What::Accepted => Outgoing::new(case_id, &routing::CaseAccepted { case: refer }),
        What::Transferred(from) => {
            let from_office_id = from.clone();
            Outgoing::new(case_id, &routing::CaseTransferred { case: refer, from_office_id })
        }
        What::Replied(reply_id, gate_overridden, common) => {
            let (reply_id, gate_overridden) = (reply_id.to_string(), *gate_overridden);
            let common_problem_id = common.map(|id| id.to_string()).unwrap_or_default();
            let event =
                routing::CaseReplied { case: refer, reply_id, gate_overridden, common_problem_id };
            Outgoing::new(case_id, &event)
        }
        What::Grouped(problem_id, lead) => {
            let (common_problem_id, lead_office_id) = (problem_id.to_string(), lead.clone());
            let event = routing::CaseGrouped { case: refer, common_problem_id, lead_office_id };
            Outgoing::new(case_id, &event)
        }
        What::Ungrouped(problem_id, cause) => {
            let (common_problem_id, cause) = (problem_id.to_string(), (*cause).to_owned());
            Outgoing::new(
                case_id,
                &routing::CaseUngrouped { case: refer, common_problem_id, cause },
            )
        }
        What::PromiseMade(promise_id, reply_id, due_at) => {
            let event = routing::PromiseMade {
                case: refer,
                promise_id: promise_id.to_string(),
                reply_id: reply_id.to_string(),
                due_at: Some(to_proto(*due_at)),
            };
            Outgoing::new(case_id, &event)
        }
        What::PromiseKept(promise_id) => {
            let promise_id = promise_id.to_string();
            Outgoing::new(case_id, &routing::PromiseKept { case: refer, promise_id })
        }
        What::PromiseBroken(promise_id) => {
            let promise_id = promise_id.to_string();
            Outgoing::new(case_id, &routing::PromiseBroken { case: refer, promise_id })
        }
        What::Returned(from, referred) => {
            let (from_office_id, referred) = (from.clone(), *referred);
            Outgoing::new(case_id, &routing::CaseReturned { case: refer, from_office_id, referred })
        }
        What::Paused => Outgoing::new(case_id, &routing::CasePaused { case: refer }),
        What::Resumed => {
            let deadline_at = Some(to_proto(case.deadline_at));
            Outgoing::new(case_id, &routing::CaseResumed { case: refer, deadline_at })
        }
        What::Extended => {
            let deadline_at = Some(to_proto(case.deadline_at));
            Outgoing::new(case_id, &routing::CaseExtended { case: refer, deadline_at })
        }
        What::HelperInvited(helper) => {
            let helper_office_id = helper.clone();
            Outgoing::new(case_id, &routing::HelperInvited { case: refer, helper_office_id })
        }
        What::Corrected(reply_id) => {
            let reply_id = reply_id.to_string();
            Outgoing::new(case_id, &routing::ReplyCorrected { case: refer, reply_id })
        }
        What::FollowUpAsked(reply_id, ground) => {
            let (reply_id, ground) = (reply_id.to_string(), (*ground).to_owned());
            Outgoing::new(case_id, &routing::FollowUpAsked { case: refer, reply_id, ground })
        }
        What::Reopened(cause) => {
            let cause = (*cause).to_owned();
            Outgoing::new(case_id, &routing::CaseReopened { case: refer, cause })
        }
        What::Supervised(cause, superior) => {
            let superior_office_id = superior.clone().unwrap_or_default();
            let cause = (*cause).to_owned();
            let event = routing::CaseSupervised { case: refer, cause, superior_office_id };
            Outgoing::new(case_id, &event)
        }
        What::Escalated(superior) => {
            let superior_office_id = superior.clone();
            Outgoing::new(case_id, &routing::CaseEscalated { case: refer, superior_office_id })
        }
        What::Neared => {
            let deadline_at = Some(to_proto(case.deadline_at));
            Outgoing::new(case_id, &routing::DeadlineNeared { case: refer, deadline_at })
        }
        What::Missed => {
            let deadline_at = Some(to_proto(case.deadline_at));
            Outgoing::new(case_id, &routing::DeadlineMissed { case: refer, deadline_at })
        }
        What::RatingChanged(reply_id) => {
            let reply_id = reply_id.to_string();
            Outgoing::new(case_id, &routing::RatingChanged { case: refer, reply_id })
        }
        What::Rated(reply_id, rating, rated_at) => {
            let event = routing::CaseRated {
                case: refer,
                reply_id: reply_id.to_string(),
                resolution: rating.resolution().unsigned_abs().into(),
                attitude: rating.attitude().unsigned_abs().into(),
                speed: rating.speed().unsigned_abs().into(),
                rated_at: Some(to_proto(*rated_at)),
            };
            Outgoing::new(case_id, &event)
        }
        What::ResultTold(consultation_id, office_id, uptake) => {
            let event = routing::ResultTold {
                case: refer,
                consultation_id: consultation_id.to_string(),
                office_id: office_id.clone(),
                uptake: uptake.map(Uptake::code).unwrap_or_default().to_owned(),
            };
            Outgoing::new(case_id, &event)
        }
        What::Closed(outcome) => {
            let outcome = outcome_code(*outcome).into();
            Outgoing::new(case_id, &routing::CaseClosed { case: refer, outcome })
        }
        What::TextChanged => Outgoing::new(case_id, &routing::CaseTextChanged { case: refer }),
        What::WithdrawalRefused => {
            Outgoing::new(case_id, &routing::WithdrawalRefused { case: refer })
        }
    }
}

fn refer(case: &Case, fact: &Fact, cause: Option<Uuid>) -> routing::CaseRef {
    routing::CaseRef {
        case_id: case.case_id.to_string(),
        message_id: case.message_id.to_string(),
        office_id: case.office_id.clone(),
        division_code: case.place.division_code.clone().unwrap_or_default(),
        kind: case.kind.clone(),
        domain: case.domain.clone(),
        visibility: visibility(case.visibility).into(),
        public: fact.public,
        state: state(fact.state).into(),
        revision: fact.revision.unsigned_abs(),
        accused_office_ids: case.accused.clone(),
        occurred_at: Some(to_proto(fact.at)),
        causation_id: cause.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// The visibility, as the contracts name it.
pub(crate) fn visibility(visibility: Visibility) -> common::Visibility {
    match visibility {
        Visibility::Public => common::Visibility::Public,
        Visibility::Private => common::Visibility::Private,
    }
}

/// The state, as the contracts name it.
pub(crate) fn state(state: State) -> common::CaseState {
    match state {
        State::Assigned => common::CaseState::Assigned,
        State::Accepted => common::CaseState::Accepted,
        State::Replied => common::CaseState::Replied,
        State::Closed(_) => common::CaseState::Closed,
    }
}

/// The outcome, as the contracts name it.
pub(crate) fn outcome_code(outcome: Outcome) -> common::Outcome {
    match outcome {
        Outcome::Solved => common::Outcome::Solved,
        Outcome::PartlySolved => common::Outcome::PartlySolved,
        Outcome::Explained => common::Outcome::Explained,
        Outcome::Refused => common::Outcome::Refused,
        Outcome::Impossible => common::Outcome::Impossible,
        Outcome::Duplicate => common::Outcome::Duplicate,
        Outcome::Withdrawn => common::Outcome::Withdrawn,
    }
}
