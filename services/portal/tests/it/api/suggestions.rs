//! Where a text belongs, what was answered to others, and by which decisions messages are routed.

use http::header;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::routing::v1::{self as routing, RoutedBy};
use serde_json::{Value, json};

use super::client::{get, post};
use crate::{
    portal::Running,
    samples::{ANSWERED, ago, answered, refused},
    staff::REQUEST,
};

const PATH: &str = "/api/v1/suggestions";
const ID: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f91";

#[tokio::test]
async fn a_text_is_told_where_it_belongs_and_what_was_answered_to_others() {
    let portal = Running::start().await;
    portal.fake.on("SuggestionService/SuggestRoute", |ask: routing::SuggestRouteRequest| {
        assert_eq!((ask.title.as_str(), ask.body.as_str()), ("路灯", "路灯坏了两周。"));
        assert_eq!((ask.kind.as_str(), ask.office_id.as_str()), ("help", "330106-g"));
        let spans = vec![routing::RouteSpan { in_title: true, start: 0, end: 2 }];
        let word = routing::RouteWord { word: "路灯".to_owned(), share: 0.5, spans };
        let candidate = routing::RouteCandidate { domain: "7".to_owned(), probability: 0.9 };
        Ok(routing::SuggestRouteResponse {
            domain: "7".to_owned(),
            domain_probability: 0.9,
            domain_by: RoutedBy::Model.into(),
            office_id: "330106-g".to_owned(),
            office_probability: 1.0,
            office_by: RoutedBy::Rules.into(),
            assigned_by: "chosen_office".to_owned(),
            words: vec![word],
            candidates: vec![candidate],
            model_version: 3,
        })
    });
    portal.fake.on("SuggestionService/FindSimilar", |ask: routing::FindSimilarRequest| {
        assert_eq!(ask.body, "路灯坏了两周。");
        assert_eq!((ask.division_code.as_str(), ask.without_case_id.as_str()), ("330106", ""));
        let hit = routing::SearchHit { case: Some(answered()), ..Default::default() };
        let near = routing::SimilarCase { hit: Some(hit), nearness: 0.7 };
        Ok(routing::FindSimilarResponse { cases: vec![near] })
    });
    let text = json!({
        "title": "路灯", "body": "路灯坏了两周。", "kind": "help", "office_id": "330106-g",
        "division": "330106",
    });
    let answer = post(&portal, PATH).json(&text).send().await;
    let told = answer.ok();
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "nobody keeps what was asked");
    assert_eq!((&told["domain"], &told["domain_by"]), (&"7".into(), &"model".into()));
    assert_eq!((&told["office_id"], &told["office_by"]), (&"330106-g".into(), &"rules".into()));
    assert_eq!(told["words"][0]["spans"][0], json!({"in_title": true, "start": 0, "end": 2}));
    assert_eq!(told["candidates"][0], json!({"domain": "7", "probability": 0.9}));
    assert_eq!(told["model_version"], 3);
    assert_eq!(told["similar"][0]["case"]["number"], ANSWERED);
    assert_eq!(told["similar"][0]["nearness"], 0.7);
}

#[tokio::test]
async fn what_is_wrong_with_a_text_is_told_by_its_field() {
    let portal = Running::start().await;
    portal.fake.on("SuggestionService/SuggestRoute", |_: routing::SuggestRouteRequest| {
        let wrong = refused(Class::Invalid, "REQUEST_INVALID", &["kind"]);
        Err::<routing::SuggestRouteResponse, _>(wrong)
    });
    portal.fake.on("SuggestionService/FindSimilar", |_: routing::FindSimilarRequest| {
        Ok(routing::FindSimilarResponse::default())
    });
    let told = post(&portal, PATH).json(&json!({"body": "路灯", "kind": "x"})).send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["field"], "kind");
    let told = post(&portal, PATH).json(&json!({"text": "路灯"})).send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["reason"], "FIELD_UNKNOWN");
    portal.fake.off("SuggestionService/FindSimilar");
    portal.fake.on("SuggestionService/SuggestRoute", |_: routing::SuggestRouteRequest| {
        Ok(routing::SuggestRouteResponse::default())
    });
    let half = post(&portal, PATH).json(&json!({"body": "路灯"})).send().await;
    assert_eq!(half.status.as_u16(), 503, "half an answer is none: {}", half.text());
}

#[tokio::test]
async fn precedents_are_for_those_who_supervise() {
    let portal = Running::start().await;
    let precedent = |retired: bool| routing::Precedent {
        precedent_id: ID.to_owned(),
        office_id: "330106-g".to_owned(),
        to_office_id: "330100-g".to_owned(),
        kind: "help".to_owned(),
        domain: "7".to_owned(),
        topic: String::new(),
        case_id: answered().case_id,
        decided_at: ago(9),
        retired_at: if retired { ago(0) } else { None },
        cases: 4,
    };
    portal.fake.on_with(
        "CaseService/ListPrecedents",
        move |headers, ask: routing::ListPrecedentsRequest| {
            assert_eq!(headers["authorization"], "Bearer supervisor");
            if ask.page_size < 0 {
                return Err(refused(Class::Invalid, "REQUEST_INVALID", &["page_size"]));
            }
            assert_eq!((ask.office_id.as_str(), ask.include_retired), ("330106-g", true));
            assert_eq!((ask.page_size, ask.page_token.as_str()), (5, "p1"));
            Ok(routing::ListPrecedentsResponse {
                precedents: vec![precedent(false)],
                next_page_token: "p2".to_owned(),
            })
        },
    );
    let path = "/api/v1/precedents?office=330106-g&include_retired=true&page_size=5&cursor=p1";
    get(&portal, path).send().await.problem(401, "TOKEN_MISSING");
    let answer = get(&portal, path).bearer("supervisor").send().await;
    let told = answer.ok();
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(told["next_cursor"], "p2");
    let one = &told["items"][0];
    assert_eq!((&one["office_id"], &one["to_office_id"]), (&"330106-g".into(), &"330100-g".into()));
    assert_eq!(one["cases"], 4);
    for absent in ["topic", "retired_at"] {
        assert!(one.get(absent).is_none(), "{absent}");
    }
    let wrong = "/api/v1/precedents?page_size=-1";
    let told = get(&portal, wrong).bearer("supervisor").send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["field"], "page_size");

    portal.fake.on("CaseService/RetirePrecedent", move |ask: routing::RetirePrecedentRequest| {
        if ask.reason.is_empty() {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["reason"]));
        }
        assert_eq!((ask.request_id.as_str(), ask.precedent_id.as_str()), (REQUEST, ID));
        Ok(routing::RetirePrecedentResponse { precedent: Some(precedent(true)) })
    });
    let path = format!("/api/v1/precedents/{ID}/retire");
    let retire = |body: &Value| post(&portal, &path).header("idempotency-key", REQUEST).json(body);
    retire(&json!({"reason": "有新规定"})).send().await.problem(401, "TOKEN_MISSING");
    let told = retire(&json!({})).bearer("supervisor").send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["field"], "reason");
    let done = retire(&json!({"reason": "有新规定"})).bearer("supervisor").send().await;
    assert!(done.ok()["retired_at"].is_string());
}
