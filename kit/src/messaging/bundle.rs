//! Many events of one type in one message of the bus: the bus's work is by the message, and so is that
//! of whoever publishes and of whoever acknowledges.
//!
//! The body is a `CloudEventBatch` of the CloudEvents Protobuf format 1.0; its fields have the numbers
//! of <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/cloudevents.proto>. An event
//! that goes alone goes in binary mode, as headers and body.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    Envelope,
    envelope::{Malformed, header},
};
use crate::clock;

/// The media type of a bundle (CloudEvents Protobuf format, section 4.2).
pub(super) const MEDIA_TYPE: &str = "application/cloudevents-batch+protobuf";
/// How many events a bundle holds at most: with some dozens, the cost of the message is small beside
/// that of the events, and little is to be repeated if the outcome is not known.
const MOST: usize = 64;
/// How large its bodies may be together, so that the message stays under the stream's limit.
const MOST_BYTES: usize = 32 * 1024;
/// What an event costs beside its body.
const OVERHEAD: usize = 320;

#[derive(Clone, PartialEq, Message)]
struct Batch {
    #[prost(message, repeated, tag = "1")]
    events: Vec<CloudEvent>,
}

#[derive(Clone, PartialEq, Message)]
struct CloudEvent {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    source: String,
    #[prost(string, tag = "3")]
    spec_version: String,
    #[prost(string, tag = "4")]
    kind: String,
    #[prost(btree_map = "string, message", tag = "5")]
    attributes: BTreeMap<String, Attribute>,
    #[prost(bytes = "bytes", tag = "6")]
    binary_data: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(oneof = "Value", tags = "3, 7")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(message, tag = "7")]
    Moment(prost_types::Timestamp),
}

impl Attribute {
    fn text(text: impl Into<String>) -> Self {
        Self { value: Some(Value::Text(text.into())) }
    }
}

/// Divides events, given with their places, into those that share a message. A subject's events
/// never change their order: where one of another type would overtake, all that was begun before
/// goes first.
pub(super) fn divide(events: &[(Envelope, i32)]) -> Vec<Vec<usize>> {
    #[derive(Default)]
    struct Open {
        places: Vec<usize>,
        bytes: usize,
    }

    let mut done: Vec<Vec<usize>> = Vec::new();
    let mut open: Vec<(&str, Open)> = Vec::new();
    let mut kinds: HashMap<Uuid, &str> = HashMap::new();
    for (place, (event, _)) in events.iter().enumerate() {
        let kind = event.kind.as_str();
        if kinds.get(&event.subject_id).is_some_and(|other| *other != kind) {
            done.extend(open.drain(..).map(|(_, bundle)| bundle.places));
            kinds.clear();
        }
        kinds.insert(event.subject_id, kind);
        let at = open.iter().position(|(other, _)| *other == kind).unwrap_or_else(|| {
            open.push((kind, Open::default()));
            open.len() - 1
        });
        let bundle = &mut open[at].1;
        let bytes = event.payload.len() + OVERHEAD;
        if !bundle.places.is_empty()
            && (bundle.places.len() == MOST || bundle.bytes + bytes > MOST_BYTES)
        {
            done.push(std::mem::take(bundle).places);
        }
        bundle.places.push(place);
        bundle.bytes += bytes;
    }
    done.extend(open.into_iter().map(|(_, bundle)| bundle.places));
    done
}

/// The id of a bundle's message: the same for the same publications, so that the bus knows a
/// repetition of just this bundle.
pub(super) fn message_id(events: &[&(Envelope, i32)]) -> String {
    let mut hash = Sha256::new();
    for (event, attempt) in events {
        hash.update(event.event_id.as_bytes());
        hash.update(attempt.to_be_bytes());
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    Uuid::from_bytes(id).simple().to_string()
}

/// The body of a bundle.
pub(super) fn encode(source: &str, events: &[&(Envelope, i32)]) -> Bytes {
    let events = events.iter().map(|(event, _)| {
        let moment = Attribute { value: Some(Value::Moment(clock::to_proto(event.at))) };
        let mut attributes = BTreeMap::from([
            ("time".to_owned(), moment),
            ("subject".to_owned(), Attribute::text(event.subject_id)),
            ("sequence".to_owned(), Attribute::text(event.version.to_string())),
            ("datacontenttype".to_owned(), Attribute::text("application/protobuf")),
        ]);
        if let Some(trace) = &event.traceparent {
            attributes.insert(header::TRACEPARENT.to_owned(), Attribute::text(trace));
        }
        CloudEvent {
            id: event.event_id.to_string(),
            source: source.to_owned(),
            spec_version: "1.0".to_owned(),
            kind: event.kind.clone(),
            attributes,
            binary_data: event.payload.clone(),
        }
    });
    Batch { events: events.collect() }.encode_to_vec().into()
}

/// The events of a bundle.
///
/// # Errors
/// If it is none, or if one of its events is none of ours: the whole of it is then to be put aside.
pub(super) fn decode(body: Bytes) -> Result<Vec<Envelope>, Malformed> {
    let batch = Batch::decode(body).map_err(|_| Malformed { header: header::CONTENT_TYPE })?;
    batch.events.into_iter().map(envelope).collect()
}

fn envelope(event: CloudEvent) -> Result<Envelope, Malformed> {
    let text = |name: &str| match event.attributes.get(name)?.value.as_ref()? {
        Value::Text(text) => Some(text.as_str()),
        Value::Moment(_) => None,
    };
    let moment = match event.attributes.get("time").and_then(|time| time.value.as_ref()) {
        Some(Value::Moment(moment)) => clock::from_proto(moment),
        _ => None,
    };
    let moment: Timestamp = moment.ok_or(Malformed { header: header::TIME })?;
    Envelope::of(
        |name| match name {
            header::ID => Some(event.id.as_str()),
            header::TYPE => Some(event.kind.as_str()),
            header::SUBJECT => text("subject"),
            header::SEQUENCE => text("sequence"),
            header::TRACEPARENT => text(header::TRACEPARENT),
            _ => None,
        },
        moment,
        event.binary_data.clone(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id;

    fn event(subject: u128, version: i64, kind: &str, bytes: usize) -> (Envelope, i32) {
        let at = Timestamp::from_second(1_764_000_000).unwrap();
        let envelope = Envelope {
            event_id: id::v7(at),
            subject_id: Uuid::from_u128(subject),
            version,
            kind: kind.to_owned(),
            at,
            traceparent: (version == 1).then(|| "00-1-2-01".to_owned()),
            payload: vec![7; bytes].into(),
        };
        (envelope, 0)
    }

    #[test]
    fn a_bundle_gives_back_what_it_was_given() {
        let events = [event(1, 1, "a", 10), event(2, 1, "a", 0), event(1, 2, "a", 3)];
        let all: Vec<&(Envelope, i32)> = events.iter().collect();
        let back = decode(encode("intake", &all)).unwrap();
        let given: Vec<Envelope> = events.iter().map(|(event, _)| event.clone()).collect();
        assert_eq!(back, given);
    }

    #[test]
    fn what_is_no_bundle_or_holds_a_stranger_is_malformed() {
        assert!(decode(Bytes::from_static(b"no protobuf")).is_err());
        let stranger = CloudEvent { id: "x".to_owned(), ..CloudEvent::default() };
        let body = Batch { events: vec![stranger] }.encode_to_vec();
        assert!(decode(body.into()).is_err());
    }

    #[test]
    fn bundles_hold_one_type_and_keep_within_their_limits() {
        let mut events: Vec<_> = (0..150).map(|subject| event(subject, 1, "a", 100)).collect();
        events.insert(70, event(900, 1, "b", 100));
        let bundles = divide(&events);
        let sizes: Vec<usize> = bundles.iter().map(Vec::len).collect();
        assert_eq!(sizes, [64, 64, 22, 1]);
        let mut places: Vec<usize> = bundles.concat();
        places.sort_unstable();
        assert_eq!(places, (0..151).collect::<Vec<_>>());
        let large: Vec<_> = (0..5).map(|subject| event(subject, 1, "a", 20_000)).collect();
        assert!(divide(&large).iter().all(|bundle| bundle.len() == 1));
    }

    #[test]
    fn no_event_overtakes_another_one_of_its_subject() {
        let events = [
            event(1, 1, "a", 1),
            event(2, 1, "b", 1),
            event(2, 2, "a", 1),
            event(1, 2, "b", 1),
            event(1, 3, "b", 1),
            event(2, 3, "b", 1),
        ];
        let order: Vec<usize> = divide(&events).concat();
        for subject in [1, 2].map(Uuid::from_u128) {
            let versions: Vec<i64> = order
                .iter()
                .map(|place| &events[*place].0)
                .filter(|event| event.subject_id == subject)
                .map(|event| event.version)
                .collect();
            assert_eq!(versions, [1, 2, 3]);
        }
    }

    #[test]
    fn the_id_of_a_bundle_is_that_of_its_publications() {
        let (one, other) = (event(1, 1, "a", 1), event(2, 1, "a", 1));
        let again = (one.0.clone(), 1);
        assert_eq!(message_id(&[&one, &other]), message_id(&[&one, &other]));
        assert_ne!(message_id(&[&one, &other]), message_id(&[&other, &one]));
        assert_ne!(message_id(&[&one]), message_id(&[&again]));
    }
}
