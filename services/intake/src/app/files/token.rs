//! Upload tokens: whoever has no account shows one. Nothing is stored of them but what was uploaded,
//! so that giving one costs nothing.

use std::{fmt::Write as _, net::IpAddr, sync::PoisonError};

use jiff::{SignedDuration, Timestamp};
use liuyan_kit::id;
use uuid::Uuid;

use super::super::App;
use crate::{domain::rule::Rule, error::Error};

/// What owners begin with who have a token.
const TOKEN: &str = "token ";
/// How much of the keyed hash a token carries, in bytes.
const MAC: usize = 16;
/// Bytes of a token: id, end, keyed hash.
const LENGTH: usize = 16 + 8 + MAC;

/// Allows a few uploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadToken {
    /// The token.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How many files it allows.
    pub files: u32,
    /// How many bytes it allows.
    pub bytes: u64,
}

/// Whether an owner has a token, and no account.
pub(super) fn is_token(owner: &str) -> bool {
    owner.starts_with(TOKEN)
}

impl App {
    /// Gives an upload token to somebody at an address, if a service of the house tells one.
    ///
    /// # Errors
    /// [`Error::UploadTokensExhausted`] if too many were given within a minute, to the address or to
    /// all.
    pub fn issue_upload_token(&self, address: Option<IpAddr>) -> Result<UploadToken, Error> {
        let (files, now) = (&self.0.files, self.now());
        let config = &files.config;
        files.objects()?;
        // First, so that what one address asks for in vain takes nothing from the others.
        self.0.gate.upload_token(address).map_err(|_| Error::UploadTokensExhausted)?;
        let minute = now.as_second().div_euclid(60);
        let mut given = files.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.0 != minute {
            *given = (minute, 0);
        }
        if given.1 >= config.tokens_per_minute {
            return Err(Error::UploadTokensExhausted);
        }
        given.1 += 1;
        drop(given);
        let lifetime = SignedDuration::from_mins(config.token_minutes.into());
        let expires_at = now.saturating_add(lifetime).unwrap_or(now);
        let said = said(id::v7(now), expires_at);
        let mut token = hex::encode(&said);
        for byte in &self.0.keys.upload_mac(&said)[..MAC] {
            // Writing into a text never fails.
            let _ = write!(token, "{byte:02x}");
        }
        let (files, bytes) = (config.token_files, config.token_bytes);
        Ok(UploadToken { token, expires_at, files, bytes })
    }

    /// Counts an upload of somebody who has a token, before anything of it is read: files that are
    /// refused are in no quota of the database. Each process counts by itself, and forgets at its end.
    ///
    /// # Errors
    /// [`Error::UploadQuota`] if too many were begun.
    pub fn begin_upload(&self, owner: &str) -> Result<(), Error> {
        if is_token(owner) {
            self.0.gate.upload(owner).map_err(Error::UploadQuota)?;
        }
        Ok(())
    }

    /// Who uploads by this token, and until when.
    ///
    /// # Errors
    /// [`Rule::UploadTokenInvalid`] if it is not ours.
    pub fn uploader(&self, token: &str) -> Result<(String, Timestamp), Rule> {
        let mut bytes = [0; LENGTH];
        hex::decode_to_slice(token.trim(), &mut bytes).map_err(|_| Rule::UploadTokenInvalid)?;
        let (said, mac) = bytes.split_at(LENGTH - MAC);
        if !self.0.keys.is_upload_mac(said, mac) {
            return Err(Rule::UploadTokenInvalid);
        }
        let (id, end) = said.split_at(16);
        let id = Uuid::from_slice(id).map_err(|_| Rule::UploadTokenInvalid)?;
        let end = end.try_into().map(i64::from_be_bytes).map_err(|_| Rule::UploadTokenInvalid)?;
        let end = Timestamp::from_second(end).map_err(|_| Rule::UploadTokenInvalid)?;
        Ok((format!("{TOKEN}{id}"), end))
    }
}

fn said(id: Uuid, expires_at: Timestamp) -> Vec<u8> {
    [id.as_bytes().as_slice(), &expires_at.as_second().to_be_bytes()].concat()
}
