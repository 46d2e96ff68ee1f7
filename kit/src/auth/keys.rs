//! Keys: making, reading and signing with them.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{
        DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
        KeypairBytes, spki::der::pem::LineEnding,
    },
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rand::Rng as _;

use super::{AUDIENCE, Claims, WireClaims};
use crate::{clock::SharedClock, id};

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a private key.
    #[error("`auth.key` is no Ed25519 private key in PKCS#8 PEM")]
    Private,
    /// Not a public key.
    #[error("the public key of the issuer {0} is no Ed25519 key in PEM or base64url")]
    Public(String),
}

/// A new private key and its public half, both as PEM (PKCS#8 and SPKI, RFC 8410).
///
/// # Errors
/// Never in practice: a new key can always be written.
pub fn generate_key() -> Result<(String, String), KeyError> {
    let mut seed = [0_u8; 32];
    rand::rng().fill_bytes(&mut seed);
    let key = SigningKey::from_bytes(&seed);
    // Version 1 of PKCS#8, without the public half, because OpenSSL reads no other.
    let private = KeypairBytes { secret_key: seed, public_key: None }
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| KeyError::Private)?;
    let public =
        key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::Private)?;
    Ok((private.to_string(), public))
}

/// What a public key ends with in PEM.
const END: &str = "-----END PUBLIC KEY-----";

/// Reads public keys: one or several in PEM, or the 32 bytes of one in base64url. Several are good at the
/// same time while keys are changed.
pub(super) fn public_keys(issuer: &str, text: &str) -> Result<Vec<VerifyingKey>, KeyError> {
    let refused = || KeyError::Public(issuer.to_owned());
    let text = text.trim();
    if text.starts_with("-----") {
        let parts = text.split_inclusive(END).map(str::trim).filter(|part| !part.is_empty());
        return parts
            .map(|part| VerifyingKey::from_public_key_pem(part).map_err(|_| refused()))
            .collect();
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| refused())?;
    Ok(vec![VerifyingKey::from_bytes(&bytes).map_err(|_| refused())?])
}

/// Signs tokens as one issuer. Cheap to clone.
#[derive(Clone)]
pub struct Signer {
    issuer: Arc<str>,
    pair: Arc<RwLock<Pair>>,
    clock: SharedClock,
}

/// Both halves of a key.
struct Pair {
    key: EncodingKey,
    public: VerifyingKey,
    /// How many there were before it.
    before: u64,
}

impl Pair {
    fn read(private_pem: &str) -> Result<Self, KeyError> {
        let key = SigningKey::from_pkcs8_pem(private_pem.trim()).map_err(|_| KeyError::Private)?;
        let der = KeypairBytes { secret_key: key.to_bytes(), public_key: None }
            .to_pkcs8_der()
            .map_err(|_| KeyError::Private)?;
        let public = key.verifying_key();
        Ok(Self { key: EncodingKey::from_ed_der(der.as_bytes()), public, before: 0 })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Signer {
    /// Signs as `issuer` with a private key in PKCS#8 PEM.
    ///
    /// # Errors
    /// [`KeyError::Private`] if it is none.
    pub fn new(issuer: &str, private_pem: &str, clock: SharedClock) -> Result<Self, KeyError> {
        let pair = Arc::new(RwLock::new(Pair::read(private_pem)?));
        Ok(Self { issuer: issuer.into(), pair, clock })
    }

    /// Signs with another key from now on, here and in every clone. Gives whether it is another one.
    ///
    /// # Errors
    /// [`KeyError::Private`] if it is none; the present one is kept.
    pub fn renew(&self, private_pem: &str) -> Result<bool, KeyError> {
        let pair = Pair::read(private_pem)?;
        let mut present = self.pair.write().unwrap_or_else(PoisonError::into_inner);
        let another = present.public != pair.public;
        if another {
            *present = Pair { before: present.before + 1, ..pair };
        }
        Ok(another)
    }

    /// How often the key has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.pair.read().unwrap_or_else(PoisonError::into_inner).before
    }

    /// Whose tokens these are.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The public half of the key, 32 bytes in base64url.
    pub fn public_key(&self) -> String {
        let pair = self.pair.read().unwrap_or_else(PoisonError::into_inner);
        URL_SAFE_NO_PAD.encode(pair.public.as_bytes())
    }

    /// A token that says what `claims` say, from now on.
    pub fn sign(&self, claims: &Claims) -> String {
        let now = self.clock.now();
        let lifetime = i64::try_from(claims.lifetime.as_secs()).unwrap_or(i64::MAX);
        let wire = WireClaims {
            iss: self.issuer.to_string(),
            sub: claims.sub.clone(),
            aud: AUDIENCE.to_owned(),
            iat: now.as_second(),
            exp: now.as_second().saturating_add(lifetime),
            jti: id::v7(now),
            scope: claims.scopes.join(" "),
            offices: claims.offices.clone(),
            divisions: claims.divisions.clone(),
        };
        let header = Header::new(Algorithm::EdDSA);
        let pair = self.pair.read().unwrap_or_else(PoisonError::into_inner);
        jsonwebtoken::encode(&header, &wire, &pair.key).unwrap_or_else(|error| {
            // The key was read before, and these claims are always JSON.
            tracing::error!(%error, "a token could not be signed");
            String::new()
        })
    }
}
