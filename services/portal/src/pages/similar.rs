//! What was answered to others before, and where a text belongs: told before somebody writes, and to
//! whoever answers. A page does without it while routing is away.

use liuyan_proto::liuyan::routing::v1::{
    FindSimilarRequest, RoutedBy, SuggestRouteRequest, SuggestRouteResponse,
};

use super::cards::{Card, cards};
use crate::visit::Visit;

/// How much of a title and of a text is told, in characters; routing reads no more.
const TITLE: usize = 200;
const BODY: usize = 4_000;
/// How many words are named that speak for a domain.
const WORDS: usize = 3;

/// A text to which like ones are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) title: String,
    /// What it says; of a complaint, demand and details together.
    pub(crate) body: String,
    /// Only of this division and those below it.
    pub(crate) division_code: String,
    /// Without this case.
    pub(crate) without_case_id: String,
}

fn first(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Public cases that were answered and speak of the same, the nearest first.
pub(crate) async fn similar(v: &Visit, wanted: Wanted) -> Vec<Card> {
    let request = v.call(FindSimilarRequest {
        title: first(&wanted.title, TITLE),
        body: first(&wanted.body, BODY),
        division_code: wanted.division_code,
        without_case_id: wanted.without_case_id,
    });
    match v.app().backend.suggestions().find_similar(request).await {
        Ok(answer) => {
            let hits = answer.into_inner().cases.into_iter().filter_map(|it| it.hit?.case);
            cards(v, &hits.collect::<Vec<_>>()).await
        }
        Err(status) => {
            tracing::debug!(%status, "no like cases are known");
            Vec::new()
        }
    }
}

/// Of which domain a text is that has none, in words; `None` if nobody can say anything of it now.
pub(crate) async fn of_domain(v: &Visit, asked: SuggestRouteRequest) -> Option<String> {
    let request = SuggestRouteRequest {
        title: first(&asked.title, TITLE),
        body: first(&asked.body, BODY),
        ..asked
    };
    let answer = v.app().backend.suggestions().suggest_route(v.call(request)).await;
    let route = answer.ok()?.into_inner();
    let by = route.domain_by();
    Some(match by {
        RoutedBy::Model => in_words(v, &route).await,
        // No model was ever put in force, or it was taken back.
        _ if route.model_version == 0 => v.t("preview-domain-rules"),
        _ => v.t("preview-domain-unsure"),
    })
}

async fn in_words(v: &Visit, route: &SuggestRouteResponse) -> String {
    let names = v.app().directory.names([], []).await;
    let words: Vec<&str> = route.words.iter().take(WORDS).map(|it| it.word.as_str()).collect();
    let domain = names.domain(v.locale(), &route.domain);
    let comma = if v.is_chinese() { "\u{3001}" } else { ", " };
    v.t2("preview-domain-model", "domain", domain, "words", words.join(comma))
}
