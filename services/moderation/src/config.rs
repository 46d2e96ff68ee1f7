//! The service's own settings; `config.toml` documents each.

pub(crate) mod work;

use std::{path::PathBuf, time::Duration};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The table `[service]` of `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whether clean messages pass by themselves where the office has not chosen.
    pub default_pass: bool,
    /// Whether messages are compared with earlier ones.
    pub compare_messages: bool,
    /// After how many seconds every replica reads by the set of rules that was published.
    pub rules_seconds: u32,
    /// On how many messages a set of rules is tried.
    pub trial_messages: u32,
    /// The share of messages that a set of rules may hold, 0 to 1.
    pub trial_hold_share: f64,
    /// How many reviews one round of screening takes.
    pub screening_batch: u16,
    /// After how many seconds a crashed round is taken up again.
    pub screening_lease_seconds: u32,
    /// How long the worker waits for work that nobody woke it for.
    pub screening_idle_milliseconds: u32,
    /// After how many seconds a missing text is asked for again.
    pub missing_text_first_seconds: u32,
    /// The longest of those waits.
    pub missing_text_longest_seconds: u32,
    /// How long a moderator holds a review.
    pub lease_minutes: u32,
    /// The longest explanation for an author.
    pub explanation_characters: usize,
    /// The most spans in one decision.
    pub spans: usize,
    /// The most offices that a message accuses.
    pub accused_offices: usize,
    /// The keys that seal what authors write in appeals.
    pub keyring_file: PathBuf,
    /// Whether a keyring that is missing is made.
    pub generate_keys: bool,
    /// The moderators' work.
    pub work: work::Work,
}

impl Config {
    /// How long a moderator holds a review.
    pub fn lease(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.lease_minutes))
    }

    /// How long a round of screening may take.
    pub fn screening_lease(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.screening_lease_seconds))
    }

    /// How long the worker waits for work that nobody woke it for.
    pub fn screening_idle(&self) -> Duration {
        Duration::from_millis(u64::from(self.screening_idle_milliseconds))
    }

    /// How long a replica may read by rules that are no longer in force.
    pub fn rules_idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.rules_seconds.max(1)))
    }

    /// How long a text that was missing `misses` times before is waited for.
    pub fn missing_text_wait(&self, misses: u32) -> SignedDuration {
        let doubled = u64::from(self.missing_text_first_seconds) << misses.min(20);
        let seconds = doubled.min(u64::from(self.missing_text_longest_seconds));
        SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}
