//! Who calls, and what they may do.
//!
//! Tokens are short-lived JWTs (RFC 7519) signed with Ed25519 and checked locally: the public keys
//! of all issuers are configuration, and so is what each may grant. What a caller may do is what
//! the token claims **and** its issuer may grant. Services trust no header but the token.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    class::{Class, Classify},
    locale,
};

mod keys;
mod scope;
mod verifier;

pub use keys::{KeyError, Signer, generate_key};
pub use verifier::Verifier;

/// The audience of every token of the house.
pub const AUDIENCE: &str = "liuyan";
/// What the scope of an author begins with.
const AUTHOR: &str = "author:message/";

/// What a token to be signed says. Issuer, audience, times and id are added by [`Signer`].
#[derive(Debug, Clone)]
pub struct Claims {
    /// Whom it is about.
    pub sub: String,
    /// What they may do: `text:read`, or `text:*`.
    pub scopes: Vec<String>,
    /// For which offices they act.
    pub offices: Vec<String>,
    /// For which divisions they act, with those below them.
    pub divisions: Vec<String>,
    /// How long it is valid.
    pub lifetime: Duration,
}

/// A token's claims as they travel.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct WireClaims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    /// Separated by spaces (RFC 8693, 4.2).
    scope: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    offices: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    divisions: Vec<String>,
}

/// Who calls, as the token proves it. [`Caller::of`] reads it from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who signed the token; empty for somebody without one.
    pub issuer: String,
    /// Whom it is about; empty for somebody without one.
    pub subject: String,
    /// What they may do.
    pub scopes: Vec<String>,
    /// For which offices they act.
    pub offices: Vec<String>,
    /// For which divisions they act, with those below them.
    pub divisions: Vec<String>,
    /// In which language to answer, one of [`locale::LOCALES`].
    pub locale: String,
    /// Until when the token is valid; streams end then.
    pub expires_at: Option<jiff::Timestamp>,
}

impl Caller {
    /// Somebody without a token.
    pub fn anonymous(locale: &str) -> Self {
        Self {
            issuer: String::new(),
            subject: String::new(),
            scopes: Vec::new(),
            offices: Vec::new(),
            divisions: Vec::new(),
            locale: locale.to_owned(),
            expires_at: None,
        }
    }

    /// Who sent `request`, as the guard found out.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        let known = request.extensions().get::<Self>().cloned();
        known.unwrap_or_else(|| Self::anonymous(locale::FIRST))
    }

    /// Whether nobody has proved who they are.
    pub fn is_anonymous(&self) -> bool {
        self.subject.is_empty()
    }

    /// Whether they may do what `scope` stands for.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| scope::covers(granted, scope))
    }

    /// Whether they are the author of the message.
    pub fn author_of(&self, message_id: Uuid) -> bool {
        self.has(&format!("{AUTHOR}{message_id}"))
    }

    /// Whether they act for the office.
    pub fn acts_for(&self, office: &str) -> bool {
        self.offices.iter().any(|known| known == office)
    }

    /// Whether they may call an RPC that needs one of `scopes`, as the contract lists them.
    pub(crate) fn passes(&self, scopes: &[&str]) -> bool {
        use liuyan_proto::method::{AUTHOR as ANY_AUTHOR, PUBLIC};
        scopes.iter().any(|scope| match *scope {
            PUBLIC => true,
            ANY_AUTHOR => self.scopes.iter().any(|granted| scope::may_cover(granted, AUTHOR)),
            scope => self.has(scope),
        })
    }
}

/// Why a call is refused before it is handled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A token is needed.
    #[error("there is no token")]
    Missing,
    /// The token is not one of ours.
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
    /// The token was one of ours.
    #[error("the token has expired")]
    Expired,
    /// The token does not say that they may.
    #[error("none of the scopes {0} is granted")]
    Scope(String),
}

impl Classify for Refusal {
    fn class(&self) -> Class {
        match self {
            Self::Missing | Self::Invalid(_) | Self::Expired => Class::Unauthenticated,
            Self::Scope(_) => Class::Denied,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "TOKEN_MISSING",
            Self::Invalid(_) => "TOKEN_INVALID",
            Self::Expired => "TOKEN_EXPIRED",
            Self::Scope(_) => "SCOPE_MISSING",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Scope(scope) => vec![("scope", scope.clone())],
            Self::Missing | Self::Invalid(_) | Self::Expired => Vec::new(),
        }
    }
}
