//! Messages of the contract as JSON, as protobuf maps them.

use liuyan_proto::DESCRIPTORS;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use crate::error::Error;

/// Knows the contracts.
#[derive(Debug, Clone)]
pub(crate) struct Mapper(DescriptorPool);

impl Mapper {
    pub(crate) fn new() -> Result<Self, Error> {
        DescriptorPool::decode(DESCRIPTORS).map(Self).map_err(Error::other("the contracts"))
    }

    /// A message of `liuyan.feed.v1`; null if there is none of this name.
    pub(crate) fn map(&self, name: &str, message: &impl Message) -> Value {
        self.0
            .get_message_by_name(&format!("liuyan.feed.v1.{name}"))
            .and_then(|descriptor| {
                DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).ok()
            })
            .and_then(|message| serde_json::to_value(message).ok())
            .unwrap_or_default()
    }
}
