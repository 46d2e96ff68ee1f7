//! The moderators' work: times, appeals, marks.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The table `[service.work]` of `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Within how many hours after submission a message is decided.
    pub review_hours: u32,
    /// Codes of the kinds that are more urgent.
    pub urgent_kinds: Vec<String>,
    /// Within how many hours those are decided.
    pub urgent_hours: u32,
    /// How many hours before its end the time to decide is marked as nearly over.
    pub near_hours: u32,
    /// For how many days after a decision its author may appeal.
    pub appeal_days: u32,
    /// Within how many hours an appeal is decided.
    pub appeal_hours: u32,
    /// The longest reason of an appeal, in characters.
    pub appeal_characters: usize,
    /// Reviews take longer than usual if more than so many wait.
    pub backlog_reviews: u32,
    /// Or if the oldest message has waited for so many hours.
    pub backlog_hours: u32,
    /// Whether, where not everybody's clean messages pass, those of authors in good standing do, for
    /// offices without a choice of their own.
    pub trusted_pass: bool,
    /// How many approved messages make a good standing.
    pub trusted_approvals: u32,
    /// For how many days a declined message stands against it.
    pub trusted_days: u32,
    /// Of ten thousand clean messages that would pass, how many a person reads all the same.
    pub sample_of_ten_thousand: u32,
    /// How often it is looked whether appeals are overdue, in seconds.
    pub overdue_seconds: u32,
}

impl Work {
    /// How long before its end the time to decide is marked.
    pub fn near(&self) -> SignedDuration {
        hours(self.near_hours)
    }

    /// For how long after a decision its author may appeal.
    pub fn appeal_period(&self) -> SignedDuration {
        hours(self.appeal_days.saturating_mul(24))
    }

    /// For how long a declined message stands against its author.
    pub fn trusted_memory(&self) -> SignedDuration {
        hours(self.trusted_days.saturating_mul(24))
    }

    /// How long the oldest message waits before reviews take longer than usual.
    pub fn backlog_age(&self) -> SignedDuration {
        hours(self.backlog_hours)
    }

    /// Within what time an appeal is decided.
    pub fn appeal_time(&self) -> SignedDuration {
        hours(self.appeal_hours)
    }
}

fn hours(hours: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(hours))
}
