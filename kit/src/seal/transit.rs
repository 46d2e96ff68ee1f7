//! A key ring whose keys are wrapped by a service that speaks Vault's transit API (HashiCorp Vault,
//! OpenBao and others): the key-encryption key never leaves that service.
//!
//! The service is asked when a process starts, in one batched call, and never for a message: it
//! unwraps the keys of the ring, which then live in memory, and those wrap the data keys. If it is
//! away, what runs goes on; what starts waits. Each key of the ring is a line `key <number>
//! vault:v1:…` in place of `key <number> <base64>`; the index likewise.

use std::{path::PathBuf, time::Duration};

use reqwest::{Client, StatusCode, Url, header::CONTENT_TYPE, redirect::Policy};
use secrecy::zeroize::{Zeroize as _, Zeroizing};
use serde::{Deserialize, Serialize};

use super::{Error, Keyring};

/// What a wrapped value begins with.
const WRAPPED: &str = "vault:v";
/// The most keys of a ring: so many are unwrapped, and kept in memory.
const MOST_KEYS: usize = 32;
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 1 << 20;
/// How often one call is tried, and how long it waits after the first failure; then twice as long.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);

/// Where the service is. Empty: there is none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its address, as `https://vault.example:8200`.
    pub address: String,
    /// Under which path transit is mounted.
    pub mount: String,
    /// The name of the key-encryption key.
    pub key: String,
    /// The file with the token, which is read for each call, so that it may be renewed.
    pub token_file: PathBuf,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: u32,
    /// Whether the address may be plain http.
    pub allow_http: bool,
}

/// The service.
#[derive(Debug, Clone)]
pub struct Transit {
    client: Client,
    base: Url,
    key: String,
    token_file: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Item {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    plaintext: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ciphertext: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    error: String,
}

impl Item {
    fn plain(value: &str) -> Self {
        Self { plaintext: value.to_owned(), ciphertext: String::new(), error: String::new() }
    }

    fn wrapped(value: &str) -> Self {
        Self { plaintext: String::new(), ciphertext: value.to_owned(), error: String::new() }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

#[derive(Serialize)]
struct Batch {
    batch_input: Vec<Item>,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    batch_results: Vec<Item>,
    #[serde(flatten)]
    one: Item,
}

impl Transit {
    /// The service of these settings; `None` if they name none. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Transit`] if the settings can't be used.
    pub fn open(settings: &Settings) -> Result<Option<Self>, Error> {
        if settings.address.is_empty() {
            return Ok(None);
        }
        // reqwest takes the process's provider; if there is one already, it is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let timeout = Duration::from_millis(u64::from(settings.timeout_ms.max(1)));
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .https_only(!settings.allow_http)
            .timeout(timeout)
            .connect_timeout(timeout)
            .build()
            .map_err(|error| wrong(&error))?;
        let base = format!("{}/v1/{}/", settings.address.trim_end_matches('/'), settings.mount);
        let base = Url::parse(&base).map_err(|error| wrong(&error))?;
        let (key, token_file) = (settings.key.clone(), settings.token_file.clone());
        Ok(Some(Self { client, base, key, token_file }))
    }

    /// Reads a ring: unwraps what is wrapped, all of it in one call. Lines that are not wrapped are
    /// taken as they are, so that a ring can move to the service and back.
    ///
    /// # Errors
    /// [`Error::Transit`] if the service is away or refuses, and those of [`Keyring::parse`].
    pub async fn unwrap_ring(&self, text: &str) -> Result<Keyring, Error> {
        let wrapped: Vec<String> = values(text).filter(is_wrapped).map(str::to_owned).collect();
        let plain = self
            .batch("decrypt", wrapped.len(), || wrapped.iter().map(|value| Item::wrapped(value)))
            .await?;
        let plain: Vec<Zeroizing<String>> = plain
            .into_iter()
            .map(|mut item| Zeroizing::new(std::mem::take(&mut item.plaintext)))
            .collect();
        Keyring::parse(&replaced(text, is_wrapped, &plain))
    }

    /// The text of a ring with everything in it wrapped by the newest version of the key: what is
    /// plain is encrypted, what is wrapped is wrapped anew.
    ///
    /// # Errors
    /// [`Error::Transit`].
    pub async fn wrap_ring(&self, text: &str) -> Result<String, Error> {
        let plain: Vec<Zeroizing<String>> = values(text)
            .filter(|value| !is_wrapped(value))
            .map(|value| Zeroizing::new(value.to_owned()))
            .collect();
        let fresh = self
            .batch("encrypt", plain.len(), || plain.iter().map(|value| Item::plain(value)))
            .await?;
        let wrapped: Vec<String> = values(text).filter(is_wrapped).map(str::to_owned).collect();
        let anew = self
            .batch("rewrap", wrapped.len(), || wrapped.iter().map(|value| Item::wrapped(value)))
            .await?;
        let text = replaced(text, is_wrapped, &ciphertexts(&anew));
        // What was wrapped anew stays: only plain values are replaced now.
        let text = replaced(&text, |value| !is_wrapped(value), &ciphertexts(&fresh));
        Ok(text.to_string())
    }

    /// The text of a new ring with one key, which the service made and wrapped.
    ///
    /// # Errors
    /// [`Error::Transit`].
    pub async fn make_ring(&self) -> Result<String, Error> {
        Ok(format!("key 1 {}\nindex {}\n", self.data_key().await?, self.data_key().await?))
    }

    /// A new key as the service made it: wrapped; nobody but the service has seen it.
    async fn data_key(&self) -> Result<String, Error> {
        let mut answer = self.call("datakey/wrapped", b"{}".to_vec()).await?;
        let key = std::mem::take(&mut answer.data.one.ciphertext);
        if is_wrapped(&key.as_str()) { Ok(key) } else { Err(refused("no key in the answer")) }
    }

    /// One call for many values. Nothing is asked for none.
    async fn batch<I: Iterator<Item = Item>>(
        &self,
        what: &str,
        count: usize,
        items: impl Fn() -> I,
    ) -> Result<Vec<Item>, Error> {
        if count == 0 {
            return Ok(Vec::new());
        }
        if count > MOST_KEYS {
            return Err(refused("the ring has too many keys"));
        }
        let body = serde_json::to_vec(&Batch { batch_input: items().collect() })
            .map_err(|error| wrong(&error))?;
        let mut answer = self.call(what, body).await?;
        let results = std::mem::take(&mut answer.data.batch_results);
        if results.len() != count {
            return Err(refused("the answer has another number of values"));
        }
        match results.iter().find(|item| !item.error.is_empty()) {
            Some(failed) => Err(refused(&failed.error)),
            None => Ok(results),
        }
    }

    /// Calls, again and again if the service is away, for a while.
    async fn call(&self, what: &str, body: Vec<u8>) -> Result<Answer, Error> {
        let body = Zeroizing::new(body);
        let mut pause = PAUSE;
        let mut tries = 1;
        loop {
            match self.call_once(what, &body).await {
                Err(Failed::Away(error)) if tries < TRIES => {
                    tracing::warn!(error, tries, "the service that unwraps keys is away");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    tries += 1;
                }
                Err(Failed::Away(error) | Failed::Refused(error)) => return Err(refused(&error)),
                Ok(answer) => return Ok(answer),
            }
        }
    }

    async fn call_once(&self, what: &str, body: &[u8]) -> Result<Answer, Failed> {
        let token = tokio::fs::read_to_string(&self.token_file)
            .await
            .map(Zeroizing::new)
            .map_err(|error| Failed::Refused(format!("the token can't be read: {error}")))?;
        let url = self
            .base
            .join(&format!("{what}/{}", self.key))
            .map_err(|error| Failed::Refused(error.to_string()))?;
        let mut answer = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("X-Vault-Token", token.trim())
            .header("X-Vault-Request", "true")
            .body(body.to_vec())
            .send()
            .await
            .map_err(|error| Failed::Away(error.without_url().to_string()))?;
        let status = answer.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failed::Away(status.to_string()));
        }
        if !status.is_success() {
            return Err(Failed::Refused(status.to_string()));
        }
        let mut text = Zeroizing::new(Vec::new());
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| Failed::Away(error.without_url().to_string()))?
        {
            if text.len() + chunk.len() > LONGEST_ANSWER {
                return Err(Failed::Refused("the answer is too long".to_owned()));
            }
            text.extend_from_slice(&chunk);
        }
        // The error would quote what it could not read.
        serde_json::from_slice(&text)
            .map_err(|_| Failed::Refused("the answer can't be read".to_owned()))
    }
}

enum Failed {
    Away(String),
    Refused(String),
}

fn ciphertexts(items: &[Item]) -> Vec<Zeroizing<String>> {
    items.iter().map(|item| Zeroizing::new(item.ciphertext.clone())).collect()
}

fn is_wrapped(value: &&str) -> bool {
    value.starts_with(WRAPPED)
}

/// The last word of each line of a ring that holds a key.
fn values(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| holds_key(line)).filter_map(|line| line.split_whitespace().last())
}

fn holds_key(line: &str) -> bool {
    matches!(line.split_whitespace().next(), Some("key" | "index"))
}

/// The text with the values that are chosen replaced in turn.
fn replaced(
    text: &str,
    chosen: impl Fn(&&str) -> bool,
    values: &[Zeroizing<String>],
) -> Zeroizing<String> {
    let mut values = values.iter();
    let mut out = Zeroizing::new(String::with_capacity(2 * text.len()));
    for line in text.lines() {
        let value = line.split_whitespace().last().filter(|value| holds_key(line) && chosen(value));
        match value.and_then(|value| Some((value, values.next()?))) {
            Some((value, fresh)) => {
                out.push_str(line.trim_end().strip_suffix(value).unwrap_or_default());
                out.push_str(fresh);
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

fn wrong(error: &dyn std::fmt::Display) -> Error {
    Error::Transit(error.to_string())
}

fn refused(why: &str) -> Error {
    Error::Transit(why.to_owned())
}
