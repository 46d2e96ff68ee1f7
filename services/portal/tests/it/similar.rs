//! What was answered to others before, where a text seems to belong, and what many write of.

use liuyan_proto::liuyan::routing::v1::{
    FindSimilarRequest, FindSimilarResponse, HotProblem, ListHotProblemsRequest,
    ListHotProblemsResponse, RouteWord, RoutedBy, SearchHit, SimilarCase, SuggestRouteRequest,
    SuggestRouteResponse,
};

use crate::{
    portal::Running,
    samples::{ANSWERED, SCRIPT, ago, answered},
    writing::filled,
};

#[tokio::test]
async fn before_a_message_is_sent_its_author_sees_what_was_answered_to_others() {
    let portal = Running::start().await;
    portal.fake.on("SuggestionService/FindSimilar", |ask: FindSimilarRequest| {
        assert_eq!(ask.title, "文三路路灯不亮");
        assert!(!ask.body.contains("13800000000"), "nobody's telephone is told");
        let hit = SearchHit { case: Some(answered()), ..SearchHit::default() };
        Ok(FindSimilarResponse { cases: vec![SimilarCase { hit: Some(hit), nearness: 0.7 }] })
    });
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    let page = browser.submit(&form, "/new", &filled(&[("action", "preview")])).await;
    page.shows(&["类似问题的答复", &format!("/m/{ANSWERED}")]).hides(&[SCRIPT]);
    portal.fake.off("SuggestionService/FindSimilar");
    let page = browser.submit(&form, "/new", &filled(&[("action", "preview")])).await;
    page.shows(&["文三路路灯不亮"]).hides(&["类似问题的答复"]);
}

#[tokio::test]
async fn of_a_message_without_a_domain_the_preview_tells_who_decides() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    let look = [("action", "preview"), ("matter", "")];
    for (by, model_version, shown) in [
        (RoutedBy::Model, 3, "可能属于「城建」（依据：路灯、维修）"),
        (RoutedBy::Triage, 3, "从文字中也难以判断"),
        (RoutedBy::Triage, 0, "目前还没有可用的推荐模型"),
    ] {
        portal.fake.on("SuggestionService/SuggestRoute", move |_: SuggestRouteRequest| {
            let word = |word: &str| RouteWord { word: word.into(), ..RouteWord::default() };
            Ok(SuggestRouteResponse {
                domain: "7".into(),
                domain_by: by.into(),
                words: vec![word("路灯"), word("维修")],
                model_version,
                ..SuggestRouteResponse::default()
            })
        });
        browser.submit(&form, "/new", &filled(&look)).await.shows(&[shown]);
    }
    let chosen = browser.submit(&form, "/new", &filled(&[("action", "preview")])).await;
    chosen.hides(&["目前还没有可用的推荐模型"]);
}

#[tokio::test]
async fn a_division_tells_what_many_write_of() {
    let portal = Running::start().await;
    let tells = |compared_from| {
        portal.fake.on("SuggestionService/ListHotProblems", move |ask: ListHotProblemsRequest| {
            assert_eq!((ask.division_code.as_str(), ask.days), ("330000", 30));
            let problem = HotProblem {
                title: format!("路灯不亮{SCRIPT}"),
                number: ANSWERED.into(),
                cases: 7,
                place: "文三路".into(),
                ..HotProblem::default()
            };
            Ok(ListHotProblemsResponse {
                problems: vec![problem],
                compared_from,
                ..Default::default()
            })
        });
    };
    tells(None);
    let page = portal.browser().get("/offices/330000").await;
    page.shows(&["大家集中反映的问题", "7 条留言", "文三路"]).hides(&[SCRIPT]);
    portal.english().get("/offices/330000").await.shows(&["Much written of", "7 messages"]);
    portal.english().get("/offices/330000").await.shows(&["messages of the last 30 days"]);
    tells(ago(3));
    for (mut browser, words) in
        [(portal.browser(), "更早的未作比较"), (portal.english(), "earlier ones were not compared")]
    {
        let page = browser.get("/offices/330000").await;
        page.shows(&[words]).hides(&["近 30 天内多条", "messages of the last 30 days"]);
    }
    portal.fake.off("SuggestionService/ListHotProblems");
    portal.browser().get("/offices/330000").await.hides(&["大家集中反映的问题"]);
}
