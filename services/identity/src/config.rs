//! The service's own settings; `config.toml` documents each.

use std::{path::PathBuf, time::Duration};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The table `[service]` of `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The keys that seal what is known of people.
    pub keyring_file: PathBuf,
    /// Whether a keyring that is missing is made.
    pub generate_keys: bool,
    /// For how many minutes an access token is good.
    pub access_token_minutes: u32,
    /// After how many hours without a refresh a session ends.
    pub session_idle_hours: u32,
    /// After how many days a session ends in any case.
    pub session_days: u32,
    /// For how many seconds the refresh token before the present one is answered once more.
    pub reuse_grace_seconds: u32,
    /// How many sessions an account may have.
    pub sessions_per_account: u32,
    /// For how many hours a session that has ended is remembered.
    pub ended_session_hours: u32,
    /// For how many hours an old secret is valid beside the new one.
    pub secret_overlap_hours: u32,
    /// For how many hours the same request id gets the same answer.
    pub request_memory_hours: u32,
    /// How passwords are hashed.
    pub password: PasswordConfig,
    /// How often somebody may be wrong.
    pub tries: TriesConfig,
}

/// The table `[service.password]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordConfig {
    /// Memory for one password, in KiB.
    pub memory_kib: u32,
    /// How often it is gone over.
    pub passes: u32,
    /// In how many lanes.
    pub lanes: u32,
    /// How many are hashed at a time.
    pub parallel: usize,
    /// How many milliseconds one waits for its turn.
    pub wait_milliseconds: u32,
}

/// The table `[service.tries]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriesConfig {
    /// For how many minutes wrong ones are counted.
    pub window_minutes: u32,
    /// For one name from one network.
    pub per_account: u32,
    /// For one name from all networks from which it has not signed in of late.
    pub per_account_elsewhere: u32,
    /// For one network, whatever the names.
    pub per_network: u32,
    /// For one site, which is many networks of IPv6.
    pub per_site: u32,
    /// For how many days it is known that a name has signed in from a network.
    pub known_days: u32,
    /// For one client id.
    pub per_client: u32,
    /// For all names together.
    pub all_accounts: u32,
    /// For all client ids together.
    pub all_clients: u32,
}

impl Config {
    /// For how long an access token is good.
    pub fn access_lifetime(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.access_token_minutes))
    }

    /// After how long without a refresh a session ends.
    pub fn session_idle(&self) -> SignedDuration {
        hours(self.session_idle_hours)
    }

    /// After how long a session ends in any case.
    pub fn session_longest(&self) -> SignedDuration {
        hours(self.session_days.saturating_mul(24))
    }

    /// For how long the refresh token before the present one is answered once more.
    pub fn reuse_grace(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.reuse_grace_seconds))
    }

    /// For how long a session that has ended is remembered.
    pub fn ended_session_memory(&self) -> SignedDuration {
        hours(self.ended_session_hours)
    }

    /// For how long an old secret is valid beside the new one.
    pub fn secret_overlap(&self) -> SignedDuration {
        hours(self.secret_overlap_hours)
    }

    /// For how long the same request id gets the same answer.
    pub fn request_memory(&self) -> SignedDuration {
        hours(self.request_memory_hours)
    }
}

impl PasswordConfig {
    /// How long one waits for its turn.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(u64::from(self.wait_milliseconds))
    }
}

impl TriesConfig {
    /// For how long wrong ones are counted.
    pub fn window(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.window_minutes))
    }

    /// For how long it is known that a name has signed in from a network.
    pub fn known(&self) -> SignedDuration {
        hours(self.known_days.saturating_mul(24))
    }
}

fn hours(hours: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(hours))
}
