//! What stands around every page.

use http::{StatusCode, header};

use crate::portal::Running;

#[tokio::test]
async fn every_answer_protects_its_visitor() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    for path in ["/", "/nowhere", "/robots.txt", "/favicon.svg", "/about"] {
        let page = browser.get(path).await;
        let header = |name: &str| {
            let value = page.headers.get(name).unwrap_or_else(|| panic!("{path}: no {name}"));
            value.to_str().unwrap().to_owned()
        };
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "style-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("x-request-id").len(), 36);
        assert!(!page.text.contains("<script") || page.text.contains("&#60;script"), "{path}");
        assert!(!page.text.contains(" style="), "{path}: the policy forbids inline styles");
    }
}

#[tokio::test]
async fn the_language_is_the_browsers_until_one_is_chosen() {
    let portal = Running::start().await;
    let mut browser = portal.english();
    browser.get("/").await.shows(&["<html lang=\"en\">", "Leave a message"]);
    let page = browser.get("/search?q=a%26b&lang=zh-CN").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(page.location(), "/search?q=a%26b");
    browser.get("/").await.shows(&["<html lang=\"zh-CN\">", "我要留言"]);
    let page = browser.get("//evil.example/?lang=en").await;
    assert_eq!(page.location(), "/evil.example/");
    // Nor does the link to the other language lead to another site.
    let page = portal.browser().get("//evil.example/").await;
    page.shows(&["href=\"/evil.example/?lang=en\""]).hides(&["href=\"//"]);
}

#[tokio::test]
async fn a_page_that_is_not_there_says_so_in_both_languages() {
    let portal = Running::start().await;
    let page = portal.browser().get("/nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    page.shows(&["没有找到", "<html lang=\"zh-CN\">"]);
    portal.english().get("/nowhere").await.shows(&["Not found"]);
    let page = portal.browser().get("/static/board-000000000000.css").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_stylesheet_is_kept_for_ever_and_pages_are_light() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let page = browser.get("/").await;
    let (_, rest) = page.text.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let style = browser.get(rest.split_once('"').unwrap().0).await;
    assert_eq!(style.status, StatusCode::OK);
    let kept = style.headers[header::CACHE_CONTROL].to_str().unwrap();
    assert!(kept.contains("immutable"), "{kept}");
    for path in ["/", "/new", "/stats", "/offices", "/search?q=%E8%B7%AF%E7%81%AF", "/about"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let weight = page.text.len() + style.text.len();
        assert!(weight < 60_000, "{path} weighs {weight} bytes");
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let page = browser.get("/mine").await;
    let token = page.hidden("_token");
    let fields = [("_token", token.as_str()), ("number", "A"), ("code", "B")];
    let refused = browser.post("/mine", &[("number", "A"), ("code", "B")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.shows(&["没有被接受"]);
    browser.headers = vec![("origin", "https://evil.example".to_owned())];
    assert_eq!(browser.post("/mine", &fields).await.status, StatusCode::FORBIDDEN);
    browser.headers = vec![("sec-fetch-site", "cross-site".to_owned())];
    assert_eq!(browser.post("/mine", &fields).await.status, StatusCode::FORBIDDEN);
    browser.headers.clear();
    let mut stranger = portal.browser();
    assert_eq!(stranger.post("/mine", &fields).await.status, StatusCode::FORBIDDEN);
    stranger.get("/mine").await;
    assert_eq!(stranger.post("/mine", &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(portal.fake.count("IntakeService/LookUpMessage"), 0);
    browser.post("/mine", &fields).await;
    assert!(portal.fake.count("IntakeService/LookUpMessage") > 0);
}

#[tokio::test]
async fn a_form_of_a_page_that_was_open_for_too_long_comes_back_to_be_sent_once_more() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let page = browser.get("/new").await;
    let fields = [("_token", "of another day"), ("title", "路灯不亮"), ("body", "两天了 <b>")];
    // Whoever can not tell where a form comes from is told no more than that.
    let refused = browser.post("/new", &fields).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.shows(&["没有被接受"]).hides(&["路灯不亮"]);
    browser.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    let kept = browser.post("/new", &fields).await;
    assert_eq!(kept.status, StatusCode::FORBIDDEN);
    kept.shows(&["还没有提交", ">路灯不亮</p>", "value=\"两天了 &#60;b&#62;\"", "action=\"/new\""]);
    assert_eq!(kept.hidden("_token"), page.hidden("_token"));
    assert_eq!(portal.fake.count("IntakeService/SubmitMessage"), 0);
    let again = [("_token", &*kept.hidden("_token")), ("title", "路灯不亮"), ("action", "pick")];
    assert_eq!(browser.post("/new", &again).await.status, StatusCode::OK);
    // Secrets do not come back.
    let fields = [("number", "A"), ("code", "SECRETCODE")];
    browser.post("/mine", &fields).await.shows(&["没有被接受"]).hides(&["SECRETCODE"]);
}

#[tokio::test]
async fn what_can_not_be_read_is_refused_on_a_page() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let page = browser.get("/search?q=a&q=b").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.shows(&["无法读取这次请求", "<html"]).hides(&["deserialize"]);
    let form = browser.get("/new").await;
    let token = form.hidden("_token");
    let fields = [("_token", token.as_str()), ("title", "a"), ("title", "b")];
    let page = browser.post("/new", &fields).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.shows(&["无法读取这次请求"]).hides(&["deserialize"]);
}

#[tokio::test]
async fn forms_have_limits_of_length_and_number() {
    let limits = toml::toml! {
        forms_per_minute = 3
        form_bytes = 2000
    };
    let portal = Running::with("http", limits).await;
    let mut browser = portal.browser();
    let page = browser.get("/new").await;
    let long = "x".repeat(2_000);
    let refused = browser.submit(&page, "/new", &[("body", &long)]).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    for _ in 0..2 {
        assert_eq!(browser.submit(&page, "/new", &[]).await.status, StatusCode::OK);
    }
    let refused = browser.submit(&page, "/new", &[]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers[header::RETRY_AFTER], "60");
}

#[tokio::test]
async fn no_cookie_is_set_for_readers_and_over_https_all_are_locked() {
    let portal = Running::with("https", toml::Table::new()).await;
    let mut browser = portal.browser();
    for path in ["/", "/offices", "/search", "/stats", "/about", "/m/ABCD-EFGH-JKMN-P"] {
        let page = browser.get(path).await;
        assert_eq!(page.headers.get(header::SET_COOKIE), None, "{path}");
    }
    let page = browser.get("/new").await;
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-form="), "{cookie}");
    assert!(cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");
    assert!(page.headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
}

#[tokio::test]
async fn security_and_robots_are_told() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    browser.get("/.well-known/security.txt").await.shows(&["Contact: ", "Expires: 20"]);
    browser.get("/robots.txt").await.shows(&["Disallow: /mine"]);
}

#[tokio::test]
async fn a_call_carries_language_deadline_and_trace() {
    let portal = Running::start().await;
    let mut browser = portal.english();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    browser.headers = vec![("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))];
    browser.get("/m/ABCD-EFGH-JKMN-P").await;
    let headers = portal.fake.last("CaseService/GetCase");
    assert_eq!(headers["accept-language"], "en");
    assert!(headers.contains_key("grpc-timeout"));
    let parent = headers["traceparent"].to_str().unwrap();
    assert!(parent.contains(trace), "{parent}");
}
