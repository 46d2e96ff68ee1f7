//! The service's own tokens, for its own calls.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};

use crate::{
    auth::{Claims, Signer},
    clock::SharedClock,
};

/// How long a token is valid.
const LIFETIME: Duration = Duration::from_secs(300);
/// After how long a new one is made: well before the old one ends.
const RENEWAL: SignedDuration = SignedDuration::from_secs(240);

/// Makes tokens that say no more than the call at hand needs, and keeps them while they are fresh.
#[derive(Debug, Clone)]
pub(crate) struct OwnTokens(Arc<Inner>);

struct Inner {
    signer: Signer,
    clock: SharedClock,
    made: Mutex<Made>,
}

/// The tokens that are fresh, and how often the key had changed when they were made.
#[derive(Default)]
struct Made {
    changes: u64,
    tokens: HashMap<&'static [&'static str], (Timestamp, HeaderValue)>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.signer.fmt(f)
    }
}

impl OwnTokens {
    pub(crate) fn new(signer: Signer, clock: SharedClock) -> Self {
        Self(Arc::new(Inner { signer, clock, made: Mutex::default() }))
    }

    /// The value of the header `authorization` for a call that needs one of `scopes`. A receiver
    /// can use the token for nothing else.
    pub(super) fn header(&self, scopes: &'static [&'static str]) -> Option<HeaderValue> {
        let now = self.0.clock.now();
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = self.0.signer.changes();
        if made.changes != changes {
            *made = Made { changes, ..Made::default() };
        }
        if let Some((at, header)) = made.tokens.get(scopes)
            && now.duration_since(*at).abs() < RENEWAL
        {
            return Some(header.clone());
        }
        let token = self.0.signer.sign(&Claims {
            sub: self.0.signer.issuer().to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            offices: Vec::new(),
            divisions: Vec::new(),
            lifetime: LIFETIME,
        });
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        header.set_sensitive(true);
        made.tokens.insert(scopes, (now, header.clone()));
        Some(header)
    }
}
