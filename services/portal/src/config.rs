//! The service's own settings; `config.toml` documents each.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use url::Url;

/// The table `[service]` of `config.toml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the pages are served.
    pub address: SocketAddr,
    /// How people reach them.
    pub public_url: Url,
    /// The keys that seal cookies.
    pub cookie_key_file: PathBuf,
    /// Whether a missing key file is made.
    pub generate_keys: bool,
    /// How many proxies of our own stand before the portal.
    pub trusted_proxies: usize,
    /// The board, as its pages call it.
    pub board: Board,
    /// What the portal bears.
    pub limits: Limits,
    /// How long the fields of a message may be.
    pub fields: Fields,
    /// Files that go with a message.
    pub files: Files,
    /// What the public HTTP API bears.
    pub api: Api,
}

/// The table `[service.board]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// Where people report a weakness of the site.
    pub security_contact: String,
}

/// The table `[service.limits]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The longest form, as browsers encode it.
    pub form_bytes: usize,
    /// How long one page may take.
    pub page_ms: u64,
    /// How long one call may take.
    pub call_ms: u64,
    /// How many pages are made at the same time.
    pub concurrency: usize,
    /// How many forms one address may send within a minute.
    pub forms_per_minute: u32,
    /// After how many seconds answers are asked for again.
    pub fresh_seconds: u32,
    /// After how many seconds public lists and figures are asked for again.
    pub lists_seconds: u32,
    /// For how many seconds old answers are shown while their service is away.
    pub stale_seconds: u32,
    /// How many answers of each kind are kept.
    pub kept: usize,
}

/// The table `[service.fields]`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The title, at least.
    pub title_min: usize,
    /// The title, at most.
    pub title_max: usize,
    /// The body, at least.
    pub body_min: usize,
    /// The body, at most.
    pub body_max: usize,
    /// A complaint's demand, at most.
    pub demand_max: usize,
    /// A complaint's details, at most.
    pub details_max: usize,
    /// The place, at most.
    pub place_max: usize,
    /// The remark, at most.
    pub remark_max: usize,
    /// The author's name, at most.
    pub name_max: usize,
}

/// The table `[service.files]`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Files of one message.
    pub per_message: usize,
    /// A picture, at most.
    pub image_bytes: u64,
    /// A document, at most.
    pub pdf_bytes: u64,
    /// A video, at most.
    pub video_bytes: u64,
    /// All files of one form together.
    pub form_bytes: u64,
    /// Uploads at the same time.
    pub uploads: usize,
    /// How many files an address may send by the API within a minute; 0 means any number.
    pub per_minute: u32,
    /// How long one upload, or one form with files, may take.
    pub upload_seconds: u64,
}

impl Files {
    /// How long an upload may take.
    pub fn upload(&self) -> Duration {
        Duration::from_secs(self.upload_seconds.max(1))
    }
}

/// The table `[service.api]`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// The longest body.
    pub body_bytes: usize,
    /// How many streams of the feed are open at the same time.
    pub streams: usize,
    /// After how many seconds a stream ends.
    pub stream_seconds: u64,
    /// How often a stream says something at least, in seconds.
    pub heartbeat_seconds: u64,
}

impl Api {
    /// After how long a stream ends.
    pub fn stream(&self) -> Duration {
        Duration::from_secs(self.stream_seconds)
    }

    /// How often a stream says something.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_seconds)
    }
}

impl Config {
    /// Whether people reach the pages over https.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// `path` as people reach it.
    pub fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// The board's name.
    pub fn name(&self, locale: &str) -> &str {
        if locale == liuyan_kit::locale::FIRST { &self.board.name_zh } else { &self.board.name_en }
    }
}

impl Limits {
    /// How long one page may take.
    pub fn page(&self) -> Duration {
        Duration::from_millis(self.page_ms)
    }

    /// How long one call may take.
    pub fn call(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    /// How long a list is fresh.
    pub fn lists(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.lists_seconds))
    }

    /// How long a name of the directory is fresh.
    pub fn fresh(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.fresh_seconds))
    }

    /// How long an old answer is shown.
    pub fn stale(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.stale_seconds))
    }
}
