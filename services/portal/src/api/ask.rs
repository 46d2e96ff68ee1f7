//! One request to the API.

use std::{net::IpAddr, sync::Arc};

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, header, request::Parts};
use liuyan_kit::locale;
use serde::Deserialize;
use uuid::Uuid;

use super::problem::Fault;
use crate::{app::App, error::Error, web};

/// The header that makes two sendings one (IETF draft-ietf-httpapi-idempotency-key-header).
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How violations call it.
pub(super) const KEY_FIELD: &str = "Idempotency-Key";

/// One request to the API: who asks, and in which language.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) app: Arc<App>,
    pub(super) locale: &'static str,
    /// The token that was brought.
    token: Option<String>,
    pub(super) client: IpAddr,
    /// What the caller has already.
    pub(super) if_none_match: Option<String>,
}

impl FromRequestParts<Arc<App>> for Ask {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let headers = &parts.headers;
        Ok(Self {
            app: Arc::clone(app),
            locale: locale::negotiate(text(headers, &header::ACCEPT_LANGUAGE)),
            token: bearer(headers)?,
            client: parts.extensions.get::<IpAddr>().copied().unwrap_or(web::NOBODY),
            if_none_match: text(headers, &header::IF_NONE_MATCH).map(str::to_owned),
        })
    }
}

pub(super) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The bearer token (RFC 6750). Another scheme is refused: who brings it would take the answer of
/// somebody unknown for their own.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| text.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, token)| token.trim()).filter(|token| !token.is_empty());
    token.map(|token| Some(token.to_owned())).ok_or(Fault::House(Error::SignIn))
}

/// The scope of people.
const ACCOUNT: &str = "account";
/// The only issuer of agencies' tokens.
const IDENTITY: &str = "identity";
/// The scopes of those of whom intake counts the messages by themselves: hotlines, who enter them for
/// others, and importers, who bring whole archives.
const BRINGING: [&str; 2] = ["message:on_behalf", "message:import"];

/// What a token says of itself.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: String,
}

/// Whether a token is, by its own words, of an agency or of somebody who brings what others have
/// written: one address sends for very many then, and the services count the agency. Its signature is
/// not looked at. One that lies is refused by the service that it is passed on to.
fn speaks_for_many(token: &str) -> bool {
    let claims = token.split('.').nth(1).and_then(|it| URL_SAFE_NO_PAD.decode(it).ok());
    let claims = claims.and_then(|it| serde_json::from_slice::<Claims>(&it).ok());
    claims.is_some_and(|Claims { iss, scope }| {
        let has = |wanted: &str| scope.split_ascii_whitespace().any(|it| it == wanted);
        (iss == IDENTITY && !has(ACCOUNT)) || BRINGING.into_iter().any(has)
    })
}

impl Ask {
    /// The token of whoever asks.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Whether somebody says who they are.
    pub(super) fn is_personal(&self) -> bool {
        self.token.is_some()
    }

    /// A call in the name of whoever asks; in the portal's own for somebody unknown.
    pub(super) fn call<M>(&self, message: M) -> tonic::Request<M> {
        self.app.backend.request(message, self.locale, self.token.as_deref())
    }

    /// The same for what is limited by the address of somebody unknown.
    pub(super) fn call_from<M>(&self, message: M) -> tonic::Request<M> {
        let token = self.token.as_deref();
        self.app.backend.request_from(self.client, message, self.locale, token)
    }

    /// The same in the portal's own name, whatever token was brought.
    pub(super) fn call_own_from<M>(&self, message: M) -> tonic::Request<M> {
        self.app.backend.request_from(self.client, message, self.locale, None)
    }

    /// A call in the name of whoever asks, for somebody known alone.
    ///
    /// # Errors
    /// [`Error::SignIn`] without a token.
    pub(super) fn call_as<M>(&self, message: M) -> Result<tonic::Request<M>, Fault> {
        if !self.is_personal() {
            return Err(Error::SignIn.into());
        }
        Ok(self.call(message))
    }

    /// Lets an address do only so much within a minute, also if somebody is signed in: the services
    /// believe no address that comes with a token. Agencies are limited by the services alone.
    ///
    /// # Errors
    /// [`Error::TooManyForms`].
    pub(super) fn spend(&self) -> Result<(), Fault> {
        if self.token.as_deref().is_some_and(speaks_for_many) { Ok(()) } else { self.spend_own() }
    }

    /// Lets an address send only so many files within a minute, whatever token it brings: a token is
    /// read by nobody before the file has a place among the uploads.
    ///
    /// # Errors
    /// [`Error::TooManyForms`].
    pub(super) fn spend_file(&self) -> Result<(), Fault> {
        if self.app.files.passes(self.client, self.app.now()) {
            Ok(())
        } else {
            Err(Error::TooManyForms.into())
        }
    }

    /// The same for what the portal does in its own name: no service sees the token then, and none
    /// would refuse a false one.
    ///
    /// # Errors
    /// [`Error::TooManyForms`].
    pub(super) fn spend_own(&self) -> Result<(), Fault> {
        if self.app.forms.passes(self.client, self.app.now()) {
            Ok(())
        } else {
            Err(Error::TooManyForms.into())
        }
    }
}

/// The id by which a request is done once, whatever is retried.
#[derive(Debug, Clone)]
pub(super) struct Key(pub(super) String);

impl FromRequestParts<Arc<App>> for Key {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Fault> {
        let value = text(&parts.headers, &KEY);
        let value = value.ok_or_else(|| Fault::invalid(KEY_FIELD, "FIELD_REQUIRED"))?;
        // The header is a string in quotes; many send it bare.
        let id = value.trim().trim_matches('"').parse::<Uuid>();
        let id = id.map_err(|_| Fault::invalid(KEY_FIELD, "UUID_MALFORMED"))?;
        Ok(Self(id.to_string()))
    }
}

/// Where a reader of the feed was.
#[derive(Debug, Clone)]
pub(super) struct LastEventId(pub(super) String);

impl OptionalFromRequestParts<Arc<App>> for LastEventId {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Option<Self>, Fault> {
        let name = HeaderName::from_static("last-event-id");
        let value = text(&parts.headers, &name).filter(|value| !value.is_empty());
        Ok(value.map(|value| Self(value.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_speaks_for_many_if_it_is_of_an_agency_or_of_who_enters_for_others() {
        for (claims, expected) in [
            (r#"{"iss":"identity","sub":"waterworks","scope":"message:submit"}"#, true),
            (r#"{"iss":"identity","sub":"waterworks","scope":"case:work"}"#, true),
            (r#"{"iss":"identity","scope":"account case:work message:on_behalf"}"#, true),
            (r#"{"iss":"operator","scope":"message:import"}"#, true),
            (r#"{"iss":"identity","scope":"account"}"#, false),
            (r#"{"iss":"identity","scope":"account message:submit"}"#, false),
            (r#"{"iss":"intake","scope":"author:message/7"}"#, false),
            (r#"{"iss":"identity"}"#, false),
            ("nonsense", false),
        ] {
            let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
            assert_eq!(speaks_for_many(&token), expected, "{claims}");
        }
        for token in ["x", "a.b.c", "..", "e30.e30.c2ln"] {
            assert!(!speaks_for_many(token), "{token}");
        }
    }
}
