//! What notification says, from the domain's words to the bus's. Thin: ids and times.

use jiff::Timestamp;
use liuyan_kit::{clock::to_proto, messaging::Outgoing};
use liuyan_proto::liuyan::notification::v1 as notification;
use uuid::Uuid;

/// An endpoint is no longer used.
pub(crate) fn endpoint_disabled(endpoint_id: Uuid, since: Timestamp, at: Timestamp) -> Outgoing {
    let event = notification::EndpointDisabled {
        endpoint_id: endpoint_id.to_string(),
        failing_since: Some(to_proto(since)),
        disabled_at: Some(to_proto(at)),
    };
    Outgoing::new(endpoint_id, &event)
}
