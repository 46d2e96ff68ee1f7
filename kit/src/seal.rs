//! Sealing: what must be unreadable without a key, and gone once its key is.
//!
//! A record is `algorithm (1) · key id (4, big-endian) · nonce (24) · ciphertext · tag (16)`. The
//! first five bytes are authenticated together with the caller's own words (`aad`), which say what
//! the record is and whose, so that records cannot be swapped.
//!
//! A [`DataKey`] seals what belongs to one person or thing; the [`Keyring`] only wraps data keys.
//! Destroying a wrapped data key erases all that it sealed, in every backup too.

use std::{fmt, fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretBox, zeroize::Zeroizing};
use sha2::Sha256;

pub mod transit;

/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): its nonces are long enough to be random.
const XCHACHA20_POLY1305: u8 = 1;
const HEADER: usize = 5;
const NONCE: usize = 24;
/// The key id in records that a data key seals: there is only one.
const OWN_KEY: u32 = 0;

/// Why something cannot be unsealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ring's file cannot be read or written.
    #[error("the key ring {path} cannot be used")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The ring's file is no key ring.
    #[error("line {0} of the key ring cannot be read")]
    Line(usize),
    /// The ring lacks what it cannot be without.
    #[error("the key ring has no `{0}`")]
    Lacks(&'static str),
    /// The service that wraps the ring's keys is away or refuses.
    #[error("the keys of the ring cannot be unwrapped: {0}")]
    Transit(String),
    /// The record was sealed with a key that is not here.
    #[error("the record is sealed with the unknown key {0}")]
    UnknownKey(u32),
    /// The record is damaged, or it is another one than its place says.
    #[error("the record cannot be unsealed")]
    Broken,
}

type Bytes32 = SecretBox<[u8; 32]>;

fn random32() -> Bytes32 {
    SecretBox::init_with_mut(|key: &mut [u8; 32]| rand::rng().fill_bytes(key))
}

/// The key of one person or thing.
pub struct DataKey(Bytes32);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([redacted])")
    }
}

impl DataKey {
    /// A new key.
    pub fn generate() -> Self {
        Self(random32())
    }

    /// Seals `plain` for the place that `aad` names.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        seal(&self.0, OWN_KEY, aad, plain)
    }

    /// Unseals what [`DataKey::seal`] made for the same `aad`.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        unseal(&self.0, aad, sealed)
    }
}

/// The keys of a service. New records use the first, old ones the one that they name.
///
/// The file has one line per key, `key <number> <base64>`, the current one first, and one line
/// `index <base64>` for blind indexes, which never changes. A `#` begins a comment.
pub struct Keyring {
    keys: Vec<(u32, Bytes32)>,
    index: Bytes32,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<u32> = self.keys.iter().map(|(id, _)| *id).collect();
        f.debug_struct("Keyring").field("keys", &ids).finish_non_exhaustive()
    }
}

impl Keyring {
    /// A new ring with one key.
    pub fn generate() -> Self {
        Self { keys: vec![(1, random32())], index: random32() }
    }

    /// Reads a ring from its file.
    ///
    /// # Errors
    /// If it cannot be read, or is no key ring.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = |source| Error::File { path: path.display().to_string(), source };
        Self::parse(&Zeroizing::new(fs::read_to_string(path).map_err(file)?))
    }

    /// Reads a ring from the text of its file.
    ///
    /// # Errors
    /// Names the line that cannot be read, or what is missing.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (mut keys, mut index) = (Vec::new(), None);
        for (number, line) in text.lines().enumerate() {
            let refused = || Error::Line(number + 1);
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["index", key] if index.is_none() => {
                    index = Some(read_key(key).ok_or_else(refused)?);
                }
                ["key", id, key] => {
                    let id = id.parse().map_err(|_| refused())?;
                    if keys.iter().any(|(known, _)| *known == id) {
                        return Err(refused());
                    }
                    keys.push((id, read_key(key).ok_or_else(refused)?));
                }
                _ => return Err(refused()),
            }
        }
        if keys.is_empty() {
            return Err(Error::Lacks("key"));
        }
        Ok(Self { keys, index: index.ok_or(Error::Lacks("index"))? })
    }

    /// The text of the ring's file. Keep it where only the service can read it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64 * (self.keys.len() + 1)));
        for (id, key) in &self.keys {
            text.push_str(&format!("key {id} "));
            text.push_str(&Zeroizing::new(STANDARD.encode(key.expose_secret())));
            text.push('\n');
        }
        text.push_str("index ");
        text.push_str(&Zeroizing::new(STANDARD.encode(self.index.expose_secret())));
        text.push('\n');
        text
    }

    /// Adds a new key and makes it the current one.
    pub fn rotate(&mut self) {
        let id = self.keys.iter().map(|(id, _)| id + 1).max().unwrap_or(1);
        self.keys.insert(0, (id, random32()));
    }

    /// Seals `plain` for the place that `aad` names.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let (id, key) = &self.keys[0];
        seal(key, *id, aad, plain)
    }

    /// Unseals what [`Keyring::seal`] made for the same `aad`, with whichever key it was.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] or [`Error::Broken`].
    pub fn open_sealed(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let id = key_id(sealed)?;
        let (_, key) =
            self.keys.iter().find(|(known, _)| *known == id).ok_or(Error::UnknownKey(id))?;
        unseal(key, aad, sealed)
    }

    /// The id of the current key.
    pub fn current(&self) -> u32 {
        self.keys[0].0
    }

    /// Whether a record should be sealed anew, because its key is no longer the current one.
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        key_id(sealed).ok() != self.keys.first().map(|(id, _)| *id)
    }

    /// Wraps a data key, to be stored beside what it seals.
    pub fn wrap(&self, aad: &[u8], key: &DataKey) -> Vec<u8> {
        self.seal(aad, key.0.expose_secret())
    }

    /// Unwraps a data key.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] or [`Error::Broken`].
    pub fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<DataKey, Error> {
        let bytes = Zeroizing::new(self.open_sealed(aad, wrapped)?);
        let bytes = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| Error::Broken)?;
        Ok(DataKey(SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes))))
    }

    /// A fingerprint by which a value can be found without being readable (HMAC-SHA-256). It stays
    /// the same when keys are rotated. Begin `value` with what it is, so that fingerprints of
    /// different things never meet.
    pub fn blind_index(&self, value: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(self.index.expose_secret())
            .expect("HMAC takes keys of any length");
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

fn read_key(text: &str) -> Option<Bytes32> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let bytes = <&[u8; 32]>::try_from(bytes.as_slice()).ok()?;
    Some(SecretBox::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(bytes)))
}

fn header(id: u32) -> [u8; HEADER] {
    let [a, b, c, d] = id.to_be_bytes();
    [XCHACHA20_POLY1305, a, b, c, d]
}

fn key_id(sealed: &[u8]) -> Result<u32, Error> {
    match sealed {
        [XCHACHA20_POLY1305, a, b, c, d, ..] => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => Err(Error::Broken),
    }
}

fn cipher(key: &Bytes32) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose_secret().into())
}

fn seal(key: &Bytes32, id: u32, aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let header = header(id);
    let mut nonce = [0_u8; NONCE];
    rand::rng().fill_bytes(&mut nonce);
    let aad = [&header, aad].concat();
    let ciphertext = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
        .expect("a record is shorter than 256 GiB");
    [header.as_slice(), &nonce, &ciphertext].concat()
}

fn unseal(key: &Bytes32, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let (header, rest) = sealed.split_at_checked(HEADER).ok_or(Error::Broken)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(Error::Broken)?;
    if header.first() != Some(&XCHACHA20_POLY1305) {
        return Err(Error::Broken);
    }
    let aad = [header, aad].concat();
    cipher(key)
        .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &aad })
        .map_err(|_| Error::Broken)
}
