//! Being signed in, and staying so.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{StatusCode, header};
use liuyan_kit::{class::Class, clock, testing};
use liuyan_proto::liuyan::{
    identity::v1 as identity,
    intake::v1::{ListMyMessagesRequest, ListMyMessagesResponse, MessageState},
};

use crate::{
    browser::Browser,
    fake::Fake,
    files::{FILE, has_a_file},
    portal::Running,
    samples::{ANSWERED, ago, message, refused},
};

fn session(access: &str, access_seconds: i64, refresh: &str) -> Option<identity::Session> {
    let after =
        |seconds| Some(clock::to_proto(testing::now() + jiff::SignedDuration::from_secs(seconds)));
    Some(identity::Session {
        access_token: access.to_owned(),
        access_expires_at: after(access_seconds),
        refresh_token: refresh.to_owned(),
        refresh_expires_at: after(3_600),
    })
}

fn account() -> Option<identity::Account> {
    Some(identity::Account {
        account_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7fa0".to_owned(),
        name: "citizen".to_owned(),
        display_name: "读者甲".to_owned(),
        roles: vec![identity::Role::Citizen.into()],
        ..identity::Account::default()
    })
}

/// Signs in with an access token that is good for so many seconds.
async fn signed_in(portal: &Running, seconds: i64) -> Browser {
    portal.fake.on("IdentityService/SignIn", move |_: identity::SignInRequest| {
        let session = session("access-1", seconds, "refresh-1");
        Ok(identity::SignInResponse { session, account: account() })
    });
    lists(&portal.fake);
    let mut browser = portal.browser();
    let page = browser.get("/sign-in").await;
    let token = page.hidden("_token");
    let fields = [("_token", token.as_str()), ("name", "citizen"), ("password", "long enough")];
    let done = browser.post("/sign-in", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    browser
}

fn lists(fake: &Fake) {
    fake.on("IntakeService/ListMyMessages", |_: ListMyMessagesRequest| {
        let messages = vec![message(MessageState::InReview)];
        Ok(ListMyMessagesResponse { messages, next_page_token: String::new() })
    });
}

/// identity exchanges the token, and counts how often.
fn exchanges(fake: &Fake) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    fake.on("IdentityService/RefreshSession", move |ask: identity::RefreshSessionRequest| {
        assert_eq!(ask.refresh_token, "refresh-1");
        counted.fetch_add(1, Ordering::SeqCst);
        let session = session("access-2", 600, "refresh-2");
        Ok(identity::RefreshSessionResponse { session, account: account() })
    });
    count
}

#[tokio::test]
async fn ones_own_messages_are_asked_for_in_ones_own_name() {
    let portal = Running::start().await;
    let mut browser = signed_in(&portal, 600).await;
    let page = browser.get("/mine").await;
    page.shows(&["登录后写的留言", "文三路北侧人行道路灯不亮", "读者甲"]);
    let headers = portal.fake.last("IntakeService/ListMyMessages");
    assert_eq!(headers[header::AUTHORIZATION], "Bearer access-1");
    // What everybody may see is asked for in nobody's name.
    browser.get("/m/ABCD-EFGH-JKMN-P").await;
    let headers = portal.fake.last("CaseService/GetCase");
    assert_ne!(headers[header::AUTHORIZATION], "Bearer access-1");
}

#[tokio::test]
async fn a_token_is_exchanged_once_however_many_pages_are_asked_for() {
    let portal = Running::start().await;
    let browser = signed_in(&portal, 30).await;
    let count = exchanges(&portal.fake);
    let mut browsers: Vec<Browser> = (0..8)
        .map(|_| {
            let mut same = portal.browser();
            same.cookies = browser.cookies.clone();
            same
        })
        .collect();
    let pages = browsers.iter_mut().map(|browser| browser.get("/mine"));
    for page in futures::future::join_all(pages).await {
        page.shows(&["读者甲"]);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let headers = portal.fake.last("IntakeService/ListMyMessages");
    assert_eq!(headers[header::AUTHORIZATION], "Bearer access-2");
    // The new pair is in the cookie: nothing is exchanged again.
    browsers[0].get("/mine").await.shows(&["读者甲"]);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn whoever_signs_out_is_not_let_in_by_the_cookie_of_before() {
    let portal = Running::start().await;
    let mut browser = signed_in(&portal, 30).await;
    let count = exchanges(&portal.fake);
    let mut old = portal.browser();
    old.cookies = browser.cookies.clone();
    let page = browser.get("/mine").await;
    page.shows(&["读者甲"]);
    browser.post("/sign-out", &[("_token", &page.hidden("_token"))]).await;
    portal.fake.on("IdentityService/RefreshSession", |_: identity::RefreshSessionRequest| {
        let status = refused(Class::Unauthenticated, "SESSION_REFUSED", &[]);
        Err::<identity::RefreshSessionResponse, _>(status)
    });
    old.get("/mine").await.hides(&["读者甲"]);
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(portal.fake.count("IdentityService/RefreshSession"), 2);
}

#[tokio::test]
async fn no_answer_that_caches_keep_for_everybody_brings_a_session() {
    let portal = Running::start().await;
    has_a_file(&portal.fake);
    let mut browser = signed_in(&portal, 30).await;
    exchanges(&portal.fake);
    let path = format!("/files/{ANSWERED}/{FILE}");
    let file = browser.get(&path).await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.headers.contains_key(header::SET_COOKIE));
    assert_eq!(file.headers[header::CACHE_CONTROL], "private, no-store");
    let file = browser.get(&path).await;
    assert!(!file.headers.contains_key(header::SET_COOKIE));
    assert_eq!(file.headers[header::CACHE_CONTROL], "public, max-age=60");
}

#[tokio::test]
async fn a_session_that_has_ended_is_forgotten_and_one_that_cannot_be_asked_for_is_kept() {
    let portal = Running::start().await;
    let mut browser = signed_in(&portal, -10).await;
    let page = browser.get("/mine").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(browser.cookies.contains_key("session"));
    portal.fake.on("IdentityService/RefreshSession", |_: identity::RefreshSessionRequest| {
        let status = refused(Class::Unauthenticated, "SESSION_ENDED", &[]);
        Err::<identity::RefreshSessionResponse, _>(status)
    });
    let page = browser.get("/mine").await;
    assert_eq!(page.status, StatusCode::OK);
    page.hides(&["读者甲"]);
    assert!(!browser.cookies.contains_key("session"));
}

#[tokio::test]
async fn a_message_written_while_signed_in_opens_without_its_code() {
    use liuyan_proto::liuyan::intake::v1::{IssueAuthorTokenRequest, IssueAuthorTokenResponse};
    let portal = Running::start().await;
    let mut browser = signed_in(&portal, 600).await;
    portal.fake.on("IntakeService/IssueAuthorToken", |_: IssueAuthorTokenRequest| {
        Ok(IssueAuthorTokenResponse {
            message: Some(message(MessageState::InReview)),
            author_token: "author-token".to_owned(),
            expires_at: ago(-1),
        })
    });
    let own = message(MessageState::InReview);
    let page = browser.get(&format!("/mine/{}?id={}", own.number, own.message_id)).await;
    page.shows(&["审核中", "撤回这条留言"]);
    // And stays open for what is done there.
    browser.get(&format!("/mine/{}", own.number)).await.shows(&["审核中"]);
    // The number of one message does not open another.
    let page = browser.get(&format!("/mine/OTHER?id={}", own.message_id)).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}
