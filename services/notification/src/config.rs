//! The service's own settings; `config.toml` documents each.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use jiff::SignedDuration;
use liuyan_kit::config::Secret;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::address::Channel;

/// The table `[service]` of `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The keys that seal.
    pub keyring_file: PathBuf,
    /// Whether missing keys are made.
    pub generate_keys: bool,
    /// Where the pages are.
    pub public_url: Url,
    /// How old an event is that came from another system.
    pub historical_after_hours: u32,
    /// How long an office's title is remembered.
    pub office_memory_seconds: u32,
    /// How much of a reply is shown.
    pub excerpt_characters: usize,
    /// How often the queue is measured.
    pub measure_ms: u32,
    /// E-mail.
    pub email: Email,
    /// Calls over HTTP.
    pub webhook: Webhook,
    /// Endpoints.
    pub endpoints: Endpoints,
    /// The workers that send.
    pub sending: Sending,
}

/// The table `[service.email]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The relay; empty = off.
    pub smtp_url: Secret,
    /// A file with the relay.
    pub smtp_url_file: Option<PathBuf>,
    /// From whom mail comes.
    pub from: String,
    /// How long the relay may take to be reached.
    pub timeout_ms: u32,
    /// How long it may take for one mail then.
    pub taking_ms: u32,
    /// How many at a time.
    pub in_flight: u16,
}

/// The table `[service.webhook]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// How long one call may take.
    pub timeout_ms: u32,
    /// How long connecting may take.
    pub connect_ms: u32,
    /// How much of an answer is read.
    pub answer_bytes: usize,
    /// How many at a time.
    pub in_flight: u16,
    /// Whether plain HTTP is allowed.
    pub allow_insecure: bool,
    /// Whether internal addresses are allowed.
    pub allow_internal: bool,
}

/// The table `[service.endpoints]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoints {
    /// The most of one holder.
    pub most: u16,
    /// The most of one holder in a day.
    pub most_a_day: u16,
    /// The most holders who wait for one address.
    pub most_pending_of_address: u16,
    /// How long a code is good.
    pub code_hours: u32,
    /// How often a wrong code may be tried.
    pub code_attempts: u16,
    /// When a failing endpoint is switched off.
    pub disable_after_days: u32,
}

/// The table `[service.sending]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// How long a worker waits for work that nobody woke it for.
    pub idle_ms: u32,
    /// How long a worker holds what it took; a mail, so much longer as the relay may take for it.
    pub lease_seconds: u32,
    /// The waits between attempts.
    pub retry_seconds: Vec<u32>,
    /// How long everything waits when somebody is away.
    pub pause_seconds: u32,
    /// How long a call waits for the feed to record its event.
    pub await_feed_ms: u32,
}

impl Config {
    /// Checks what one key can't say alone, and reads the relay from its file.
    ///
    /// # Errors
    /// Names the key at fault.
    pub(crate) fn settle(mut self) -> anyhow::Result<Self> {
        if let Some(file) = &self.email.smtp_url_file {
            ensure!(
                self.email.smtp_url.is_empty(),
                "both `service.email.smtp_url` and `smtp_url_file` are set"
            );
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("service.email.smtp_url_file: {}", file.display()))?;
            self.email.smtp_url = text.trim().into();
        }
        let attempt = self.email.timeout_ms.max(self.webhook.timeout_ms);
        ensure!(
            self.sending.lease_seconds > 2 * attempt.div_ceil(1000),
            "`service.sending.lease_seconds` is not longer than two attempts"
        );
        ensure!(
            self.email.in_flight > 0 && self.webhook.in_flight > 0,
            "`in_flight` of e-mail and webhook must be at least 1"
        );
        Ok(self)
    }

    /// How old an event is that came from another system.
    pub(crate) fn historical_after(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.historical_after_hours))
    }

    /// How long a worker holds what it took, which is longer than any attempt on its channel.
    pub(crate) fn lease(&self, channel: Channel) -> SignedDuration {
        let seconds = i64::from(self.sending.lease_seconds);
        let taking = match channel {
            Channel::Email => i64::from(self.email.taking_ms),
            Channel::Webhook => 0,
        };
        SignedDuration::from_secs(seconds) + SignedDuration::from_millis(taking)
    }

    /// Whether e-mail is off.
    pub(crate) fn email_is_off(&self) -> bool {
        self.email.smtp_url.is_empty()
    }

    /// A page of the board.
    pub(crate) fn page(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }
}

impl Endpoints {
    /// How long a code is good.
    pub(crate) fn code_lifetime(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.code_hours))
    }

    /// When a failing endpoint is switched off.
    pub(crate) fn disable_after(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.disable_after_days))
    }
}

impl Sending {
    /// How long a worker waits for work that nobody woke it for.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(u64::from(self.idle_ms))
    }

    /// How long a call waits for the feed to record its event.
    pub(crate) fn await_feed(&self) -> SignedDuration {
        SignedDuration::from_millis(i64::from(self.await_feed_ms))
    }

    /// How long everything waits when somebody is away.
    pub(crate) fn pause(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.pause_seconds))
    }
}
