//! Pages for readers.

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome, PublicCase},
    moderation::v1 as moderation,
    routing::v1::{
        GetCaseRequest, GetCaseResponse, ListCasesRequest, ListCasesResponse, SearchCasesRequest,
        SearchCasesResponse, SearchHit,
    },
};

use crate::{
    portal::Running,
    samples::{self, ANSWERED, NEWEST, SCRIPT, refused},
};

#[tokio::test]
async fn home_shows_figures_answers_and_places() {
    let portal = Running::start().await;
    let page = portal.browser().get("/").await;
    page.shows(&[
        "我要留言",
        "1,234",
        "87.3%",
        "已评价 31.2%",
        "文三路北侧人行道路灯不亮",
        "小区地下车库长期积水",
        "西湖区区长",
        "/offices/330000",
        "统计截至",
    ]);
    portal.english().get("/").await.shows(&["Leave a message", "31.2% rated", "Awaiting reply"]);
}

#[tokio::test]
async fn home_works_while_everybody_is_away_and_while_there_is_nothing() {
    let portal = Running::start().await;
    portal.fake.off("StatsService/QuerySeries");
    let page = portal.browser().get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows(&["统计暂时读不到", "文三路北侧人行道路灯不亮"]);
    let portal = Running::start().await;
    portal.fake.on("CaseService/ListCases", |_: ListCasesRequest| Ok(ListCasesResponse::default()));
    portal.browser().get("/").await.shows(&["还没有公开的答复", "还没有公开的留言"]);
    let portal = Running::start().await;
    portal.fake.off("CaseService/ListCases");
    portal.fake.off("DirectoryService/ListDivisions");
    let page = portal.browser().get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows(&["暂时读不到留言列表", "我要留言"]);
}

#[tokio::test]
async fn offices_are_found_down_the_divisions() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    browser.get("/offices").await.shows(&["浙江省", "教育部", "/new?office=M04"]);
    browser.get("/offices/330000").await.shows(&["杭州市", "浙江省省长", "回复率 87.3%"]);
    let page = browser.get("/offices/330106").await;
    page.shows(&["西湖区区长", "暂不接收留言", "/offices/330100"]);
    page.hides(&["/new?office=330106-s"]);
    let page = browser.get("/offices/999999").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn where_nobody_takes_messages_it_is_said_who_takes_them_instead() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let page = browser.get("/offices/330127").await;
    page.shows(&["由杭州市的单位受理", "/new?office=330100-"]);
    let page = browser.get("/offices/330103").await;
    page.shows(&["这个区划已于 2021年4月8日 撤销", "/offices/330106", "/new?office=330106-g"]);
    let chooser = browser.get("/new?division=330127").await;
    chooser.shows(&["这里没有接收留言的单位", "value=\"330100-"]);
    let own = browser.get("/offices/330106").await;
    own.hides(&["这里没有接收留言的单位", "撤销"]);
}

#[tokio::test]
async fn a_public_message_shows_its_answer_history_and_who_held_it() {
    let portal = Running::start().await;
    let page = portal.browser().get(&format!("/m/{ANSWERED}")).await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows(&[
        "文三路北侧人行道路灯不亮",
        "已答复",
        "按期答复",
        "西湖区区长",
        "现已更换电缆",
        "交杭州市市长办理",
        "转西湖区区长办理",
        "<rect class=\"c0\"",
        "property=\"og:title\"",
        "rel=\"canonical\"",
    ]);
    page.hides(&[SCRIPT]);
    let page = portal.browser().get(&format!("/m/{NEWEST}")).await;
    page.shows(&["待回复", "已逾期 2 天", "诉求", "请督促物业疏通排水沟", "还没有答复"]);
    portal.english().get(&format!("/m/{NEWEST}")).await.shows(&["2 days overdue"]);
}

#[tokio::test]
async fn a_day_is_written_as_people_write_it() {
    let portal = Running::start().await;
    portal.browser().get("/offices/330103").await.shows(&["2021年4月8日"]);
    portal.english().get("/offices/330103").await.shows(&["8 Apr"]).hides(&["2021-04-08"]);
}

#[tokio::test]
async fn a_case_that_is_worked_on_again_is_held_until_now() {
    let portal = Running::start().await;
    let held = |state: CaseState| {
        let mut view = PublicCase { state: state.into(), ..samples::answered() };
        // The office has had it for eight days, and has answered after five.
        let from = view.custody[1].from.as_mut().unwrap();
        from.seconds -= 60;
        let replied_at = prost_types::Timestamp { seconds: from.seconds + 5 * 86_400, ..*from };
        view.replies[0].replied_at = Some(replied_at);
        view
    };
    for (state, expected) in [(CaseState::Replied, "5 天"), (CaseState::Accepted, "8 天")] {
        portal.fake.on("CaseService/GetCase", move |_: GetCaseRequest| {
            Ok(GetCaseResponse { case: Some(samples::case(held(state))) })
        });
        let page = portal.browser().get(&format!("/m/{ANSWERED}")).await;
        page.shows(&[&format!("<span class=\"for\">{expected}</span>")]);
    }
}

#[tokio::test]
async fn nobody_learns_whether_a_private_message_exists() {
    let portal = Running::start().await;
    let unknown = portal.browser().get("/m/NOBODY").await;
    portal.fake.on("CaseService/GetCase", |_: GetCaseRequest| {
        let mut case = samples::case(samples::answered());
        case.public = false;
        Ok(GetCaseResponse { case: Some(case) })
    });
    let private = portal.browser().get(&format!("/m/{ANSWERED}")).await;
    portal.fake.on("CaseService/GetCase", |_: GetCaseRequest| {
        Err::<GetCaseResponse, _>(refused(Class::Denied, "CASE_HIDDEN", &[]))
    });
    let hidden = portal.browser().get(&format!("/m/{ANSWERED}")).await;
    let told = |text: &str| text.split_once("<code>").unwrap().0.to_owned();
    for page in [&private, &hidden] {
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        page.hides(&["路灯"]);
        let (one, other) = (told(&page.text), told(&unknown.text));
        let same = |text: &str| text.replace("NOBODY", ANSWERED);
        assert_eq!(same(&one), same(&other));
    }
}

#[tokio::test]
async fn search_marks_what_was_found_and_says_what_is_wrong() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    browser.get("/search").await.shows(&["输入两个字以上"]);
    let page = browser.get("/search?q=%E8%B7%AF%E7%81%AF&state=replied").await;
    page.shows(&["<mark>路灯</mark>坏了两周", "找到 1 条", "page=more", "state=replied"]);
    page.hides(&[SCRIPT]);
    let page = browser
        .get("/search?q=%E8%B7%AF%E7%81%AF&from=2026-11-01&until=2026-11-30&office=330106-g")
        .await;
    page.shows(&["value=\"2026-11-01\"", "value=\"2026-11-30\"", "西湖区区长"]);
    browser.get("/search?q=%E9%9D%92%E5%B1%B1").await.shows(&["没有找到"]);
    let page = browser.get("/search?q=%E8%B7%AF").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["请至少输入两个字"]);
    let page = browser.get("/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    page.hides(&[SCRIPT]);
}

#[tokio::test]
async fn a_state_is_called_the_same_in_the_filter_on_cards_and_on_its_page() {
    let portal = Running::start().await;
    let closed = || PublicCase {
        state: CaseState::Closed.into(),
        outcome: Outcome::Solved.into(),
        closed_at: samples::ago(1),
        ..samples::answered()
    };
    portal.fake.on("CaseService/SearchCases", move |ask: SearchCasesRequest| {
        let case = match ask.state() {
            CaseState::Closed => closed(),
            CaseState::Replied => samples::answered(),
            _ => samples::newest(),
        };
        let hit = SearchHit { case: Some(case), ..SearchHit::default() };
        Ok(SearchCasesResponse { hits: vec![hit], next_page_token: String::new(), total: 1 })
    });
    portal.fake.on("CaseService/GetCase", move |_: GetCaseRequest| {
        Ok(GetCaseResponse { case: Some(samples::case(closed())) })
    });
    let mut browser = portal.browser();
    let marks = ["待回复", "办理中", "已答复", "已办结"];
    for (state, word) in [("awaiting", "待回复"), ("replied", "已答复"), ("closed", "已办结")]
    {
        let page = browser.get(&format!("/search?q=%E8%B7%AF%E7%81%AF&state={state}")).await;
        page.shows(&marks.map(|word| format!(">{word}</option>")).each_ref().map(String::as_str));
        page.shows(&[&format!(" selected>{word}</option>"), &format!("\">{word}</span>")]);
        let shown = marks.iter().filter(|word| page.text.contains(&format!("\">{word}</span>")));
        assert_eq!(shown.count(), 1, "{state}");
    }
    let page = browser.get(&format!("/m/{ANSWERED}")).await;
    page.shows(&["<span class=\"state plain\">已办结</span>"]);
    browser.get("/about").await.shows(&marks);
}

/// A page without what is marked as Chinese.
fn without_chinese_parts(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some(at) = rest.find(" lang=\"zh-CN\"") {
        let begin = rest[..at].rfind('<').unwrap();
        let name = rest[begin + 1..].split([' ', '>']).next().unwrap();
        let end = format!("</{name}>");
        kept.push_str(&rest[..begin]);
        rest = rest[at..].split_once(&end).unwrap().1;
    }
    kept + rest
}

#[tokio::test]
async fn an_english_page_has_no_chinese_but_what_people_wrote_and_names() {
    let portal = Running::start().await;
    let mut browser = portal.english();
    for path in ["/", "/about", "/mine", "/search", "/nowhere"] {
        let page = browser.get(path).await;
        let kept = without_chinese_parts(page.text.split_once("<body>").unwrap().1);
        let han = |c: &char| ('\u{3400}'..='\u{9fff}').contains(c);
        let left: String = kept.chars().filter(han).collect();
        assert_eq!(left, "", "{path}: {kept}");
    }
    browser.get("/").await.shows(&["calendar days"]);
}

#[tokio::test]
async fn figures_come_with_charts_tables_rankings_and_definitions() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let page = browser.get("/stats?division=330000&by=domain&rank=on_time_rate").await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows(&[
        "<title id=\"bars-title\">",
        "<rect class=\"bar2\"",
        "<path class=\"line\"",
        "2026年7月",
        "81.0%–92.0%",
        "另有 3 个",
        "指标定义",
        "/stats.csv?division=330000",
        "城建",
    ]);
    let file = browser.get("/stats.csv?by=month").await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    file.shows(&["2026-07,1234"]);
    portal.english().get("/stats").await.shows(&["Jul 2026", "Definitions"]);
    // Whoever narrows the figures keeps the ranking that they have chosen.
    let page = browser.get("/stats?rank=on_time_rate&of=division&min=20").await;
    let form =
        page.text.split_once("action=\"/stats\"").unwrap().1.split_once("</form>").unwrap().0;
    for (name, value) in [("rank", "on_time_rate"), ("of", "division"), ("min", "20")] {
        let kept = format!("type=\"hidden\" name=\"{name}\" value=\"{value}\"");
        assert!(form.contains(&kept), "{form}");
    }
}

#[tokio::test]
async fn a_backlog_of_reviews_is_told_where_people_write() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    browser.get("/new").await.hides(&["预计等待"]);
    let portal = Running::start().await;
    portal.fake.on("ReviewService/GetBacklog", |_: moderation::GetBacklogRequest| {
        Ok(moderation::GetBacklogResponse { backlog: true, expected_hours: 70 })
    });
    let mut browser = portal.browser();
    browser.get("/").await.shows(&["预计等待约 3 天"]);
    browser.get("/new").await.shows(&["预计等待约 3 天"]);
}
