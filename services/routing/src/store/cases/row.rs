//! A case as a row, and back.

use liuyan_kit::clock::from_db;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::{corrupt, openings::visibility};
use crate::domain::{
    ConsultationId, ProblemId,
    case::{Case, Text},
    directory::Place,
    handling::Handling,
    state::{Outcome, State},
};

/// A row of `cases`, whole.
pub(super) struct CaseRow {
    pub(super) case_id: Uuid,
    pub(super) message_id: Uuid,
    pub(super) number: String,
    pub(super) office_id: String,
    pub(super) division_code: Option<String>,
    pub(super) city_code: Option<String>,
    pub(super) province_code: Option<String>,
    pub(super) kind: String,
    pub(super) domain: String,
    pub(super) topic: String,
    pub(super) visibility: String,
    pub(super) accused_office_ids: Vec<String>,
    pub(super) has_text: bool,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) demand: String,
    pub(super) details: String,
    pub(super) place: String,
    pub(super) public: bool,
    pub(super) submitted_at: OffsetDateTime,
    pub(super) opened_at: OffsetDateTime,
    pub(super) deadline_at: OffsetDateTime,
    pub(super) calendar_known: bool,
    pub(super) assigned_by: String,
    pub(super) state: String,
    pub(super) outcome: Option<String>,
    pub(super) accepted_at: Option<OffsetDateTime>,
    pub(super) replied_at: Option<OffsetDateTime>,
    pub(super) last_replied_at: Option<OffsetDateTime>,
    pub(super) closed_at: Option<OffsetDateTime>,
    pub(super) last_step_at: OffsetDateTime,
    pub(super) revision: i64,
    pub(super) changes: i64,
    pub(super) reply_count: i32,
    pub(super) custody_count: i32,
    pub(super) rating_count: i32,
    pub(super) request_count: i32,
    pub(super) look_count: Option<i32>,
    pub(super) working_days: Option<bool>,
    pub(super) paused_at: Option<OffsetDateTime>,
    pub(super) pause_count: Option<i32>,
    pub(super) extended_at: Option<OffsetDateTime>,
    pub(super) return_count: Option<i32>,
    pub(super) helper_office_ids: Option<Vec<String>>,
    pub(super) supervised_at: Option<OffsetDateTime>,
    pub(super) correction_count: Option<i32>,
    pub(super) follow_up_count: Option<i32>,
    pub(super) step_due_at: Option<OffsetDateTime>,
    pub(super) step_count: Option<i32>,
    pub(super) act_count: Option<i32>,
    pub(super) act_hash: Option<Vec<u8>>,
    pub(super) promise_count: Option<i32>,
    pub(super) suggested_by: Option<i32>,
    pub(super) problem_id: Option<Uuid>,
    pub(super) lead_office_id: Option<String>,
    pub(super) model_case: Option<bool>,
    pub(super) consultation_id: Option<Uuid>,
}

impl TryFrom<CaseRow> for Case {
    type Error = sqlx::Error;

    fn try_from(row: CaseRow) -> Result<Self, sqlx::Error> {
        let state = State::of_codes(&row.state, row.outcome.as_deref())
            .ok_or_else(|| corrupt("state", &row.state))?;
        let CaseRow { title, body, demand, details, place, .. } = row;
        let case = Self {
            visibility: visibility(&row.visibility)?,
            case_id: row.case_id.into(),
            message_id: row.message_id.into(),
            number: row.number,
            office_id: row.office_id,
            place: Place {
                division_code: row.division_code,
                city_code: row.city_code,
                province_code: row.province_code,
            },
            kind: row.kind,
            domain: row.domain,
            topic: row.topic,
            accused: row.accused_office_ids,
            text: row.has_text.then_some(Text { title, body, demand, details, place }),
            submitted_at: from_db(row.submitted_at),
            opened_at: from_db(row.opened_at),
            deadline_at: from_db(row.deadline_at),
            calendar_known: row.calendar_known,
            assigned_by: row.assigned_by,
            suggested_by: row.suggested_by,
            state,
            accepted_at: row.accepted_at.map(from_db),
            replied_at: row.replied_at.map(from_db),
            last_replied_at: row.last_replied_at.map(from_db),
            closed_at: row.closed_at.map(from_db),
            last_step_at: from_db(row.last_step_at),
            revision: row.revision,
            changes: row.changes,
            reply_count: row.reply_count,
            custody_count: row.custody_count,
            rating_count: row.rating_count,
            request_count: row.request_count,
            look_count: row.look_count.unwrap_or_default(),
            handling: Handling {
                // What an older release opened counted working days.
                working_days: row.working_days.unwrap_or(true),
                paused_at: row.paused_at.map(from_db),
                pause_count: row.pause_count.unwrap_or_default(),
                extended_at: row.extended_at.map(from_db),
                return_count: row.return_count.unwrap_or_default(),
                helpers: row.helper_office_ids.unwrap_or_default(),
                supervised_at: row.supervised_at.map(from_db),
                correction_count: row.correction_count.unwrap_or_default(),
                follow_up_count: row.follow_up_count.unwrap_or_default(),
                promise_count: row.promise_count.unwrap_or_default(),
                step_due_at: row.step_due_at.map(from_db),
                step_count: row.step_count.unwrap_or_default(),
                act_count: row.act_count.unwrap_or_default(),
                act_hash: row.act_hash.unwrap_or_default(),
                problem_id: row.problem_id.map(ProblemId::from),
                lead_office_id: row.lead_office_id,
                model: row.model_case.unwrap_or_default(),
            },
            consultation_id: row.consultation_id.map(ConsultationId::from),
        };
        if case.is_public() == row.public {
            Ok(case)
        } else {
            Err(corrupt("public flag of case", &row.case_id.to_string()))
        }
    }
}

/// A new row, as the database reads it.
pub(super) fn line(case: &Case) -> Value {
    let mut line = handled(&case.handling);
    let text = case.text.clone().unwrap_or_default();
    let opened = json!({
        "case_id": case.case_id,
        "message_id": case.message_id,
        "number": case.number,
        "office_id": case.office_id,
        "division_code": case.place.division_code,
        "city_code": case.place.city_code,
        "province_code": case.place.province_code,
        "kind": case.kind,
        "domain": case.domain,
        "topic": case.topic,
        "visibility": case.visibility.code(),
        "accused_office_ids": case.accused,
        "has_text": case.text.is_some(),
        "title": text.title,
        "body": text.body,
        "demand": text.demand,
        "details": text.details,
        "place": text.place,
        "public": case.is_public(),
        "submitted_at": case.submitted_at,
        "opened_at": case.opened_at,
        "deadline_at": case.deadline_at,
        "calendar_known": case.calendar_known,
        "assigned_by": case.assigned_by,
        "suggested_by": case.suggested_by,
        "state": case.state.code(),
        "outcome": case.state.outcome().map(Outcome::code),
        "accepted_at": case.accepted_at,
        "replied_at": case.replied_at,
        "last_replied_at": case.last_replied_at,
        "closed_at": case.closed_at,
        "last_step_at": case.last_step_at,
        "revision": case.revision,
        "changes": case.changes,
        "reply_count": case.reply_count,
        "custody_count": case.custody_count,
        "rating_count": case.rating_count,
        "request_count": case.request_count,
        "look_count": case.look_count,
        "consultation_id": case.consultation_id,
    });
    if let (Some(line), Value::Object(opened)) = (line.as_object_mut(), opened) {
        line.extend(opened);
    }
    line
}

/// What was done to a case, as the database reads it. Nothing is written as null, as an older release
/// would.
pub(super) fn handled(handling: &Handling) -> Value {
    let some = |count: i32| Some(count).filter(|count| *count != 0);
    let bytes = |bytes: &[u8]| {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        (!bytes.is_empty()).then(|| format!("\\x{digits}"))
    };
    json!({
        "working_days": handling.working_days,
        "paused_at": handling.paused_at,
        "pause_count": some(handling.pause_count),
        "extended_at": handling.extended_at,
        "return_count": some(handling.return_count),
        "helper_office_ids": Some(&handling.helpers).filter(|it| !it.is_empty()),
        "supervised_at": handling.supervised_at,
        "correction_count": some(handling.correction_count),
        "follow_up_count": some(handling.follow_up_count),
        "step_due_at": handling.step_due_at,
        "step_count": some(handling.step_count),
        "act_count": some(handling.act_count),
        "act_hash": bytes(&handling.act_hash),
        "promise_count": some(handling.promise_count),
        "problem_id": handling.problem_id,
        "lead_office_id": handling.lead_office_id,
        "model_case": Some(true).filter(|_| handling.model),
    })
}
