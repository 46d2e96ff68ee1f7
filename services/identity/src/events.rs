//! What identity says, from the domain's words to the bus's. Thin: ids and times.

use jiff::Timestamp;
use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::identity::v1::AccountErased;
use uuid::Uuid;

/// An account is gone.
pub(crate) fn erased(account_id: Uuid, at: Timestamp) -> AccountErased {
    AccountErased { account_id: account_id.to_string(), erased_at: Some(to_proto(at)) }
}
