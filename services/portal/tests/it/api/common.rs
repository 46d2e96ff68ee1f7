//! Common problems, and what many write of.

use http::header;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::routing::v1::{self as routing, CommonProblemState};

use super::client::get;
use crate::{
    portal::Running,
    samples::{ANSWERED, ago, answered, case, refused},
};

const ID: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f91";

/// As if routing took the portal itself for somebody who works on it.
fn problem() -> routing::CommonProblem {
    routing::CommonProblem {
        common_problem_id: ID.to_owned(),
        title: "路灯不亮".to_owned(),
        lead_office_id: "330106-g".to_owned(),
        state: CommonProblemState::Answered.into(),
        body: "全部修好了。".to_owned(),
        created_at: ago(3),
        answered_at: ago(1),
        cases: 3,
        rated: 1,
        objected: 2,
        etag: "p1".to_owned(),
    }
}

fn serves(portal: &Running) {
    portal.fake.on(
        "CommonProblemService/GetCommonProblem",
        |ask: routing::GetCommonProblemRequest| {
            if ask.common_problem_id != ID {
                return Err(refused(Class::NotFound, "COMMON_PROBLEM_NOT_FOUND", &[]));
            }
            Ok(routing::GetCommonProblemResponse { common_problem: Some(problem()) })
        },
    );
    portal.fake.on(
        "CommonProblemService/ListCommonProblems",
        |ask: routing::ListCommonProblemsRequest| {
            if ask.page_token == "bad" {
                return Err(refused(Class::Invalid, "REQUEST_INVALID", &["page_token"]));
            }
            assert_eq!(ask.lead_office_id, "330106-g");
            assert_eq!(ask.state(), CommonProblemState::Answered);
            assert_eq!((ask.page_size, ask.page_token.as_str()), (7, "p1"));
            let common_problems = vec![problem()];
            Ok(routing::ListCommonProblemsResponse {
                common_problems,
                next_page_token: "p2".to_owned(),
            })
        },
    );
    portal.fake.on("CaseService/ListCases", |ask: routing::ListCasesRequest| {
        assert_eq!(ask.common_problem_id, ID);
        let private = routing::Case { public: false, ..case(answered()) };
        let cases = vec![case(answered()), private];
        Ok(routing::ListCasesResponse { cases, next_page_token: "c2".to_owned() })
    });
}

#[tokio::test]
async fn a_common_problem_is_told_with_its_answer_and_its_cases() {
    let portal = Running::start().await;
    serves(&portal);
    let list = "/api/v1/common-problems?office=330106-g&state=answered&page_size=7&cursor=p1";
    let answer = get(&portal, list).send().await;
    let told = answer.ok();
    assert_eq!(told["next_cursor"], "p2");
    assert!(answer.header(header::CACHE_CONTROL).contains("public, max-age="));
    let one = get(&portal, &format!("/api/v1/common-problems/{ID}")).send().await.ok();
    assert_eq!(told["items"][0]["common_problem_id"], ID);
    assert!(told["items"][0].get("etag").is_none(), "nor does a list tell it to everybody");
    assert_eq!(one["common_problem_id"], ID);
    assert_eq!(one["state"], "answered");
    assert_eq!(one["body"], "全部修好了。");
    assert_eq!((&one["cases"], &one["rated"]), (&3.into(), &1.into()));
    assert!(one["answered_at"].as_str().unwrap().ends_with('Z'));
    for officials in ["objected", "etag"] {
        assert!(one.get(officials).is_none(), "{officials} is not for everybody");
    }
    let own = get(&portal, &format!("/api/v1/common-problems/{ID}")).bearer("clerk").send().await;
    assert_eq!((&own.ok()["objected"], &own.ok()["etag"]), (&2.into(), &"p1".into()));
    assert_eq!(own.header(header::CACHE_CONTROL), "private, no-store");
    let path = format!("/api/v1/common-problems/{ID}/cases");
    let cases = get(&portal, &path).send().await.ok();
    assert_eq!(cases["items"].as_array().unwrap().len(), 1, "what is not public is not told");
    assert_eq!(cases["items"][0]["number"], ANSWERED);
    assert_eq!(cases["next_cursor"], "c2");
    let cases = get(&portal, &path).bearer("clerk").send().await.ok();
    assert_eq!(cases["items"].as_array().unwrap().len(), 2, "those who work on it see all");
}

#[tokio::test]
async fn what_is_no_common_problem_or_no_such_parameter_is_a_problem() {
    let portal = Running::start().await;
    serves(&portal);
    for id in ["x", "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f92"] {
        for more in ["", "/cases"] {
            let path = format!("/api/v1/common-problems/{id}{more}");
            get(&portal, &path).send().await.problem(404, "PAGE_NOT_FOUND");
        }
    }
    let path = "/api/v1/common-problems";
    get(&portal, &format!("{path}?own=true")).send().await.problem(401, "TOKEN_MISSING");
    let told = get(&portal, &format!("{path}?state=new")).send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["field"], "state");
    let told = get(&portal, &format!("{path}?cursor=bad")).send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["field"], "cursor");
}

#[tokio::test]
async fn what_many_of_a_division_write_of_is_told() {
    let portal = Running::start().await;
    portal.fake.on("SuggestionService/ListHotProblems", |ask: routing::ListHotProblemsRequest| {
        if ask.days > 366 {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["days"]));
        }
        assert_eq!((ask.division_code.as_str(), ask.days), ("330000", 7));
        assert_eq!((ask.page_size, ask.page_token.as_str()), (2, "h1"));
        let problem = routing::HotProblem {
            title: "路灯不亮".to_owned(),
            number: ANSWERED.to_owned(),
            cases: 7,
            lately: 4,
            first_at: ago(6),
            last_at: ago(1),
            place: String::new(),
            case_ids: vec![ID.to_owned()],
        };
        Ok(routing::ListHotProblemsResponse {
            problems: vec![problem],
            next_page_token: "h2".to_owned(),
            compared: 1_000,
            enough: true,
            compared_from: ago(6),
        })
    });
    let path = "/api/v1/divisions/330000/hot-problems";
    let answer = get(&portal, &format!("{path}?days=7&page_size=2&cursor=h1")).send().await;
    let told = answer.ok();
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!((&told["compared"], &told["enough"]), (&1_000.into(), &true.into()));
    assert!(told["compared_from"].is_string(), "not all of the seven days were looked at");
    assert_eq!(told["next_cursor"], "h2");
    let hot = &told["items"][0];
    assert_eq!((&hot["number"], &hot["cases"]), (&ANSWERED.into(), &7.into()));
    assert!(hot.get("place").is_none(), "what is not there is left out");
    assert_eq!(hot["case_ids"][0], ID);
    let told = get(&portal, &format!("{path}?days=week")).send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["field"], "days");
    let told = get(&portal, &format!("{path}?days=367")).send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["field"], "days");
    portal.fake.on("SuggestionService/ListHotProblems", |_: routing::ListHotProblemsRequest| {
        let none = refused(Class::NotFound, "DIVISION_NOT_FOUND", &[]);
        Err::<routing::ListHotProblemsResponse, _>(none)
    });
    get(&portal, path).send().await.problem(404, "DIVISION_NOT_FOUND");
}
