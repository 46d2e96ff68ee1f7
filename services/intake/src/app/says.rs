//! The events that intake says. This is the one place behind the edge that knows generated types:
//! an event is written in the transaction of its cause.

use jiff::Timestamp;
use liuyan_kit::{clock, messaging::Outgoing};
use liuyan_proto::liuyan::{common::v1 as common, intake::v1 as proto};
use uuid::Uuid;

use crate::{
    domain::{
        column::Column,
        draft::{Channel, Visibility},
    },
    store::messages::Row,
};

/// A message is stored. It is said in the transaction of many; `traceparent` is its own cause.
pub(super) fn submitted(row: &Row<'_>, traceparent: Option<String>) -> Outgoing {
    let (draft, receipt) = (&row.message.draft, &row.message.receipt);
    let visibility = match draft.visibility {
        Visibility::Public => common::Visibility::Public,
        Visibility::Private => common::Visibility::Private,
    };
    let channel = match draft.channel {
        Channel::Web => common::Channel::Web,
        Channel::App => common::Channel::App,
        Channel::Wechat => common::Channel::Wechat,
        Channel::MiniProgram => common::Channel::MiniProgram,
        Channel::Hotline => common::Channel::Hotline,
        Channel::Column => common::Channel::Column,
        Channel::Api => common::Channel::Api,
    };
    let event = proto::MessageSubmitted {
        message_id: receipt.message_id.to_string(),
        number: receipt.number.clone(),
        office_id: draft.office_id.clone(),
        kind: draft.kind.clone(),
        domain: draft.domain.clone(),
        topic: draft.topic.clone(),
        visibility: visibility.into(),
        channel: channel.into(),
        author_id: row.author.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default(),
        submitted_at: Some(clock::to_proto(receipt.submitted_at)),
        occurred_at: receipt.occurred_at.map(clock::to_proto),
        revision: 1,
        account_id: row.message.account_id.map(|id| id.to_string()).unwrap_or_default(),
        column_id: draft.entrance.column().map(|it| it.column_id.clone()).unwrap_or_default(),
        consultation_id: draft.consultation_id.map(|id| id.to_string()).unwrap_or_default(),
    };
    Outgoing::new(receipt.message_id, &event).caused_by(traceparent)
}

/// A returned message came back.
pub(super) fn resubmitted(message_id: Uuid, revision: u32, now: Timestamp) -> Outgoing {
    let event = proto::MessageResubmitted {
        message_id: message_id.to_string(),
        revision,
        resubmitted_at: Some(clock::to_proto(now)),
    };
    Outgoing::new(message_id, &event)
}

/// A message was erased.
pub(super) fn erased(message_id: Uuid, now: Timestamp) -> Outgoing {
    let event = proto::MessageErased {
        message_id: message_id.to_string(),
        erased_at: Some(clock::to_proto(now)),
    };
    Outgoing::new(message_id, &event)
}

/// The author wishes to withdraw.
pub(super) fn withdrawal_requested(message_id: Uuid, now: Timestamp) -> Outgoing {
    let event = proto::WithdrawalRequested {
        message_id: message_id.to_string(),
        requested_at: Some(clock::to_proto(now)),
    };
    Outgoing::new(message_id, &event)
}

/// A column was made or changed.
pub(super) fn column_put(column: &Column) -> Outgoing {
    let event = proto::ColumnPut {
        column_id: column.column_id.clone(),
        name: column.name.clone(),
        open: column.open,
        collated: column.collated,
        default_office_id: column.default_office_id.clone(),
        agency_id: column.agency_id.clone(),
    };
    Outgoing::new(column.subject_id, &event)
}
