//! Configuration; `config.toml` holds the defaults and says what each key does.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::draft::Limits;

/// The `[service]` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The board's name.
    pub board: String,
    /// The keys that seal authors' data.
    pub keyring_file: PathBuf,
    /// The key that signs receipts.
    pub receipt_key_file: PathBuf,
    /// The keys of access codes.
    pub access_key_file: PathBuf,
    /// Whether key files that are missing are made.
    pub generate_keys: bool,
    /// For how many days a request is remembered.
    pub request_memory_days: u32,
    /// After how many seconds a change of the directory is seen at the latest.
    pub directory_refresh_seconds: u32,
    /// For how many minutes an author token is good.
    pub author_token_minutes: u32,
    /// How many messages of one stream are worked on at a time.
    pub stream_in_flight: usize,
    /// How long the fields may be.
    pub limits: Limits,
    /// The writers.
    pub writer: WriterConfig,
    /// Guesses at access codes.
    pub look_up: LookUpConfig,
}

/// The `[service.writer]` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriterConfig {
    /// How many commit side by side.
    pub tasks: usize,
    /// How many messages one commit may hold.
    pub batch: usize,
    /// How many messages may wait.
    pub queue: usize,
}

/// The `[service.look_up]` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookUpConfig {
    /// Failed tries for one number that are free.
    pub per_number: u32,
    /// Failed tries a second for all numbers together.
    pub per_second: u32,
}
