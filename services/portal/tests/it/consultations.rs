//! What offices ask the public, and how they do.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    identity::v1::Role,
    intake::v1 as intake,
    routing::v1::{self as routing, ConsultationState, Uptake},
};

use crate::{
    portal::Running,
    samples::{ANSWERED, SCRIPT, ago, answered, refused},
    staff::{clerk, staff},
};

const ID: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f90";

fn asked(state: ConsultationState) -> routing::Consultation {
    let over = state == ConsultationState::Published;
    let statement = routing::Statement {
        uptake: Uptake::Partly.into(),
        what: format!("沿河种树{SCRIPT}"),
        taken_up_by: "绿化规划".to_owned(),
        numbers: vec![ANSWERED.to_owned()],
    };
    routing::Consultation {
        consultation_id: ID.to_owned(),
        office_id: "330106-g".to_owned(),
        domain: "7".to_owned(),
        question: format!("树种在哪里？{SCRIPT}"),
        description: "全区可以种一千棵树。".to_owned(),
        from_on: "2026-06-03".to_owned(),
        until_on: "2026-06-30".to_owned(),
        state: state.into(),
        takes_messages: state == ConsultationState::Open,
        messages: 2,
        summary: if over { "很多人希望沿河种树。".to_owned() } else { String::new() },
        statements: if over { vec![statement] } else { vec![] },
        published_at: if over { ago(1) } else { None },
        ..routing::Consultation::default()
    }
}

/// routing gives this consultation, and `etag` to those who may change it.
fn gives(portal: &Running, state: ConsultationState, etag: &'static str) {
    let of = move || routing::Consultation { etag: etag.to_owned(), ..asked(state) };
    portal.fake.on(
        "ConsultationService/GetConsultation",
        move |_: routing::GetConsultationRequest| {
            Ok(routing::GetConsultationResponse { consultation: Some(of()) })
        },
    );
    portal.fake.on(
        "ConsultationService/ListConsultations",
        move |_: routing::ListConsultationsRequest| {
            let next_page_token = "n=1".to_owned();
            Ok(routing::ListConsultationsResponse { consultations: vec![of()], next_page_token })
        },
    );
    portal.fake.on(
        "ConsultationService/ListConsultationMessages",
        |_: routing::ListConsultationMessagesRequest| {
            let cases = vec![answered()];
            Ok(routing::ListConsultationMessagesResponse { cases, ..Default::default() })
        },
    );
}

#[tokio::test]
async fn everybody_reads_what_is_asked_and_what_came_out() {
    let portal = Running::start().await;
    let (mut browser, mut english) = (portal.browser(), portal.english());
    gives(&portal, ConsultationState::Open, "");
    let list = browser.get("/consultations").await;
    list.shows(&["问计于民", "树种在哪里？&#60;script&#62;", "正在进行", "page=n%3D1"]);
    list.hides(&["<script>"]);
    english.get("/consultations?tab=open").await.shows(&["Consultations", "2 public suggestions"]);
    let page = browser.get(&format!("/consultations/{ID}")).await;
    page.shows(&["2026年6月3日 至 2026年6月30日"]);
    page.shows(&["参与建言", &format!("/new?consultation={ID}"), "文三路北侧人行道路灯不亮"]);
    gives(&portal, ConsultationState::Published, "");
    let page = english.get(&format!("/consultations/{ID}")).await;
    page.shows(&["What was taken up", "Taken up in part", "绿化规划", &format!("/m/{ANSWERED}")]);
    page.hides(&["Take part", "<script>"]);
    let nobody = refused(Class::NotFound, "CONSULTATION_NOT_FOUND", &[]);
    portal.fake.on(
        "ConsultationService/GetConsultation",
        move |_: routing::GetConsultationRequest| {
            Err::<routing::GetConsultationResponse, _>(nobody.clone())
        },
    );
    for none in [ID, "x"] {
        let page = browser.get(&format!("/consultations/{none}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn whoever_takes_part_writes_to_the_office_that_asks() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    gives(&portal, ConsultationState::Open, "");
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    portal.fake.on("IntakeService/SubmitMessage", move |it: intake::SubmitMessageRequest| {
        heard.lock().unwrap().push(it.message.unwrap());
        Err::<intake::SubmitMessageResponse, _>(refused(
            Class::Invalid,
            "REQUEST_INVALID",
            &["message.consultation_id"],
        ))
    });
    let page = browser.get(&format!("/new?consultation={ID}")).await;
    page.shows(&["树种在哪里？", "西湖区区长公开征求意见", "name=\"consultation\""]);
    page.hides(&["name=\"d1\"", "name=\"demand\"", "id=\"kind\""]);
    let fields = [
        ("consultation", ID),
        ("office_id", &page.hidden("office_id")),
        ("kind", &page.hidden("kind")),
        ("matter", "7"),
        ("title", "沿河种一排柳树"),
        ("body", "河边夏天很晒，种一排柳树大家都能乘凉。"),
    ];
    let wish = [&fields[..], &[("action", "preview")]].concat();
    let preview = browser.submit(&page, "/new", &wish).await;
    preview.shows(&["西湖区区长", ID]);
    let refused =
        browser.submit(&preview, "/new", &[&fields[..], &[("action", "submit")]].concat()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.shows(&["沿河种一排柳树", "树种在哪里？", "id=\"faults\""]);
    let said = said.lock().unwrap();
    let message = said.last().unwrap();
    assert_eq!((message.consultation_id.as_str(), message.kind.as_str()), (ID, "suggestion"));
    assert_eq!((message.office_id.as_str(), message.domain.as_str()), ("330106-g", "7"));
}

#[tokio::test]
async fn a_clerk_plans_opens_ends_and_publishes() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    macro_rules! takes {
        ($method:literal, $ask:ident, $answer:ident, |$it:ident| $said:expr) => {
            let heard = Arc::clone(&told);
            portal.fake.on($method, move |$it: routing::$ask| {
                heard.lock().unwrap().push($said);
                Ok(routing::$answer { consultation: Some(asked(ConsultationState::Open)) })
            });
        };
    }
    takes!(
        "ConsultationService/PutConsultation",
        PutConsultationRequest,
        PutConsultationResponse,
        |it| format!("put {} {} {} {}", it.office_id, it.question, it.from_on, it.until_on)
    );
    takes!(
        "ConsultationService/OpenConsultation",
        OpenConsultationRequest,
        OpenConsultationResponse,
        |it| format!("open {}", it.etag)
    );
    takes!(
        "ConsultationService/CloseConsultation",
        CloseConsultationRequest,
        CloseConsultationResponse,
        |it| format!("close {}", it.etag)
    );
    takes!(
        "ConsultationService/PublishConsultation",
        PublishConsultationRequest,
        PublishConsultationResponse,
        |it| format!("publish {} {:?}", it.summary, it.statements[0].numbers)
    );
    gives(&portal, ConsultationState::Draft, "q1");
    let page = browser.get("/desk/consultations/new").await;
    let form = [
        ("office_id", "330106-g"),
        ("question", "树种在哪里？"),
        ("description", "全区可以种一千棵树。"),
        ("from_on", "2026-06-03"),
        ("until_on", "2026-06-30"),
        ("action", "put"),
    ];
    let saved = browser.submit(&page, "/desk/consultations/new", &form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let path = format!("/desk/consultations/{ID}");
    let page = browser.get(&path).await;
    page.shows(&["草稿", "开始活动", "name=\"question\""]).hides(&["提前结束", "name=\"summary\""]);
    browser.submit(&page, &path, &[("action", "open"), ("etag", "q1")]).await;
    gives(&portal, ConsultationState::Open, "q2");
    let page = browser.get(&path).await;
    page.shows(&["提前结束", "活动已经公开"]).hides(&[
        "开始活动",
        "name=\"question\"",
        "name=\"summary\"",
    ]);
    let moved = [("description", "一千五百棵。"), ("until_on", "2026-07-05"), ("action", "put")];
    browser.submit(&page, &path, &moved).await;
    browser.submit(&page, &path, &[("action", "close"), ("etag", "q2")]).await;
    gives(&portal, ConsultationState::Closed, "q3");
    let page = browser.get(&path).await;
    page.shows(&["公布结果", "文三路北侧人行道路灯不亮"]).hides(&["提前结束"]);
    let result = [
        ("summary", "很多人希望沿河种树。"),
        ("uptake", "taken"),
        ("what", "沿河种树"),
        ("taken_up_by", "绿化规划"),
        ("numbers", "abcd-efgh-jkmn-p"),
    ];
    let more = browser.submit(&page, &path, &[&result[..], &[("action", "more")]].concat()).await;
    more.shows(&["沿河种树", "采纳情况 2"]);
    browser.submit(&page, &path, &[&result[..], &[("action", "publish")]].concat()).await;
    let expected = [
        "put 330106-g 树种在哪里？ 2026-06-03 2026-06-30".to_owned(),
        "open q1".to_owned(),
        format!("put 330106-g 树种在哪里？{SCRIPT} 2026-06-03 2026-07-05"),
        "close q2".to_owned(),
        format!("publish 很多人希望沿河种树。 [\"{ANSWERED}\"]"),
    ];
    assert_eq!(*told.lock().unwrap(), expected);

    let wrong = refused(Class::Invalid, "REQUEST_INVALID", &["summary", "statements[0].numbers"]);
    portal.fake.on(
        "ConsultationService/PublishConsultation",
        move |_: routing::PublishConsultationRequest| {
            Err::<routing::PublishConsultationResponse, _>(wrong.clone())
        },
    );
    let page =
        browser.submit(&page, &path, &[&result[..], &[("action", "publish")]].concat()).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["沿河种树", "href=\"#numbers-0\"", "summary-wrong"]);
    gives(&portal, ConsultationState::Open, "");
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "somebody else's");
    let mut moderator = staff(&portal, Role::Moderator, &[]).await;
    assert_eq!(moderator.get("/desk/consultations").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_clerk_is_told_of_a_change_in_between_and_goes_on_from_there() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let taken = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&taken);
    portal.fake.on(
        "ConsultationService/PublishConsultation",
        move |it: routing::PublishConsultationRequest| {
            if it.etag != "q4" {
                return Err(refused(Class::Aborted, "ETAG_MISMATCH", &[]));
            }
            heard.lock().unwrap().push(it.summary);
            Ok(routing::PublishConsultationResponse::default())
        },
    );
    gives(&portal, ConsultationState::Closed, "q3");
    let path = format!("/desk/consultations/{ID}");
    let page = browser.get(&path).await;
    let old = page.hidden("etag");
    assert_eq!(old, "q3");
    let form = |etag, action| {
        [
            ("summary", "很多人希望沿河种树。"),
            ("uptake", "taken"),
            ("etag", etag),
            ("action", action),
        ]
    };
    let more = browser.submit(&page, &path, &form(&old, "more")).await;
    more.hides(&["在此期间有变化"]);
    // A colleague corrects it.
    gives(&portal, ConsultationState::Closed, "q4");
    for (action, status) in [("more", StatusCode::OK), ("publish", StatusCode::CONFLICT)] {
        let again = browser.submit(&page, &path, &form(&old, action)).await;
        assert_eq!(again.status, status);
        again.shows(&["在此期间有变化", "很多人希望沿河种树。"]);
        assert_eq!(again.hidden("etag"), "q4", "{action}");
    }
    let done = browser.submit(&page, &path, &form("q4", "publish")).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(taken.lock().unwrap().len(), 1);

    // The same with what is asked.
    portal.fake.on("ConsultationService/PutConsultation", |_: routing::PutConsultationRequest| {
        let changed = refused(Class::Aborted, "ETAG_MISMATCH", &[]);
        Err::<routing::PutConsultationResponse, _>(changed)
    });
    gives(&portal, ConsultationState::Draft, "q6");
    let fields = [("question", "树种在哪里？"), ("etag", "q5"), ("action", "put")];
    let again = browser.submit(&page, &path, &fields).await;
    again.shows(&["在此期间有变化", "value=\"树种在哪里？\""]).hides(&["value=\"q5\""]);
    assert_eq!(again.hidden("etag"), "q6");
}
