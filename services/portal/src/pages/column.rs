//! A partner's column: the form to leave a message by it, and the card that the partner's own pages
//! show. The card has no form: a browser keeps no cookie of ours within the page of another site, and
//! a form that can't be told from a forged one is not taken. It leads to the form on a page by itself.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, Request},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;

use super::new::{self, Ask, By};
use crate::{
    app::App,
    columns::{Known, is_id},
    error::Error,
    page::{Keep, page_with},
    visit::Visit,
    web::Framed,
};

/// Seconds of a day, and how far Asia/Shanghai, where the days of quotas begin, is ahead of UTC.
const DAY: i64 = 86_400;
const AHEAD: i64 = 8 * 3_600;

/// How the page is to look.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct How {
    embed: String,
}

/// Why nobody can write by a column now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shut {
    /// There is none.
    Unknown,
    /// It takes no messages any more.
    Ended,
    /// It has taken today what it may.
    Full,
}

impl Shut {
    fn of(known: Option<&Known>) -> Option<Self> {
        match known {
            None => Some(Self::Unknown),
            Some(known) if !known.column.open => Some(Self::Ended),
            Some(known) if known.is_full() => Some(Self::Full),
            Some(_) => None,
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Unknown | Self::Ended => StatusCode::NOT_FOUND,
            Self::Full => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// The names of heading and text.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown => ("column-unknown-title", "column-unknown"),
            Self::Ended => ("column-ended-title", "column-ended"),
            Self::Full => ("column-full-title", "column-full"),
        }
    }
}

#[derive(Template)]
#[template(path = "column_shut.html")]
struct ShutPage {
    v: Visit,
    name: String,
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "column_card.html")]
struct Card {
    v: Visit,
    name: String,
    /// Where its form is; `None` if nobody can write by it now.
    form: Option<String>,
    text: String,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/c/{column}", get(page).post(sent))
}

/// Whether the path is that of a column's form.
pub(crate) fn is_form(path: &str) -> bool {
    path.strip_prefix("/c/").is_some_and(is_id)
}

async fn page(
    v: Visit,
    Path(column_id): Path<String>,
    Query(how): Query<How>,
    Query(ask): Query<Ask>,
) -> Result<Response, Error> {
    let known = v.app().columns.get(&column_id).await?;
    let shut = Shut::of(known.as_deref());
    if !how.embed.is_empty() {
        return card(v, known.as_deref(), shut);
    }
    match shut {
        Some(shut) => closed(v, known.as_deref(), shut),
        None => new::begin(v, By::column(&column_id, known), ask).await,
    }
}

/// What is sent goes to intake also where the column is known to be shut or can't be asked about: what
/// was typed comes back with intake's own words.
async fn sent(
    v: Visit,
    Path(column_id): Path<String>,
    request: Request,
) -> Result<Response, Error> {
    if !is_id(&column_id) {
        return Err(Error::NotFound);
    }
    let known = match v.app().columns.get(&column_id).await {
        Ok(None) => return Err(Error::NotFound),
        Ok(known) => known,
        Err(error) => {
            tracing::debug!(%error, "a message is sent by a column that can't be read");
            None
        }
    };
    new::sent_by(v, By::column(&column_id, known), request).await
}

fn closed(v: Visit, known: Option<&Known>, shut: Shut) -> Result<Response, Error> {
    let (title, text) = shut.words();
    let wait = until_tomorrow(v.now());
    let page = ShutPage {
        name: known.map(|known| known.column.name.clone()).unwrap_or_default(),
        title: v.t(title),
        text: v.t(text),
        v,
    };
    let mut response = page_with(&page, shut.status(), Keep::Private)?;
    if shut == Shut::Full {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    Ok(response)
}

/// What stands in a frame on the partner's pages, and on no others.
fn card(v: Visit, known: Option<&Known>, shut: Option<Shut>) -> Result<Response, Error> {
    let Some(known) = known else {
        return closed(v, None, Shut::Unknown);
    };
    let text = v.t(shut.map_or("column-card-lead", |shut| shut.words().0));
    let by = By::column(&known.column.column_id, None);
    let form = shut.is_none().then(|| by.path());
    let card = Card { v, name: known.column.name.clone(), form, text };
    // In a frame, a page with another status than this is still a page; partners look at the status.
    let status = shut.map_or(StatusCode::OK, Shut::status);
    let mut response = page_with(&card, status, Keep::Private)?.into_response();
    response.extensions_mut().insert(Framed(known.column.origins.clone()));
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    response.headers_mut().insert(policy, HeaderValue::from_static("cross-origin"));
    Ok(response)
}

/// How long it is until the next day begins in Asia/Shanghai.
fn until_tomorrow(now: Timestamp) -> Duration {
    let today = (now.as_second() + AHEAD).rem_euclid(DAY);
    Duration::from_secs(u64::try_from(DAY - today).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_whole_again_when_the_day_begins_in_china() {
        for (now, seconds) in [
            ("2026-03-01T15:59:59Z", 1),
            ("2026-03-01T16:00:00Z", 86_400),
            ("2026-03-01T04:00:00Z", 43_200),
        ] {
            assert_eq!(until_tomorrow(now.parse().unwrap()).as_secs(), seconds, "{now}");
        }
    }

    #[test]
    fn only_what_may_be_a_column_has_a_form() {
        for (path, expected) in [
            ("/c/letters", true),
            ("/c/a-1", true),
            ("/c/ab", false),
            ("/c/a/b", false),
            ("/c/Ab1", false),
            ("/new", false),
        ] {
            assert_eq!(is_form(path), expected, "{path}");
        }
    }
}
