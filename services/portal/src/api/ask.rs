//! One request to the API.

use std::{net::IpAddr, sync::Arc};

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{HeaderMap, HeaderName, header, request::Parts};
use liuyan_kit::locale;
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
    client: IpAddr,
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

    /// The same, for somebody known alone.
    ///
    /// # Errors
    /// [`Error::SignIn`] without a token.
    pub(super) fn call_as<M>(&self, message: M) -> Result<tonic::Request<M>, Fault> {
        if !self.is_personal() {
            return Err(Error::SignIn.into());
        }
        Ok(self.call(message))
    }

    /// Lets somebody unknown do only so much within a minute. Whoever brings a token is limited by
    /// the services.
    ///
    /// # Errors
    /// [`Error::TooManyForms`].
    pub(super) fn spend(&self) -> Result<(), Fault> {
        if self.is_personal() || self.app.forms.passes(self.client, self.app.now()) {
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
