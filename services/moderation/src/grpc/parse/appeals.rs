//! Appeals, what becomes of them, and accusations.

use liuyan_kit::class::Violation;
use liuyan_proto::liuyan::moderation::v1 as proto;
use uuid::Uuid;

use super::{checked_id, offices, spans};
use crate::{
    app::{appeals::Outcome, marking::Accusation},
    domain::decision::{Decision, Refusal},
    error::{Error, Faults},
};

/// The id of the request, and the message.
pub(in crate::grpc) fn appeal(
    request: &proto::AppealDecisionRequest,
) -> Result<(Uuid, Uuid), Error> {
    let mut faults = Faults::default();
    let request_id = checked_id(&mut faults, "request_id", &request.request_id);
    let message_id = checked_id(&mut faults, "message_id", &request.message_id);
    faults.end()?;
    Ok((request_id, message_id))
}

/// The id of the request, and how the appeal ends.
pub(in crate::grpc) fn outcome(
    request: &proto::DecideAppealRequest,
    most_offices: usize,
) -> Result<(Uuid, Outcome), Error> {
    use proto::decide_appeal_request::Outcome as Decided;

    let mut faults = Faults::default();
    let request_id = checked_id(&mut faults, "request_id", &request.request_id);
    let message_id = checked_id(&mut faults, "message_id", &request.message_id);
    faults.check(!request.etag.is_empty(), "etag", "FIELD_REQUIRED");
    let instead = match &request.outcome {
        Some(Decided::Uphold(proto::Uphold {})) => None,
        Some(Decided::Publish(publish)) => {
            let redactions = spans(&mut faults, "publish.redactions", &publish.redactions);
            Some(Decision::Publish { redactions })
        }
        Some(Decided::Return(wish)) => Some(Decision::Return(Refusal {
            ground: wish.ground.clone(),
            explanation: wish.explanation.clone(),
            spans: spans(&mut faults, "return.spans", &wish.spans),
        })),
        None => {
            faults.push(Violation::new("outcome", "FIELD_REQUIRED"));
            None
        }
    };
    let accused_office_ids = offices(&mut faults, &request.accused_office_ids, most_offices);
    faults.end()?;
    let (etag, explanation) = (request.etag.clone(), request.explanation.clone());
    Ok((request_id, Outcome { message_id, etag, explanation, instead, accused_office_ids }))
}

/// The id of the request, and whom the message accuses.
pub(in crate::grpc) fn accusation(
    request: &proto::MarkAccusationRequest,
    most_offices: usize,
) -> Result<(Uuid, Accusation), Error> {
    let mut faults = Faults::default();
    let request_id = checked_id(&mut faults, "request_id", &request.request_id);
    let message_id = checked_id(&mut faults, "message_id", &request.message_id);
    faults.check(!request.etag.is_empty(), "etag", "FIELD_REQUIRED");
    let office_ids = offices(&mut faults, &request.accused_office_ids, most_offices);
    faults.end()?;
    Ok((request_id, Accusation { message_id, etag: request.etag.clone(), office_ids }))
}
