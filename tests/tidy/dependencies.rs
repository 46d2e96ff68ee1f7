//! Who depends on whom.

use std::{collections::BTreeMap, fs, path::Path};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::tree::{none, root, services};

const PROTO: &str = "liuyan-proto";
const KIT: &str = "liuyan-kit";
const LOCAL: &str = "liuyan-local";
const COMMAND: &str = "liuyan";
const TESTS: &str = "liuyan-tests";
/// What agencies build into systems of their own: they shall not have to take the house with it.
const CLIENT: &str = "liuyan-feed-client";

/// Of these one version is in the lock file: two would be two protocols, or two stacks of the same.
const ONE_VERSION: [&str; 6] = ["tonic", "prost", "hyper", "axum", "rustls", "sqlx"];
/// These need the machine's libraries; TLS is rustls with ring here.
const NEVER: [&str; 2] = ["openssl-sys", "native-tls"];
/// Signs receipts, and does nothing else: who may name it.
const SIGNS: (&str, &str) = ("aws-lc-rs", "liuyan-intake");

/// The crates of the workspace; nothing is fetched or resolved for it.
fn packages() -> Vec<Package> {
    let metadata =
        MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    assert!(metadata.packages.len() >= 9, "the crates are found");
    metadata.packages
}

fn is_service(package: &Package, services: &[impl AsRef<Path>]) -> bool {
    let folder = package.manifest_path.parent().unwrap().as_std_path();
    services.iter().any(|service| service.as_ref() == folder)
}

#[test]
fn dependencies_point_one_way() {
    let services = services();
    let packages = packages();
    let ours: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut found = Vec::new();
    for package in &packages {
        let name = package.name.as_str();
        for dependency in &package.dependencies {
            let on = dependency.name.as_str();
            if !ours.contains(&on) {
                continue;
            }
            let in_tests = dependency.kind == DependencyKind::Development;
            let fine = match name {
                PROTO | LOCAL => false,
                CLIENT => on == PROTO,
                // Kit starts private servers for tests, behind its feature.
                KIT => {
                    on == PROTO || (on == LOCAL && dependency.optional) || (on == KIT && in_tests)
                }
                COMMAND => on != TESTS,
                TESTS => true,
                _ if is_service(package, &services) => {
                    on == KIT || on == PROTO || (on == LOCAL && in_tests)
                }
                _ => false,
            };
            if !fine {
                found.push(format!("{name} -> {on}"));
            }
        }
    }
    none(
        "cli, tests -> services -> kit -> proto, clients -> proto, and no service on another",
        &found,
    );
}

#[test]
fn only_kit_names_the_bus() {
    let naming = |package: &&Package| {
        package.dependencies.iter().any(|dependency| dependency.name == "async-nats")
    };
    let packages = packages();
    let names: Vec<&str> =
        packages.iter().filter(naming).map(|package| package.name.as_str()).collect();
    assert_eq!(names, [KIT], "async-nats is a dependency of kit alone");
}

#[test]
fn there_is_one_of_each_stack_and_no_foreign_tls() {
    let text = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = text.parse().unwrap();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut found = Vec::new();
    for package in lock["package"].as_array().unwrap() {
        let of = |key: &str| package[key].as_str().unwrap();
        versions.entry(of("name")).or_default().push(of("version"));
        let needs = package.get("dependencies").and_then(toml::Value::as_array);
        let signs = needs.into_iter().flatten().any(|it| it.as_str() == Some(SIGNS.0));
        if signs && of("name") != SIGNS.1 {
            found.push(format!("{} needs {}", of("name"), SIGNS.0));
        }
    }
    for name in ONE_VERSION {
        let there = versions.get(name).map_or(&[][..], Vec::as_slice);
        if there.len() != 1 {
            found.push(format!("{name}: {there:?}"));
        }
    }
    found.extend(
        NEVER.iter().filter(|name| versions.contains_key(*name)).map(|name| (*name).to_owned()),
    );
    none("one version of each, and TLS by rustls and ring", &found);
}
