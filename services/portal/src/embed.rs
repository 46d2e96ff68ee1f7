//! The script by which a partner's pages show their column: a frame with its card where the column's
//! origins allow that, and a link everywhere else. It loads nothing, keeps nothing and tells nothing.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{app::App, columns::Known, error::Error, words::WORDS};

/// What the script does; the column is put in the place of `COLUMN`.
const SCRIPT: &str = include_str!("../static/embed.js");
const COLUMN: &str = "/*column*/";
/// What stands in the place of a script for which there is no column.
const NONE: &str = "/* There is no such column. */\n";
/// A change of the column is seen after so long.
const KEEP: &str = "public, max-age=300";

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/embed/{file}", get(script))
}

async fn script(State(app): State<Arc<App>>, Path(file): Path<String>) -> Result<Response, Error> {
    let column_id = file.strip_suffix(".js").ok_or(Error::NotFound)?;
    let mut response = match app.columns.get(column_id).await? {
        Some(known) => text(&app, &known).into_response(),
        None => (StatusCode::NOT_FOUND, NONE).into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, KEEP),
        // It is for the pages of others.
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The script with the column in it, as JSON that no `<` and no line of its own can break out of.
fn text(app: &App, known: &Known) -> String {
    let column = &known.column;
    let words = |locale: &str| {
        let text = |name| WORDS.text(locale, name, &[("column", column.name.clone())]);
        json!({ "title": text("column-card-title"), "link": text("column-card-link") })
    };
    let value = json!({
        "page": app.config.url_of(&format!("/c/{}", column.column_id)),
        "origins": column.origins,
        "zh": words("zh-CN"),
        "en": words("en"),
    });
    let value = value.to_string().replace('<', "\\u003c");
    let value = value.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    SCRIPT.replace(COLUMN, &value)
}
