//! The service's own settings; `config.toml` documents each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The table `[service]` of `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The most heard events that one round of counting takes.
    pub count_batch: u32,
    /// How long the writer gathers what is heard before it counts again.
    pub gather_milliseconds: u32,
    /// How long the writer waits for events that nobody woke it for.
    pub idle_milliseconds: u32,
    /// The most indicators in one question.
    pub indicators: usize,
    /// The most rows in one answer.
    pub rows: usize,
    /// The least number of cases with which one is ranked.
    pub ranking_min_n: u32,
    /// Rows of a ranking, if the caller does not say.
    pub ranking_rows_default: u32,
    /// The most rows of a ranking.
    pub ranking_rows: u32,
}

impl Config {
    /// How long the writer gathers what is heard before it counts again.
    pub fn gather(&self) -> Duration {
        Duration::from_millis(u64::from(self.gather_milliseconds))
    }

    /// How long the writer waits for events that nobody woke it for.
    pub fn idle(&self) -> Duration {
        Duration::from_millis(u64::from(self.idle_milliseconds))
    }
}
