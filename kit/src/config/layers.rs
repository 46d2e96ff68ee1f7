//! Puts the layers of configuration on top of each other, and says which one is wrong.
//!
//! The crate `config` takes files and variables apart and merges them. What has been merged is read
//! strictly, after each layer: its own reader would take `3.7` for 4 and `on` for 1, and would show
//! the value that it refuses.

use std::{fs, path::Path};

use config::{Config, ConfigError, Environment, File, FileFormat, Map, Source, Value, ValueKind};
use serde::de::DeserializeOwned;

use super::Error;

/// What separates the names of a key in a variable: `INTAKE__GRPC__ADDRESS`.
const SEPARATOR: &str = "__";

/// Configuration as it grows. Every layer is checked as it comes, so that an error names it.
#[derive(Clone, Default)]
pub(super) struct Layers {
    merged: Config,
}

impl Layers {
    /// Lays `text` on top.
    pub(super) fn text(self, layer: &str, text: &str) -> Result<Self, Error> {
        self.lay(File::from_str(text, FileFormat::Toml))
            .map_err(|error| refused(layer, text, &error))
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

    /// Lays values set in code on top.
    pub(super) fn table(self, layer: &str, table: toml::Table) -> Result<Self, Error> {
        let read = toml::Value::Table(table).try_into::<Value>();
        let cache = read.map_err(|error| wrong(layer, error.message().to_owned()))?;
        let mut above = Config::default();
        above.cache = cache;
        self.lay(above).map_err(|error| refused(layer, "", &error))
    }

    /// Lays one variable of the environment on top, if it is one of `service`'s: `GRPC__ADDRESS`
    /// behind its name is the key `grpc.address`. Gives the layer's name beside what has become.
    pub(super) fn variable(
        self,
        service: &str,
        name: &str,
        text: &str,
    ) -> Result<(Self, Option<String>), Error> {
        let layer = format!("${name}");
        let variables = Environment::with_prefix(&service.replace('-', "_"))
            .separator(SEPARATOR)
            .source(Some(Map::from([(name.to_owned(), text.to_owned())])));
        let keys = variables.collect().map_err(|error| refused(&layer, text, &error))?;
        let Some(key) = keys.into_keys().next() else { return Ok((self, None)) };
        let replaced = self.merged.get::<Value>(&key).map(|value| value.kind);
        let value = parse(replaced.ok().as_ref(), text)
            .map_err(|kind| wrong(&layer, format!("`{key}` wants {kind}")))?;
        let laid = Config::builder().add_source(self.merged).set_override(&key, value);
        let merged = laid
            .and_then(|builder| builder.build())
            .map_err(|_| wrong(&layer, "names no key".to_owned()))?;
        Ok((Self { merged }, Some(layer)))
    }

    fn lay(self, above: impl Source + Send + Sync + 'static) -> Result<Self, ConfigError> {
        let merged = Config::builder().add_source(self.merged).add_source(above).build()?;
        Ok(Self { merged })
    }

    /// Reads what there is so far; `layer` is the last one laid, and so the one at fault.
    pub(super) fn read<T: DeserializeOwned>(&self, layer: &str) -> Result<T, Error> {
        let merged = self.merged.clone().try_deserialize::<toml::Value>();
        let merged = merged.map_err(|error| refused(layer, "", &error))?;
        merged.try_into::<T>().map_err(|error| wrong(layer, told(&error)))
    }
}

fn wrong(layer: &str, message: String) -> Error {
    Error::Layer { layer: layer.to_owned(), message }
}

/// What is wrong with a layer that could not be laid, without quoting it: a line may hold a secret.
fn refused(layer: &str, text: &str, error: &ConfigError) -> Error {
    let cause = match error {
        ConfigError::FileParse { cause, .. } => cause.downcast_ref::<toml::de::Error>(),
        _ => None,
    };
    let message = cause.map_or_else(
        || "holds a value that TOML does not know".to_owned(),
        |cause| {
            let line = cause.span().map_or(0, |span| {
                text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
            });
            format!("line {line}: {}", cause.message())
        },
    );
    wrong(layer, message)
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

/// Reads the text of a variable; its type is that of the value that it replaces.
fn parse(replaced: Option<&ValueKind>, text: &str) -> Result<Value, &'static str> {
    let as_toml = || {
        let line = File::from_str(&format!("value = {text}"), FileFormat::Toml);
        line.collect().ok()?.remove("value")
    };
    match replaced {
        Some(ValueKind::I64(_)) => text.parse::<i64>().map(Value::from).map_err(|_| "an integer"),
        Some(ValueKind::Float(_)) => text.parse::<f64>().map(Value::from).map_err(|_| "a number"),
        Some(ValueKind::Boolean(_)) => {
            text.parse::<bool>().map(Value::from).map_err(|_| "true or false")
        }
        Some(ValueKind::Array(_)) => as_toml()
            .filter(|value| matches!(value.kind, ValueKind::Array(_)))
            .ok_or("a list as TOML writes it"),
        Some(ValueKind::Table(_)) => as_toml()
            .filter(|value| matches!(value.kind, ValueKind::Table(_)))
            .ok_or("a table as TOML writes it"),
        _ => Ok(text.into()),
    }
}
