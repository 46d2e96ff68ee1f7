//! What editors put, and what a deadline is made of.

use liuyan_kit::clock::{from_proto, to_proto};
use liuyan_proto::liuyan::routing::v1 as routing;

use super::{Grpc, division, given_level, office, told};
use crate::{
    domain::{
        deadline::{self, Step},
        editing::{DivisionDraft, OfficeDraft, ValidityDraft},
        handling::MAX_EXTENSION,
    },
    error::Error,
};

/// How many waits may be told of.
const MOST_WAITS: usize = 50;

impl Grpc {
    pub(super) async fn put_division(
        &self,
        request: routing::PutDivisionRequest,
    ) -> Result<routing::PutDivisionResponse, Error> {
        let wanted =
            request.division.ok_or_else(|| Error::invalid("division", "FIELD_REQUIRED"))?;
        let draft = DivisionDraft {
            level: given_level(wanted.level),
            code: wanted.code,
            name: wanted.name,
            parent_code: wanted.parent_code,
            valid: ValidityDraft {
                from: wanted.valid_from,
                until: wanted.valid_until,
                successor: wanted.successor_code,
            },
        };
        let put = self.app.put_division(draft).await?;
        Ok(routing::PutDivisionResponse { division: Some(division(&put)) })
    }

    pub(super) async fn put_office(
        &self,
        request: routing::PutOfficeRequest,
    ) -> Result<routing::PutOfficeResponse, Error> {
        let wanted = request.office.ok_or_else(|| Error::invalid("office", "FIELD_REQUIRED"))?;
        let draft = OfficeDraft {
            level: given_level(wanted.level),
            office_id: wanted.office_id,
            division_code: wanted.division_code,
            role: wanted.role,
            title: wanted.title,
            parent_office_id: wanted.parent_office_id,
            open: wanted.open,
            valid: ValidityDraft {
                from: wanted.valid_from,
                until: wanted.valid_until,
                successor: wanted.successor_id,
            },
        };
        let put = self.app.put_office(draft).await?;
        Ok(routing::PutOfficeResponse { office: Some(office(&put)) })
    }

    pub(super) fn deadline(
        &self,
        request: &routing::ComputeDeadlineRequest,
    ) -> Result<routing::ComputeDeadlineResponse, Error> {
        let directory = self.app.directory();
        if !directory.kinds.iter().any(|kind| kind.kind == request.kind) {
            let reason = if request.kind.is_empty() { "FIELD_REQUIRED" } else { "VALUE_UNKNOWN" };
            return Err(Error::invalid("kind", reason));
        }
        let office = directory.offices.get(&request.office_id).ok_or(Error::OfficeNotFound)?;
        let submitted_at = match &request.submitted_at {
            None => Some(self.app.now()),
            Some(at) => from_proto(at),
        };
        if request.extension_days > MAX_EXTENSION {
            return Err(Error::invalid("extension_days", "DAYS_RANGE"));
        }
        let waits = waits(&request.waits)?;
        let of_office = (office.office_id.as_str(), office.level);
        let (deadline, moves, steps) = submitted_at
            .and_then(|at| {
                let first = directory.deadline(&request.kind, of_office, at)?;
                let steps = first.steps.clone();
                let days = request.extension_days;
                let (after, moves) = deadline::moved(&directory.calendar, first, &waits, days)?;
                Some((after, moves, steps))
            })
            .ok_or_else(|| Error::invalid("submitted_at", "TIME_MALFORMED"))?;
        if request.known_only && !deadline.calendar_known {
            return Err(Error::CalendarEnds);
        }
        Ok(routing::ComputeDeadlineResponse {
            deadline_at: Some(to_proto(deadline.at)),
            deadline_on: deadline.on.to_string(),
            days: deadline.term.days,
            working_days: deadline.term.working,
            calendar_known: deadline.calendar_known,
            steps: steps.into_iter().map(step).collect(),
            moves: moves
                .into_iter()
                .map(|it| routing::DeadlineMove {
                    reason: it.reason.to_owned(),
                    days: it.days,
                    deadline_on: it.on.to_string(),
                    steps: it.steps.into_iter().map(step).collect(),
                })
                .collect(),
            calendar_last_day: told(directory.calendar.last_day()),
        })
    }
}

type Wait = (jiff::Timestamp, jiff::Timestamp);

fn waits(waits: &[routing::DeadlineWait]) -> Result<Vec<Wait>, Error> {
    if waits.len() > MOST_WAITS {
        return Err(Error::invalid("waits", "TOO_MANY_WAITS"));
    }
    let read = waits.iter().map(|wait| {
        let from = wait.from.as_ref().and_then(from_proto)?;
        Some((from, wait.until.as_ref().and_then(from_proto)?))
    });
    let read: Option<Vec<Wait>> = read.collect();
    let read = read.ok_or_else(|| Error::invalid("waits", "TIME_MALFORMED"))?;
    if read.iter().any(|(from, until)| from > until) {
        return Err(Error::invalid("waits", "WAIT_ORDER"));
    }
    Ok(read)
}

fn step(step: Step) -> routing::DeadlineStep {
    routing::DeadlineStep {
        date: step.day.to_string(),
        counted: step.counted,
        reason: step.reason.to_owned(),
    }
}
