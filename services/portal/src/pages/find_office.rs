//! Looking for an office by words of its title or its place, without a script.

use futures::future::join_all;
use liuyan_proto::liuyan::routing::v1::{ListOfficesRequest, Office};

use crate::{error::Error, visit::Visit};

/// How many are shown.
const SHOWN: usize = 20;
/// How many are shown of those near by.
const NEAR: usize = 40;
/// The size of a page of the directory; the largest that routing gives.
const PAGE: i32 = 1_000;
/// The most pages that are looked through.
const PAGES: usize = 12;
/// The most words that are looked for.
const WORDS: usize = 6;

/// An office that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) office_id: String,
    pub(crate) title: String,
    /// Where it lies, from the top; empty for a ministry.
    pub(crate) place: String,
    pub(crate) open: bool,
}

impl Found {
    /// An office that was chosen before.
    pub(crate) async fn of(v: &Visit, office_id: &str) -> Option<Self> {
        let office = v.app().directory.office(office_id).await.ok()??;
        Some(found(v, office).await)
    }
}

async fn found(v: &Visit, office: Office) -> Found {
    let line = v.app().directory.line(&office.division_code).await.unwrap_or_default();
    let place: Vec<String> = line.into_iter().map(|division| division.name).collect();
    let place = place.join(" ");
    Found { office_id: office.office_id, title: office.title, place, open: office.open }
}

/// Offices whose title and place have all the words, and whether there are more than are given. A
/// directory that is away has none.
pub(crate) async fn find(v: &Visit, words: &str) -> (Vec<Found>, bool) {
    match look(v, words).await {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%error, "no office is found while the directory is away");
            (Vec::new(), false)
        }
    }
}

async fn look(v: &Visit, words: &str) -> Result<(Vec<Found>, bool), Error> {
    let words: Vec<&str> = words.split_whitespace().take(WORDS).collect();
    let mut hits = Vec::new();
    let mut page_token = String::new();
    for _ in 0..PAGES {
        let ask = ListOfficesRequest {
            division_code: String::new(),
            include_below: true,
            page_size: PAGE,
            page_token,
        };
        let answer = v.app().backend.directory().list_offices(v.call_public(ask)).await?;
        let answer = answer.into_inner();
        // Words of the place are looked for where some word stands in the title.
        let fits = |office: &Office| words.iter().any(|word| office.title.contains(word));
        hits.extend(answer.offices.into_iter().filter(fits));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    // The best first: those with all words in the title.
    let whole = |office: &Office| words.iter().filter(|word| office.title.contains(**word)).count();
    hits.sort_by_key(|office| std::cmp::Reverse(whole(office)));
    hits.truncate(SHOWN * 10);
    let hits = join_all(hits.into_iter().map(|office| found(v, office))).await;
    let fits =
        |it: &Found| words.iter().all(|word| it.title.contains(word) || it.place.contains(word));
    let mut hits: Vec<Found> = hits.into_iter().filter(fits).collect();
    let more = hits.len() > SHOWN;
    hits.truncate(SHOWN);
    Ok((hits, more))
}

/// The offices that are likely to be meant: those of the same division, those above, and those
/// directly below.
pub(crate) async fn near(v: &Visit, office_id: &str) -> Vec<Found> {
    let directory = &v.app().directory;
    let office = directory.office(office_id).await.ok().flatten();
    let Some(office) = office.filter(|office| !office.division_code.is_empty()) else {
        return Vec::new();
    };
    let line = directory.line(&office.division_code).await.unwrap_or_default();
    let below = directory.children(&office.division_code).await.unwrap_or_default();
    let mut near = Vec::new();
    for division in line.iter().rev().chain(below.iter()) {
        let offices = directory.offices_of(&division.code).await.unwrap_or_default();
        near.extend(offices.iter().cloned());
        if near.len() >= NEAR {
            break;
        }
    }
    near.truncate(NEAR);
    join_all(near.into_iter().map(|office| found(v, office))).await
}
