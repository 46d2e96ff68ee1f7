//! Signing in and out, and one's own account.

use std::sync::{Arc, Mutex};

use http::{StatusCode, header};
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    identity::v1 as identity,
    notification::v1 as notification,
    routing::v1::{GetCaseRequest, GetCaseResponse, ReplyToCaseRequest, ReplyToCaseResponse},
};

use crate::{
    portal::Running,
    samples::{SCRIPT, answered, case, refused},
    staff::{REQUEST, TOKEN, clerk, let_in, sign_in, staff},
};

#[tokio::test]
async fn a_wrong_password_is_one_sentence_and_the_name_stays() {
    let portal = Running::start().await;
    portal.fake.on("IdentityService/SignIn", |_: identity::SignInRequest| {
        Err::<identity::SignInResponse, _>(refused(Class::Unauthenticated, "SIGN_IN_REFUSED", &[]))
    });
    let mut browser = portal.browser();
    let page = browser.get("/sign-in?next=/desk").await;
    let (token, next) = (page.hidden("_token"), page.hidden("next"));
    assert_eq!(next, "/desk");
    let fields =
        [("_token", token.as_str()), ("name", "<甲>"), ("password", "秘密"), ("next", &next)];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["value=\"&#60;甲&#62;\"", "role=\"alert\""]).hides(&["秘密"]);
    assert_eq!(page.hidden("next"), "/desk");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert!(!browser.cookies.contains_key("session"));
    // identity counts by the address, so that nobody keeps others out.
    let told = portal.fake.last("IdentityService/SignIn");
    assert_eq!(told[liuyan_kit::grpc::CLIENT_ADDRESS], "127.0.0.1");
}

#[tokio::test]
async fn whoever_guesses_too_often_is_told_when_to_try_again() {
    let portal = Running::start().await;
    portal.fake.on("IdentityService/SignIn", |_: identity::SignInRequest| {
        Err::<identity::SignInResponse, _>(refused(Class::Exhausted, "TRIES_EXHAUSTED", &[]))
    });
    let mut browser = portal.browser();
    let token = browser.get("/sign-in").await.hidden("_token");
    let fields = [("_token", token.as_str()), ("name", "甲"), ("password", "x")];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.headers[header::RETRY_AFTER], "7");
    page.shows(&["请 1 分钟后再试"]);
}

#[tokio::test]
async fn signing_in_leads_back_on_this_site_alone() {
    let portal = Running::start().await;
    let_in(&portal, identity::Role::Clerk, &["330106-g"]);
    for (next, expected) in [
        ("/desk/cases/1?a=b", "/desk/cases/1?a=b"),
        ("", "/desk"),
        ("https://evil.example/", "/desk"),
        ("//evil.example/", "/desk"),
        ("/\\evil.example/", "/desk"),
        ("/.//evil.example/", "/desk"),
        ("/sign-out", "/desk"),
    ] {
        assert_eq!(sign_in(&mut portal.browser(), next).await, expected, "{next}");
    }
    let mut browser = portal.browser();
    sign_in(&mut browser, "").await;
    let page = browser.get("/sign-in?next=//evil.example/").await;
    assert_eq!(page.location(), "/desk", "whoever is signed in already is led on, too");
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_there() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let ended = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&ended);
    portal.fake.on("IdentityService/SignOut", move |ask: identity::SignOutRequest| {
        *told.lock().unwrap() = ask.refresh_token;
        Ok(identity::SignOutResponse {})
    });
    let page = browser.get("/account").await;
    page.shows(&["经办人甲", "承办人员", "西湖区区长", "退出登录"]);
    let token = page.hidden("_token");
    let done = browser.post("/sign-out", &[("_token", &token)]).await;
    assert_eq!(done.location(), "/");
    assert_eq!(*ended.lock().unwrap(), "refresh-of-staff");
    browser.get("/").await.shows(&["您已退出登录", "登录"]).hides(&["经办人甲"]);
    assert_eq!(browser.get("/desk").await.location(), "/sign-in?next=%2Fdesk");
    assert_eq!(browser.get("/sign-out").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_was_typed_before_the_session_ended_is_sent_after_signing_in_again() {
    let portal = Running::start().await;
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&bodies);
    portal.fake.on_with("CaseService/ReplyToCase", move |headers, ask: ReplyToCaseRequest| {
        assert_eq!(headers[header::AUTHORIZATION], format!("Bearer {TOKEN}"));
        told.lock().unwrap().push((ask.body, ask.request_id));
        Ok(ReplyToCaseResponse { case: Some(case(answered())), reply_id: String::new() })
    });
    let_in(&portal, identity::Role::Clerk, &["330106-g"]);
    let mut browser = portal.browser();
    let token = browser.get("/sign-in").await.hidden("_token");
    let path = format!("/desk/cases/{}/reply", answered().case_id);
    let body = format!("您好：已修好。{SCRIPT}");
    let fields = [
        ("_token", token.as_str()),
        ("request_id", REQUEST),
        ("etag", "e1"),
        ("body", &body),
        ("action", "send"),
    ];
    let page = browser.post(&path, &fields).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    page.shows(&["请重新登录", "您好：已修好。&#60;script&#62;"]).hides(&["<script>"]);
    // A wrong password loses nothing either.
    let (token, form) = (page.hidden("_token"), page.hidden("form"));
    assert!(!form.contains("_token"), "{form}");
    let form = form.replace("&#38;", "&");
    let fields = [
        ("_token", token.as_str()),
        ("name", "staff"),
        ("password", "long enough"),
        ("again", &path),
        ("form", &form),
    ];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows(&["经办人甲", "您好：已修好。"]).hides(&["<script>"]);
    assert_eq!(page.hidden("request_id"), REQUEST);
    let token = page.hidden("_token");
    let fields = [
        ("_token", token.as_str()),
        ("request_id", REQUEST),
        ("etag", "e1"),
        ("body", &body),
        ("action", "send"),
    ];
    let done = browser.post(&path, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    assert_eq!(*bodies.lock().unwrap(), [(body, REQUEST.to_owned())]);
}

#[tokio::test]
async fn a_form_after_the_session_leads_to_no_other_site() {
    let portal = Running::start().await;
    let_in(&portal, identity::Role::Clerk, &["330106-g"]);
    let mut browser = portal.browser();
    let token = browser.get("/sign-in").await.hidden("_token");
    let fields = [
        ("_token", token.as_str()),
        ("name", "staff"),
        ("password", "long enough"),
        ("again", "//evil.example/"),
        ("form", "body=x"),
    ];
    let page = browser.post("/sign-in", &fields).await;
    assert_eq!(page.location(), "/desk");
}

fn notice(id: &str, read: bool) -> notification::Notice {
    notification::Notice {
        notice_id: id.to_owned(),
        title: format!("新留言 {id} {SCRIPT}"),
        body: SCRIPT.to_owned(),
        case_id: answered().case_id,
        office_id: "330106-g".to_owned(),
        occurred_at: crate::samples::ago(1),
        read,
        ..notification::Notice::default()
    }
}

#[tokio::test]
async fn notices_are_counted_beside_the_name_and_marked_as_read() {
    let portal = Running::start().await;
    let unread = Arc::new(Mutex::new(2_u32));
    let told = Arc::clone(&unread);
    portal.fake.on(
        "SubscriptionService/ListNotices",
        move |_: notification::ListNoticesRequest| {
            let notices = vec![notice("n1", false), notice("n2", true)];
            let unread = *told.lock().unwrap();
            Ok(notification::ListNoticesResponse { notices, unread, next_page_token: "p2".into() })
        },
    );
    let told = Arc::clone(&unread);
    portal.fake.on(
        "SubscriptionService/MarkNoticesRead",
        move |ask: notification::MarkNoticesReadRequest| {
            let left = if ask.notice_ids.is_empty() { 0 } else { 1 };
            *told.lock().unwrap() = left;
            Ok(notification::MarkNoticesReadResponse { unread: left })
        },
    );
    let mut browser = clerk(&portal).await;
    let page = browser.get("/about").await;
    page.shows(&["经办人甲", "2 条未读"]);
    let page = browser.get("/account").await;
    page.shows(&["新留言 n1", "/desk/cases/", "/account?page=p2#notices"]).hides(&["<script>"]);
    let token = page.hidden("_token");
    let done = browser.post("/account/notices", &[("_token", &token), ("notice", "n1")]).await;
    assert_eq!(done.location(), "/account#notices");
    browser.get("/about").await.shows(&["1 条未读"]);
    browser.post("/account/notices", &[("_token", &token)]).await;
    browser.get("/about").await.hides(&["条未读"]);
}

#[tokio::test]
async fn an_account_page_is_there_while_notification_and_identity_are_away() {
    let portal = Running::start().await;
    let mut browser = staff(&portal, identity::Role::Moderator, &[]).await;
    let page = browser.get("/account").await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows(&["经办人甲", "审核员", "这部分暂时读不到", "修改密码"]);
}

#[tokio::test]
async fn the_password_is_changed_and_what_is_wrong_stands_at_its_field() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    portal.fake.on("IdentityService/ChangePassword", |ask: identity::ChangePasswordRequest| {
        match ask.password.as_str() {
            "right" => Ok(identity::ChangePasswordResponse {}),
            "short" => Err(refused(Class::Invalid, "FIELDS_INVALID", &["new_password"])),
            _ => Err(refused(Class::Denied, "PASSWORD_WRONG", &[])),
        }
    });
    let token = browser.get("/account").await.hidden("_token");
    for (old, new, again, status, shown) in [
        ("right", "0123456789", "9876543210", 422, "new_password_again-wrong"),
        ("wrong", "0123456789", "0123456789", 422, "id=\"password-wrong\""),
        ("short", "0123456789", "0123456789", 422, "id=\"new_password-wrong\""),
        ("right", "0123456789", "0123456789", 303, ""),
    ] {
        let fields = [
            ("_token", token.as_str()),
            ("password", old),
            ("new_password", new),
            ("new_password_again", again),
        ];
        let page = browser.post("/account/password", &fields).await;
        assert_eq!(page.status.as_u16(), status, "{}", page.text);
        page.shows(&[shown]).hides(&["0123456789"]);
    }
    browser.get("/account").await.shows(&["密码已修改"]);
}

#[tokio::test]
async fn addresses_are_added_confirmed_and_deleted() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let endpoint = |state: notification::EndpointState| notification::Endpoint {
        endpoint_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7fd1".to_owned(),
        channel: notification::EndpointChannel::Email.into(),
        address_hint: "a…@example.org".to_owned(),
        state: state.into(),
        ..notification::Endpoint::default()
    };
    portal.fake.on(
        "SubscriptionService/ListEndpoints",
        move |_: notification::ListEndpointsRequest| {
            let endpoints = vec![endpoint(notification::EndpointState::Pending)];
            Ok(notification::ListEndpointsResponse { endpoints })
        },
    );
    portal.fake.on(
        "SubscriptionService/CreateEndpoint",
        move |ask: notification::CreateEndpointRequest| {
            assert_eq!(ask.channel(), notification::EndpointChannel::Email);
            if !ask.address.contains('@') {
                return Err(refused(Class::Invalid, "FIELDS_INVALID", &["address"]));
            }
            Ok(notification::CreateEndpointResponse::default())
        },
    );
    portal.fake.on(
        "SubscriptionService/VerifyEndpoint",
        move |ask: notification::VerifyEndpointRequest| match ask.code.as_str() {
            "123" => Ok(notification::VerifyEndpointResponse::default()),
            "x" => Err(refused(Class::Invalid, "FIELDS_INVALID", &["code"])),
            _ => Err(refused(Class::Precondition, "VERIFICATION_FAILED", &[])),
        },
    );
    portal.fake.on(
        "SubscriptionService/DeleteEndpoint",
        |_: notification::DeleteEndpointRequest| {
            Err::<notification::DeleteEndpointResponse, _>(refused(
                Class::NotFound,
                "ENDPOINT_NOT_FOUND",
                &[],
            ))
        },
    );
    let page = browser.get("/account").await;
    page.shows(&["a…@example.org", "待确认", "邮件中的验证码"]);
    let token = page.hidden("_token");
    let send = |address: &'static str| {
        vec![("_token", token.as_str()), ("request_id", REQUEST), ("address", address)]
    };
    let page = browser.post("/account/endpoints", &send("没有at")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["value=\"没有at\"", "address-wrong"]);
    assert_eq!(
        browser.post("/account/endpoints", &send("a@b.c")).await.location(),
        "/account#mail"
    );
    let path = "/account/endpoints/0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7fd1";
    let code = |code: &'static str| vec![("_token", token.as_str()), ("code", code)];
    let page = browser.post(&format!("{path}/verify"), &code("999")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["value=\"999\""]);
    // What is wrong with a code leads to its field.
    let page = browser.post(&format!("{path}/verify"), &code("x")).await;
    page.shows(&["href=\"#code\"", "<label for=\"code\">", "id=\"code\" name=\"code\""]);
    let done = browser.post(&format!("{path}/verify"), &code(" 123 ")).await;
    assert_eq!(done.location(), "/account#mail");
    let done = browser.post(&format!("{path}/delete"), &code("")).await;
    assert_eq!(done.location(), "/account#mail", "deleting twice is deleting once");
}

#[tokio::test]
async fn nobody_and_those_without_the_role_do_not_learn_what_is_behind_a_door() {
    let portal = Running::start().await;
    portal.fake.on("CaseService/GetCase", |_: GetCaseRequest| {
        Ok(GetCaseResponse { case: Some(case(answered())) })
    });
    let mut nobody = portal.browser();
    let mut citizen = staff(&portal, identity::Role::Citizen, &[]).await;
    let desk = format!("/desk/cases/{}", answered().case_id);
    for path in ["/desk", &desk, "/review", "/review/0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f81"] {
        let page = nobody.get(path).await;
        assert!(page.location().starts_with("/sign-in?next="), "{path}");
        assert_eq!(citizen.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    citizen.get("/about").await.hides(&["href=\"/desk\"", "href=\"/review\""]);
}
