//! The vault: what an author gives of themselves is sealed before it is stored. Each author has a
//! key of their own; when it is destroyed, nothing of them can be read any more, in backups
//! neither.

use std::{path::Path, sync::Arc};

use liuyan_kit::seal::{self, DataKey, Keyring, transit::Transit};
use uuid::Uuid;

use crate::{domain::draft::Contact, error::Error, keys};

/// Seals what authors give.
#[derive(Debug)]
pub struct Vault(Keyring);

impl Vault {
    /// Reads the keyring; makes it if it is missing and may be made.
    ///
    /// # Errors
    /// If there is none, or it can't be read.
    pub fn open(path: &Path, may_make: bool) -> anyhow::Result<Self> {
        let text = keys::read(path, may_make, || Ok(Keyring::generate().to_text().to_string()))?;
        Ok(Self(Keyring::parse(&text)?))
    }

    /// The same where a service wraps the keys of the ring: it is asked now, once, and never again.
    ///
    /// # Errors
    /// If there is no ring, or the service does not unwrap it.
    pub async fn unwrapped(path: &Path, may_make: bool, transit: &Transit) -> anyhow::Result<Self> {
        let fresh = match may_make && !path.exists() {
            true => transit.make_ring().await?,
            false => String::new(),
        };
        let text = keys::read(path, may_make, || Ok(fresh))?;
        Ok(Self(transit.unwrap_ring(&text).await?))
    }

    /// By what an author is found again, without their phone being readable; `None` without phone.
    pub fn phone_index(&self, contact: &Contact) -> Option<[u8; 32]> {
        (!contact.phone.is_empty()).then(|| self.index_of_phone(&contact.phone))
    }

    /// By what the author with this phone is found.
    pub fn index_of_phone(&self, phone: &str) -> [u8; 32] {
        self.0.blind_index(&[b"phone:", phone.as_bytes()].concat())
    }

    /// A keyed hash of what a request asks.
    pub fn body_hash(&self, rpc: &str, body: &[u8]) -> [u8; 32] {
        self.0.blind_index(&[b"request:", rpc.as_bytes(), b":", body].concat())
    }

    /// A new key for an author, bare and wrapped.
    pub fn new_key(&self, author_id: Uuid) -> (DataKey, Vec<u8>) {
        let key = DataKey::generate();
        let wrapped = self.0.wrap(&place("author", author_id), &key);
        (key, wrapped)
    }

    /// The key of an author who is there already.
    ///
    /// # Errors
    /// [`Error::Key`] if the keyring lacks what it was wrapped with.
    pub fn open_key(&self, author_id: Uuid, wrapped: &[u8]) -> Result<DataKey, Error> {
        self.0.unwrap(&place("author", author_id), wrapped).map_err(broken)
    }

    /// The key of an author wrapped anew by the newest key of the ring; `None` if it is already.
    ///
    /// # Errors
    /// [`Error::Key`] if the ring lacks what it was wrapped with.
    pub fn rewrap(&self, author_id: Uuid, wrapped: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if !self.0.is_outdated(wrapped) {
            return Ok(None);
        }
        let key = self.open_key(author_id, wrapped)?;
        Ok(Some(self.0.wrap(&place("author", author_id), &key)))
    }

    /// The id of the key that wraps new ones.
    pub fn key_id(&self) -> u32 {
        self.0.current()
    }

    /// Seals name and phone as they were given with a message.
    ///
    /// # Errors
    /// [`Error::Key`] if they can't be encoded.
    pub fn seal_contact(
        &self,
        key: &DataKey,
        message_id: Uuid,
        contact: &Contact,
    ) -> Result<Vec<u8>, Error> {
        let plain = serde_json::to_vec(contact).map_err(|error| Error::Key(Arc::new(error)))?;
        Ok(key.seal(&place("contact", message_id), &plain))
    }

    /// Unseals name and phone as they were given with a message.
    ///
    /// # Errors
    /// [`Error::Key`] if the key does not fit.
    pub fn open_contact(
        &self,
        key: &DataKey,
        message_id: Uuid,
        sealed: &[u8],
    ) -> Result<Contact, Error> {
        let plain = key.open(&place("contact", message_id), sealed).map_err(broken)?;
        serde_json::from_slice(&plain).map_err(|error| Error::Key(Arc::new(error)))
    }
}

/// Binds what is sealed to where it is kept: moved to another row it can't be opened.
fn place(what: &str, id: Uuid) -> Vec<u8> {
    format!("intake/{what}/{id}").into_bytes()
}

fn broken(error: seal::Error) -> Error {
    Error::Key(Arc::new(error))
}
