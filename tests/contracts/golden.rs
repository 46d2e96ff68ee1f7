//! The fixtures, as files.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use liuyan_proto::event::EVENTS;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use crate::{fill, message, today};

/// The variable that asks for what is missing to be written.
const BLESS: &str = "LIUYAN_BLESS";
/// Bytes in one line of a file.
const BYTES_OF_A_LINE: usize = 40;
/// An event that needs more fixtures than this to hold every field is no event of ours.
const MOST: usize = 100;

/// An event as it was said once.
pub(crate) struct Fixture {
    /// Its name: the type, and a number if it is not the first of its type.
    pub(crate) name: String,
    /// The event's type.
    pub(crate) kind: String,
    /// The protobuf message.
    pub(crate) bytes: Vec<u8>,
    /// The same in the JSON of protobuf.
    pub(crate) json: serde_json::Value,
}

/// All fixtures; those that are missing are written before, if that is wished.
pub(crate) fn fixtures() -> &'static [Fixture] {
    static FIXTURES: LazyLock<Vec<Fixture>> = LazyLock::new(|| {
        let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap());
        let folder = folder.join("contracts/golden");
        let mut fixtures = read(&folder);
        if env::var(BLESS).is_ok_and(|wish| wish == "1") {
            write_missing(&folder, &mut fixtures);
        }
        assert!(!fixtures.is_empty(), "there are fixtures in {}", folder.display());
        fixtures
    });
    &FIXTURES
}

fn read(folder: &Path) -> Vec<Fixture> {
    fs::create_dir_all(folder).unwrap();
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".hex"));
        names.insert(stem.unwrap_or_else(|| panic!("{name} is no fixture")).to_owned());
    }
    names.into_iter().map(|name| read_one(folder, name)).collect()
}

fn read_one(folder: &Path, name: String) -> Fixture {
    let text = |suffix: &str| {
        let path = folder.join(format!("{name}.{suffix}"));
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let digits: String = text("hex").split_whitespace().collect();
    let (first, last) = name.rsplit_once('.').unwrap();
    let kind = if last.parse::<usize>().is_ok() { first } else { &name };
    Fixture {
        kind: kind.to_owned(),
        bytes: hex::decode(digits).unwrap(),
        json: serde_json::from_str(&text("json")).unwrap(),
        name,
    }
}

/// Writes fixtures until each field of each event is held by one. What is there stays.
fn write_missing(folder: &Path, fixtures: &mut Vec<Fixture>) {
    let pool = today();
    for event in EVENTS {
        let descriptor = message(&pool, event.name);
        let mut held = BTreeSet::new();
        let mut number = 1;
        for fixture in fixtures.iter().filter(|fixture| fixture.kind == event.name) {
            number += 1;
            fill::held(&decoded(&descriptor, fixture), &mut held);
        }
        while number == 1 || !fill::fields(&descriptor).is_subset(&held) {
            assert!(number <= MOST, "{} never has a value in every field", event.name);
            let filled = fill::filled(&descriptor, &held);
            fill::held(&filled, &mut held);
            let suffix = if number == 1 { String::new() } else { format!(".{number}") };
            let name = format!("{}{suffix}", event.name);
            write(folder, &name, &filled);
            fixtures.push(read_one(folder, name));
            number += 1;
        }
    }
}

fn decoded(descriptor: &MessageDescriptor, fixture: &Fixture) -> DynamicMessage {
    DynamicMessage::decode(descriptor.clone(), fixture.bytes.as_slice()).unwrap()
}

fn write(folder: &Path, name: &str, filled: &DynamicMessage) {
    let mut lines = String::new();
    for line in filled.encode_to_vec().chunks(BYTES_OF_A_LINE) {
        lines.push_str(&hex::encode(line));
        lines.push('\n');
    }
    let json = format!("{}\n", serde_json::to_string_pretty(&json(filled)).unwrap());
    for (suffix, text) in [("hex", lines), ("json", json)] {
        let path = folder.join(format!("{name}.{suffix}"));
        // Never over what is there.
        let mut file = fs::File::create_new(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }
}

/// A message in the JSON of protobuf, without the fields that have no value.
pub(crate) fn json(message: &DynamicMessage) -> serde_json::Value {
    serde_json::to_value(message).unwrap()
}
