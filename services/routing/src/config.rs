//! The service's own settings; `config.toml` documents each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The table `[service]` of `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Offices, in order of choice, that get what nobody else may have.
    pub default_offices: Vec<String>,
    /// How many cases one round opens.
    pub opening_batch: u16,
    /// How long the workers wait for work that nobody woke them for.
    pub idle_milliseconds: u32,
    /// After how many seconds it is looked whether another replica changed the directory.
    pub directory_seconds: u32,
    /// The shortest reply, in characters.
    pub reply_least: usize,
    /// The longest reply, in characters.
    pub reply_most: usize,
}

impl Config {
    /// After how long it is looked whether another replica changed the directory.
    pub fn directory_idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.directory_seconds))
    }

    /// How long the workers wait for work that nobody woke them for.
    pub fn idle(&self) -> Duration {
        Duration::from_millis(u64::from(self.idle_milliseconds))
    }
}
