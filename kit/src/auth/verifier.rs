//! Checks tokens.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous};
use sha2::{Digest as _, Sha256};

use super::{AUDIENCE, Caller, Refusal, WireClaims, keys, scope};
use crate::{clock::SharedClock, config};

/// How many verified tokens are remembered; then all are forgotten.
const REMEMBERED: usize = 4_096;
/// The longest token that is looked at.
const LONGEST: usize = 4_096;

/// Checks tokens by the issuers of the configuration. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    issuers: RwLock<Issuers>,
    validation: Validation,
    leeway: i64,
    clock: SharedClock,
    /// A signature costs about as much as the rest of a call, and most callers call often.
    known: Mutex<HashMap<[u8; 32], Arc<Caller>>>,
}

/// The issuers by their names.
struct Issuers {
    known: HashMap<String, Vec<Issuer>>,
    /// What their keys were read from.
    texts: Vec<String>,
}

struct Issuer {
    key: DecodingKey,
    grants: Vec<String>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers = self.0.issuers.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Verifier").field("issuers", &issuers.known.keys()).finish_non_exhaustive()
    }
}

/// Why the issuers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key is wrong.
    #[error(transparent)]
    Key(#[from] keys::KeyError),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] config::Error),
}

impl Issuers {
    fn read(settings: &config::Auth) -> Result<Self, Error> {
        let mut known: HashMap<String, Vec<Issuer>> = HashMap::new();
        let mut texts = Vec::with_capacity(settings.issuers.len());
        for issuer in &settings.issuers {
            let text = match &issuer.public_key_file {
                Some(path) => config::read_pem("auth.issuers.public_key_file", path)?,
                None => issuer.public_key.clone(),
            };
            let of_name = known.entry(issuer.name.clone()).or_default();
            for key in keys::public_keys(&issuer.name, &text)? {
                let key = DecodingKey::from_ed_der(key.as_bytes());
                of_name.push(Issuer { key, grants: issuer.scopes.clone() });
            }
            texts.push(text);
        }
        Ok(Self { known, texts })
    }
}

impl Verifier {
    /// Reads the issuers' keys. An issuer may have several, for a change of keys: in one file, or by being
    /// listed twice.
    ///
    /// # Errors
    /// Names the issuer whose key cannot be read.
    pub fn new(settings: &config::Auth, clock: SharedClock) -> Result<Self, Error> {
        let issuers = RwLock::new(Issuers::read(settings)?);
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        // Times are checked below, by the service's own clock.
        validation.validate_exp = false;
        let leeway = i64::try_from(settings.leeway_s).unwrap_or_default();
        let known = Mutex::default();
        Ok(Self(Arc::new(Inner { issuers, validation, leeway, clock, known })))
    }

    /// Reads the issuers' keys again. Gives whether they have changed; a token that only a key of before
    /// proves is then refused.
    ///
    /// # Errors
    /// Names the issuer whose key cannot be read; those of before stay.
    pub fn renew(&self, settings: &config::Auth) -> Result<bool, Error> {
        let read = Issuers::read(settings)?;
        let mut issuers = self.0.issuers.write().unwrap_or_else(PoisonError::into_inner);
        let changed = issuers.texts != read.texts;
        if changed {
            *issuers = read;
            // What was believed, was believed by the keys of before.
            self.known().clear();
        }
        Ok(changed)
    }

    /// Who presents `token`. The caller's language is left to whoever knows it.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] or [`Refusal::Expired`].
    pub fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::Invalid("it is too long"));
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.known().get(&digest).cloned();
        let caller = match known {
            Some(caller) => caller,
            None => {
                // Held until it is remembered, so that no change of keys comes in between.
                let issuers = self.0.issuers.read().unwrap_or_else(PoisonError::into_inner);
                let caller = Arc::new(self.check(&issuers, token)?);
                let mut known = self.known();
                if known.len() >= REMEMBERED {
                    known.clear();
                }
                known.insert(digest, Arc::clone(&caller));
                caller
            }
        };
        let now = self.0.clock.now().as_second();
        match caller.expires_at {
            Some(end) if end.as_second().saturating_add(self.0.leeway) > now => {
                Ok(Caller::clone(&caller))
            }
            _ => Err(Refusal::Expired),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<Caller>>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, issuers: &Issuers, token: &str) -> Result<Caller, Refusal> {
        // The issuer says which key to check with; nothing else is believed before the check.
        let issuer = dangerous::insecure_decode::<WireClaims>(token)
            .map_err(|_| Refusal::Invalid("it cannot be read"))?
            .claims
            .iss;
        let issuers =
            issuers.known.get(&issuer).ok_or(Refusal::Invalid("its issuer is not known"))?;
        for issuer in issuers {
            let decoded =
                jsonwebtoken::decode::<WireClaims>(token, &issuer.key, &self.0.validation);
            if let Ok(token) = decoded {
                return self.caller(token.claims, &issuer.grants);
            }
        }
        Err(Refusal::Invalid("its signature or audience is wrong"))
    }

    fn caller(&self, claims: WireClaims, grants: &[String]) -> Result<Caller, Refusal> {
        if claims.iat > self.0.clock.now().as_second().saturating_add(self.0.leeway) {
            return Err(Refusal::Invalid("it is from the future"));
        }
        if claims.sub.is_empty() {
            return Err(Refusal::Invalid("it is about nobody"));
        }
        let expires_at =
            Timestamp::from_second(claims.exp).map_err(|_| Refusal::Invalid("it never ends"))?;
        Ok(Caller {
            issuer: claims.iss,
            subject: claims.sub,
            scopes: scope::intersection(claims.scope.split_ascii_whitespace(), grants),
            offices: claims.offices,
            divisions: claims.divisions,
            locale: crate::locale::FIRST.to_owned(),
            expires_at: Some(expires_at),
        })
    }
}
