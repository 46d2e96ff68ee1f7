//! The public keys that a receipt is checked with.

use std::{fs, path::Path};

use liuyan_intake::{
    domain::log::head,
    keys::{id_of, public_of_pem, public_pem},
};
use serde::Deserialize;

use super::Verify;
use crate::{error::Error, keys};

/// Keys of receipts, and of the log if one is known.
#[derive(Debug)]
pub(super) struct Keyring {
    receipts: Vec<[u8; 32]>,
    log: Option<String>,
    /// The key of the log of the board in the data folder, without the log's name.
    own_log: Option<[u8; 32]>,
}

/// The keys as a board publishes them.
#[derive(Deserialize)]
struct Published {
    receipts: Vec<PublishedKey>,
    log: String,
}

#[derive(Deserialize)]
struct PublishedKey {
    public_key: String,
}

impl Keyring {
    /// Reads the keys that were named, or those in the data folder.
    pub(super) fn open(dir: &Path, options: &Verify) -> Result<Self, Error> {
        let mut keyring = match options.key.split_first() {
            Some((first, others)) => {
                let mut keyring = Self::named(first)?;
                for key in others {
                    let Self { receipts, log, .. } = Self::named(key)?;
                    keyring.receipts.extend(receipts);
                    keyring.log = keyring.log.or(log);
                }
                keyring
            }
            None => Self::of_board(dir)?,
        };
        if options.log_key.is_some() {
            keyring.log.clone_from(&options.log_key);
        }
        Ok(keyring)
    }

    fn of_board(dir: &Path) -> Result<Self, Error> {
        let receipts = keys::public_of(dir, keys::RECEIPTS).map_err(|_| {
            Error::Usage(format!(
                "there is no board in {}: name the board's public key with --key",
                dir.display()
            ))
        })?;
        let own_log = keys::only_public_of(dir, keys::LOG).ok();
        Ok(Self { receipts, log: None, own_log })
    }

    fn named(key: &str) -> Result<Self, Error> {
        let only = |key| Self { receipts: vec![key], log: None, own_log: None };
        if let Some(key) = digits(key) {
            return Ok(only(key));
        }
        let text = fs::read_to_string(key)
            .map_err(|error| Error::Usage(format!("{key} is no key and no file: {error}")))?;
        let no_key = || Error::Usage(format!("{key} holds no key"));
        if !text.trim_start().starts_with('{') {
            let found = public_pem(&text).or_else(|| public_of_pem(&text));
            return found.or_else(|| digits(text.trim())).map(only).ok_or_else(no_key);
        }
        let published: Published = serde_json::from_str(&text).map_err(|_| no_key())?;
        let receipts: Option<Vec<_>> =
            published.receipts.iter().map(|key| digits(&key.public_key)).collect();
        let receipts = receipts.filter(|keys| !keys.is_empty()).ok_or_else(no_key)?;
        Ok(Self { receipts, log: Some(published.log), own_log: None })
    }

    /// The key of receipts with this id.
    pub(super) fn receipt_key(&self, key_id: &str) -> Option<[u8; 32]> {
        self.receipts.iter().find(|key| id_of(*key) == key_id).copied()
    }

    /// The ids of the keys of receipts.
    pub(super) fn key_ids(&self) -> String {
        self.receipts.iter().map(|key| id_of(key)).collect::<Vec<_>>().join(", ")
    }

    /// The verifier's key of the log that calls itself `origin`, if one is known.
    pub(super) fn log_key(&self, origin: &str) -> Option<String> {
        let own = || self.own_log.map(|key| head::verifier_key(origin, &key));
        self.log.clone().or_else(own)
    }
}

fn digits(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(key)
}
