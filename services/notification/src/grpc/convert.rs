//! The domain's words to those of the contract.

use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::notification::v1 as proto;

use crate::{
    app::{endpoints::Seen, reading::Notice},
    domain::{
        address::Channel,
        delivery::{EndpointState, State},
        wish::Preferences,
    },
    store::deliveries::Delivery,
};

/// A notice.
pub(super) fn notice(notice: Notice) -> proto::Notice {
    let shown = notice.shown;
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    proto::Notice {
        notice_id: shown.notice_id.to_string(),
        event_type: shown.kind.event_type(),
        title: notice.title,
        body: notice.body,
        message_id: id(shown.message_id),
        case_id: id(shown.case_id),
        number: shown.number.unwrap_or_default(),
        office_id: notice.to_office.unwrap_or_default(),
        occurred_at: Some(to_proto(shown.occurred_at)),
        read: shown.read,
    }
}

/// An endpoint.
pub(super) fn endpoint(seen: Seen) -> proto::Endpoint {
    let endpoint = seen.endpoint;
    let channel = match endpoint.channel {
        Channel::Email => proto::EndpointChannel::Email,
        Channel::Webhook => proto::EndpointChannel::Webhook,
    };
    let state = match endpoint.state {
        EndpointState::Pending => proto::EndpointState::Pending,
        EndpointState::Active => proto::EndpointState::Active,
        EndpointState::Disabled => proto::EndpointState::Disabled,
        EndpointState::Deleted => proto::EndpointState::Unspecified,
    };
    proto::Endpoint {
        endpoint_id: endpoint.endpoint_id.to_string(),
        channel: channel.into(),
        address_hint: seen.hint,
        event_types: endpoint.wish.event_types,
        state: state.into(),
        created_at: Some(to_proto(endpoint.created_at)),
        failing_since: endpoint.failing_since.map(to_proto),
        division_codes: endpoint.wish.division_codes,
    }
}

/// What a person prefers.
pub(super) fn preferences(preferences: Preferences) -> proto::Preferences {
    proto::Preferences { email: preferences.email, muted_event_types: preferences.muted }
}

/// A delivery.
pub(super) fn delivery(delivery: Delivery) -> proto::Delivery {
    let state = match delivery.state {
        State::Waiting => proto::DeliveryState::Waiting,
        State::Delivered => proto::DeliveryState::Delivered,
        State::Dead => proto::DeliveryState::Dead,
        State::Dropped => proto::DeliveryState::Dropped,
    };
    let waits = delivery.state == State::Waiting;
    proto::Delivery {
        delivery_id: delivery.delivery_id.to_string(),
        endpoint_id: delivery.endpoint_id.to_string(),
        event_id: delivery.event_id.to_string(),
        event_type: delivery.kind.event_type(),
        state: state.into(),
        attempts: delivery.attempts,
        last_error: delivery.last_error,
        created_at: Some(to_proto(delivery.created_at)),
        next_attempt_at: waits.then(|| to_proto(delivery.due_at)),
        delivered_at: delivery.delivered_at.map(to_proto),
    }
}
