//! What a clerk reads and writes on the desk: texts that are not public, and the longest ones.

use http::{StatusCode, header};
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome, PublicCase, Visibility},
    identity::v1::Role,
    routing::v1 as routing,
};

use crate::{
    desk::{CASE, ETAG, case, gives, path, view},
    portal::Running,
    samples::{ANSWERED, refused},
    staff::{TOKEN, clerk, let_in, sign_in},
};

/// The most characters of an answer.
const MOST: usize = 20_000;

/// A private case, whose text lists leave out.
fn private(view: PublicCase) -> routing::Case {
    routing::Case { visibility: Visibility::Private.into(), public: false, ..case(view) }
}

fn without_text() -> PublicCase {
    PublicCase {
        title: String::new(),
        body: String::new(),
        place: String::new(),
        ..view(CaseState::Accepted)
    }
}

#[tokio::test]
async fn a_private_message_is_called_by_its_number_where_its_title_is_left_out() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    portal.fake.on("CaseService/ListCases", |_: routing::ListCasesRequest| {
        let cases = vec![private(without_text())];
        Ok(routing::ListCasesResponse { cases, next_page_token: String::new() })
    });
    portal.fake.on("CaseService/GetCase", |_: routing::GetCaseRequest| {
        Ok(routing::GetCaseResponse { case: Some(private(without_text())) })
    });
    let name = format!("lang=\"zh-CN\">不公开的留言 {ANSWERED}</");
    browser.get("/desk").await.shows(&[&name]);
    let page = browser.get(&path("")).await;
    page.shows(&[&name, "这条留言的内容现在读不到", &format!("href=\"/desk/cases/{CASE}\"")]);
    browser.get(&path("/transfer")).await.shows(&[&name]);
    let fields = [("etag", ETAG), ("body", "已修好。"), ("action", "preview")];
    browser.submit(&page, &path("/reply"), &fields).await.shows(&[&name]);
    let mut browser = portal.english();
    sign_in(&mut browser, "").await;
    let name = format!("lang=\"en\">Private message {ANSWERED}</");
    browser.get("/desk").await.shows(&[&name]);
    browser.get(&path("")).await.shows(&[&name, "can&#39;t be read just now"]);
}

#[tokio::test]
async fn a_message_that_was_withdrawn_says_why_there_is_no_text() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    portal.fake.on("CaseService/GetCase", |_: routing::GetCaseRequest| {
        let withdrawn = PublicCase {
            state: CaseState::Closed.into(),
            outcome: Outcome::Withdrawn.into(),
            ..without_text()
        };
        Ok(routing::GetCaseResponse { case: Some(private(withdrawn)) })
    });
    let page = browser.get(&path("")).await;
    page.shows(&["留言人已撤回", "内容不再显示"]).hides(&["现在读不到", "再试一次"]);
}

#[tokio::test]
async fn a_clerk_reads_a_private_message_by_their_own_right() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    portal.fake.on_with("CaseService/GetCase", |headers, _: routing::GetCaseRequest| {
        let own = headers[header::AUTHORIZATION] == format!("Bearer {TOKEN}");
        let view = if own { view(CaseState::Accepted) } else { without_text() };
        Ok(routing::GetCaseResponse { case: Some(private(view)) })
    });
    let page = browser.get(&path("")).await;
    page.shows(&["路灯不亮", "文三路北侧", "请勿转述给他人"]);
    page.hides(&["不公开的留言 ", "现在读不到", "公开页面"]);
}

#[tokio::test]
async fn a_case_that_cannot_be_read_now_can_be_asked_for_again() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    portal.fake.off("CaseService/GetCase");
    let page = browser.get(&path("")).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers.contains_key(header::RETRY_AFTER));
    page.shows(&["暂时无法使用", &format!("href=\"/desk/cases/{CASE}\">再试一次")]);
    // A second try leads nowhere else, and is not offered where it would change nothing.
    browser.get(&format!("//evil.example{}", path(""))).await.hides(&["再试一次"]);
    browser.get("/nowhere").await.hides(&["再试一次"]);
}

/// routing takes answers of up to so many characters.
fn takes_answers(portal: &Running) {
    portal.fake.on("CaseService/ReplyToCase", |ask: routing::ReplyToCaseRequest| {
        if ask.body.chars().count() > MOST {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["body"]));
        }
        Ok(routing::ReplyToCaseResponse::default())
    });
}

#[tokio::test]
async fn the_longest_answer_is_taken_and_a_longer_one_is_refused_at_its_field() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Accepted);
    takes_answers(&portal);
    let page = browser.get(&path("")).await;
    let longer = "长".repeat(MOST + 1);
    let fields = [("etag", ETAG), ("body", longer.as_str()), ("action", "send")];
    let page = browser.submit(&page, &path("/reply"), &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["id=\"body-wrong\"", &format!(">{longer}</textarea>")]);
    for longest in ["长", "𠮷"].map(|character| character.repeat(MOST)) {
        let fields = [("etag", ETAG), ("body", longest.as_str()), ("action", "send")];
        let done = browser.submit(&page, &path("/reply"), &fields).await;
        assert_eq!(done.location(), path(""));
    }
}

#[tokio::test]
async fn the_longest_answer_is_carried_through_the_sign_in_whose_page_knows_who_came() {
    let portal = Running::start().await;
    takes_answers(&portal);
    let_in(&portal, Role::Clerk, &["330106-g"]);
    let mut browser = portal.browser();
    let token = browser.get("/sign-in").await.hidden("_token");
    let longest = "长".repeat(MOST);
    let fields = [
        ("_token", token.as_str()),
        ("etag", ETAG),
        ("body", longest.as_str()),
        ("action", "send"),
    ];
    let page = browser.post(&path("/reply"), &fields).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let (token, form) = (page.hidden("_token"), page.hidden("form").replace("&#38;", "&"));
    let again = path("/reply");
    let fields = [
        ("_token", token.as_str()),
        ("name", "staff"),
        ("password", "long enough"),
        ("again", &again),
        ("form", &form),
    ];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows(&["<a href=\"/account\">经办人甲</a>", "href=\"/desk\""]);
    page.hides(&["href=\"/sign-in\""]);
    let (token, body) = (page.hidden("_token"), page.hidden("body"));
    let fields =
        [("_token", token.as_str()), ("etag", ETAG), ("body", body.as_str()), ("action", "send")];
    assert_eq!(browser.post(&again, &fields).await.location(), path(""));
}
