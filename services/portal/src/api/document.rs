//! The document that describes the API (OpenAPI 3.1), made from the routes themselves.

use std::sync::Arc;

use axum::{Router, body::Bytes, response::Response, routing::get};
use utoipa::openapi::{
    ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, ServerBuilder,
    security::{
        ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme,
    },
    tag::TagBuilder,
};

use super::{ask::Ask, keep::kept, oauth};
use crate::app::App;

/// How long the document is kept, in seconds.
const SECONDS: u32 = 300;

/// What each part of the API is about.
const TAGS: [(&str, &str); 12] = [
    ("directory", "Who there is to write to, and by which codes."),
    ("cases", "What was written and answered in public; an office's own with a token."),
    ("common problems", "Many messages about one thing, and what many write of lately."),
    ("suggestions", "Where a text belongs, and what was answered to others before."),
    ("consultations", "What offices ask the public, and what they took up."),
    ("stats", "Figures that anyone can recompute."),
    ("feed", "Every public change, for years, without losing one."),
    ("messages", "Leaving a message, and finding it again."),
    ("author", "What an author does with their own message, by the token of the look-up."),
    ("office", "What an office does with its cases, by a token of a clerk or an agency."),
    ("tokens", "Tokens of agencies."),
    ("log", "The transparency log: that a receipt is in it, and that nothing of it was changed."),
];

/// What stands before the routes.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Liuyan")
        .version("1")
        .description(Some(
            "Messages between citizens and government. Errors are problem details (RFC 9457) in \
             the language of Accept-Language. Lists are read page by page: `next_cursor` goes \
             back as `cursor`. Fields that are not known are refused.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .contact(Some(
            ContactBuilder::new().url(Some("https://github.com/liuyan-board/liuyan")).build(),
        ))
        .build();
    let tag =
        |(name, about): (&str, &str)| TagBuilder::new().name(name).description(Some(about)).build();
    OpenApiBuilder::new().info(info).tags(Some(TAGS.map(tag))).build()
}

/// Serves the document, which is made once.
pub(super) fn routes(mut document: OpenApi, app: &Arc<App>) -> Router<Arc<App>> {
    let url = app.config.url_of("");
    document.servers = Some(vec![ServerBuilder::new().url(url).build()]);
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let flow = ClientCredentials::new(oauth::TOKEN, Scopes::new());
    let agency = OAuth2::new([Flow::ClientCredentials(flow)]);
    components.add_security_scheme("agency", SecurityScheme::OAuth2(agency));
    let text = Bytes::from(document.to_json().unwrap_or_default());
    let serve = move |ask: Ask| async move { serve(&ask, &text) };
    Router::new().route("/api/openapi.json", get(serve))
}

fn serve(ask: &Ask, text: &Bytes) -> Response {
    kept(ask, SECONDS, "application/json", text.to_vec())
}
