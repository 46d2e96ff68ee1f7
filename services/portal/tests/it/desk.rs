//! The desk of an office.

use std::sync::{Arc, Mutex};

use http::{StatusCode, header};
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome, PublicCase, PublicState, Visibility},
    identity::v1::Role,
    routing::v1 as routing,
};

use crate::{
    browser::Browser,
    portal::Running,
    samples::{SCRIPT, ago, answered, refused},
    staff::{TOKEN, after, clerk, staff},
};

pub(crate) const CASE: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80";
pub(crate) const ETAG: &str = "r4-c2";

/// A case of the district government in a state, with something dangerous in every field.
pub(crate) fn view(state: CaseState) -> PublicCase {
    let waits = matches!(state, CaseState::Assigned | CaseState::Accepted);
    let dangerous = |text: &str| format!("{text}{SCRIPT}");
    let whole = answered();
    PublicCase {
        title: dangerous("路灯不亮"),
        body: dangerous("文三路北侧"),
        place: dangerous("文三路"),
        topic: dangerous("道路"),
        state: state.into(),
        public_state: match state {
            CaseState::Assigned => PublicState::AwaitingReply.into(),
            CaseState::Accepted => PublicState::InProgress.into(),
            _ => PublicState::Replied.into(),
        },
        outcome: if state == CaseState::Closed { Outcome::Solved.into() } else { 0 },
        closed_at: if state == CaseState::Closed { ago(0) } else { None },
        replies: if waits { Vec::new() } else { whole.replies.clone() },
        ..whole
    }
}

pub(crate) fn case(view: PublicCase) -> routing::Case {
    routing::Case {
        view: Some(view),
        visibility: Visibility::Public.into(),
        public: true,
        etag: ETAG.to_owned(),
        ..routing::Case::default()
    }
}

/// routing gives this case.
pub(crate) fn gives(portal: &Running, state: CaseState) {
    portal.fake.on_with("CaseService/GetCase", move |headers, ask: routing::GetCaseRequest| {
        use routing::get_case_request::Name;
        assert_eq!(headers[header::AUTHORIZATION], format!("Bearer {TOKEN}"));
        assert_eq!(ask.name, Some(Name::CaseId(CASE.to_owned())));
        Ok(routing::GetCaseResponse { case: Some(case(view(state))) })
    });
}

pub(crate) fn path(act: &str) -> String {
    format!("/desk/cases/{CASE}{act}")
}

async fn open(browser: &mut Browser) -> crate::browser::Page {
    let page = browser.get(&path("")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    page
}

#[tokio::test]
async fn the_inbox_says_in_words_what_is_late_soon_or_private() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    portal.fake.on_with("CaseService/ListCases", move |headers, ask: routing::ListCasesRequest| {
        assert_eq!(headers[header::AUTHORIZATION], format!("Bearer {TOKEN}"));
        assert!(ask.own);
        told.lock().unwrap().push((ask.state(), ask.order(), ask.unanswered));
        let due = |days: i64, title: &str| PublicCase {
            deadline_at: ago(-days),
            title: format!("{title}{SCRIPT}"),
            ..view(CaseState::Assigned)
        };
        let mut private = case(due(2, "二号"));
        private.visibility = Visibility::Private.into();
        Ok(routing::ListCasesResponse {
            cases: vec![case(due(-2, "一号")), private, case(due(9, "三号"))],
            next_page_token: "next page".to_owned(),
        })
    });
    let page = browser.get("/desk").await;
    page.shows(&[
        "一号",
        "已逾期",
        "即将到期",
        "不公开",
        "还有",
        "待受理",
        "tab=open&#38;page=next+page",
    ])
    .hides(&["<script>"]);
    assert_eq!(page.text.matches("即将到期").count(), 1);
    for tab in ["accept", "progress", "answered", "all", "none"] {
        browser.get(&format!("/desk?tab={tab}")).await;
    }
    use routing::CaseOrder::{Deadline, Newest, Replied};
    assert_eq!(
        *asked.lock().unwrap(),
        [
            (CaseState::Unspecified, Deadline, true),
            (CaseState::Assigned, Deadline, true),
            (CaseState::Accepted, Deadline, true),
            (CaseState::Replied, Replied, false),
            (CaseState::Unspecified, Newest, false),
            (CaseState::Unspecified, Deadline, true),
        ]
    );
}

#[tokio::test]
async fn a_case_shows_what_can_be_done_in_its_state_and_script_as_text() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    for (state, shown, hidden) in [
        (
            CaseState::Assigned,
            &["/accept\"", "/reply\"", "/transfer\"", "/close\"", "并案"][..],
            &["已解决"][..],
        ),
        (
            CaseState::Accepted,
            &["/reply\"", "/transfer\"", "/close\"", "并案"],
            &["/accept\"", "已解决"],
        ),
        (
            CaseState::Replied,
            &["/reply\"", "/close\"", "已解决", "补充答复"],
            &["/accept\"", "/transfer\""],
        ),
        (
            CaseState::Closed,
            &["已办结", "不能再答复"],
            &["/accept\"", "/reply\"", "/transfer\"", "/close\""],
        ),
    ] {
        gives(&portal, state);
        let page = open(&mut browser).await;
        page.shows(shown).shows(&["文三路北侧&#60;script&#62;", "经手单位", "办理期限"]);
        page.hides(hidden).hides(&["<script>"]);
    }
}

#[tokio::test]
async fn accepting_twice_with_one_form_is_accepting_once() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Assigned);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    portal.fake.on("CaseService/AcceptCase", move |ask: routing::AcceptCaseRequest| {
        told.lock().unwrap().push((ask.case_id, ask.etag, ask.request_id));
        Ok(routing::AcceptCaseResponse { case: Some(case(view(CaseState::Accepted))) })
    });
    let page = open(&mut browser).await;
    for _ in 0..2 {
        let done = browser.submit(&page, &path("/accept"), &[("etag", ETAG)]).await;
        assert_eq!(done.location(), path(""));
    }
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[0], (CASE.to_owned(), ETAG.to_owned(), page.hidden("request_id")));
    assert_eq!(seen[0], seen[1], "routing knows the second one by its id");
    browser.get(&path("")).await.shows(&["已受理。"]);
}

#[tokio::test]
async fn a_case_that_changed_comes_back_with_what_was_typed() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Accepted);
    portal.fake.on("CaseService/ReplyToCase", |_: routing::ReplyToCaseRequest| {
        Err::<routing::ReplyToCaseResponse, _>(refused(Class::Aborted, "ETAG_MISMATCH", &[]))
    });
    let page = open(&mut browser).await;
    let body = format!("您好：\r\n已更换电缆。{SCRIPT}");
    let fields = [("etag", "old"), ("body", body.as_str()), ("action", "send")];
    let page = browser.submit(&page, &path("/reply"), &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.shows(&["您打开之后该办件有了变化", "您好：\n已更换电缆。&#60;script&#62;"]);
    page.hides(&["<script>"]);
    assert_eq!(page.hidden("etag"), ETAG, "the next one is sent with the case as it is now");
}

#[tokio::test]
async fn an_answer_is_looked_at_mended_and_published() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Accepted);
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&bodies);
    portal.fake.on("CaseService/ReplyToCase", move |ask: routing::ReplyToCaseRequest| {
        told.lock().unwrap().push((ask.body.clone(), ask.etag));
        if ask.body.chars().count() < 2 {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["body"]));
        }
        Ok(routing::ReplyToCaseResponse::default())
    });
    let page = open(&mut browser).await;
    let body = "已修好 👩🏽‍🔧";
    let send = |action: &'static str, body: &'static str| {
        vec![("etag", ETAG), ("body", body), ("action", action)]
    };
    let page = browser.submit(&page, &path("/reply"), &send("preview", body)).await;
    page.shows(&["预览答复", body, "共 5 个字", "所有人都能看到"]);
    assert_eq!((page.hidden("body"), page.hidden("etag")), (body.to_owned(), ETAG.to_owned()));
    let page = browser.submit(&page, &path("/reply"), &send("edit", body)).await;
    page.shows(&[&format!(">{body}</textarea>")]).hides(&["有了变化"]);
    let page = browser.submit(&page, &path("/reply"), &send("send", "好")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["id=\"body-wrong\"", ">好</textarea>", "href=\"#body\""]);
    let done = browser.submit(&page, &path("/reply"), &send("send", body)).await;
    assert_eq!(done.location(), path(""));
    assert_eq!(bodies.lock().unwrap()[1], (body.to_owned(), ETAG.to_owned()));
}

#[tokio::test]
async fn an_answer_that_the_gate_stops_is_sent_all_the_same_with_a_reason() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Accepted);
    portal.fake.on("CaseService/ReplyToCase", |ask: routing::ReplyToCaseRequest| {
        if ask.override_reason.is_empty() {
            return Err(refused(Class::Precondition, "REPLY_ALIKE", &[]));
        }
        assert_eq!(ask.override_reason, "同一条道路");
        Ok(routing::ReplyToCaseResponse::default())
    });
    let page = open(&mut browser).await;
    page.hides(&["override_reason"]);
    let send = [("etag", ETAG), ("body", "已修好，感谢您。"), ("action", "send")];
    let page = browser.submit(&page, &path("/reply"), &send).await;
    page.shows(&["id=\"override_reason\"", "仍要发出的理由", ">已修好，感谢您。</textarea>"]);
    let send = [&send[..], &[("reason", "同一条道路")]].concat();
    let done = browser.submit(&page, &path("/reply"), &send).await;
    assert_eq!(done.location(), path(""));
}

#[tokio::test]
async fn an_answer_typed_while_routing_is_away_is_kept_and_can_be_sent_again() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Accepted);
    let page = open(&mut browser).await;
    portal.fake.off("CaseService/GetCase");
    let fields = [("etag", ETAG), ("body", "已修好，请放心。"), ("action", "send")];
    let page = browser.submit(&page, &path("/reply"), &fields).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers.contains_key(header::RETRY_AFTER));
    page.shows(&["已修好，请放心。", &format!("action=\"{}\"", path("/reply"))]);
    portal.fake.on("CaseService/ReplyToCase", |ask: routing::ReplyToCaseRequest| {
        assert_eq!(ask.body, "已修好，请放心。");
        Ok(routing::ReplyToCaseResponse::default())
    });
    let fields =
        [("etag", &*page.hidden("etag")), ("body", &*page.hidden("body")), ("action", "send")];
    let done = browser.submit(&page, &path("/reply"), &fields).await;
    assert_eq!(done.location(), path(""));
}

#[tokio::test]
async fn a_case_goes_to_the_office_that_was_found_by_its_place() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Assigned);
    portal.fake.on("DirectoryService/ListOffices", |ask: routing::ListOfficesRequest| {
        let office = |id: &str, code: &str, title: &str, open| routing::Office {
            office_id: id.to_owned(),
            division_code: code.to_owned(),
            title: title.to_owned(),
            open,
            ..routing::Office::default()
        };
        let all = vec![
            office("330100-g", "330100", "杭州市市长", true),
            office("330106-g", "330106", "西湖区区长", true),
            office("330106-s", "330106", "西湖区委书记", false),
        ];
        let here =
            |it: &routing::Office| ask.include_below || it.division_code == ask.division_code;
        let offices = all.into_iter().filter(here).collect();
        Ok(routing::ListOfficesResponse { offices, next_page_token: String::new() })
    });
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    portal.fake.on("CaseService/TransferCase", move |ask: routing::TransferCaseRequest| {
        if ask.reason.chars().count() < 2 {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["reason"]));
        }
        told.lock().unwrap().push((ask.office_id, ask.reason, ask.etag));
        Ok(routing::TransferCaseResponse::default())
    });
    let page = browser.get(&path("/transfer")).await;
    page.shows(&["杭州市市长", "西湖区委书记", "disabled"])
        .hides(&["value=\"330106-g\"", "<script>"]);
    let find = [("etag", ETAG), ("q", "杭州 市长"), ("reason", "理由先写好"), ("action", "find")];
    let page = browser.submit(&page, &path("/transfer"), &find).await;
    page.shows(&["value=\"330100-g\"", "理由先写好", "浙江省 杭州市"]).hides(&["330106-s"]);
    let read = portal.fake.count("DirectoryService/ListOffices");
    let again = browser.submit(&page, &path("/transfer"), &find).await;
    again.shows(&["value=\"330100-g\""]);
    let now = portal.fake.count("DirectoryService/ListOffices");
    assert_eq!(now, read, "the directory is read once, not for each search");
    let send = |reason: &'static str| {
        vec![("etag", ETAG), ("office_id", "330100-g"), ("reason", reason), ("action", "send")]
    };
    let page = browser.submit(&page, &path("/transfer"), &send("短")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["reason-wrong", "value=\"330100-g\" checked", ">短</textarea>"]);
    let done = browser.submit(&page, &path("/transfer"), &send("属市级事权")).await;
    assert_eq!(done.location(), "/desk");
    let expected = ("330100-g".to_owned(), "属市级事权".to_owned(), ETAG.to_owned());
    assert_eq!(*asked.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn a_case_is_closed_with_an_outcome() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Replied);
    portal.fake.on("CaseService/CloseCase", |ask: routing::CloseCaseRequest| match ask.outcome() {
        Outcome::Unspecified => Err(refused(Class::Invalid, "REQUEST_INVALID", &["outcome"])),
        Outcome::PartlySolved => Ok(routing::CloseCaseResponse::default()),
        other => panic!("{other:?}"),
    });
    let page = open(&mut browser).await;
    for wrong in ["", "withdrawn", "nonsense"] {
        let fields = [("etag", ETAG), ("outcome", wrong)];
        let page = browser.submit(&page, &path("/close"), &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        page.shows(&["id=\"outcome-wrong\""]);
    }
    let fields = [("etag", ETAG), ("outcome", "partly_solved")];
    let done = browser.submit(&page, &path("/close"), &fields).await;
    assert_eq!(done.location(), path(""));
}

#[tokio::test]
async fn the_case_of_another_office_is_not_there_even_if_everybody_may_read_it() {
    let portal = Running::start().await;
    let mut other = staff(&portal, Role::Clerk, &["330100-g"]).await;
    gives(&portal, CaseState::Accepted);
    let page = other.get(&path("")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    page.hides(&["路灯不亮"]);
    assert_eq!(other.get(&path("/transfer")).await.status, StatusCode::NOT_FOUND);
    // The answer that was typed before another office got the case is not lost.
    for act in ["ReplyToCase", "AcceptCase", "CloseCase"] {
        let method: &'static str = Box::leak(format!("CaseService/{act}").into_boxed_str());
        portal.fake.on(method, |_: routing::AcceptCaseRequest| {
            Err::<routing::AcceptCaseResponse, _>(refused(Class::Denied, "CASE_NOT_YOURS", &[]))
        });
    }
    let token = other.get("/account").await.hidden("_token");
    for act in ["/reply", "/accept", "/close"] {
        let fields = [("_token", token.as_str()), ("body", "白写的答复"), ("action", "send")];
        let page = other.post(&path(act), &fields).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{act}");
        page.shows(&["白写的答复"]).hides(&["路灯不亮"]);
    }
}

#[tokio::test]
async fn a_supervisor_reads_and_does_nothing() {
    let portal = Running::start().await;
    let mut browser = staff(&portal, Role::Supervisor, &["330106-g"]).await;
    gives(&portal, CaseState::Assigned);
    let page = open(&mut browser).await;
    page.shows(&["路灯不亮", "督办身份"]).hides(&["<textarea", "/accept\"", "/transfer\""]);
    let token = browser.get("/account").await.hidden("_token");
    for act in ["/reply", "/accept", "/close", "/transfer"] {
        let page = browser.post(&path(act), &[("_token", &token), ("body", "x")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{act}");
    }
    assert_eq!(portal.fake.count("CaseService/AcceptCase"), 0);
}

#[tokio::test]
async fn a_desk_speaks_english_and_marks_are_words() {
    let portal = Running::start().await;
    crate::staff::let_in(&portal, Role::Clerk, &["330106-g"]);
    let mut browser = portal.english();
    crate::staff::sign_in(&mut browser, "").await;
    portal.fake.on("CaseService/ListCases", |_: routing::ListCasesRequest| {
        let soon = PublicCase { deadline_at: after(150_000), ..view(CaseState::Assigned) };
        let cases = vec![case(soon)];
        Ok(routing::ListCasesResponse { cases, next_page_token: String::new() })
    });
    browser.get("/desk").await.shows(&["To answer", "Due soon"]);
    gives(&portal, CaseState::Assigned);
    open(&mut browser).await.shows(&["Accept", "Publish the answer", "Transfer"]);
}
