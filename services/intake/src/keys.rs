//! The keys that receipts and access codes are made with. They are files, read once at start.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, bail};
use aws_lc_rs::signature::Ed25519KeyPair;
use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use liuyan_kit::auth;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{
    config::Config,
    domain::{
        log::head::{self, Head},
        number::AccessCode,
    },
};

/// What a code is derived by, and what its hash is made by: uses of one key, kept apart.
const CODE: &[u8] = b"liuyan-access-code-v1";
const CODE_HASH: &[u8] = b"liuyan-access-hash-v1";
/// A third one: what makes upload tokens ours.
const UPLOAD: &[u8] = b"liuyan-upload-token-v1";

/// Letters of a key's id.
const ID_LENGTH: usize = 16;

/// The keys that receipts and access codes are made with.
pub struct Keys {
    /// The same key and the same signatures as ed25519-dalek's, in half the time: of what taking a
    /// message costs this process, signing its receipt would be the dearest.
    receipt: Ed25519KeyPair,
    receipt_public: [u8; 32],
    receipt_id: String,
    /// Public keys of receipts by their ids, the one of new receipts first.
    receipt_keys: Vec<(String, [u8; 32])>,
    log: SigningKey,
    log_origin: String,
    current: AccessKey,
    earlier: Vec<AccessKey>,
}

struct AccessKey {
    id: String,
    key: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("receipt", &self.receipt_id).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the key files that the configuration names; makes those that are missing, if it may.
    ///
    /// # Errors
    /// If a file is missing or holds no key.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let receipt = signing_key(&config.receipt_key_file, config.generate_keys)?;
        let log = signing_key(&config.log.key_file, config.generate_keys)?;
        if !head::is_origin(&config.log.origin) {
            bail!("service.log.origin can't have white space or a plus sign, and can't be empty");
        }
        let lines = read(&config.access_key_file, config.generate_keys, || {
            Ok(format!("{}\n", hex::encode(rand::random::<[u8; 32]>())))
        })?;
        let mut access = Vec::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut key = [0; 32];
            hex::decode_to_slice(line, &mut key).with_context(|| {
                format!("{} holds a line that is no key", config.access_key_file.display())
            })?;
            access.push(AccessKey { id: id_of(&key), key });
        }
        if access.is_empty() {
            bail!("{} holds no key", config.access_key_file.display());
        }
        let current = access.remove(0);
        let receipt_public = receipt.verifying_key().to_bytes();
        let receipt =
            Ed25519KeyPair::from_seed_and_public_key(&receipt.to_bytes(), &receipt_public)
                .map_err(|_| anyhow::anyhow!("the receipts' key is none"))?;
        let receipt_id = id_of(&receipt_public);
        let mut receipt_keys = vec![(receipt_id.clone(), receipt_public)];
        for line in &config.earlier_receipt_keys {
            let mut key = [0; 32];
            hex::decode_to_slice(line, &mut key)
                .with_context(|| format!("service.earlier_receipt_keys: {line} is no key"))?;
            receipt_keys.push((id_of(&key), key));
        }
        let log_origin = config.log.origin.clone();
        Ok(Self {
            receipt,
            receipt_public,
            receipt_id,
            receipt_keys,
            log,
            log_origin,
            current,
            earlier: access,
        })
    }

    /// The public keys that receipts were ever signed with, by their ids; the one of new receipts
    /// is the first.
    pub fn receipt_keys(&self) -> &[(String, [u8; 32])] {
        &self.receipt_keys
    }

    /// The public key of this id, if receipts were signed with it.
    pub fn receipt_key(&self, key_id: &str) -> Option<[u8; 32]> {
        self.receipt_keys.iter().find(|(id, _)| id == key_id).map(|(_, key)| *key)
    }

    /// Signs a head of the transparency log.
    ///
    /// # Errors
    /// Never with the name that was checked at the start.
    pub fn sign_head(&self, head: Head) -> Result<String, head::Fault> {
        head::sign(&self.log_origin, &self.log, head)
    }

    /// The log's key that can be told to everybody.
    pub fn log_verifier_key(&self) -> String {
        head::verifier_key(&self.log_origin, self.log.verifying_key().as_bytes())
    }

    /// Signs a receipt's statement; gives the key's id too.
    pub fn sign(&self, statement: &[u8]) -> (String, [u8; 64]) {
        let mut signature = [0; 64];
        // Both have 64 bytes, always.
        signature.copy_from_slice(self.receipt.sign(statement).as_ref());
        (self.receipt_id.clone(), signature)
    }

    /// The public half of the key that signs receipts.
    pub fn receipt_public_key(&self) -> [u8; 32] {
        self.receipt_public
    }

    /// The id of the key that access codes of new messages are made with.
    pub fn access_key_id(&self) -> &str {
        &self.current.id
    }

    /// The access code of a message, if its key is still here.
    pub fn access_code(&self, key_id: &str, message_id: Uuid) -> Option<AccessCode> {
        let hash = self.access_key(key_id)?.mac(&[CODE, message_id.as_bytes()]);
        Some(AccessCode::from_hash(&hash))
    }

    /// The hash of an access code that is kept, if its key is still here.
    pub fn access_hash(
        &self,
        key_id: &str,
        message_id: Uuid,
        code: AccessCode,
    ) -> Option<[u8; 32]> {
        let key = self.access_key(key_id)?;
        Some(key.mac(&[CODE_HASH, message_id.as_bytes(), &code.bytes()]))
    }

    /// Whether a code opens a message, decided in a time that does not tell how much of it is
    /// right.
    pub fn opens(&self, key_id: &str, message_id: Uuid, code: AccessCode, hash: &[u8]) -> bool {
        self.access_hash(key_id, message_id, code)
            .is_some_and(|expected| bool::from(expected.as_slice().ct_eq(hash)))
    }

    /// Whether a code opens a message that came back from its receipt: the code that its author holds may have been
    /// made by any key that is still here.
    pub fn opens_restored(&self, message_id: Uuid, code: AccessCode) -> bool {
        let keys = std::iter::once(&self.current).chain(&self.earlier);
        // All of them are tried, so that the time tells nothing.
        keys.map(|key| AccessCode::from_hash(&key.mac(&[CODE, message_id.as_bytes()])))
            .fold(false, |found, own| found | bool::from(own.bytes().ct_eq(&code.bytes())))
    }

    /// What makes an upload token ours.
    pub fn upload_mac(&self, said: &[u8]) -> [u8; 32] {
        self.current.mac(&[UPLOAD, said])
    }

    /// Whether that is, at least in the beginning, what makes it ours.
    pub fn is_upload_mac(&self, said: &[u8], mac: &[u8]) -> bool {
        let keys = std::iter::once(&self.current).chain(&self.earlier);
        keys.map(|key| key.mac(&[UPLOAD, said]))
            .any(|own| own.get(..mac.len()).is_some_and(|own| bool::from(own.ct_eq(mac))))
    }

    fn access_key(&self, id: &str) -> Option<&AccessKey> {
        std::iter::once(&self.current).chain(&self.earlier).find(|key| key.id == id)
    }
}

impl AccessKey {
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes keys of every length; a key of one block or less is used as it is.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

fn signing_key(path: &Path, may_make: bool) -> anyhow::Result<SigningKey> {
    let pem = read(path, may_make, || Ok(auth::generate_key()?.0))?;
    SigningKey::from_pkcs8_pem(&pem).with_context(|| format!("{} holds no key", path.display()))
}

/// The public half of a private key in PKCS #8 PEM.
pub fn public_of_pem(pem: &str) -> Option<[u8; 32]> {
    SigningKey::from_pkcs8_pem(pem).ok().map(|key| key.verifying_key().to_bytes())
}

/// The public key in a PEM of SubjectPublicKeyInfo.
pub fn public_pem(pem: &str) -> Option<[u8; 32]> {
    VerifyingKey::from_public_key_pem(pem).ok().map(|key| key.to_bytes())
}

/// The id of a key, as receipts name it.
pub fn id_of(key: &[u8]) -> String {
    let mut id = hex::encode(Sha256::digest(key));
    id.truncate(ID_LENGTH);
    id
}

/// Reads a key file; makes it first if it is missing and may be made. Of several replicas that make
/// it at once, one wins and the others read what it made.
///
/// # Errors
/// If it is missing, or can't be made or read.
pub fn read(
    path: &Path,
    may_make: bool,
    make: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    if may_make && !path.exists() {
        make_file(path, &make()?).with_context(|| format!("can't make {}", path.display()))?;
    }
    fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
}

/// Makes a file that is never seen half written.
fn make_file(path: &Path, content: &str) -> io::Result<()> {
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
