//! Values that are used and never shown.

use std::{fmt, fs, path::Path};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Error;

/// What stands where a secret would be shown.
const REDACTED: &str = "[redacted]";

/// A password, a key or an address with a password in it. It is wiped when dropped, and shows as
/// `[redacted]` in logs and printed configuration.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// The value itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether nothing is configured.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Takes the value from `file` if one is named. Space around it is dropped: editors add it.
    pub(super) fn read(&mut self, key: &str, file: Option<&Path>) -> Result<(), Error> {
        let Some(path) = file else { return Ok(()) };
        if !self.is_empty() {
            return Err(Error::Twice { key: key.to_owned() });
        }
        let text = fs::read_to_string(path).map_err(|source| Error::File {
            key: format!("{key}_file"),
            path: path.to_owned(),
            source,
        })?;
        *self = text.trim().into();
        Ok(())
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "\"\"" } else { REDACTED })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { REDACTED })
    }
}
