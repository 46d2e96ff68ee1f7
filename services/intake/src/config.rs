//! Configuration; `config.toml` holds the defaults and says what each key does.

use std::path::PathBuf;

use liuyan_kit::seal::transit;
use serde::{Deserialize, Serialize};

use crate::domain::{draft::Limits, file};

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
    /// Public keys that receipts were signed with before.
    pub earlier_receipt_keys: Vec<String>,
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
    /// For how many days after a message ended its author's name and phone are kept; 0 for ever.
    pub contact_retention_days: u32,
    /// For how many days the journal of erasures is kept.
    pub erasure_journal_days: u32,
    /// How many messages of one stream are worked on at a time.
    pub stream_in_flight: usize,
    /// The service that wraps the keys of the ring.
    pub transit: transit::Settings,
    /// How long the fields may be.
    pub limits: Limits,
    /// The writers.
    pub writer: WriterConfig,
    /// The door before the writers.
    pub admission: AdmissionConfig,
    /// How often somebody may submit.
    pub rates: RatesConfig,
    /// Guesses at access codes.
    pub look_up: LookUpConfig,
    /// Files.
    pub attachments: AttachmentsConfig,
    /// The transparency log.
    pub log: LogConfig,
}

/// The `[service.log]` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// The log's name.
    pub origin: String,
    /// The key that signs its heads.
    pub key_file: PathBuf,
    /// How many entries get their places in one transaction.
    pub batch: u32,
    /// After how many milliseconds an entry is looked for at the latest.
    pub poll_ms: u64,
    /// For how many seconds a head is the newest while entries come.
    pub head_seconds: u32,
    /// For how many milliseconds the sequencer's lease is good.
    pub lease_ms: u32,
}

/// The `[service.writer]` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriterConfig {
    /// How many commit side by side.
    pub tasks: usize,
    /// How many messages one commit may hold.
    pub batch: usize,
    /// How long after the last batch the next one sets out at the earliest, unless it is full, in
    /// milliseconds.
    pub pace_ms: u64,
    /// How many messages may wait.
    pub queue: usize,
}

/// The `[service.admission]` table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdmissionConfig {
    /// The least that the limit falls to.
    pub least: usize,
    /// The mean latency beyond which the limit is lowered, in milliseconds.
    pub latency_ms: u64,
    /// How many may wait before the door.
    pub waiting: usize,
    /// How long one message or one reading waits there, in milliseconds.
    pub patience_ms: u64,
    /// How long a message of a stream waits there, in seconds.
    pub stream_patience_seconds: u64,
}

/// The `[service.rates]` table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatesConfig {
    /// Messages of one author within an hour, by account, or by phone where nobody is signed in.
    pub author_per_hour: u32,
    /// Messages from one address within a minute.
    pub address_per_minute: u32,
    /// Messages of one agency without a column within a minute.
    pub agency_per_minute: u32,
    /// Upload tokens for one address within a minute.
    pub address_tokens_per_minute: u32,
    /// Uploads begun with one upload token within an hour.
    pub token_uploads_per_hour: u32,
    /// Wrong numbers or access codes from one address within a minute.
    pub address_guesses_per_minute: u32,
    /// How many authors, addresses and tokens are remembered, each.
    pub keys: usize,
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

/// The `[service.attachments]` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachmentsConfig {
    /// How large files may be.
    pub limits: file::Limits,
    /// Uploads at the same time.
    pub concurrent: usize,
    /// Uploads of one person at the same time.
    pub concurrent_each: usize,
    /// Files that are looked into at the same time.
    pub workers: usize,
    /// How long an upload may be silent.
    pub idle_seconds: u64,
    /// How long an upload may take.
    pub upload_seconds: u64,
    /// How many upload tokens are given within a minute.
    pub tokens_per_minute: u32,
    /// For how many minutes one is good.
    pub token_minutes: u32,
    /// Files that it allows.
    pub token_files: u32,
    /// Bytes that it allows.
    pub token_bytes: u64,
    /// Files of an account within a day.
    pub account_files: u32,
    /// Bytes of an account within a day.
    pub account_bytes: u64,
    /// Bytes of all files that no message has named yet.
    pub unused_bytes: u64,
    /// For how many hours a file waits for its message.
    pub unused_hours: u32,
    /// Where files lie while they are looked into.
    pub spool_folder: PathBuf,
}
