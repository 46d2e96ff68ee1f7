//! Leaving a message.

use std::sync::{Arc, Mutex};

use http::{StatusCode, header};
use liuyan_kit::{class::Class, clock, testing};
use liuyan_proto::liuyan::intake::v1::{
    GetReceiptRequest, GetReceiptResponse, LookUpMessageRequest, LookUpMessageResponse,
    MessageState, Receipt, SubmitMessageRequest, SubmitMessageResponse,
};
use tonic::Status;

use crate::{
    fake::Fake,
    portal::Running,
    samples::{ANSWERED, SCRIPT, ago, message, refused},
};

const CODE: &str = "7K3QM-2XW9T";

fn receipt() -> Receipt {
    Receipt {
        message_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f81".to_owned(),
        number: ANSWERED.to_owned(),
        office_id: "330106-g".to_owned(),
        submitted_at: ago(0),
        occurred_at: None,
        content_hash: vec![7; 32].into(),
        salt: vec![8; 32].into(),
        statement: b"liuyan-receipt-v1\nboard: test\n".to_vec().into(),
        key_id: "k1".to_owned(),
        signature: vec![9; 64].into(),
        leaf_hash: vec![5; 32].into(),
    }
}

fn answer(receipt: Receipt) -> SubmitMessageResponse {
    SubmitMessageResponse { receipt: Some(receipt), access_code: CODE.to_owned() }
}

/// intake takes everything and remembers it.
pub(crate) fn takes(fake: &Fake) -> Arc<Mutex<Vec<SubmitMessageRequest>>> {
    let taken: Arc<Mutex<Vec<SubmitMessageRequest>>> = Arc::default();
    let all = Arc::clone(&taken);
    fake.on("IntakeService/SubmitMessage", move |ask: SubmitMessageRequest| {
        all.lock().unwrap().push(ask);
        Ok(answer(receipt()))
    });
    fake.on("IntakeService/LookUpMessage", |ask: LookUpMessageRequest| {
        if ask.access_code != CODE {
            return Err(refused(Class::NotFound, "NUMBER_OR_CODE_WRONG", &[]));
        }
        Ok(LookUpMessageResponse {
            message: Some(message(MessageState::InReview)),
            author_token: "author-token".to_owned(),
            expires_at: ago(-1),
        })
    });
    fake.on("IntakeService/GetReceipt", |_: GetReceiptRequest| {
        Ok(GetReceiptResponse { receipt: Some(receipt()) })
    });
    taken
}

/// A form that is filled in.
const FILLED: [(&str, &str); 13] = [
    ("d1", "330000"),
    ("d2", "330100"),
    ("d3", "330106"),
    ("office_id", "330106-g"),
    ("kind", "help"),
    ("matter", "7|供暖"),
    ("title", "文三路路灯不亮"),
    ("body", "第一行\r\n第二行 <script>alert(1)</script>"),
    ("place", "文三路"),
    ("place_public", "yes"),
    ("remark", "仅供办理"),
    ("visibility", "private"),
    ("phone", "13800000000"),
];

pub(crate) fn filled<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = FILLED.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    kept.chain(more).copied().collect()
}

#[tokio::test]
async fn a_message_is_sent_and_its_receipt_is_shown() {
    let portal = Running::start().await;
    let taken = takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    let sent = browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/receipt"));
    let message = taken.lock().unwrap()[0].message.clone().unwrap();
    assert_eq!((message.domain.as_str(), message.topic.as_str()), ("7", "供暖"));
    assert_eq!(message.body, format!("第一行\n第二行 {SCRIPT}"));
    assert_eq!((message.visibility, message.channel), (2, 1));
    assert!(message.place.unwrap().public);
    let page = browser.get("/receipt").await;
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    page.shows(&[
        ANSWERED,
        CODE,
        "西湖区区长",
        &"07".repeat(32),
        "liuyan-receipt-v1",
        "<path d=\"M",
    ]);
    let file = browser.get("/receipt.json").await;
    file.shows(&["\"messageId\"", "\"statement\"", "\"signature\"", "\"leafHash\""]).hides(&[CODE]);
    let text = browser.get("/receipt.txt").await;
    let salt = format!("board: test\n\nsalt: {}\n", "08".repeat(32));
    text.shows(&[&salt, &"05".repeat(32), "signature: "]).hides(&[CODE]);
    // Whoever has just written need not type the code to follow.
    browser.get(&format!("/mine/{ANSWERED}")).await.shows(&["审核中"]);
    let stranger = portal.browser().get("/receipt").await;
    assert_eq!(stranger.location(), "/mine");
}

#[tokio::test]
async fn the_receipt_goes_with_whoever_signs_out() {
    let portal = Running::start().await;
    takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    browser.get("/receipt").await.shows(&[ANSWERED, CODE]);
    let asked = portal.fake.last("IntakeService/LookUpMessage");
    assert_eq!(asked[liuyan_kit::grpc::CLIENT_ADDRESS], "127.0.0.1");
    browser.post("/sign-out", &[("_token", &form.hidden("_token"))]).await;
    assert!(!browser.cookies.contains_key("receipt"));
    for file in ["/receipt.txt", "/receipt.json"] {
        browser.get(file).await.hides(&[ANSWERED, CODE]);
    }
    assert_eq!(browser.get("/receipt").await.location(), "/mine");
}

#[tokio::test]
async fn intake_is_told_the_address_of_somebody_unknown() {
    let portal = Running::start().await;
    takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    let told = portal.fake.last("IntakeService/SubmitMessage");
    assert_eq!(told[liuyan_kit::grpc::CLIENT_ADDRESS], "127.0.0.1");
}

#[tokio::test]
async fn sending_twice_brings_the_same_request_id() {
    let portal = Running::start().await;
    let taken = takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    for _ in 0..2 {
        browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    }
    let taken = taken.lock().unwrap();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0], taken[1]);
}

#[tokio::test]
async fn the_same_words_are_one_message_however_their_browser_comes_back_to_them() {
    let portal = Running::start().await;
    let taken = takes(&portal.fake);
    let mut browser = portal.browser();
    let send = filled(&[("action", "submit")]);
    let form = browser.get("/new?office=330106-g").await;
    let title = form.text.split_once("name=\"title\"").unwrap().1.split_once('>').unwrap().0;
    assert!(!title.contains("autocomplete"), "a browser may restore what was typed: {title}");
    browser.submit(&form, "/new", &send).await;
    // Back from the receipt the page is asked for anew; what was typed is restored.
    let again = browser.get("/new?office=330106-g").await;
    browser.submit(&again, "/new", &send).await;
    let preview = browser.submit(&again, "/new", &filled(&[("action", "preview")])).await;
    let another = preview.hidden("another");
    browser.submit(&preview, "/new", &filled(&[("another", &another), ("action", "submit")])).await;
    let mended = filled(&[("action", "submit"), ("title", "文三路路灯还是不亮")]);
    browser.submit(&again, "/new", &mended).await;
    let mut other = portal.browser();
    let form = other.get("/new").await;
    other.submit(&form, "/new", &send).await;
    let ids: Vec<String> =
        taken.lock().unwrap().iter().map(|request| request.request_id.clone()).collect();
    let (same, others) = ids.split_at(3);
    assert!(same[0].len() == 36 && same.iter().all(|id| *id == same[0]), "{ids:?}");
    assert!(others[0] != same[0], "another text is another message");
    assert!(others[1] != same[0], "and so is that of another browser");
}

#[tokio::test]
async fn every_fault_stands_at_its_field_and_nothing_typed_is_lost() {
    let portal = Running::start().await;
    portal.fake.on("IntakeService/SubmitMessage", |_: SubmitMessageRequest| {
        let fields = ["message.title", "message.author.phone", "message.office_id"];
        Err::<SubmitMessageResponse, _>(refused(Class::Invalid, "REQUEST_UNREADABLE", &fields))
    });
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    let page = browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&[
        "id=\"title-wrong\"",
        "id=\"phone-wrong\"",
        "id=\"office-wrong\"",
        "href=\"#title\"",
        "value=\"文三路路灯不亮\"",
        "第二行 &#60;script&#62;",
        "value=\"13800000000\"",
        "仅供办理",
        "value=\"private\" checked",
        "value=\"7|供暖\" selected",
        "value=\"330106-g\" checked",
    ]);
    page.hides(&[SCRIPT]);
}

#[tokio::test]
async fn while_intake_is_away_the_form_comes_back_filled_in() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    let page = browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers.contains_key(header::RETRY_AFTER));
    page.shows(&["您填写的内容都还在", "value=\"文三路路灯不亮\""]);
    portal.fake.on("IntakeService/SubmitMessage", |_: SubmitMessageRequest| {
        Err::<SubmitMessageResponse, _>(refused(Class::Exhausted, "TOO_MANY_FORMS", &[]))
    });
    let page = browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.headers[header::RETRY_AFTER], "7");
    page.shows(&["您填写的内容都还在", "value=\"文三路路灯不亮\""]);
}

#[tokio::test]
async fn a_message_that_was_sent_before_in_another_language_is_sent_anew_only_if_that_is_meant() {
    let portal = Running::start().await;
    let ids: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&ids);
    portal.fake.on("IntakeService/SubmitMessage", move |ask: SubmitMessageRequest| {
        told.lock().unwrap().push(ask.request_id);
        Err::<SubmitMessageResponse, _>(refused(Class::Exists, "REQUEST_ID_REUSED", &[]))
    });
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    let page = browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.shows(&["此前已经提交过一次"]);
    let another = page.hidden("another");
    assert_eq!((form.hidden("another").as_str(), another.len()), ("", 36));
    for another in ["", "nonsense", &another] {
        let fields = filled(&[("action", "submit"), ("another", another)]);
        browser.submit(&page, "/new", &fields).await;
    }
    let ids = ids.lock().unwrap();
    assert!(ids[0] == ids[1] && ids[0] == ids[2] && ids[0] != ids[3], "{ids:?}");
}

/// intake takes what it has not heard before, and answers everything else so.
fn knows(
    fake: &Fake,
    before: impl Fn() -> Result<SubmitMessageResponse, Status> + Send + Sync + 'static,
) -> Arc<Mutex<Vec<String>>> {
    takes(fake);
    let ids: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&ids);
    fake.on("IntakeService/SubmitMessage", move |ask: SubmitMessageRequest| {
        let mut known = told.lock().unwrap();
        let is_known = known.contains(&ask.request_id);
        known.push(ask.request_id);
        if is_known { before() } else { Ok(answer(receipt())) }
    });
    ids
}

#[tokio::test]
async fn what_was_withdrawn_or_erased_can_be_sent_as_a_new_message() {
    for (reason, chinese, english) in [
        ("MESSAGE_WITHDRAWN", "并已撤回", "have withdrawn it"),
        ("MESSAGE_ERASED", "并已按您的要求删除", "was erased at your wish"),
        ("SUBMISSION_WITHDRAWN", "并已撤回", "have withdrawn it"),
        ("SUBMISSION_ERASED", "并已按您的要求删除", "was erased at your wish"),
    ] {
        let portal = Running::start().await;
        let before = move || Err(refused(Class::Exists, reason, &[]));
        let ids = knows(&portal.fake, before);
        let send = filled(&[("action", "submit")]);
        for (mut browser, words, button) in [
            (portal.browser(), chinese, "请再点一次“提交”"),
            (portal.english(), english, "\"Send\""),
        ] {
            ids.lock().unwrap().clear();
            let form = browser.get("/new").await;
            assert_eq!(browser.submit(&form, "/new", &send).await.location(), "/receipt");
            let page = browser.submit(&form, "/new", &send).await;
            assert_eq!(page.status, StatusCode::CONFLICT);
            // Askama writes quotation marks as numbers.
            let button = button.replace('"', "&#34;");
            page.shows(&[words, &button, "value=\"文三路路灯不亮\""]);
            page.hides(&["href=\"/receipt\""]);
            let another = page.hidden("another");
            let anew = filled(&[("action", "submit"), ("another", &another)]);
            let sent = browser.submit(&page, "/new", &anew).await;
            assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/receipt"));
            let ids = ids.lock().unwrap();
            assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
        }
    }
}

#[tokio::test]
async fn what_was_sent_long_before_is_told_with_its_receipt_and_is_sent_anew_if_that_is_meant() {
    let portal = Running::start().await;
    let before = || Ok(answer(Receipt { submitted_at: ago(1), ..receipt() }));
    let ids = knows(&portal.fake, before);
    let send = filled(&[("action", "submit")]);
    for (mut browser, words) in
        [(portal.browser(), "提交过同样的留言"), (portal.english(), "You sent just this")]
    {
        ids.lock().unwrap().clear();
        let form = browser.get("/new").await;
        assert_eq!(browser.submit(&form, "/new", &send).await.location(), "/receipt");
        let page = browser.submit(&form, "/new", &send).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        page.shows(&[words, ANSWERED, "href=\"/receipt\"", "value=\"文三路路灯不亮\""]);
        browser.get("/receipt").await.shows(&[ANSWERED, CODE]);
        let another = page.hidden("another");
        let anew = filled(&[("action", "submit"), ("another", &another)]);
        let sent = browser.submit(&page, "/new", &anew).await;
        assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/receipt"));
        let ids = ids.lock().unwrap();
        assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
    }
}

#[tokio::test]
async fn a_button_that_is_pressed_again_shows_the_receipt_again() {
    let portal = Running::start().await;
    let taken_at = clock::to_proto(testing::now() - jiff::SignedDuration::from_secs(60));
    let before = move || Ok(answer(Receipt { submitted_at: Some(taken_at), ..receipt() }));
    knows(&portal.fake, before);
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    for _ in 0..3 {
        let sent = browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
        assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/receipt"));
    }
}

#[tokio::test]
async fn a_preview_shows_what_will_be_public_and_leads_back() {
    let portal = Running::start().await;
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    let fields = filled(&[("action", "preview"), ("visibility", "public"), ("place_public", "")]);
    let page = browser.submit(&form, "/new", &fields).await;
    page.shows(&["公众看到的就是下面的样子", "文三路路灯不亮", "西湖区区长", "不公开的部分"]);
    page.hides(&[SCRIPT]);
    let (public, hidden) = page.text.split_once("不公开的部分").unwrap();
    assert!(!public.contains("13800000000") && !public.contains("仅供办理"));
    assert!(hidden.contains("13800000000"));
    let back = browser.submit(&page, "/new", &filled(&[("action", "edit")])).await;
    back.shows(&["value=\"文三路路灯不亮\"", "value=\"13800000000\""]);
}

#[tokio::test]
async fn the_office_is_chosen_without_a_script() {
    let portal = Running::start().await;
    let taken = takes(&portal.fake);
    let mut browser = portal.browser();
    let page = browser.get("/new?office=330106-g").await;
    page.shows(&["value=\"330106\" selected", "value=\"330106-g\" checked"]);
    let page = browser.get("/new?division=330100").await;
    page.shows(&["value=\"330100\" selected", "杭州市市长", "西湖区"]);
    let page = browser.get("/new?office=M04").await;
    page.shows(&["value=\"ministries\" selected", "教育部"]);
    // Typed first, chosen later: what was typed stays.
    let fields = [("action", "pick"), ("d1", "330000"), ("title", "先写了标题")];
    let page = browser.submit(&page, "/new", &fields).await;
    page.shows(&["浙江省省长", "杭州市", "value=\"先写了标题\""]);
    // An office of another place than the one that was chosen last is not taken for granted.
    let fields = filled(&[("action", "submit"), ("d1", "440000")]);
    browser.submit(&page, "/new", &fields).await;
    assert_eq!(taken.lock().unwrap()[0].message.as_ref().unwrap().office_id, "");
}

#[tokio::test]
async fn while_the_directory_is_away_a_message_can_still_be_sent() {
    let portal = Running::start().await;
    let taken = takes(&portal.fake);
    for method in ["DirectoryService/ListDivisions", "DirectoryService/ListKinds"] {
        portal.fake.off(method);
    }
    let mut browser = portal.browser();
    let form = browser.get("/new?office=330106-g").await;
    form.shows(&["机构目录暂时读不到"]);
    let sent = browser.submit(&form, "/new", &filled(&[("action", "submit")])).await;
    assert_eq!(sent.location(), "/receipt");
    assert_eq!(taken.lock().unwrap()[0].message.as_ref().unwrap().office_id, "330106-g");
}

#[tokio::test]
async fn who_names_the_office_alone_need_not_choose_its_place() {
    let portal = Running::start().await;
    let taken = takes(&portal.fake);
    let mut browser = portal.browser();
    let form = browser.get("/new").await;
    let named = |office: &'static str, action: &'static str| {
        let fields =
            [("d1", ""), ("d2", ""), ("d3", ""), ("office_id", office), ("action", action)];
        filled(&fields)
    };
    let page = browser.submit(&form, "/new", &named("330106-g", "pick")).await;
    page.shows(&["value=\"330106\" selected", "value=\"330106-g\" checked"]);
    let sent = browser.submit(&form, "/new", &named("330106-g", "submit")).await;
    assert_eq!(sent.location(), "/receipt");
    // What is no office is intake's to refuse, by its name.
    browser.submit(&form, "/new", &named("nowhere", "submit")).await;
    let offices: Vec<String> = taken
        .lock()
        .unwrap()
        .iter()
        .map(|ask| ask.message.as_ref().unwrap().office_id.clone())
        .collect();
    assert_eq!(offices, ["330106-g", "nowhere"]);
}
