//! Compiles the contracts without `protoc` and derives three tables from them: the events, the
//! scopes of each RPC, and who hears whom.

use std::{
    collections::BTreeMap, env, error::Error, fmt::Write as _, fs, path::Path, path::PathBuf,
};

use prost_reflect::{DescriptorPool, Value};

const SCOPES: &str = "liuyan.options.v1.scopes";
const EVENT: &str = "liuyan.options.v1.event";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=liuyan");
    println!("cargo::rerun-if-changed=google");
    println!("cargo::rerun-if-changed=topology.toml");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut files = Vec::new();
    collect(Path::new("liuyan"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let pool = compiler.descriptor_pool();

    tonic_prost_build::configure()
        .include_file("proto.rs")
        .extern_path(".google.rpc", "::tonic_types::pb")
        .bytes(".")
        .compile_fds(compiler.file_descriptor_set())?;

    fs::write(out.join("events.rs"), events(&pool)?)?;
    fs::write(out.join("methods.rs"), methods(&pool)?)?;
    fs::write(out.join("topology.rs"), topology()?)?;
    Ok(())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// `liuyan.intake.v1` gives `intake`.
fn service_of(package: &str) -> Result<&str, Box<dyn Error>> {
    package.split('.').nth(1).ok_or_else(|| format!("package {package} names no service").into())
}

/// `MessageSubmitted` gives `message-submitted`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

fn events(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let option = pool.get_extension_by_name(EVENT).ok_or("the option `event` is missing")?;
    let (mut impls, mut table) = (String::new(), String::new());
    for message in pool.all_messages() {
        if !message.options().has_extension(&option) {
            continue;
        }
        let (package, name) = (message.package_name(), message.name());
        let source = service_of(package)?;
        let kind = format!("{package}.{}", kebab(name));
        let path = package.split('.').collect::<Vec<_>>().join("::");
        writeln!(
            impls,
            "impl Event for crate::{path}::{name} {{ const TYPE: &'static str = {kind:?}; const SOURCE: &'static str = {source:?}; }}",
        )?;
        writeln!(
            table,
            "EventType {{ name: {kind:?}, message: {:?}, source: {source:?} }},",
            message.full_name()
        )?;
    }
    Ok(format!(
        "{impls}\n/// Every event of the house.\npub const EVENTS: &[EventType] = &[{table}];\n"
    ))
}

fn methods(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let option = pool.get_extension_by_name(SCOPES).ok_or("the option `scopes` is missing")?;
    let mut table = String::new();
    for service in pool.services() {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let options = method.options();
            let scopes = match options.get_extension(&option).as_ref() {
                Value::List(scopes) if !scopes.is_empty() => {
                    scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
                }
                _ => return Err(format!("{path} names no scope").into()),
            };
            let safe = options
                .get_field_by_name("idempotency_level")
                .is_some_and(|level| level.as_enum_number() == Some(1));
            let (asks, answers) = (method.is_client_streaming(), method.is_server_streaming());
            writeln!(
                table,
                "Method {{ path: {path:?}, scopes: &{scopes:?}, safe: {safe}, client_streams: {asks}, server_streams: {answers} }},",
            )?;
        }
    }
    Ok(format!("/// Every RPC of the house.\npub const METHODS: &[Method] = &[{table}];\n"))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    serves: Vec<String>,
    calls: Vec<String>,
    hears: Vec<String>,
}

fn topology() -> Result<String, Box<dyn Error>> {
    let cards: BTreeMap<String, Card> = toml::from_str(&fs::read_to_string("topology.toml")?)?;
    let mut table = String::new();
    for (name, card) in &cards {
        for other in card.calls.iter().chain(&card.hears) {
            if !cards.contains_key(other) {
                return Err(format!("{name} names {other}, which is not in topology.toml").into());
            }
        }
        writeln!(
            table,
            "Card {{ name: {name:?}, serves: &{:?}, calls: &{:?}, hears: &{:?} }},",
            card.serves, card.calls, card.hears
        )?;
    }
    Ok(format!("/// Every service of the house.\npub const CARDS: &[Card] = &[{table}];\n"))
}
