//! What can go wrong, and what a visitor is told.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify, Violation};
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::words::WORDS;

/// Why a page was not made, or a wish not granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such page, or it is not for this visitor.
    #[error("there is no such page")]
    NotFound,
    /// The page does not take this method.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// The address or the form can't be read.
    #[error("the request can't be read")]
    Unreadable,
    /// The form is longer than the limit.
    #[error("the form is too long")]
    TooLong,
    /// The form was not sent from one of our pages, or a long time ago.
    #[error("the form is not one of ours: {0}")]
    FormRefused(&'static str),
    /// Too many forms came from the visitor's address.
    #[error("too many forms from one address")]
    TooManyForms,
    /// The visitor has to sign in first.
    #[error("the visitor is not signed in")]
    SignIn,
    /// The visitor has to show number and access code first.
    #[error("the visitor has not shown number and code")]
    ProofMissing,
    /// Too many pages are being made.
    #[error("too many pages at the same time")]
    Overloaded,
    /// The page took too long.
    #[error("the page took too long")]
    Late,
    /// Another service refused.
    #[error("a service answered {}", .0.reason)]
    Refused(Box<Told>),
    /// A page or a cookie could not be written.
    #[error("a page could not be written")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A page panicked.
    #[error("a page panicked: {0}")]
    Panicked(String),
}

/// What another service says about a refusal.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Its class.
    pub(crate) class: Class,
    /// Its reason, `UPPER_SNAKE`.
    pub(crate) reason: String,
    /// The text in the visitor's language, if the service gave one.
    text: Option<String>,
    /// What is wrong with which field, in the visitor's language.
    pub(crate) violations: Vec<FieldFault>,
    retry_after: Option<Duration>,
    /// What the service adds for programs, e.g. where to resume.
    hints: BTreeMap<String, String>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldFault {
    /// The field, as a path: `message.title`.
    pub(crate) field: String,
    /// Why, for programs.
    pub(crate) reason: String,
    /// What is wrong and what to do, in the visitor's language.
    pub(crate) text: String,
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let class = Class::of(status.code());
        let reason = details.error_info().map(|info| info.reason.clone());
        let text = details.localized_message().map(|told| told.message.clone());
        let violations = details.bad_request().map(|bad| {
            let fault = |it: &tonic_types::FieldViolation| FieldFault {
                field: it.field.clone(),
                reason: it.reason.clone(),
                text: it
                    .localized_message
                    .as_ref()
                    .map_or_else(|| it.description.clone(), |told| told.message.clone()),
            };
            bad.field_violations.iter().map(fault).collect()
        });
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        if class == Class::Internal {
            tracing::error!(code = ?status.code(), reason, "a service has a defect");
        }
        let hints = details.error_info().map(|info| info.metadata.clone().into_iter().collect());
        let hints = hints.unwrap_or_default();
        let reason = reason.unwrap_or_default();
        let violations = violations.unwrap_or_default();
        Self::Refused(Box::new(Told { class, reason, text, violations, retry_after, hints }))
    }
}

impl From<askama::Error> for Error {
    fn from(error: askama::Error) -> Self {
        Self::Broken(Box::new(error))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(Box::new(error))
    }
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::NotFound | Self::MethodNotAllowed => Class::NotFound,
            Self::Unreadable | Self::TooLong => Class::Invalid,
            Self::FormRefused(_) | Self::ProofMissing => Class::Denied,
            Self::TooManyForms => Class::Exhausted,
            Self::SignIn => Class::Unauthenticated,
            Self::Overloaded => Class::Unavailable,
            Self::Late => Class::Timeout,
            Self::Refused(told) => told.class,
            Self::Broken(_) | Self::Panicked(_) => Class::Internal,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::NotFound => "PAGE_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Unreadable => "REQUEST_UNREADABLE",
            Self::TooLong => "FORM_TOO_LONG",
            Self::FormRefused(_) => "FORM_REFUSED",
            Self::TooManyForms => "TOO_MANY_FORMS",
            Self::SignIn => "TOKEN_MISSING",
            Self::ProofMissing => "PROOF_MISSING",
            Self::Overloaded => "OVERLOADED",
            Self::Late => "DEADLINE_EXCEEDED",
            Self::Refused(_) => "REFUSED",
            Self::Broken(_) | Self::Panicked(_) => "INTERNAL",
        }
    }

    fn violations(&self) -> Vec<Violation> {
        Vec::new()
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(told) if told.retry_after.is_some() => told.retry_after,
            Self::TooManyForms => Some(Duration::from_secs(60)),
            _ => self.class().passes().then_some(Duration::from_secs(5)),
        }
    }
}

/// Reasons that kit's channel gives by itself, in no visitor's language.
const OF_CHANNEL: [&str; 3] = ["PEER_UNAVAILABLE", "DEADLINE_EXCEEDED", "OVERLOADED"];

impl Error {
    /// The HTTP status of its page.
    pub(crate) fn status(&self) -> StatusCode {
        let code = match self {
            Self::MethodNotAllowed => 405,
            Self::TooLong => 413,
            _ => self.class().http_status(),
        };
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The code that programs tell it by.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Refused(told) if !told.reason.is_empty() => &told.reason,
            _ => self.reason(),
        }
    }

    /// What a service adds for programs, by name.
    pub(crate) fn hints(&self) -> BTreeMap<String, String> {
        match self {
            Self::Refused(told) => told.hints.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// What a visitor is told.
    pub(crate) fn text(&self, locale: &str) -> String {
        if let Self::Refused(told) = self
            && let Some(text) = &told.text
            && !OF_CHANNEL.contains(&told.reason.as_str())
        {
            return text.clone();
        }
        let name = match self.class() {
            Class::Internal => "internal".to_owned(),
            Class::Timeout => "deadline-exceeded".to_owned(),
            Class::Unavailable if !matches!(self, Self::Overloaded) => {
                "peer-unavailable".to_owned()
            }
            Class::Exhausted if matches!(self, Self::Refused(_)) => "overloaded".to_owned(),
            _ if matches!(self, Self::Refused(_)) => "request-refused".to_owned(),
            _ => self.reason().to_ascii_lowercase().replace('_', "-"),
        };
        WORDS.text(locale, &name, &[])
    }

    /// What is wrong with which field.
    pub(crate) fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Refused(told) => &told.violations,
            _ => &[],
        }
    }

    /// Whether another service gave this reason.
    pub(crate) fn is(&self, reason: &str) -> bool {
        self.code() == reason
    }
}

/// What stands in the response until the page around it is known; see `web::visiting`.
#[derive(Clone)]
pub(crate) struct Failed(pub(crate) Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}
