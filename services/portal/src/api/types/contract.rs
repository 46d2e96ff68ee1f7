//! What the document says of messages that are written as protobuf maps them: made from the contract, so that it
//! cannot differ from what is written.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use utoipa::openapi::{
    RefOr,
    schema::{
        AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
    },
};

/// The schema of the message of this full name; one that allows anything if the contracts have none.
pub(super) fn schema(name: &str) -> RefOr<Schema> {
    let descriptor = liuyan_proto::json::descriptor(name);
    descriptor.map_or_else(|| ObjectBuilder::new().into(), |descriptor| object(&descriptor, None))
}

fn object(descriptor: &MessageDescriptor, says: Option<String>) -> RefOr<Schema> {
    let text = |format: Option<KnownFormat>| {
        let format = format.map(SchemaFormat::KnownFormat);
        ObjectBuilder::new().schema_type(Type::String).format(format).description(says.clone())
    };
    match descriptor.full_name() {
        "google.protobuf.Timestamp" => text(Some(KnownFormat::DateTime)).into(),
        // Fields with commas between; seconds with an `s` behind.
        "google.protobuf.FieldMask" | "google.protobuf.Duration" => text(None).into(),
        _ => {
            let says = says.clone().or_else(|| said(descriptor, descriptor.path()));
            let object = ObjectBuilder::new().schema_type(Type::Object).description(says);
            let fields = descriptor.fields();
            fields
                .fold(object, |object, field| object.property(field.json_name(), of_field(&field)))
                .into()
        }
    }
}

fn of_field(field: &FieldDescriptor) -> RefOr<Schema> {
    let says = said(field.parent_message(), field.path());
    if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let value = entry.map_entry_value_field();
        let values = AdditionalProperties::RefOr(of_kind(&value.kind(), None));
        let map = ObjectBuilder::new().schema_type(Type::Object).description(says);
        return map.additional_properties(Some(values)).into();
    }
    if field.is_list() {
        return ArrayBuilder::new().items(of_kind(&field.kind(), None)).description(says).into();
    }
    of_kind(&field.kind(), says)
}

fn of_kind(kind: &Kind, says: Option<String>) -> RefOr<Schema> {
    let of = |kind: Type| ObjectBuilder::new().schema_type(kind).description(says.clone());
    match kind {
        Kind::Message(descriptor) => object(descriptor, says),
        Kind::Enum(words) => {
            let names: Vec<String> = words.values().map(|word| word.name().to_owned()).collect();
            of(Type::String).enum_values(Some(names)).into()
        }
        Kind::Bool => of(Type::Boolean).into(),
        Kind::Double | Kind::Float => of(Type::Number).into(),
        Kind::Int32 | Kind::Sint32 | Kind::Uint32 | Kind::Fixed32 | Kind::Sfixed32 => {
            of(Type::Integer).into()
        }
        // Numbers of 64 bits are texts: not every reader of JSON can hold them.
        Kind::Int64
        | Kind::Sint64
        | Kind::Uint64
        | Kind::Fixed64
        | Kind::Sfixed64
        | Kind::String
        | Kind::Bytes => of(Type::String).into(),
    }
}

/// What the contract says at a place of the file that has the message.
fn said(message: &MessageDescriptor, path: &[i32]) -> Option<String> {
    let info = message.parent_file_descriptor_proto().source_code_info.as_ref()?;
    let place = info.location.iter().find(|it| it.path == path)?;
    Some(place.leading_comments().trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use liuyan_proto::json::EVENT;

    #[test]
    fn an_event_is_described_by_its_contract() {
        let schema = serde_json::to_value(super::schema(EVENT)).unwrap();
        let of = |name: &str| schema["properties"][name].clone();
        assert_eq!(of("recordedTime")["format"], "date-time");
        assert_eq!(of("position")["type"], "string");
        assert_eq!(of("restricted")["type"], "boolean");
        assert_eq!(of("case")["properties"]["replies"]["type"], "array");
        let states = of("case")["properties"]["state"]["enum"].clone();
        assert!(states.as_array().unwrap().contains(&"CASE_STATE_REPLIED".into()), "{states}");
        let says = of("causationId")["description"].clone();
        assert!(says.as_str().unwrap().starts_with("The request_id of the act"), "{says}");
    }
}
