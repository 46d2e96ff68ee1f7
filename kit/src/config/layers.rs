//! Puts the layers of configuration on top of each other, and says which one is wrong.

use std::{fs, path::Path};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::Error;

/// Configuration as it grows. Every layer is checked as it comes, so that an error names it.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    merged: Table,
}

impl Layers {
    /// Lays `text` on top.
    pub(super) fn text(self, layer: &str, text: &str) -> Result<Self, Error> {
        let table = text.parse::<Table>().map_err(|error| {
            // The error's own text quotes the line, which may hold a secret.
            let line = error.span().map_or(0, |span| {
                text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
            });
            let message = format!("line {line}: {}", error.message());
            Error::Layer { layer: layer.to_owned(), message }
        })?;
        Ok(self.table(table))
    }

    /// Lays a file on top.
    pub(super) fn file(self, path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|source| Error::File {
            key: "--config".to_owned(),
            path: path.to_owned(),
            source,
        })?;
        self.text(&path.display().to_string(), &text)
    }

    /// Lays a table on top.
    pub(super) fn table(mut self, table: Table) -> Self {
        merge(&mut self.merged, table);
        self
    }

    /// Lays one variable of the environment on top: `GRPC__ADDRESS` is the key `grpc.address`.
    pub(super) fn variable(mut self, name: &str, key: &str, text: &str) -> Result<Self, Error> {
        let path: Vec<String> = key.split("__").map(str::to_lowercase).collect();
        set(&mut self.merged, &path, text)
            .map_err(|message| Error::Layer { layer: format!("${name}"), message })?;
        Ok(self)
    }

    /// Reads what there is so far; `layer` is the last one laid, and so the one at fault.
    pub(super) fn read<T: DeserializeOwned>(&self, layer: &str) -> Result<T, Error> {
        Value::Table(self.merged.clone())
            .try_into::<T>()
            .map_err(|error| Error::Layer { layer: layer.to_owned(), message: told(&error) })
    }
}

/// What is wrong, by the full name of the key, and without its value, which may be a secret.
fn told(error: &toml::de::Error) -> String {
    let text = error.to_string();
    // The place is told in the last line only.
    let place = text.trim_end().rsplit_once("\nin `").map_or("", |(_, place)| place);
    let place = place.trim_end_matches('`');
    let message = error.message();
    let named = |rest: &str| {
        let (name, rest) = rest.split_once('`').unwrap_or((rest, ""));
        let dot = if place.is_empty() { "" } else { "." };
        (format!("`{place}{dot}{name}`"), rest.trim_start_matches(", expected").trim().to_owned())
    };
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (name, known) = named(rest);
        format!("{name} is not known; known are {}", known.trim_start_matches("one of "))
    } else if let Some(rest) = message.strip_prefix("missing field `") {
        format!("{} is missing", named(rest).0)
    } else {
        let wanted = message.rsplit_once(", expected ").map_or(message, |(_, wanted)| wanted);
        format!("`{place}` wants {wanted}")
    }
}

/// Tables are merged, everything else is replaced.
fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Sets one key from a text; its type is that of the value it replaces.
fn set(table: &mut Table, path: &[String], text: &str) -> Result<(), String> {
    let [key, rest @ ..] = path else { return Err("names no key".to_owned()) };
    if key.is_empty() {
        return Err("names no key".to_owned());
    }
    if rest.is_empty() {
        let value = parse(table.get(key), text).map_err(|kind| format!("`{key}` wants {kind}"))?;
        table.insert(key.clone(), value);
        return Ok(());
    }
    match table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(table) => set(table, rest, text),
        _ => Err(format!("`{key}` has no keys below it")),
    }
}

fn parse(replaced: Option<&Value>, text: &str) -> Result<Value, &'static str> {
    let as_toml = || format!("value = {text}").parse::<Table>().ok()?.remove("value");
    match replaced {
        Some(Value::Integer(_)) => text.parse().map(Value::Integer).map_err(|_| "an integer"),
        Some(Value::Float(_)) => text.parse().map(Value::Float).map_err(|_| "a number"),
        Some(Value::Boolean(_)) => text.parse().map(Value::Boolean).map_err(|_| "true or false"),
        Some(Value::Array(_)) => {
            as_toml().filter(Value::is_array).ok_or("a list as TOML writes it")
        }
        Some(Value::Table(_)) => {
            as_toml().filter(Value::is_table).ok_or("a table as TOML writes it")
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}
