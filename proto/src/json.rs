//! Messages as JSON, in protobuf's own mapping: names in `lowerCamelCase`, numbers of 64 bits as texts, times as
//! RFC 3339 writes them, words of the contract for enums, and nothing for what is not set. Whoever has the contract
//! reads it in any language.
//!
//! Events of the feed look like this wherever they are written as JSON: in streams and pages of the HTTP API, in
//! calls to webhooks, in the objects of old stretches, and in what `liuyan feed` prints.

use std::{fmt, sync::LazyLock};

use prost::{DecodeError, Message};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::{Deserializer, Serialize, Serializer, de};

use crate::{DESCRIPTORS, liuyan::feed::v1::Event};

/// The name of an event of the feed among the contracts.
pub const EVENT: &str = "liuyan.feed.v1.Event";

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).ok());

/// A message that can be written as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(DynamicMessage);

/// Why a message can't be written as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The contracts have no message of this name.
    Unknown(String),
    /// The bytes are no message of this name.
    Bytes(DecodeError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "the contracts have no {name}"),
            Self::Bytes(_) => f.write_str("the bytes are no such message"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unknown(_) => None,
            Self::Bytes(error) => Some(error),
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// An event of the feed.
///
/// # Errors
/// None that can happen: the contracts have it.
pub fn event(event: &Event) -> Result<Json, Error> {
    of(EVENT, event)
}

/// The message of this full name.
///
/// # Errors
/// If the contracts have none of this name, or it is another one.
pub fn of(name: &str, message: &impl Message) -> Result<Json, Error> {
    of_bytes(name, &message.encode_to_vec())
}

/// The encoded message of this full name.
///
/// # Errors
/// If the contracts have none of this name, or the bytes are another one.
pub fn of_bytes(name: &str, encoded: &[u8]) -> Result<Json, Error> {
    let descriptor = descriptor(name).ok_or_else(|| Error::Unknown(name.to_owned()))?;
    DynamicMessage::decode(descriptor, encoded).map(Json).map_err(Error::Bytes)
}

/// Reads the message of this full name; gives it encoded.
///
/// # Errors
/// The deserializer's; also if the JSON is no such message, or has a field that the contract does not know.
pub fn read<'de, D: Deserializer<'de>>(name: &str, from: D) -> Result<Vec<u8>, D::Error> {
    let descriptor = descriptor(name)
        .ok_or_else(|| de::Error::custom(format_args!("the contracts have no {name}")))?;
    Ok(DynamicMessage::deserialize(descriptor, from)?.encode_to_vec())
}

/// What the contracts say of the message of this full name.
pub fn descriptor(name: &str) -> Option<MessageDescriptor> {
    POOL.as_ref()?.get_message_by_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::liuyan::common::v1::{CaseState, PublicCase};

    #[test]
    fn an_event_is_written_as_protobuf_maps_it_and_read_again() {
        let at = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 123_456_000 };
        let case =
            PublicCase { state: CaseState::Replied.into(), revision: 7, ..PublicCase::default() };
        let paths = vec!["public_state".to_owned(), "custody".to_owned()];
        let written = Event {
            id: "e".to_owned(),
            recorded_time: Some(at),
            position: 9_007_199_254_740_993,
            changed_fields: Some(prost_types::FieldMask { paths }),
            case: Some(case),
            ..Event::default()
        };
        let json = serde_json::to_value(event(&written).unwrap()).unwrap();
        let expected = serde_json::json!({
            "id": "e",
            "recordedTime": "2023-11-14T22:13:20.123456Z",
            "position": "9007199254740993",
            "changedFields": "publicState,custody",
            "case": { "state": "CASE_STATE_REPLIED", "revision": "7" },
        });
        assert_eq!(json, expected);
        assert_eq!(read(EVENT, json).unwrap(), written.encode_to_vec());
    }

    #[test]
    fn what_is_no_message_is_not_written() {
        assert_eq!(of_bytes("nobody.Knows", b""), Err(Error::Unknown("nobody.Knows".to_owned())));
        assert!(matches!(of_bytes(EVENT, b"\xff"), Err(Error::Bytes(_))));
        assert!(read(EVENT, serde_json::json!({ "nobody": 1 })).is_err());
    }
}
