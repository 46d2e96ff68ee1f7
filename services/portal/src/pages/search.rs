//! Finding public messages by words.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::Query, response::Response, routing::get};
use http::StatusCode;
use liuyan_kit::class::{Class, Classify as _};
use liuyan_proto::liuyan::{
    common::v1::CaseState,
    routing::v1::{Highlight, SearchCasesRequest, SearchCasesResponse},
};
use serde::Deserialize;
use url::form_urlencoded;

use super::cards::{Card, cards};
use crate::{
    app::App,
    directory::{Division, named},
    error::Error,
    page::{Keep, page_with},
    visit::Visit,
};

/// The shortest and the longest search, in characters.
const SHORTEST: usize = 2;
const LONGEST: usize = 100;
/// How many are shown at a time.
const PAGE: i32 = 20;
/// From here on, the number found is told as "more than".
const MOST: u32 = 1_000;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ask {
    q: String,
    division: String,
    domain: String,
    kind: String,
    state: String,
    /// One office; the page has no list of all, but others lead here.
    office: String,
    /// Days of the submission, as YYYY-MM-DD.
    from: String,
    until: String,
    page: String,
}

/// A choice of a list.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) chosen: bool,
}

/// A message that was found: its card, and its excerpt in parts, of which some are marked.
#[derive(Debug)]
struct Hit {
    card: Card,
    parts: Vec<(bool, String)>,
}

/// What came of a search.
#[derive(Debug)]
enum Came {
    /// Nothing was asked.
    Nothing,
    /// The words are too short or too long: the name of the text that says so.
    Refused(String),
    /// It was done.
    Found { hits: Vec<Hit>, total: String, next: Option<String> },
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    v: Visit,
    ask: Ask,
    divisions: Vec<Choice>,
    domains: Vec<Choice>,
    kinds: Vec<Choice>,
    states: Vec<Choice>,
    /// The title of the office, if only its messages are looked for.
    office: Option<String>,
    came: Came,
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/search", get(search))
}

async fn search(v: Visit, Query(ask): Query<Ask>) -> Result<Response, Error> {
    let directory = &v.app().directory;
    let (divisions, domains, kinds) =
        futures::join!(directory.children(""), directory.domains(), directory.kinds());
    let office = match ask.office.as_str() {
        "" => None,
        id => directory.office(id).await.ok().flatten().map(|office| office.title),
    };
    let came = find(&v, &ask).await?;
    let locale = v.locale();
    let template = Search {
        divisions: division_choices(&divisions.unwrap_or_default(), &ask.division),
        domains: domains
            .unwrap_or_default()
            .iter()
            .map(|it| choice(&it.domain, named(locale, &it.name_zh, &it.name_en), &ask.domain))
            .collect(),
        kinds: kinds
            .unwrap_or_default()
            .iter()
            .map(|it| choice(&it.kind, named(locale, &it.name_zh, &it.name_en), &ask.kind))
            .collect(),
        states: [
            ("awaiting", "state-awaiting"),
            ("progress", "state-progress"),
            ("replied", "state-replied"),
            ("closed", "state-closed"),
        ]
        .map(|(code, name)| choice(code, v.t(name), &ask.state))
        .into(),
        office,
        came,
        ask,
        v,
    };
    let status = match template.came {
        Came::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Came::Nothing | Came::Found { .. } => StatusCode::OK,
    };
    page_with(&template, status, Keep::Private)
}

/// A choice, chosen or not.
pub(crate) fn choice(code: &str, name: String, chosen: &str) -> Choice {
    Choice { code: code.to_owned(), name, chosen: code == chosen }
}

/// Divisions as choices.
pub(crate) fn division_choices(divisions: &[Division], chosen: &str) -> Vec<Choice> {
    divisions.iter().map(|it| choice(&it.code, it.name.clone(), chosen)).collect()
}

async fn find(v: &Visit, ask: &Ask) -> Result<Came, Error> {
    let query = ask.q.trim();
    let length = query.chars().count();
    if length == 0 {
        return Ok(Came::Nothing);
    }
    if length < SHORTEST {
        return Ok(Came::Refused(v.t("search-too-short")));
    }
    if length > LONGEST {
        return Ok(Came::Refused(v.t("search-too-long")));
    }
    let state = match ask.state.as_str() {
        "awaiting" => CaseState::Assigned,
        "progress" => CaseState::Accepted,
        "replied" => CaseState::Replied,
        "closed" => CaseState::Closed,
        _ => CaseState::Unspecified,
    };
    let request = SearchCasesRequest {
        query: query.to_owned(),
        division_code: ask.division.clone(),
        domain: ask.domain.clone(),
        kind: ask.kind.clone(),
        state: state.into(),
        office_id: ask.office.clone(),
        from_on: ask.from.clone(),
        until_on: ask.until.clone(),
        page_size: PAGE,
        page_token: ask.page.clone(),
        ..SearchCasesRequest::default()
    };
    let answer = v.app().backend.cases().search_cases(v.call_public(request)).await;
    match answer.map_err(Error::from) {
        Ok(answer) => Ok(found(v, ask, answer.into_inner()).await),
        Err(error) if matches!(error.class(), Class::Invalid | Class::NotFound) => {
            let told = match error.fields().first() {
                Some(fault) if fault.field == "page_token" => v.t("search-page-gone"),
                Some(fault) => fault.text.clone(),
                None => error.text(v.locale()),
            };
            Ok(Came::Refused(told))
        }
        Err(error) => Err(error),
    }
}

async fn found(v: &Visit, ask: &Ask, answer: SearchCasesResponse) -> Came {
    let next = (!answer.next_page_token.is_empty()).then(|| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", &ask.q),
            ("division", &ask.division),
            ("domain", &ask.domain),
            ("kind", &ask.kind),
            ("state", &ask.state),
            ("office", &ask.office),
            ("from", &ask.from),
            ("until", &ask.until),
            ("page", &answer.next_page_token),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/search?{}", query.finish())
    });
    let (mut cases, mut parts) = (Vec::new(), Vec::new());
    for hit in answer.hits {
        if let Some(case) = hit.case {
            cases.push(case);
            parts.push(marked(&hit.excerpt, &hit.highlights));
        }
    }
    let cards = cards(v, &cases).await;
    let hits = cards.into_iter().zip(parts).map(|(card, parts)| Hit { card, parts }).collect();
    let name = if answer.total >= MOST { "search-found-many" } else { "search-found" };
    Came::Found { hits, total: v.t1(name, "count", answer.total), next }
}

/// An excerpt in parts, of which some are marked. Spans that are out of order or out of the text are
/// left out.
fn marked(excerpt: &str, highlights: &[Highlight]) -> Vec<(bool, String)> {
    let chars: Vec<char> = excerpt.chars().collect();
    let mut parts = Vec::new();
    let mut at = 0;
    let mut push = |mark: bool, range: &[char]| {
        if !range.is_empty() {
            parts.push((mark, range.iter().collect()));
        }
    };
    for highlight in highlights {
        let (start, end) = (highlight.start as usize, (highlight.end as usize).min(chars.len()));
        if start < at || start >= end {
            continue;
        }
        push(false, &chars[at..start]);
        push(true, &chars[start..end]);
        at = end;
    }
    push(false, &chars[at..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_marked_where_the_words_stand() {
        let span = |start, end| Highlight { start, end };
        let told = |highlights: &[Highlight]| {
            let parts = marked("小区路灯不亮", highlights);
            parts
                .iter()
                .map(|(mark, text)| if *mark { format!("[{text}]") } else { text.clone() })
                .collect::<String>()
        };
        assert_eq!(told(&[]), "小区路灯不亮");
        assert_eq!(told(&[span(2, 4)]), "小区[路灯]不亮");
        assert_eq!(told(&[span(0, 2), span(2, 4)]), "[小区][路灯]不亮");
        assert_eq!(told(&[span(4, 99), span(1, 2), span(9, 12)]), "小区路灯[不亮]");
    }
}
