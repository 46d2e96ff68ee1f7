//! The service's own settings; `config.toml` documents each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::escalation::Pace;

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
    /// How many counted days before a deadline its office is reminded.
    pub near_days: u32,
    /// How many counted days after a missed deadline the office above is told.
    pub escalate_days: u32,
    /// Over how many minutes the steps of cases with the same deadline are spread.
    pub spread_minutes: u16,
}

impl Config {
    /// After how long it is looked whether another replica changed the directory.
    pub fn directory_idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.directory_seconds))
    }

    /// When the steps of a case's clock come.
    pub fn pace(&self) -> Pace {
        Pace {
            near_days: self.near_days,
            escalate_days: self.escalate_days,
            spread: Duration::from_secs(u64::from(self.spread_minutes) * 60),
        }
    }

    /// How long the workers wait for work that nobody woke them for.
    pub fn idle(&self) -> Duration {
        Duration::from_millis(u64::from(self.idle_milliseconds))
    }
}
