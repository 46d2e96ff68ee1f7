//! Common problems, model cases and how offices are rated.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, PublicCase},
    identity::v1::Role,
    routing::v1::{self as routing, CommonProblemState},
};

use crate::{
    desk::{CASE, case, path, view},
    portal::Running,
    samples::{ANSWERED, SCRIPT, ago, answered, refused},
    staff::{clerk, staff},
};

const ID: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f91";
const OTHER: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f92";

fn problem(state: CommonProblemState, etag: &str) -> routing::CommonProblem {
    let over = state == CommonProblemState::Answered;
    routing::CommonProblem {
        common_problem_id: ID.to_owned(),
        title: format!("路灯不亮{SCRIPT}"),
        lead_office_id: "330106-g".to_owned(),
        state: state.into(),
        body: if over { "全部修好了。".to_owned() } else { String::new() },
        created_at: ago(3),
        answered_at: if over { ago(1) } else { None },
        cases: 3,
        rated: 1,
        objected: 2,
        etag: etag.to_owned(),
    }
}

fn gives(portal: &Running, state: CommonProblemState, etag: &'static str) {
    portal.fake.on(
        "CommonProblemService/GetCommonProblem",
        move |_: routing::GetCommonProblemRequest| {
            let common_problem = Some(problem(state, etag));
            Ok(routing::GetCommonProblemResponse { common_problem })
        },
    );
    portal.fake.on(
        "CommonProblemService/ListCommonProblems",
        move |_: routing::ListCommonProblemsRequest| {
            let common_problems = vec![problem(state, etag)];
            Ok(routing::ListCommonProblemsResponse { common_problems, ..Default::default() })
        },
    );
}

#[tokio::test]
async fn everybody_reads_the_one_answer_with_the_messages_that_it_is_for() {
    let portal = Running::start().await;
    let (mut browser, mut english) = (portal.browser(), portal.english());
    gives(&portal, CommonProblemState::Answered, "");
    browser.get("/common").await.shows(&["共性问题", "路灯不亮&#60;script&#62;", "3 条留言"]);
    let page = english.get(&format!("/common/{ID}")).await;
    page.shows(&["全部修好了。", "Office that leads", "文三路北侧人行道路灯不亮"]);
    page.hides(&["<script>", "objected"]);
    assert_eq!(browser.get("/common/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_clerk_groups_answers_and_takes_out() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    gives(&portal, CommonProblemState::Open, "p1");
    portal.fake.on("CaseService/GetCase", |_: routing::GetCaseRequest| {
        Ok(routing::GetCaseResponse { case: Some(case(view(CaseState::Accepted))) })
    });
    let page = browser.get(&path("")).await;
    page.shows(&[&path("/group")]);
    let page = browser.get(&path("/group")).await;
    page.shows(&["合并为共性问题", "路灯不亮", CASE]);
    let heard = Arc::clone(&told);
    portal.fake.on("CommonProblemService/GroupCases", move |it: routing::GroupCasesRequest| {
        if it.reason.is_empty() {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["reason", "lead_office_id"]));
        }
        heard.lock().unwrap().push(format!("group {} {}", it.title, it.case_ids.join(" ")));
        let common_problem = Some(problem(CommonProblemState::Open, "p1"));
        Ok(routing::GroupCasesResponse { common_problem })
    });
    let fields = [("case_id", OTHER), ("title", "路灯不亮"), ("office_id", "330106-g")];
    let again = browser.submit(&page, &path("/group"), &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.shows(&["value=\"路灯不亮\"", "reason-wrong", "office-wrong"]);
    let why = [&fields[..], &[("reason", "都是同一条路。")]].concat();
    let done = browser.submit(&page, &path("/group"), &why).await;
    assert_eq!(done.location(), format!("/desk/common/{ID}"));

    let heard = Arc::clone(&told);
    portal.fake.on(
        "CommonProblemService/AnswerCommonProblem",
        move |it: routing::AnswerCommonProblemRequest| {
            heard.lock().unwrap().push(format!("answer {} {}", it.etag, it.body));
            Ok(routing::AnswerCommonProblemResponse::default())
        },
    );
    let heard = Arc::clone(&told);
    portal.fake.on("CommonProblemService/UngroupCase", move |it: routing::UngroupCaseRequest| {
        heard.lock().unwrap().push(format!("out {} {}", it.case_id, it.reason));
        Ok(routing::UngroupCaseResponse::default())
    });
    let at = format!("/desk/common/{ID}");
    let page = browser.get(&at).await;
    page.shows(&["统一答复", "从中移出一件", "留言人提出异议后退出"]).hides(&["<script>"]);
    browser.submit(&page, &format!("{at}/reply"), &[("etag", "p1"), ("body", "修好了。")]).await;
    browser
        .submit(&page, &format!("{at}/ungroup"), &[("case_id", OTHER), ("reason", "不同")])
        .await;
    let expected = [
        format!("group 路灯不亮 {CASE} {OTHER}"),
        "answer p1 修好了。".to_owned(),
        format!("out {OTHER} 不同"),
    ];
    assert_eq!(*told.lock().unwrap(), expected);
    gives(&portal, CommonProblemState::Open, "");
    assert_eq!(browser.get(&at).await.status, StatusCode::NOT_FOUND, "another office's");
}

#[tokio::test]
async fn model_cases_stand_with_the_reason_why() {
    let portal = Running::start().await;
    portal.fake.on("ModelCaseService/ListModelCases", |_: routing::ListModelCasesRequest| {
        let why = format!("答复清楚{SCRIPT}");
        let model = routing::ModelCase { case: Some(answered()), why, place: 7, picked_at: ago(1) };
        Ok(routing::ListModelCasesResponse { model_cases: vec![model], ..Default::default() })
    });
    let page = portal.english().get("/model-cases").await;
    page.shows(&["Model cases", "答复清楚&#60;script&#62;", &format!("/m/{ANSWERED}")]);
    let mut editor = staff(&portal, Role::Editor, &[]).await;
    let page = editor.get("/admin/model-cases").await;
    page.shows(&["典型案例", "排序 7", "不再展示"]);
    let shown = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&shown);
    portal.fake.on("ModelCaseService/PutModelCase", move |it: routing::PutModelCaseRequest| {
        heard.lock().unwrap().push(format!("{} {}", it.why, it.place));
        Ok(routing::PutModelCaseResponse::default())
    });
    let fields = [("number", ANSWERED), ("why", "答复清楚"), ("place", "")];
    let done = editor.submit(&page, "/admin/model-cases", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(*shown.lock().unwrap(), ["答复清楚 100"]);
}

#[tokio::test]
async fn the_lists_of_the_desks_have_a_next_page() {
    let portal = Running::start().await;
    portal.fake.on("ModelCaseService/ListModelCases", |ask: routing::ListModelCasesRequest| {
        let next_page_token = if ask.page_token.is_empty() { "m=2" } else { "" }.to_owned();
        let why = format!("after {}", ask.page_token);
        let model = routing::ModelCase { case: Some(answered()), why, place: 7, picked_at: ago(1) };
        Ok(routing::ListModelCasesResponse { model_cases: vec![model], next_page_token })
    });
    let mut editor = staff(&portal, Role::Editor, &[]).await;
    editor.get("/admin/model-cases").await.shows(&["href=\"/admin/model-cases?page=m%3D2\""]);
    let page = editor.get("/admin/model-cases?page=m%3D2").await;
    page.shows(&["after m=2"]).hides(&["rel=\"next\""]);

    gives(&portal, CommonProblemState::Open, "p1");
    portal.fake.on("CaseService/ListCases", |ask: routing::ListCasesRequest| {
        let next_page_token = if ask.page_token.is_empty() { "c=2" } else { "" }.to_owned();
        let title = format!("after {}", ask.page_token);
        let cases = vec![case(PublicCase { title, ..view(CaseState::Accepted) })];
        Ok(routing::ListCasesResponse { cases, next_page_token })
    });
    let mut clerk = clerk(&portal).await;
    let at = format!("/desk/common/{ID}");
    clerk.get(&at).await.shows(&[&format!("href=\"{at}?page=c%3D2#messages\"")]);
    let page = clerk.get(&format!("{at}?page=c%3D2")).await;
    page.shows(&["after c=2"]).hides(&["rel=\"next\""]);
}

#[tokio::test]
async fn ratings_are_never_shown_without_the_part_that_was_rated() {
    let portal = Running::start().await;
    let figures = |withheld: bool| routing::GetRatingFiguresResponse {
        replies: 200,
        rated: if withheld { 4 } else { 50 },
        coverage: if withheld { 0.02 } else { 0.25 },
        counted: if withheld { 0 } else { 50 },
        withheld,
        resolution: if withheld { 0.0 } else { 4.25 },
        ..Default::default()
    };
    portal.fake.on("CaseService/GetRatingFigures", move |_: routing::GetRatingFiguresRequest| {
        Ok(figures(false))
    });
    let page = portal.browser().get("/office/330106-g").await;
    page.shows(&["25.0%", "200 条答复中有 50 条得到评价", "4.2 分"]);
    let other = Running::start().await;
    other.fake.on("CaseService/GetRatingFigures", move |_: routing::GetRatingFiguresRequest| {
        Ok(figures(true))
    });
    let page = other.english().get("/office/330106-g").await;
    page.shows(&["2.0%", "Fewer than five final ratings"]).hides(&["of 5"]);
    other.fake.on("CaseService/ListPrecedents", |_: routing::ListPrecedentsRequest| {
        let precedent = routing::Precedent {
            precedent_id: ID.to_owned(),
            office_id: "330106-g".to_owned(),
            to_office_id: "330100-g".to_owned(),
            kind: "help".to_owned(),
            domain: "7".to_owned(),
            case_id: CASE.to_owned(),
            decided_at: ago(9),
            cases: 4,
            ..Default::default()
        };
        Ok(routing::ListPrecedentsResponse { precedents: vec![precedent], ..Default::default() })
    });
    let mut supervisor = staff(&other, Role::Supervisor, &["330100-g"]).await;
    let page = supervisor.get("/desk/supervision").await;
    page.shows(&["评价不足五条", "西湖区区长", "已按此分派 4 件", "停用这条先例"]);
    let refusal = refused(Class::Invalid, "REQUEST_INVALID", &["reason"]);
    other.fake.on("CaseService/RetirePrecedent", move |_: routing::RetirePrecedentRequest| {
        Err::<routing::RetirePrecedentResponse, _>(refusal.clone())
    });
    let fields = [("precedent_id", ID), ("reason", "短")];
    let again = supervisor.submit(&page, "/desk/supervision/retire", &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.shows(&[&format!("href=\"#reason-{ID}\""), ">短</textarea>", "<details open>"]);
    assert_eq!(clerk(&other).await.get("/desk/supervision").await.status, StatusCode::NOT_FOUND);
}
