//! Messages with a value in every field.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// How deep messages are filled that hold messages; those of a circle end there.
const DEEPEST: usize = 6;
/// A moment of the year 2025, so that a filled time is one that could be.
const MOMENT: i64 = 1_750_000_000;

/// The full names of all fields that an event of this message can hold, at any depth.
pub(crate) fn fields(message: &MessageDescriptor) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(message, &mut found, DEEPEST);
    found
}

fn collect(message: &MessageDescriptor, found: &mut BTreeSet<String>, depth: usize) {
    for field in message.fields() {
        found.insert(field.full_name().to_owned());
        if let Kind::Message(inner) = field.kind()
            && depth > 1
        {
            collect(&inner, found, depth - 1);
        }
    }
}

/// Adds the full names of all fields that have a value in `message`.
pub(crate) fn held(message: &DynamicMessage, found: &mut BTreeSet<String>) {
    for (field, value) in message.fields() {
        found.insert(field.full_name().to_owned());
        held_by(value, &field, found);
    }
}

fn held_by(value: &Value, field: &FieldDescriptor, found: &mut BTreeSet<String>) {
    match value {
        Value::Message(inner) => held(inner, found),
        Value::List(values) => values.iter().for_each(|value| held_by(value, field, found)),
        Value::Map(entries) => {
            if let Kind::Message(entry) = field.kind() {
                found.extend(entry.fields().map(|field| field.full_name().to_owned()));
            }
            entries.values().for_each(|value| held_by(value, field, found));
        }
        _ => {}
    }
}

/// A message with a value in every field that is not the one it has by itself. Always the same for
/// the same contract. Of fields that exclude each other, the first one that `held` does not name.
pub(crate) fn filled(message: &MessageDescriptor, held: &BTreeSet<String>) -> DynamicMessage {
    fill(message, held, &[])
}

/// `path` are the names of the fields that lead here. No two places have the same text, number or
/// time, so that fields which have changed places are seen.
fn fill(message: &MessageDescriptor, held: &BTreeSet<String>, path: &[&str]) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message.clone());
    for field in message.fields() {
        if !is_chosen(&field, held) {
            continue;
        }
        let path = [path, &[field.name()]].concat();
        if let Some(value) = value(&field, held, &path) {
            filled.set_field(&field, value);
        }
    }
    filled
}

fn is_chosen(field: &FieldDescriptor, held: &BTreeSet<String>) -> bool {
    let Some(choice) = field.containing_oneof().filter(|choice| !choice.is_synthetic()) else {
        return true;
    };
    let chosen = choice
        .fields()
        .find(|field| !held.contains(field.full_name()))
        .or_else(|| choice.fields().next());
    chosen.as_ref() == Some(field)
}

fn value(field: &FieldDescriptor, held: &BTreeSet<String>, path: &[&str]) -> Option<Value> {
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { return None };
        let key = map_key(&single(&entry.map_entry_key_field(), 1, held, path)?)?;
        let value = single(&entry.map_entry_value_field(), 1, held, path)?;
        return Some(Value::Map([(key, value)].into()));
    }
    if field.is_list() {
        let values: Option<Vec<Value>> =
            (1..=2).map(|place| single(field, place, held, path)).collect();
        return values.map(Value::List);
    }
    single(field, 1, held, path)
}

fn single(
    field: &FieldDescriptor,
    place: u64,
    held: &BTreeSet<String>,
    path: &[&str],
) -> Option<Value> {
    // Two bytes at least where numbers grow, and below any limit of a part of a second.
    let number = 1_000 + hash(&path.join(".")) % 1_000_000 + place;
    let (signed, small) = (number.cast_signed(), u32::try_from(number).unwrap());
    Some(match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::String => Value::String(format!("{}-{place} 留言", path.join("."))),
        Kind::Bytes => Value::Bytes([&[0, 0xff], &small.to_le_bytes()[..]].concat().into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(small.cast_signed()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(match field.full_name() {
            "google.protobuf.Timestamp.seconds" => MOMENT + signed,
            _ => signed,
        }),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(small),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(number),
        Kind::Float => Value::F32(number as f32 + 0.5),
        Kind::Double => Value::F64(number as f64 + 0.5),
        Kind::Enum(choice) => {
            let mut values = choice.values().filter(|value| value.number() != 0);
            Value::EnumNumber(values.next()?.number())
        }
        Kind::Message(_) if path.len() >= DEEPEST => return None,
        Kind::Message(message) => Value::Message(fill(&message, held, path)),
    })
}

fn map_key(value: &Value) -> Option<MapKey> {
    Some(match value {
        Value::Bool(key) => MapKey::Bool(*key),
        Value::I32(key) => MapKey::I32(*key),
        Value::I64(key) => MapKey::I64(*key),
        Value::U32(key) => MapKey::U32(*key),
        Value::U64(key) => MapKey::U64(*key),
        Value::String(key) => MapKey::String(key.clone()),
        _ => return None,
    })
}

/// FNV-1a, which is the same everywhere and for ever.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
