//! What `start` is asked for.

use std::env;
use std::path::PathBuf;

/// Where the server programs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// From this machine, and fetched if there is none that will do.
    #[default]
    Auto,
    /// From this machine only.
    System,
    /// Fetched, whatever is on this machine.
    Fetched,
}

impl Source {
    /// What `LIUYAN_SERVERS` says: `system` or `fetched`; anything else, and nothing, is [`Source::Auto`].
    pub fn from_env() -> Self {
        Self::from_word(env::var("LIUYAN_SERVERS").ok().as_deref())
    }

    fn from_word(word: Option<&str>) -> Self {
        match word {
            Some("system") => Self::System,
            Some("fetched") => Self::Fetched,
            _ => Self::Auto,
        }
    }
}

/// What to start, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that holds everything of this instance: data, logs, password, lock. Made if need be.
    pub data_dir: PathBuf,
    /// The folder that holds fetched programs, shared by all instances of a user. Made if need be.
    pub cache_dir: PathBuf,
    /// Where the server programs come from.
    pub source: Source,
    /// The port of Postgres on 127.0.0.1. If it is taken another one is used; 0 is any free one.
    pub postgres_port: u16,
    /// The port of nats-server on 127.0.0.1. If it is taken another one is used; 0 is any free one.
    pub nats_port: u16,
    /// Whether what is committed survives a power cut. Tests may do without (`fsync = off`).
    pub durable: bool,
    /// Settings of Postgres beside ours, as `name=value`; they win. For whoever measures a server that is set up
    /// for more than a board on a desk.
    pub postgres_settings: Vec<String>,
    /// How many bytes all streams together may reserve on the disk.
    pub stream_bytes: u64,
    /// Whether the whole of `data_dir` is thrown away in the end, in whatever way this process ends.
    pub temporary: bool,
}

/// What streams may reserve unless it is said. JetStream's own default is most of the disk.
pub(crate) const STREAM_BYTES: u64 = 4 << 30;

impl Options {
    /// A lasting, durable instance in `data_dir` on free ports, with `LIUYAN_SERVERS` and `LIUYAN_CACHE` as they are.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            cache_dir: default_cache_dir(),
            source: Source::from_env(),
            postgres_port: 0,
            nats_port: 0,
            durable: true,
            postgres_settings: Vec::new(),
            stream_bytes: STREAM_BYTES,
            temporary: false,
        }
    }
}

/// The folder for fetched programs: `LIUYAN_CACHE`, else the user's cache folder (XDG on Linux, `Library/Caches` on
/// macOS), else one in the system's temporary folder.
pub fn default_cache_dir() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(cache) = set("LIUYAN_CACHE") {
        return cache;
    }
    // The XDG Base Directory Specification wants a relative path to be ignored.
    let xdg = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let of_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let cache = xdg.or_else(|| env::home_dir().map(|home| home.join(of_home)));
    cache.unwrap_or_else(env::temp_dir).join("liuyan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_read_from_its_word() {
        assert_eq!(Source::from_word(Some("system")), Source::System);
        assert_eq!(Source::from_word(Some("fetched")), Source::Fetched);
        assert_eq!(Source::from_word(Some("")), Source::Auto);
        assert_eq!(Source::from_word(None), Source::Auto);
    }
}
