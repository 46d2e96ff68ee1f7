//! Configuration: every key is documented with its default in a `config.toml`, a wrong key is
//! refused by name, and secrets are never shown.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use toml::Table;

mod layers;
mod secret;
mod sections;

use layers::Layers;
pub use secret::Secret;
pub use sections::{
    Auth, Database, Ending, Grpc, Issuer, LogFormat, Management, Messaging, Nats, Objects,
    Telemetry, Tls,
};

/// Kit's own keys with their defaults.
pub const DEFAULTS: &str = include_str!("../config.toml");

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A layer cannot be read, or has a key or a value that is not known.
    #[error("configuration, {layer}: {message}")]
    Layer {
        /// The file or variable at fault.
        layer: String,
        /// The key, and what is wrong with it.
        message: String,
    },
    /// A file cannot be read.
    #[error("configuration, {key}: {path} cannot be read")]
    File {
        /// The key that names the file.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A value is given directly and by a file.
    #[error("configuration: both `{key}` and `{key}_file` are set")]
    Twice {
        /// The key.
        key: String,
    },
    /// A value is needed and not there.
    #[error("configuration: `{key}` is not set")]
    Missing {
        /// The key.
        key: &'static str,
    },
}

/// All settings of one service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings<C> {
    /// How it serves and calls.
    pub grpc: Grpc,
    /// Where it tells how it is.
    pub management: Management,
    /// How it ends.
    pub host: Ending,
    /// Its database.
    pub database: Database,
    /// The bus.
    pub nats: Nats,
    /// Where it keeps large things.
    pub objects: Objects,
    /// Whom it believes.
    pub auth: Auth,
    /// What it logs and traces.
    pub telemetry: Telemetry,
    /// Where the others are, by name.
    pub peers: BTreeMap<String, String>,
    /// How it says and hears.
    pub messaging: Messaging,
    /// Its own keys.
    pub service: C,
}

/// Where the settings of one service come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file.
    pub file: Option<PathBuf>,
    /// The variables of the environment.
    pub environment: Vec<(String, String)>,
    /// The last word: values set in code, by the command line or a test.
    pub overrides: Table,
}

impl Sources {
    /// File and environment, as a container has them.
    pub fn of_machine(file: Option<PathBuf>) -> Self {
        Self { file, environment: std::env::vars().collect(), overrides: Table::new() }
    }

    /// Values set in code only.
    pub fn of_code(overrides: Table) -> Self {
        Self { overrides, ..Self::default() }
    }
}

impl<C: DeserializeOwned + Serialize> Settings<C> {
    /// Reads the settings of the service `name`, whose own defaults are `defaults`.
    ///
    /// # Errors
    /// Names the layer and the key at fault.
    pub fn load(name: &str, defaults: &str, sources: &Sources) -> Result<Self, Error> {
        let own = format!("defaults of {name}");
        let mut layers = Layers::default().text("kit", DEFAULTS)?.text(&own, defaults)?;
        layers.read::<Self>(&own)?;
        if let Some(path) = &sources.file {
            layers = layers.file(path)?;
            layers.read::<Self>(&path.display().to_string())?;
        }
        for (variable, text) in &sources.environment {
            let layer;
            (layers, layer) = layers.variable(name, variable, text)?;
            if let Some(layer) = layer {
                layers.read::<Self>(&layer)?;
            }
        }
        let code = "values set in code";
        let mut settings = layers.table(code, sources.overrides.clone())?.read::<Self>(code)?;
        settings.read_files()?;
        Ok(settings)
    }

    fn read_files(&mut self) -> Result<(), Error> {
        let Self { database, nats, objects, auth, .. } = self;
        database.url.read("database.url", database.url_file.as_deref())?;
        database.password.read("database.password", database.password_file.as_deref())?;
        nats.url.read("nats.url", nats.url_file.as_deref())?;
        nats.password.read("nats.password", nats.password_file.as_deref())?;
        nats.token.read("nats.token", nats.token_file.as_deref())?;
        objects.access_key.read("objects.access_key", objects.access_key_file.as_deref())?;
        objects.secret_key.read("objects.secret_key", objects.secret_key_file.as_deref())?;
        auth.key.read("auth.key", auth.key_file.as_deref())
    }

    /// The settings as TOML, without secrets.
    ///
    /// # Errors
    /// If a service's own section cannot be written as TOML.
    pub fn print(&self) -> Result<String, Error> {
        toml::to_string(self).map_err(|error| Error::Layer {
            layer: "printing".to_owned(),
            message: error.to_string(),
        })
    }
}

/// Reads a certificate or key that the configuration names.
pub(crate) fn read_pem(key: &str, path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::File {
        key: key.to_owned(),
        path: path.to_owned(),
        source,
    })
}
