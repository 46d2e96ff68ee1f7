//! Partners' columns: their page, their card, their script.

use std::sync::{Arc, Mutex};

use http::{StatusCode, header};
use liuyan_kit::{class::Class, grpc::CLIENT_ADDRESS};
use liuyan_proto::liuyan::{
    identity::v1::Role,
    intake::v1::{
        Column, GetColumnRequest, GetColumnResponse, SubmitMessageRequest, SubmitMessageResponse,
    },
};

use crate::{
    portal::Running,
    samples::refused,
    staff,
    writing::{filled, takes},
};

const PATH: &str = "/c/letters";

fn column() -> Column {
    Column {
        column_id: "letters".to_owned(),
        name: "我向省长说句话".to_owned(),
        agency_id: "secret-agency".to_owned(),
        default_office_id: "330000-g".to_owned(),
        domains: vec!["7".to_owned()],
        origins: vec!["https://www.example.org".to_owned(), "http://localhost:8765".to_owned()],
        daily_quota: 10,
        minute_quota: 10,
        open: true,
        ..Column::default()
    }
}

/// A board with columns of these ids, as they are now.
async fn with(columns: Vec<(Column, u32)>) -> Running {
    let portal = Running::start().await;
    portal.fake.on("ColumnService/GetColumn", move |ask: GetColumnRequest| {
        let found = columns.iter().find(|(it, _)| it.column_id == ask.column_id);
        let (column, used_today) =
            found.cloned().ok_or_else(|| refused(Class::NotFound, "COLUMN_NOT_FOUND", &[]))?;
        Ok(GetColumnResponse { column: Some(column), used_today })
    });
    portal
}

fn policy(page: &crate::browser::Page) -> String {
    page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_is_left_by_a_column_and_not_in_the_name_of_an_account() {
    let portal = with(vec![(column(), 0)]).await;
    let taken = takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get(PATH).await;
    form.shows(&[
        "<h1 lang=\"zh-CN\">我向省长说句话</h1>",
        "action=\"/c/letters\"",
        "value=\"330000-g\" checked",
        "本栏目只接收这些领域的留言",
        "value=\"7\"",
    ]);
    form.hides(&["value=\"20\"", "secret-agency", "不记入您的账户"]);
    assert!(policy(&form).contains("frame-ancestors 'none'"), "{}", policy(&form));
    let fields = [("d1", "330000"), ("d2", ""), ("d3", ""), ("office_id", "330000-g")];
    let fields_of_preview = filled(&[&fields[..], &[("action", "preview")]].concat());
    let preview = browser.submit(&form, PATH, &fields_of_preview).await;
    preview.shows(&["action=\"/c/letters\""]);
    let send = filled(&[&fields[..], &[("action", "submit")]].concat());
    let sent = browser.submit(&form, PATH, &send).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/receipt"));
    let request = taken.lock().unwrap()[0].clone();
    let message = request.message.unwrap();
    assert_eq!((message.column_id.as_str(), message.office_id.as_str()), ("letters", "330000-g"));
    assert_eq!(message.channel, 6);
    let told = portal.fake.last("IntakeService/SubmitMessage");
    assert_eq!(told[CLIENT_ADDRESS], "127.0.0.1");

    // The same words by the board's own page are another message.
    let form = browser.get("/new").await;
    browser.submit(&form, "/new", &send).await;
    let other = taken.lock().unwrap()[1].clone();
    assert_ne!(other.request_id, request.request_id);
    assert_eq!(other.message.unwrap().column_id, "");
    portal
        .english()
        .get(PATH)
        .await
        .shows(&["You are writing by", "lang=\"zh-CN\">我向省长说句话"]);
}

#[tokio::test]
async fn who_is_signed_in_is_told_that_a_column_is_not_their_account() {
    let portal = with(vec![(column(), 0)]).await;
    takes(&portal.fake);
    let mut browser = staff::staff(&portal, Role::Citizen, &[]).await;
    let form = browser.get(PATH).await;
    form.shows(&["不记入您的账户"]);
    let fields = [("d1", "330000"), ("d2", ""), ("d3", ""), ("office_id", "330000-g")];
    browser
        .submit(&form, PATH, &filled(&[&fields[..], &[("action", "submit")]].concat()))
        .await
        .location();
    let told = portal.fake.last("IntakeService/SubmitMessage");
    let bearer = told["authorization"].to_str().unwrap();
    assert!(!bearer.contains(staff::TOKEN), "{bearer}");
    assert_eq!(told[CLIENT_ADDRESS], "127.0.0.1");
}

#[tokio::test]
async fn what_a_collated_column_takes_is_private() {
    let collated = Column { collated: true, domains: Vec::new(), ..column() };
    let portal = with(vec![(collated, 0)]).await;
    let taken = takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get(PATH).await;
    form.shows(&["不单独公开"]).hides(&["name=\"visibility\""]);
    let fields = filled(&[("visibility", "public"), ("action", "preview")]);
    browser.submit(&form, PATH, &fields).await.shows(&["这条留言不公开"]);
    let fields = filled(&[("visibility", "public"), ("action", "submit")]);
    browser.submit(&form, PATH, &fields).await;
    assert_eq!(taken.lock().unwrap()[0].message.as_ref().unwrap().visibility, 2);
}

#[tokio::test]
async fn a_column_that_is_not_there_has_ended_or_is_full_says_so() {
    let ended = Column { column_id: "ended".to_owned(), open: false, ..column() };
    let full = Column { column_id: "full-up".to_owned(), ..column() };
    let portal = with(vec![(ended, 0), (full, 10)]).await;
    for (path, status, zh, en) in [
        ("/c/nowhere", 404, "没有这个栏目", "no such column"),
        ("/c/No-Where", 404, "没有这个栏目", "no such column"),
        ("/c/ended", 404, "已停止接收留言", "takes no more messages"),
        ("/c/full-up", 429, "今天能接收的留言已满", "as many messages today"),
    ] {
        for query in ["", "?embed=1"] {
            let page = portal.browser().get(&format!("{path}{query}")).await;
            assert_eq!(page.status.as_u16(), status, "{path}{query}");
            page.shows(&[zh, "href=\"/new\""]).hides(&["<form"]);
            portal.english().get(&format!("{path}{query}")).await.shows(&[en]);
        }
    }
    let page = portal.browser().get("/c/full-up").await;
    let wait: u64 = page.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&wait), "{wait}");
    portal.fake.off("ColumnService/GetColumn");
    let away = portal.browser().get("/c/another").await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_was_typed_by_a_column_that_is_full_meanwhile_goes_by_the_boards_own_page() {
    let portal = with(vec![(Column { domains: Vec::new(), ..column() }, 9)]).await;
    portal.fake.on("IntakeService/SubmitMessage", |_: SubmitMessageRequest| {
        Err::<SubmitMessageResponse, _>(refused(Class::Exhausted, "COLUMN_QUOTA_USED", &[]))
    });
    let mut browser = portal.browser();
    let form = browser.get(PATH).await;
    form.hides(&["formaction"]);
    let page = browser.submit(&form, PATH, &filled(&[("action", "submit")])).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    page.shows(&["formaction=\"/new\"", "value=\"文三路路灯不亮\"", "value=\"13800000000\""]);
    let page = browser.submit(&page, "/new", &filled(&[("action", "pick")])).await;
    page.shows(&["action=\"/new\"", "value=\"文三路路灯不亮\"", "value=\"330106-g\" checked"]);
    // Nothing typed is lost either while intake can't tell which column that is.
    portal.fake.off("ColumnService/GetColumn");
    portal.fake.off("IntakeService/SubmitMessage");
    let page = browser.submit(&form, "/c/forgotten", &filled(&[("action", "submit")])).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    page.shows(&["action=\"/c/forgotten\"", "value=\"文三路路灯不亮\""]);
}

#[tokio::test]
async fn an_office_that_was_not_chosen_is_not_taken_for_the_columns_own() {
    let portal = with(vec![(Column { domains: Vec::new(), ..column() }, 0)]).await;
    let taken = takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get(PATH).await;
    let moved = [("d1", "440000"), ("d2", ""), ("d3", ""), ("office_id", "330000-g")];
    let page =
        browser.submit(&form, PATH, &filled(&[&moved[..], &[("action", "submit")]].concat())).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["id=\"office-wrong\"", "请选择留言对象", "value=\"文三路路灯不亮\""]);
    assert!(taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_card_of_a_column_is_shown_by_its_origins_alone_and_needs_no_cookie() {
    let none = Column { column_id: "closed-off".to_owned(), origins: Vec::new(), ..column() };
    let odd = Column {
        column_id: "odd".to_owned(),
        origins: vec!["https://a.example; script-src *".to_owned()],
        ..column()
    };
    let portal = with(vec![(column(), 0), (none, 0), (odd, 0)]).await;
    let mut browser = portal.browser();
    let card = browser.get("/c/letters?embed=1").await;
    assert_eq!(card.status, StatusCode::OK);
    card.shows(&["我向省长说句话", "href=\"/c/letters\" target=\"_blank\""]);
    card.hides(&["<form", "<script", "class=\"top\""]);
    let allowed = "frame-ancestors https://www.example.org http://localhost:8765; ";
    assert!(policy(&card).contains(allowed), "{}", policy(&card));
    assert!(policy(&card).starts_with("default-src 'none'; style-src 'self'"));
    assert!(!card.headers.contains_key(header::X_FRAME_OPTIONS));
    assert!(!card.headers.contains_key(header::SET_COOKIE));
    for path in ["/c/closed-off?embed=1", "/c/odd?embed=1", "/c/nowhere?embed=1", PATH, "/new"] {
        let page = browser.get(path).await;
        assert!(policy(&page).contains("frame-ancestors 'none'"), "{path}: {}", policy(&page));
        assert_eq!(page.headers[header::X_FRAME_OPTIONS], "DENY", "{path}");
    }
}

#[tokio::test]
async fn the_script_shows_a_column_on_the_pages_of_its_partner() {
    let name = "</script><script>alert(1)</script>\u{2028}";
    let odd = Column { column_id: "odd-name".to_owned(), name: name.to_owned(), ..column() };
    let portal = with(vec![(column(), 0), (odd, 0)]).await;
    let mut browser = portal.browser();
    let script = browser.get("/embed/letters.js").await;
    assert_eq!(script.status, StatusCode::OK);
    assert_eq!(script.headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    assert_eq!(script.headers["cross-origin-resource-policy"], "cross-origin");
    assert!(!script.headers.contains_key(header::SET_COOKIE));
    script.shows(&[
        "/c/letters\"",
        "https://www.example.org",
        "我向省长说句话：我要留言",
        "我向省长说句话: leave a message",
    ]);
    script.hides(&["/*column*/", "secret-agency"]);
    browser.get("/embed/odd-name.js").await.hides(&["<", "\u{2028}"]);
    for (path, status) in
        [("/embed/nowhere.js", 404), ("/embed/letters", 404), ("/embed/letters.css", 404)]
    {
        assert_eq!(browser.get(path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn files_go_with_what_is_left_by_a_column() {
    let portal = with(vec![(Column { domains: Vec::new(), ..column() }, 0)]).await;
    let taken: Arc<Mutex<Vec<SubmitMessageRequest>>> = takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get(PATH).await;
    let token = form.hidden("_token");
    let fields = filled(&[("action", "submit")]);
    let all: Vec<(&str, &str)> = [("_token", token.as_str())].into_iter().chain(fields).collect();
    let sent = browser.send_files(PATH, &all, &[]).await;
    assert_eq!(sent.location(), "/receipt");
    assert_eq!(taken.lock().unwrap()[0].message.as_ref().unwrap().column_id, "letters");
    // Without the token of its page, a form with files is one of somebody else's.
    let refused = browser.send_files(PATH, &filled(&[("action", "submit")]), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
