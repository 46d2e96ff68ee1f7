//! What the files may hold.

use std::fs;

use crate::tree::{Source, none, root, services, sources};

/// The most lines of a file under `src`.
const LINES: usize = 500;
/// Files that are longer, each with its reason. A file that has become short again must leave.
const LONG: [(&str, &str); 0] = [];

/// What every service has.
const OF_A_SERVICE: [&str; 8] = [
    "Cargo.toml",
    "README.md",
    "config.toml",
    "locales/zh-CN.ftl",
    "locales/en.ftl",
    "src/lib.rs",
    "src/config.rs",
    "src/error.rs",
];
/// What every service that keeps something has.
const OF_A_KEEPER: [&str; 6] =
    ["sqlx.toml", "migrations", ".sqlx", "src/domain.rs", "src/app.rs", "src/store.rs"];

/// What a domain may not name.
const OUTSIDE: [&str; 4] = ["sqlx", "tonic", "prost", "async_nats"];

/// What no file may say, and what it says instead. In two halves, so that this file does not say it either.
const FORBIDDEN: [(&str, &str); 4] = [
    (concat!("[", "allow("), "#[expect(lint, reason = \"…\")]"),
    (concat!("#[", "ignore"), "a test that runs"),
    (concat!("todo", "!("), "an error, or nothing"),
    (concat!("#[", "should_panic"), "an assertion on the error"),
];

fn is_long(source: &Source) -> bool {
    source.path.contains("/src/") && source.text.lines().count() > LINES
}

#[test]
fn no_file_is_longer_than_a_reader_can_bear() {
    let sources = sources();
    let mut found: Vec<String> = sources
        .iter()
        .filter(|source| is_long(source) && LONG.iter().all(|(path, _)| *path != source.path))
        .map(|source| format!("{}: {} lines", source.path, source.text.lines().count()))
        .collect();
    for (path, _) in LONG {
        if !sources.iter().any(|source| source.path == path && is_long(source)) {
            found.push(format!("{path}: no longer an exception"));
        }
    }
    none(&format!("a file has at most {LINES} lines"), &found);
}

#[test]
fn every_service_has_the_same_files() {
    let topology = fs::read_to_string(root().join("proto/topology.toml")).unwrap();
    let topology: toml::Table = topology.parse().unwrap();
    let mut found = Vec::new();
    for service in services() {
        let name = service.file_name().unwrap().to_str().unwrap();
        let card = &topology[name];
        let does = |what: &str| !card[what].as_array().unwrap().is_empty();
        // The portal keeps nothing; whoever serves or hears has the file for it.
        let keeps = does("serves");
        let mut expected = OF_A_SERVICE.to_vec();
        expected.extend(["src/main.rs"]);
        expected.extend(OF_A_KEEPER.iter().filter(|_| keeps));
        expected.extend(["src/grpc.rs"].iter().filter(|_| does("serves")));
        expected.extend(["src/consumer.rs"].iter().filter(|_| does("hears")));
        for file in expected {
            if !service.join(file).exists() {
                found.push(format!("services/{name} has no {file}"));
            }
        }
    }
    none("know one service, know all", &found);
}

#[test]
fn the_domain_knows_no_wire_and_no_database() {
    let mut seen = 0;
    let mut found = Vec::new();
    for source in sources() {
        if !source.path.starts_with("services/") || !source.path.contains("/src/domain") {
            continue;
        }
        seen += 1;
        for (number, line) in source.code() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.any(|word| OUTSIDE.iter().any(|name| word.starts_with(name))) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(seen >= 4, "the domains are found");
    none("the domain is pure", &found);
}

#[test]
fn nothing_is_allowed_ignored_or_left_to_do() {
    let mut found = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            for (word, instead) in FORBIDDEN {
                if !line.trim_start().starts_with("//") && line.contains(word) {
                    found.push(format!("{}:{}: {word} -> {instead}", source.path, index + 1));
                }
            }
        }
    }
    none("an exception is expected, a test runs, code is finished", &found);
}

/// Comments may quote the terms of laws and calendars, and tests need real words; what people read is elsewhere.
#[test]
fn chinese_for_people_is_in_catalogues_and_data_files() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.is_product()) {
        for (number, line) in source.code() {
            if line.chars().any(is_chinese) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    none("words for people belong in locales/ or data/", &found);
}

/// The unified ideographs with extension A and the compatibility ones, and the punctuation and full-width forms that
/// come with them.
fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3001}'..='\u{303f}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff01}'..='\u{ff5e}')
}
