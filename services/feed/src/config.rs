//! The keys of `config.toml`, section `[service]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The feed's own settings; each key is told in `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How often the appender looks by itself.
    pub append_idle_ms: u64,
    /// Waiting events of one append.
    pub append_batch: u16,
    /// How long routing may take.
    pub views_timeout_ms: u64,
    /// How often the head is looked at.
    pub head_poll_ms: u64,
    /// Newest events kept in memory.
    pub recent_events: usize,
    /// Their size.
    pub recent_bytes: usize,
    /// Most events of a page.
    pub page_events: usize,
    /// Usual events of a page.
    pub page_events_default: usize,
    /// Most bytes of a page.
    pub page_bytes: usize,
    /// Usual bytes of a page.
    pub page_bytes_default: usize,
    /// Events looked at by one call.
    pub scan_events: usize,
    /// Longest wait of `ListEvents`.
    pub wait_max_ms: u64,
    /// Shortest heartbeat.
    pub heartbeat_min_ms: u64,
    /// Usual heartbeat.
    pub heartbeat_ms: u64,
    /// Longest heartbeat.
    pub heartbeat_max_ms: u64,
    /// Age of a stream.
    pub stream_max_age_s: u64,
    /// Frames made ahead.
    pub stream_ahead: usize,
    /// Time to fetch a Goodbye.
    pub goodbye_ms: u64,
    /// Spread of the readers' return.
    pub reconnect_spread_ms: u64,
    /// Streams of a process.
    pub streams: usize,
    /// Streams without a token.
    pub streams_anonymous: usize,
    /// Streams of one caller.
    pub streams_per_caller: usize,
    /// Subscriptions of one owner.
    pub subscriptions_per_owner: i32,
    /// Parked events of one subscription.
    pub parked_per_subscription: i32,
    /// Positions of one stretch.
    pub stretch_events: u32,
    /// Age at which a stretch becomes an object.
    pub export_after_days: u32,
    /// Age at which its object goes; 0 for never.
    pub keep_days: u32,
    /// How often the stretches are looked at.
    pub export_idle_ms: u64,
    /// How long the writing of one object may take.
    pub export_limit_s: u32,
    /// Bytes of unpacked parts kept in memory.
    pub unpacked_bytes: usize,
    /// How often subscriptions with streams are looked at.
    pub subscriptions_poll_ms: u64,
}

impl Config {
    /// The bounds of a stream's heartbeat.
    pub fn heartbeat_bounds(&self) -> std::ops::RangeInclusive<Duration> {
        Duration::from_millis(self.heartbeat_min_ms)..=Duration::from_millis(self.heartbeat_max_ms)
    }
}
