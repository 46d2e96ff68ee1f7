//! What moderation says, from the domain's words to the bus's. Thin: ids, codes, times.

use jiff::Timestamp;
use liuyan_kit::{clock::to_proto, messaging::Outgoing};
use liuyan_proto::liuyan::{common::v1 as common, moderation::v1 as moderation};
use uuid::Uuid;

use crate::domain::review::{Submission, Visibility};

/// How a message came to be approved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Approval<'a> {
    /// Offices that it accuses.
    pub accused_office_ids: &'a [String],
    /// The version of the rules that read it.
    pub rules_version: u32,
    /// Whether rules alone decided.
    pub by_rules: bool,
    /// When.
    pub approved_at: Timestamp,
}

/// A message was approved.
pub(crate) fn approved(message: &Submission, approval: Approval<'_>) -> Outgoing {
    let visibility = match message.visibility {
        Visibility::Public => common::Visibility::Public,
        Visibility::Private => common::Visibility::Private,
    };
    let event = moderation::MessageApproved {
        message_id: message.message_id.to_string(),
        number: message.number.clone(),
        office_id: message.office_id.clone(),
        kind: message.kind.clone(),
        domain: message.domain.clone(),
        topic: message.topic.clone(),
        visibility: visibility.into(),
        submitted_at: Some(to_proto(message.submitted_at)),
        occurred_at: message.occurred_at.map(to_proto),
        revision: message.revision,
        accused_office_ids: approval.accused_office_ids.to_vec(),
        rules_version: approval.rules_version,
        by_rules: approval.by_rules,
        approved_at: Some(to_proto(approval.approved_at)),
        consultation_id: message.consultation_id.clone(),
    };
    Outgoing::new(message.message_id, &event)
}

/// A message went back to its author.
pub(crate) fn returned(message_id: Uuid, ground: &str, revision: u32, at: Timestamp) -> Outgoing {
    let event = moderation::MessageReturned {
        message_id: message_id.to_string(),
        ground: ground.to_owned(),
        revision,
        returned_at: Some(to_proto(at)),
    };
    Outgoing::new(message_id, &event)
}

/// A message will not be published.
pub(crate) fn declined(message_id: Uuid, ground: &str, at: Timestamp) -> Outgoing {
    let event = moderation::MessageDeclined {
        message_id: message_id.to_string(),
        ground: ground.to_owned(),
        declined_at: Some(to_proto(at)),
    };
    Outgoing::new(message_id, &event)
}

/// The author appealed.
pub(crate) fn appealed(
    message_id: Uuid,
    ground: &str,
    at: Timestamp,
    due_at: Timestamp,
) -> Outgoing {
    let event = moderation::DecisionAppealed {
        message_id: message_id.to_string(),
        ground: ground.to_owned(),
        appealed_at: Some(to_proto(at)),
        due_at: Some(to_proto(due_at)),
    };
    Outgoing::new(message_id, &event)
}

/// Somebody else decided again.
pub(crate) fn appeal_decided(
    message_id: Uuid,
    ground: &str,
    upheld: bool,
    appealed_at: Timestamp,
    at: Timestamp,
) -> Outgoing {
    let outcome = if upheld {
        moderation::AppealOutcome::Upheld
    } else {
        moderation::AppealOutcome::Overturned
    };
    let event = moderation::AppealDecided {
        message_id: message_id.to_string(),
        ground: ground.to_owned(),
        outcome: outcome.into(),
        appealed_at: Some(to_proto(appealed_at)),
        decided_at: Some(to_proto(at)),
    };
    Outgoing::new(message_id, &event)
}

/// Nobody decided an appeal in time.
pub(crate) fn appeal_overdue(
    message_id: Uuid,
    appealed_at: Timestamp,
    due_at: Timestamp,
) -> Outgoing {
    let event = moderation::AppealOverdue {
        message_id: message_id.to_string(),
        appealed_at: Some(to_proto(appealed_at)),
        due_at: Some(to_proto(due_at)),
    };
    Outgoing::new(message_id, &event)
}

/// Words of a published message were removed.
pub(crate) fn redacted(message_id: Uuid, at: Timestamp) -> Outgoing {
    let event = moderation::MessageRedacted {
        message_id: message_id.to_string(),
        redacted_at: Some(to_proto(at)),
    };
    Outgoing::new(message_id, &event)
}

/// A message was withdrawn before it was approved.
pub(crate) fn withdrawn(message_id: Uuid, at: Timestamp) -> Outgoing {
    let event = moderation::MessageWithdrawn {
        message_id: message_id.to_string(),
        withdrawn_at: Some(to_proto(at)),
    };
    Outgoing::new(message_id, &event)
}
