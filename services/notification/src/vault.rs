//! What can't be read without the keyring: addresses, signing secrets, and the codes that verify
//! endpoints, which are derived and never stored.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::Context as _;
use liuyan_kit::seal::{self, Keyring};
use uuid::Uuid;

use crate::domain::{
    address::{Address, Channel},
    code,
    holder::Holder,
};

/// Seals and opens.
#[derive(Debug)]
pub struct Vault(Keyring);

impl Vault {
    /// Reads the keyring; makes it first if it is missing and may be made.
    ///
    /// # Errors
    /// If there is none, or it can't be read or made.
    pub fn open(path: &Path, may_make: bool) -> anyhow::Result<Self> {
        if may_make && !path.exists() {
            make(path, &Keyring::generate().to_text())
                .with_context(|| format!("can't make {}", path.display()))?;
        }
        Ok(Self(Keyring::open(path)?))
    }

    /// Seals the address of an endpoint.
    pub(crate) fn seal_address(&self, endpoint_id: Uuid, address: &Address) -> Vec<u8> {
        self.0.seal(&place("address", endpoint_id), address.expose().as_bytes())
    }

    /// Opens the address of an endpoint.
    ///
    /// # Errors
    /// If the key is missing, or the record belongs elsewhere.
    pub(crate) fn address(&self, endpoint_id: Uuid, sealed: &[u8]) -> Result<Address, seal::Error> {
        let bytes = self.0.open_sealed(&place("address", endpoint_id), sealed)?;
        String::from_utf8(bytes).map(Address::stored).map_err(|_| seal::Error::Broken)
    }

    /// Seals the signing secret of an endpoint.
    pub(crate) fn seal_secret(&self, endpoint_id: Uuid, secret: &[u8]) -> Vec<u8> {
        self.0.seal(&place("secret", endpoint_id), secret)
    }

    /// Opens the signing secret of an endpoint.
    ///
    /// # Errors
    /// If the key is missing, or the record belongs elsewhere.
    pub(crate) fn secret(&self, endpoint_id: Uuid, sealed: &[u8]) -> Result<Vec<u8>, seal::Error> {
        self.0.open_sealed(&place("secret", endpoint_id), sealed)
    }

    /// By what an address is recognised.
    pub(crate) fn address_index(&self, channel: Channel, address: &Address) -> [u8; 32] {
        self.0.blind_index(format!("{}:{}", channel.as_str(), address.key()).as_bytes())
    }

    /// By what a request is recognised. It may hold an address, so that a bare hash would not do.
    pub(crate) fn request_index(&self, rpc: &str, body: &[u8]) -> [u8; 32] {
        self.0.blind_index(&[b"request:", rpc.as_bytes(), b":", body].concat())
    }

    /// The code that proves who reads an endpoint. Whoever has the database but not the keyring
    /// can't make it.
    pub(crate) fn code(&self, endpoint_id: Uuid, verification_id: Uuid) -> String {
        let words = [b"code:", endpoint_id.as_bytes().as_slice(), verification_id.as_bytes()];
        let hash = self.0.blind_index(&words.concat());
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        code::encode(half)
    }
}

/// Names the place of a record, so that records can't be swapped.
fn place(what: &str, endpoint_id: Uuid) -> Vec<u8> {
    format!("notification/endpoint/{endpoint_id}/{what}").into_bytes()
}

/// The account's own e-mail address, as an endpoint: the same id for ever.
pub(crate) fn implicit_endpoint(account_id: Uuid) -> Uuid {
    liuyan_kit::id::of_name("notification-endpoint", &account_id.to_string())
}

/// The id of what a holder is told of an event on the pages.
pub(crate) fn notice_id(event_id: Uuid, holder: &Holder) -> Uuid {
    liuyan_kit::id::of_name("notice", &format!("{event_id}/{holder}"))
}

/// Makes a file that is never seen half written. Of several replicas that make it at once, one wins
/// and the others read what it made.
fn make(path: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
