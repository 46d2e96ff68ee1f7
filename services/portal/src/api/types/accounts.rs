//! Tokens of agencies (OAuth 2, RFC 6749).

use serde::Serialize;
use utoipa::ToSchema;

/// Asks for a token (RFC 6749, 4.4.2). Client id and secret may stand here or in
/// `Authorization: Basic`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document: the form is read by hand")]
pub(in crate::api) struct TokenRequest {
    /// `client_credentials`.
    grant_type: String,
    /// Who asks.
    client_id: Option<String>,
    /// Its secret.
    client_secret: Option<String>,
    /// The scopes wanted, separated by spaces; all that the agency has if left out.
    scope: Option<String>,
}

/// A token (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Token {
    /// Goes as `Authorization: Bearer`.
    pub(in crate::api) access_token: String,
    /// `Bearer`.
    pub(in crate::api) token_type: &'static str,
    /// For how many seconds it is valid.
    pub(in crate::api) expires_in: u32,
    /// The scopes that were granted, separated by spaces.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::api) scope: String,
}

/// Why there is no token (RFC 6749, 5.2).
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TokenFault {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type`, `invalid_scope` or
    /// `temporarily_unavailable`.
    pub(in crate::api) error: &'static str,
    /// What happened, for developers.
    pub(in crate::api) error_description: String,
}
