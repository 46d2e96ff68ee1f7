//! What was said once can be read for ever.
//!
//! `golden/` holds, for each event of the house, the bytes and the JSON of one that has a value in
//! every field. They are never changed: a consumer that reads the outbox of years ago, or a reader
//! of the feed's JSON, meets exactly these.
//!
//! `LIUYAN_BLESS=1 cargo test -p liuyan-tests --test contracts` writes what is missing: the fixture
//! of a new event, and one more for an event that got a new field. It never touches what is there.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod fill;
mod golden;

use std::collections::BTreeSet;

use liuyan_proto::{DESCRIPTORS, event::EVENTS};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use prost_types::{FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto as field};

use golden::{Fixture, fixtures, json};

/// The contracts as they are today.
fn today() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).unwrap()
}

/// The message of an event's type.
fn message(pool: &DescriptorPool, kind: &str) -> MessageDescriptor {
    let event = EVENTS.iter().find(|event| event.name == kind);
    let event = event.unwrap_or_else(|| panic!("{kind} was an event, and stays one for ever"));
    pool.get_message_by_name(event.message).unwrap()
}

fn decode(message: MessageDescriptor, bytes: &[u8], fixture: &Fixture) -> DynamicMessage {
    DynamicMessage::decode(message, bytes)
        .unwrap_or_else(|error| panic!("{} can't be read any more: {error}", fixture.name))
}

#[test]
fn every_event_has_a_fixture_with_a_value_in_every_field() {
    let pool = today();
    let mut bare = Vec::new();
    for event in EVENTS {
        let wanted = fill::fields(&message(&pool, event.name));
        let mut held = BTreeSet::new();
        for fixture in fixtures().iter().filter(|fixture| fixture.kind == event.name) {
            let message = decode(message(&pool, event.name), &fixture.bytes, fixture);
            fill::held(&message, &mut held);
        }
        bare.extend(wanted.difference(&held).map(|field| format!("{}: {field}", event.name)));
    }
    let how = "LIUYAN_BLESS=1 cargo test -p liuyan-tests --test contracts";
    assert!(
        bare.is_empty(),
        "no fixture holds\n  {}\nwrite what is missing: {how}",
        bare.join("\n  ")
    );
}

#[test]
fn what_was_said_is_read_as_it_was_meant() {
    let pool = today();
    for fixture in fixtures() {
        let message = decode(message(&pool, &fixture.kind), &fixture.bytes, fixture);
        assert_eq!(json(&message), fixture.json, "{} means something else now", fixture.name);
        assert_eq!(message.unknown_fields().count(), 0, "{} holds unknown fields", fixture.name);
    }
}

#[test]
fn what_is_read_is_said_again_in_the_same_bytes() {
    let pool = today();
    for fixture in fixtures() {
        let read = decode(message(&pool, &fixture.kind), &fixture.bytes, fixture);
        assert_eq!(read.encode_to_vec(), fixture.bytes, "{}", fixture.name);
        let descriptor = message(&pool, &fixture.kind);
        let from_json = DynamicMessage::deserialize(descriptor, &fixture.json)
            .unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        assert_eq!(from_json.encode_to_vec(), fixture.bytes, "{}, from JSON", fixture.name);
    }
}

/// The contracts of tomorrow: each event has one field more.
fn tomorrow() -> DescriptorPool {
    let mut files = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut grown = 0;
    for file in &mut files.file {
        let package = file.package().to_owned();
        for message in &mut file.message_type {
            let name = format!("{package}.{}", message.name());
            if EVENTS.iter().any(|event| event.message == name) {
                message.field.push(FieldDescriptorProto {
                    name: Some("added_later".to_owned()),
                    number: Some(1_000),
                    label: Some(field::Label::Optional.into()),
                    r#type: Some(field::Type::String.into()),
                    ..FieldDescriptorProto::default()
                });
                grown += 1;
            }
        }
    }
    assert_eq!(grown, EVENTS.len());
    DescriptorPool::from_file_descriptor_set(files).unwrap()
}

#[test]
fn a_new_field_changes_nothing_of_what_was_said() {
    let pool = tomorrow();
    for fixture in fixtures() {
        let message = decode(message(&pool, &fixture.kind), &fixture.bytes, fixture);
        assert_eq!(json(&message), fixture.json, "{}", fixture.name);
        assert_eq!(message.encode_to_vec(), fixture.bytes, "{}", fixture.name);
    }
}

#[test]
fn who_does_not_know_a_new_field_reads_the_rest() {
    let (today, tomorrow) = (today(), tomorrow());
    for fixture in fixtures() {
        let mut newer = decode(message(&tomorrow, &fixture.kind), &fixture.bytes, fixture);
        newer.set_field_by_name("added_later", prost_reflect::Value::String("news".to_owned()));
        let bytes = newer.encode_to_vec();
        assert!(bytes.len() > fixture.bytes.len(), "{}", fixture.name);
        let message = decode(message(&today, &fixture.kind), &bytes, fixture);
        assert_eq!(json(&message), fixture.json, "{}", fixture.name);
    }
}
