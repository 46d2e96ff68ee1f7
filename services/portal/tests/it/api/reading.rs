//! What everybody may read.

use http::{Method, StatusCode, header};
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{common::v1::Visibility, routing::v1 as routing, stats::v1 as stats};

use super::client::{call, get};
use crate::{
    portal::Running,
    samples::{ANSWERED, SCRIPT, answered, case, refused},
};

#[tokio::test]
async fn public_reads_may_be_kept_asked_for_again_and_read_from_everywhere() {
    let portal = Running::start().await;
    for path in [
        "/api/v1/divisions",
        "/api/v1/divisions?parent=330000",
        "/api/v1/divisions/330106",
        "/api/v1/offices?division=330106&page_size=2",
        "/api/v1/offices/330106-g",
        "/api/v1/kinds",
        "/api/v1/domains",
        "/api/v1/cases",
        &format!("/api/v1/cases/{ANSWERED}"),
        "/api/v1/search?q=%E8%B7%AF%E7%81%AF",
        "/api/v1/search?q=%E8%B7%AF%E7%81%AF&from_on=2026-11-01&until_on=2026-11-30&day_of=reply",
        "/api/v1/cases?from_on=2026-11-01&day_of=submission",
        "/api/v1/stats/indicators",
        "/api/v1/stats/series?indicators=received,reply_rate&group_by=month",
        "/api/v1/stats/ranking?indicator=reply_rate&group_by=office&min_n=10",
    ] {
        let answer = get(&portal, path).send().await;
        answer.ok();
        let keep = answer.header(header::CACHE_CONTROL);
        for part in ["public, max-age=", "stale-while-revalidate=", "stale-if-error="] {
            assert!(keep.contains(part), "{path}: {keep}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin", "{path}");
        let etag = answer.header(header::ETAG).to_owned();
        let again = get(&portal, path).header(header::IF_NONE_MATCH, &etag).send().await;
        // Whatever has times in it is made anew by the fake.
        if !path.contains("stats") && !path.contains("case") && !path.contains("search") {
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
            assert!(again.body.is_empty(), "{path}");
        }
        let asked = call(&portal, Method::OPTIONS, path).send().await;
        assert_eq!(asked.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(asked.header("access-control-allow-methods"), "GET, HEAD", "{path}");
    }
}

#[tokio::test]
async fn a_case_is_told_in_small_words_and_rfc_3339_times() {
    let portal = Running::start().await;
    let told = get(&portal, &format!("/api/v1/cases/{ANSWERED}")).send().await.ok();
    assert_eq!(told["number"], ANSWERED);
    assert_eq!(told["state"], "replied");
    assert_eq!(told["public_state"], "replied");
    assert_eq!(told["visibility"], "public");
    assert!(told["body"].as_str().unwrap().contains(SCRIPT), "JSON needs no escaping of HTML");
    let time = told["submitted_at"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    assert!(told.get("demand").is_none() && told.get("etag").is_none(), "{told}");
    assert_eq!(told["replies"][0]["office_id"], "330106-g");
    assert!(told["custody"][0]["until"].is_string());
}

#[tokio::test]
async fn filters_reach_routing_and_pages_follow_each_other() {
    let portal = Running::start().await;
    portal.fake.on("CaseService/ListCases", |ask: routing::ListCasesRequest| {
        assert_eq!(ask.division_code, "330000");
        assert_eq!(ask.state(), liuyan_proto::liuyan::common::v1::CaseState::Accepted);
        assert_eq!(ask.order(), routing::CaseOrder::Deadline);
        assert!(ask.unanswered && !ask.own);
        assert_eq!((ask.page_size, ask.page_token.as_str()), (7, "p1"));
        let private = routing::Case { public: false, ..case(answered()) };
        let cases = vec![case(answered()), private];
        Ok(routing::ListCasesResponse { cases, next_page_token: "p2".to_owned() })
    });
    let path = "/api/v1/cases?division=330000&state=accepted&order=deadline&unanswered=true\
                &page_size=7&cursor=p1&kind=";
    let told = get(&portal, path).send().await.ok();
    assert_eq!(told["next_cursor"], "p2");
    assert_eq!(told["items"].as_array().unwrap().len(), 1, "what is not public is not told");
}

#[tokio::test]
async fn wrong_parameters_are_told_by_name_in_the_callers_language() {
    let portal = Running::start().await;
    for (path, field, reason) in [
        ("/api/v1/cases?state=open", "state", "VALUE_UNKNOWN"),
        ("/api/v1/cases?divison=330000", "divison", "FIELD_UNKNOWN"),
        ("/api/v1/cases?page_size=many", "page_size", "NUMBER_MALFORMED"),
        // What was taken for false would give everybody's cases to whoever asks for their own.
        ("/api/v1/cases?own=True", "own", "VALUE_UNKNOWN"),
        ("/api/v1/cases?supervised=yes", "supervised", "VALUE_UNKNOWN"),
        ("/api/v1/cases?unanswered=no", "unanswered", "VALUE_UNKNOWN"),
        ("/api/v1/common-problems?own=TRUE", "own", "VALUE_UNKNOWN"),
        ("/api/v1/offices?include_below=2", "include_below", "VALUE_UNKNOWN"),
        ("/api/v1/events?include_below=on", "include_below", "VALUE_UNKNOWN"),
        ("/api/v1/cases?kind=a&kind=b", "kind", "FIELD_REPEATED"),
        ("/api/v1/stats/series?indicators=a&group_by=week", "group_by", "VALUE_UNKNOWN"),
    ] {
        let answer = get(&portal, path).header("accept-language", "en").send().await;
        let told = answer.problem(400, "REQUEST_INVALID");
        assert_eq!(told["violations"][0]["field"], field, "{path}");
        assert_eq!(told["violations"][0]["reason"], reason, "{path}");
        assert_eq!(answer.header("content-language"), "en");
        assert!(told["detail"].as_str().unwrap().starts_with("The request"), "{told}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "problems are read, too");
    }
    let answer = get(&portal, "/api/v1/cases?state=open").send().await;
    assert_eq!(answer.json()["violations"][0]["message"], "没有这个取值，请查阅接口文档。");
}

#[tokio::test]
async fn what_a_service_refuses_is_a_problem_with_its_own_text_and_our_names() {
    let portal = Running::start().await;
    portal.fake.on("CaseService/SearchCases", |_: routing::SearchCasesRequest| {
        Err::<routing::SearchCasesResponse, _>(refused(
            Class::Invalid,
            "REQUEST_INVALID",
            &["query"],
        ))
    });
    let told = get(&portal, "/api/v1/search?q=x").send().await.problem(400, "REQUEST_INVALID");
    assert_eq!(told["violations"][0]["field"], "q");
    assert_eq!(told["violations"][0]["reason"], "SEARCH_TOO_SHORT");
    portal.fake.on("StatsService/QuerySeries", |_: stats::QuerySeriesRequest| {
        Err::<stats::QuerySeriesResponse, _>(refused(Class::Exhausted, "OVERLOADED", &[]))
    });
    let answer = get(&portal, "/api/v1/stats/series?indicators=a").send().await;
    answer.problem(429, "OVERLOADED");
    assert_eq!(answer.header(header::RETRY_AFTER), "7");
    portal.fake.off("CaseService/ListCases");
    let answer = get(&portal, "/api/v1/cases").send().await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_a_problem_too() {
    let portal = Running::start().await;
    for path in ["/api/v1/nothing", "/api/", "/api/v2/cases", "/api/v1/divisions/999999"] {
        get(&portal, path).send().await.problem(404, "PAGE_NOT_FOUND");
    }
    get(&portal, "/api/v1/cases/NONE").send().await.problem(404, "CASE_NOT_FOUND");
    let answer = call(&portal, Method::DELETE, "/api/v1/kinds").send().await;
    answer.problem(405, "METHOD_NOT_ALLOWED");
    assert!(answer.header(header::ALLOW).contains("GET"));
    get(&portal, "/oauth2/token").send().await.problem(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn a_private_case_is_not_there_for_everybody_and_is_for_who_brings_a_token() {
    let portal = Running::start().await;
    portal.fake.on_with("CaseService/GetCase", |headers, _: routing::GetCaseRequest| {
        let known = headers.get("authorization").is_some_and(|it| it == "Bearer clerk");
        let private = routing::Case {
            public: false,
            visibility: Visibility::Private.into(),
            etag: "e9".to_owned(),
            ..case(answered())
        };
        // As if routing took the portal itself for somebody who may.
        let _ = known;
        Ok(routing::GetCaseResponse { case: Some(private) })
    });
    let path = format!("/api/v1/cases/{}", answered().case_id);
    get(&portal, &path).send().await.problem(404, "PAGE_NOT_FOUND");
    let answer = get(&portal, &path).bearer("clerk").send().await;
    assert_eq!(answer.ok()["etag"], "e9");
    assert_eq!(answer.header(header::CACHE_CONTROL), "private, no-store");
    assert_eq!(portal.fake.last("CaseService/GetCase")["authorization"], "Bearer clerk");
    let answer = get(&portal, "/api/v1/cases?own=true").send().await;
    answer.problem(401, "TOKEN_MISSING");
    get(&portal, "/api/v1/cases?own=1").send().await.problem(401, "TOKEN_MISSING");
    for no in ["false", "0"] {
        get(&portal, &format!("/api/v1/cases?own={no}")).send().await.ok();
    }
    assert!(answer.header(header::WWW_AUTHENTICATE).starts_with("Bearer"));
    get(&portal, &path)
        .header("authorization", "Basic eA==")
        .send()
        .await
        .problem(401, "TOKEN_MISSING");
}

#[tokio::test]
async fn a_report_is_a_table() {
    let portal = Running::start().await;
    let path = "/api/v1/stats/report.csv?indicators=received&group_by=month";
    let answer = get(&portal, path).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    assert!(answer.text().starts_with("month,received\r\n"));
}
