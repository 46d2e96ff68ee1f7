//! What went wrong, as programs are told: problem details (RFC 9457).

use std::{collections::BTreeMap, sync::Arc};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use liuyan_kit::class::{Class, Classify as _};
use serde::Serialize;
use tonic::Status;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    error::{Error, FieldFault},
    words::WORDS,
};

/// The type of its body.
pub(super) const TYPE: &str = "application/problem+json";

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The house's own errors, and those of services.
    House(Error),
    /// The same, as a layer found it.
    Shared(Arc<Error>),
    /// The body has another type than it should.
    ContentType,
    /// Something in the request is wrong, before any service was asked.
    Invalid(Vec<Wrong>),
}

/// Something that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The field, the parameter or the header; empty for the whole.
    pub(super) field: String,
    /// Its reason, which names its text.
    pub(super) reason: &'static str,
}

impl Wrong {
    pub(super) fn new(field: impl Into<String>, reason: &'static str) -> Self {
        Self { field: field.into(), reason }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::House(error)
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::House(status.into())
    }
}

impl Fault {
    /// One field is wrong.
    pub(super) fn invalid(field: &str, reason: &'static str) -> Self {
        Self::Invalid(vec![Wrong::new(field, reason)])
    }

    /// The same, with the fields of a service called as the API calls them.
    pub(super) fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        if let Self::House(Error::Refused(told)) = &mut self {
            for fault in &mut told.violations {
                fault.field = name(&fault.field);
            }
        }
        self
    }

    fn house(&self) -> Option<&Error> {
        match self {
            Self::House(error) => Some(error),
            Self::Shared(error) => Some(error),
            Self::ContentType | Self::Invalid(_) => None,
        }
    }

    /// Its HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::House(_) | Self::Shared(_) => {
                self.house().map_or(StatusCode::INTERNAL_SERVER_ERROR, Error::status)
            }
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::ContentType => "CONTENT_TYPE_WRONG",
            Self::Invalid(_) => "REQUEST_INVALID",
            Self::House(_) | Self::Shared(_) => self.house().map_or("INTERNAL", Error::code),
        }
    }

    fn detail(&self, locale: &str) -> String {
        match self {
            Self::ContentType => WORDS.text(locale, "api-content-type", &[]),
            Self::Invalid(_) => WORDS.text(locale, "api-invalid", &[]),
            Self::House(_) | Self::Shared(_) => {
                self.house().map(|error| error.text(locale)).unwrap_or_default()
            }
        }
    }

    fn violations(&self, locale: &str) -> Vec<Violation> {
        if let Self::Invalid(wrong) = self {
            let told = |wrong: &Wrong| Violation {
                field: wrong.field.clone(),
                reason: wrong.reason.to_owned(),
                message: WORDS.text(locale, text_name(wrong.reason), &[]),
            };
            return wrong.iter().map(told).collect();
        }
        let told = |fault: &FieldFault| Violation {
            field: fault.field.clone(),
            reason: fault.reason.clone(),
            message: fault.text.clone(),
        };
        self.house().map(|error| error.fields().iter().map(told).collect()).unwrap_or_default()
    }
}

/// The name of the text of a reason that the API itself gives.
fn text_name(reason: &str) -> &'static str {
    match reason {
        "TYPE_WRONG" => "api-type-wrong",
        "FIELD_UNKNOWN" => "api-field-unknown",
        "FIELD_REQUIRED" => "api-field-required",
        "FIELD_REPEATED" => "api-field-repeated",
        "VALUE_UNKNOWN" => "api-value-unknown",
        "NUMBER_MALFORMED" => "api-number-malformed",
        "UUID_MALFORMED" => "api-uuid-malformed",
        "JSON_MALFORMED" => "api-json-malformed",
        _ => "api-invalid",
    }
}

/// What stands in the response until its language is known; see `layers::telling`.
#[derive(Clone)]
pub(super) struct Refused(pub(super) Arc<Fault>);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Refused(Arc::new(self)));
        response
    }
}

/// Something that is wrong with a field.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Violation {
    /// The field, as a path; empty for the whole request.
    field: String,
    /// Why, for programs.
    reason: String,
    /// Why, for people, in their language.
    message: String,
}

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Names the kind of problem: `urn:liuyan:problem:` and the reason.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem, for people.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do, for people.
    detail: String,
    /// Names this very occurrence; give it when you report it.
    instance: String,
    /// The kind of problem, for programs.
    reason: String,
    /// Everything that is wrong with the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<Violation>,
    /// What helps to go on, by name: of CURSOR_EXPIRED the `earliest_cursor`, of FEED_EPOCH_CHANGED the
    /// `nearest_cursor`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    hints: BTreeMap<String, String>,
}

/// The answer that tells a fault.
pub(crate) fn problem(locale: &'static str, id: Uuid, fault: &Fault) -> Response {
    let status = fault.status();
    let reason = fault.reason().to_owned();
    let body = Problem {
        kind: format!("urn:liuyan:problem:{}", reason.to_ascii_lowercase().replace('_', "-")),
        title: WORDS.text(locale, title(status), &[]),
        status: status.as_u16(),
        detail: fault.detail(locale),
        instance: format!("urn:uuid:{id}"),
        violations: fault.violations(locale),
        hints: fault.house().map(Error::hints).unwrap_or_default(),
        reason,
    };
    if let Some(error) = fault.house().filter(|error| error.class() == Class::Internal) {
        tracing::warn!(%error, request_id = %id, "a call of the API was not answered");
    }
    let text = serde_json::to_string(&body).unwrap_or_default();
    let mut response = (status, [(header::CONTENT_TYPE, TYPE)], text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(locale));
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer realm=\"liuyan\"");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    if let Some(wait) = fault.house().and_then(|error| error.retry_after()) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

/// The name of a problem's title.
fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "fault-title-sign-in",
        403 => "fault-title-denied",
        404 | 410 => "fault-title-not-found",
        409 | 422 => "fault-title-conflict",
        429 => "fault-title-too-many",
        500 => "fault-title-internal",
        503 | 504 => "fault-title-unavailable",
        _ => "fault-title-request",
    }
}
