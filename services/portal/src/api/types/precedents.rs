//! What superiors decided about who handles a kind of message.

use liuyan_proto::liuyan::routing::v1 as routing;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Time, some};

/// A decision of a superior by which messages are routed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Precedent {
    /// Its id, a UUID.
    precedent_id: String,
    /// The office to which such messages are written.
    office_id: String,
    /// Code of their kind.
    kind: String,
    /// Code of their domain.
    domain: String,
    /// Their topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// The office that handles them.
    to_office_id: String,
    /// The case about which it was decided.
    case_id: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<Time>,
    /// Since when it is not in force any more; absent while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<Time>,
    /// How many cases it routed.
    cases: u64,
}

impl From<routing::Precedent> for Precedent {
    fn from(it: routing::Precedent) -> Self {
        Self {
            decided_at: Time::of(it.decided_at.as_ref()),
            retired_at: Time::of(it.retired_at.as_ref()),
            precedent_id: it.precedent_id,
            office_id: it.office_id,
            kind: it.kind,
            domain: it.domain,
            topic: some(it.topic),
            to_office_id: it.to_office_id,
            case_id: it.case_id,
            cases: it.cases,
        }
    }
}

/// Takes a precedent out of force.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::api) struct Retire {
    /// Why, 2 to 200 characters; kept with the case about which it was decided, for officials.
    #[schema(required = true)]
    pub(in crate::api) reason: String,
}
