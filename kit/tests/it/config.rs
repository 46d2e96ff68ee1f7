//! What configuration promises.

use std::{fs, path::PathBuf};

use liuyan_kit::config::{DEFAULTS, Error, Secret, Settings, Sources};
use serde::{Deserialize, Serialize};

const OWN: &str = "[service]\npace = 3\nname = 'default'\n[grpc]\nreflection = false\n";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    pace: u32,
    name: String,
}

fn load(sources: &Sources) -> Result<Settings<Own>, Error> {
    Settings::load("alpha", OWN, sources)
}

fn with_environment(variables: &[(&str, &str)]) -> Result<Settings<Own>, Error> {
    let environment =
        variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    load(&Sources { environment, ..Sources::default() })
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("liuyan.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn with_file(text: &str) -> Result<Settings<Own>, Error> {
    let (_folder, path) = file(text);
    load(&Sources { file: Some(path), ..Sources::default() })
}

#[test]
fn an_unknown_key_is_refused_by_name_and_layer() {
    let error = with_file("[grpc]\naddres = '0.0.0.0:7000'\n").unwrap_err().to_string();
    assert!(error.contains("liuyan.toml"), "{error}");
    assert!(error.contains("grpc.addres"), "{error}");
    assert!(error.contains("`address`"), "{error}");

    let error = with_environment(&[("ALPHA__SERVICE__PACES", "1")]).unwrap_err().to_string();
    assert!(error.contains("$ALPHA__SERVICE__PACES"), "{error}");
    assert!(error.contains("service.paces"), "{error}");

    let error = with_file("[service]\npace = 'hunter2'\n").unwrap_err().to_string();
    assert!(error.contains("`service.pace` wants u32"), "{error}");
    let error = with_file("service = 3\n").unwrap_err().to_string();
    assert!(error.contains("`service` wants"), "{error}");

    let own = "[service]\npace = 1\nname = ''\ncolour = 1\n";
    let error = Settings::<Own>::load("alpha", own, &Sources::default()).unwrap_err().to_string();
    assert!(error.contains("defaults of alpha"), "{error}");
    assert!(error.contains("service.colour"), "{error}");
}

#[test]
fn later_layers_win() {
    let (_folder, path) = file("[service]\npace = 5\nname = 'file'\n");
    let settings = load(&Sources {
        file: Some(path),
        environment: vec![
            ("ALPHA__SERVICE__PACE".to_owned(), "7".to_owned()),
            ("ALPHA__DATABASE__CONNECTIONS".to_owned(), "3".to_owned()),
            ("BETA__SERVICE__PACE".to_owned(), "9".to_owned()),
        ],
        overrides: "[database]\nconnections = 4\n".parse().unwrap(),
    })
    .unwrap();
    assert!(!settings.grpc.reflection, "the service's defaults are above kit's");
    assert_eq!(settings.service.name, "file");
    assert_eq!(settings.service.pace, 7);
    assert_eq!(settings.database.connections, 4);
}

#[test]
fn a_variable_takes_the_type_of_what_it_replaces() {
    let settings = with_environment(&[
        ("ALPHA__GRPC__REFLECTION", "true"),
        ("ALPHA__SERVICE__NAME", "42"),
        ("ALPHA__TELEMETRY__SAMPLE_RATIO", "0.5"),
        ("ALPHA__PEERS__BETA", "http://beta:7000"),
        ("ALPHA__GRPC__TLS__CERT_FILE", "/tls/crt"),
        ("ALPHA__AUTH__ISSUERS", "[{ name = 'beta', public_key = 'x', scopes = ['a:b'] }]"),
    ])
    .unwrap();
    assert!(settings.grpc.reflection);
    assert_eq!(settings.service.name, "42");
    assert!((settings.telemetry.sample_ratio - 0.5).abs() < f64::EPSILON);
    assert_eq!(settings.peers["beta"], "http://beta:7000");
    assert_eq!(settings.grpc.tls.cert_file, Some(PathBuf::from("/tls/crt")));
    assert_eq!(settings.auth.issuers[0].name, "beta");

    let error = with_environment(&[("ALPHA__SERVICE__PACE", "fast")]).unwrap_err().to_string();
    assert!(error.contains("$ALPHA__SERVICE__PACE") && error.contains("an integer"), "{error}");
}

#[test]
fn a_value_of_another_type_is_refused_and_not_bent() {
    for value in ["3.7", "'7'", "true", "-1", "5000000000"] {
        let error = with_file(&format!("[service]\npace = {value}\n")).unwrap_err().to_string();
        assert!(error.contains("`service.pace`") && error.contains("u32"), "{value}: {error}");
    }
    for value in ["1", "'yes'"] {
        let error = with_file(&format!("[grpc]\nreflection = {value}\n")).unwrap_err().to_string();
        assert!(error.contains("`grpc.reflection` wants a boolean"), "{value}: {error}");
    }
    let error = with_file("[service]\nname = 42\n").unwrap_err().to_string();
    assert!(error.contains("`service.name` wants a string"), "{error}");
    for (name, text, wanted) in [
        ("ALPHA__SERVICE__PACE", "on", "an integer"),
        ("ALPHA__GRPC__REFLECTION", "yes", "true or false"),
        ("ALPHA__TELEMETRY__SAMPLE_RATIO", "off", "a number"),
        ("ALPHA__AUTH__ISSUERS", "beta", "a list"),
        ("ALPHA__SERVICE", "x", "a table"),
        ("ALPHA__GRPC__ADDRESS__PORT", "7000", "`grpc.address`"),
        ("ALPHA__", "x", "names no key"),
        ("ALPHA__SERVICE__", "x", "names no key"),
    ] {
        let error = with_environment(&[(name, text)]).unwrap_err().to_string();
        let layer = format!("${name}:");
        assert!(error.contains(&layer) && error.contains(wanted), "{name}: {error}");
    }
}

#[test]
fn a_list_or_table_of_a_later_layer() {
    // A list is replaced, also by an empty one; a table is merged, key by key.
    let (_folder, path) = file(
        "[peers]\nbeta = 'http://one'\ngamma = 'http://two'\n
         [[auth.issuers]]\nname = 'beta'\nscopes = []\n",
    );
    let overrides = "[peers]\nbeta = 'http://three'\n[auth]\nissuers = []\n";
    let settings = load(&Sources {
        file: Some(path),
        environment: vec![("ALPHA__PEERS__DELTA".to_owned(), "http://four".to_owned())],
        overrides: overrides.parse().unwrap(),
    })
    .unwrap();
    let peers: Vec<&str> = settings.peers.values().map(String::as_str).collect();
    assert_eq!(peers, ["http://three", "http://four", "http://two"]);
    assert!(settings.auth.issuers.is_empty());
}

#[test]
fn secrets_are_not_printed() {
    let settings = with_file(
        "[database]\nurl = 'postgres://u:hunter2@db/x'\n[nats]\npassword = 'hunter2'\n[auth]\nkey = 'hunter2'\n",
    )
    .unwrap();
    assert_eq!(settings.nats.password.expose(), "hunter2");
    let printed = settings.print().unwrap();
    assert!(printed.contains("[redacted]"), "{printed}");
    for shown in [printed, format!("{settings:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn an_error_does_not_show_the_line_that_may_hold_a_secret() {
    let error = with_file("[nats]\ntoken = 'hunter2\n").unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let error = with_environment(&[("ALPHA__SERVICE__PACE", "hunter2")]).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    let error = with_file("[service]\npace = 'hunter2'\n").unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_secret_may_come_from_a_file() {
    let (_folder, path) = file("postgres://db/x\n");
    let toml = format!("[database]\nurl_file = '{}'\npassword = 'p@ss/word'\n", path.display());
    let settings = with_file(&toml).unwrap();
    let address = settings.database.address().unwrap();
    assert_eq!(address.expose(), "postgres://:p%40ss%2Fword@db/x");

    let error = with_file(&format!("{toml}url = 'postgres://other/x'\n")).unwrap_err();
    assert!(matches!(&error, Error::Twice { key } if key == "database.url"), "{error}");
    let error = with_file("[nats]\nurl_file = '/nowhere'\n").unwrap_err().to_string();
    assert!(error.contains("nats.url_file") && error.contains("/nowhere"), "{error}");
}

#[test]
fn a_needed_value_that_is_not_set_is_named() {
    let settings = load(&Sources::default()).unwrap();
    let error = settings.database.address().unwrap_err();
    assert_eq!(error.to_string(), "configuration: `database.url` is not set");
}

#[test]
fn every_key_is_documented_and_what_the_comments_show_is_accepted() {
    let mut before = "";
    let mut shown = String::new();
    for line in DEFAULTS.lines() {
        let key = line.strip_prefix("# ").unwrap_or(line);
        let is_key = key.split_once(" = ").is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
        });
        if is_key && !line.starts_with('#') {
            // A sentence stands above each key, or above the group that it belongs to.
            assert!(before.starts_with('#') || before.contains(" = "), "{line} has no comment");
        }
        let is_section = key.starts_with('[') && key.ends_with(']');
        if (is_key || is_section) && key != "issuers = []" {
            shown.push_str(key);
            shown.push('\n');
        }
        before = line;
    }
    // Files that are not there: the keys are known, their values are looked at later.
    let error = with_file(&shown).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    // Each key that is known is shown: none is optional and secret.
    let known = load(&Sources::default()).unwrap().print().unwrap();
    for name in known.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name)) {
        assert!(DEFAULTS.contains(&format!("{name} = ")) || OWN.contains(name), "{name}");
    }
}

#[test]
fn a_secret_shows_only_whether_it_is_set() {
    assert_eq!(format!("{:?}", Secret::from("hunter2")), "[redacted]");
    assert_eq!(format!("{:?}", Secret::default()), "\"\"");
}
