//! The moderators' queue and one message under review.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::Visibility, identity::v1::Role, moderation::v1 as moderation,
    routing::v1 as routing,
};
use moderation::decide_review_request::Decision;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::{
    browser::{Browser, Page},
    portal::Running,
    samples::{SCRIPT, ago, refused},
    staff::{ME, REQUEST, after, staff},
};

const ID: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f81";
pub(crate) const ETAG: &str = "1-3";
const BODY: &str = "师傅👩🏽‍🔧电话13900000000，太差劲";

fn hit(rule: &str, start: u32, end: u32, action: moderation::Action) -> moderation::Hit {
    let field = moderation::TextField::Body.into();
    moderation::Hit {
        rule: rule.to_owned(),
        span: Some(moderation::Span { field, start, end }),
        action: action.into(),
        score: 0.9,
        like: String::new(),
    }
}

/// A review that somebody holds, with a number and a word in its text.
pub(crate) fn review(holder: &str) -> moderation::Review {
    moderation::Review {
        message_id: ID.to_owned(),
        number: "ABCD-EFGH-JKMN-P".to_owned(),
        state: moderation::ReviewState::Held.into(),
        office_id: "330106-g".to_owned(),
        kind: "help".to_owned(),
        visibility: Visibility::Private.into(),
        submitted_at: ago(1),
        revision: 1,
        hits: vec![
            hit("mobile", 5, 16, moderation::Action::Redact),
            hit("insult", 17, 20, moderation::Action::Hold),
            hit("link-and-contact", 3, 16, moderation::Action::Hold),
        ],
        claimed_by: holder.to_owned(),
        claim_expires_at: if holder.is_empty() { None } else { after(719) },
        text: Some(moderation::ReviewText {
            title: format!("修理{SCRIPT}"),
            body: BODY.to_owned(),
            place: SCRIPT.to_owned(),
            ..moderation::ReviewText::default()
        }),
        etag: ETAG.to_owned(),
        ..moderation::Review::default()
    }
}

pub(crate) fn gives(portal: &Running, review: moderation::Review) {
    portal.fake.on("ReviewService/GetReview", move |ask: moderation::GetReviewRequest| {
        if ask.message_id != ID {
            return Err(refused(Class::NotFound, "REVIEW_NOT_FOUND", &[]));
        }
        Ok(moderation::GetReviewResponse { review: Some(review.clone()) })
    });
}

pub(crate) fn mine() -> String {
    format!("identity/{ME}")
}

pub(crate) fn path() -> String {
    format!("/review/{ID}")
}

pub(crate) async fn moderator(portal: &Running) -> Browser {
    staff(portal, Role::Moderator, &[]).await
}

/// moderation remembers what is decided.
fn decides(portal: &Running) -> Arc<Mutex<Vec<moderation::DecideReviewRequest>>> {
    let decided = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&decided);
    portal.fake.on("ReviewService/DecideReview", move |ask: moderation::DecideReviewRequest| {
        told.lock().unwrap().push(ask);
        Ok(moderation::DecideReviewResponse::default())
    });
    decided
}

pub(crate) async fn send(browser: &mut Browser, page: &Page, fields: &[(&str, &str)]) -> Page {
    let mut all = vec![("etag", ETAG)];
    all.extend(fields);
    browser.submit(page, &path(), &all).await
}

pub(crate) fn span(code: moderation::TextField, start: u32, end: u32) -> moderation::Span {
    moderation::Span { field: code.into(), start, end }
}

#[tokio::test]
async fn the_queue_tells_how_many_wait_and_who_holds_what() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    portal.fake.on("ReviewService/ListReviews", |_: moderation::ListReviewsRequest| {
        let late = moderation::Review { claim_expires_at: ago(1), ..review("identity/other") };
        Ok(moderation::ListReviewsResponse {
            reviews: vec![review(""), review(&mine()), review("identity/other"), late],
            next_page_token: "2".to_owned(),
            total: 1_204,
        })
    });
    portal.fake.on("ReviewService/GetWorkload", |_: moderation::GetWorkloadRequest| {
        let load = |moderator: String, holding| moderation::ModeratorLoad {
            moderator,
            holding,
            decided_today: 5,
        };
        Ok(moderation::GetWorkloadResponse {
            overdue: 7,
            moderators: vec![load(mine(), 1), load("identity/else-abc123".to_owned(), 3)],
            sample_decided: 40,
            sample_wrong: 2,
            ..moderation::GetWorkloadResponse::default()
        })
    });
    let page = browser.get("/review").await;
    page.shows(&[
        "我已领取 1 条，今天已决定 5 条",
        "已超期 <strong>7</strong>",
        "abc123",
        "其中 2 条不应原样公开",
        "待审核 1,204 条",
        "我已领取",
        "还有 12 分钟",
        "其他审核员已领取",
        "规则提示 3 处",
        "不公开",
    ]);
    assert_eq!(
        page.text.matches("replied\">可领取<").count(),
        2,
        "a lease that is over binds nobody"
    );
    portal.fake.on("ReviewService/ClaimReview", |ask: moderation::ClaimReviewRequest| {
        assert!(ask.message_id.is_empty());
        Ok(moderation::ClaimReviewResponse { review: Some(review(&mine())) })
    });
    let done = browser.submit(&page, "/review/take", &[]).await;
    assert_eq!(done.location(), path());
    portal.fake.on("ReviewService/ClaimReview", |_: moderation::ClaimReviewRequest| {
        Ok(moderation::ClaimReviewResponse { review: None })
    });
    assert_eq!(browser.submit(&page, "/review/take", &[]).await.location(), "/review");
    browser.get("/review").await.shows(&["没有可以领取的留言"]);
}

#[tokio::test]
async fn what_the_rules_found_is_marked_in_whole_characters_with_the_rules_in_words() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, review(&mine()));
    let page = browser.get(&path()).await;
    assert_eq!(page.status, StatusCode::OK);
    // The emoji is one character: before the marks stand three of them.
    page.shows(&[
        "师傅👩🏽‍🔧<mark class=\"hold\" title=\"链接或联系方式\">电话<sup>",
        "<mark class=\"hold\" title=\"手机号码 · 链接或联系方式\">13900000000<sup>",
        "，<mark class=\"hold\" title=\"侮辱性词语\">太差劲<sup>",
        "value=\"body:5:16\" checked",
        "value=\"body:17:20\">",
        "修理&#60;script&#62;",
        "还有 12 分钟",
        "审核标准相同",
    ]);
    page.hides(&["<script>", "还没有人领取"]);
    assert_eq!(browser.get("/review/none").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn words_are_left_out_by_ticking_and_by_typing_and_the_preview_shows_it() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, review(&mine()));
    let decided = decides(&portal);
    let page = browser.get(&path()).await;
    let fields = [
        ("redact", "body:5:16"),
        ("words", "👩🏽‍🔧\r\n修理"),
        ("action", "preview"),
        ("explanation", "留着"),
    ];
    let page = send(&mut browser, &page, &fields).await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows(&["师傅■电话■■■■■■■■■■■，太差劲", "■■&#60;script&#62;", ">留着</textarea>"]);
    // Ticked and published as it is: one of both is a slip.
    for (decision, redact, words, shown) in [
        ("publish", "body:5:16", "", "decision-wrong"),
        ("redacted", "", "", "decision-wrong"),
        ("", "body:5:16", "", "decision-wrong"),
        ("redacted", "body:5:16", "没有这些字", "words-wrong"),
    ] {
        let fields =
            [("decision", decision), ("redact", redact), ("words", words), ("action", "decide")];
        let page = send(&mut browser, &page, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{decision}");
        page.shows(&[shown, "还没有作出决定"]);
    }
    assert!(decided.lock().unwrap().is_empty());
    let fields = [
        ("decision", "redacted"),
        ("redact", "body:5:16"),
        ("words", "👩🏽‍🔧\n修理"),
        ("action", "decide"),
    ];
    for _ in 0..2 {
        assert_eq!(send(&mut browser, &page, &fields).await.location(), "/review");
    }
    let decided = decided.lock().unwrap();
    use moderation::TextField::{Body, Title};
    let redactions = vec![span(Title, 0, 2), span(Body, 2, 3), span(Body, 5, 16)];
    assert_eq!(decided[0].decision, Some(Decision::Publish(moderation::Publish { redactions })));
    assert_eq!(decided[0].etag, ETAG);
    assert_eq!(decided[0].request_id, decided[1].request_id, "sent twice is decided once");
}

#[tokio::test]
async fn a_message_is_returned_or_declined_with_a_ground_in_words() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, review(&mine()));
    let decided = decides(&portal);
    let page = browser.get(&path()).await;
    let fields = [("decision", "return"), ("action", "decide")];
    let page = send(&mut browser, &page, &fields).await;
    page.shows(&["ground-wrong"]);
    // The usual words are written in and shown before anything is decided.
    let fields = [("decision", "return"), ("ground", "unreadable"), ("action", "decide")];
    let page = send(&mut browser, &page, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["explanation-wrong", ">留言内容看不明白"]);
    let fields = [("template", "unreadable:1"), ("action", "tell")];
    send(&mut browser, &page, &fields)
        .await
        .shows(&["value=\"unreadable\" selected", ">请补充您的诉求。</textarea>"]);
    // What somebody wrote is not written over.
    let fields = [("ground", "unreadable"), ("explanation", "自己写的"), ("action", "tell")];
    send(&mut browser, &page, &fields).await.shows(&[">自己写的</textarea>"]);
    // It is always about words: chosen ones, or the whole text.
    let fields = [
        ("decision", "decline"),
        ("ground", "unreadable"),
        ("explanation", "请写明地点。"),
        // What is left out of a public text is not yet what a refusal is about.
        ("redact", "body:5:16"),
        ("action", "decide"),
    ];
    let refused = send(&mut browser, &page, &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.shows(&["redact-wrong"]);
    for (decision, words) in [("return", ("about", "body:17:20")), ("decline", ("whole", "1"))] {
        let fields = [
            ("decision", decision),
            ("ground", "unreadable"),
            ("explanation", "请写明地点。"),
            words,
            ("redact", "body:5:16"),
            ("accused", "330106-g"),
            ("action", "decide"),
        ];
        assert_eq!(send(&mut browser, &page, &fields).await.location(), "/review");
    }
    let decided = decided.lock().unwrap();
    let (ground, explanation) = ("unreadable".to_owned(), "请写明地点。".to_owned());
    let spans = vec![span(moderation::TextField::Body, 17, 20)];
    let (g, e) = (ground.clone(), explanation.clone());
    let returned = Decision::Return(moderation::Return { ground: g, explanation: e, spans });
    assert_eq!(decided[0].decision, Some(returned));
    assert_eq!(decided[0].accused_office_ids, ["330106-g"]);
    let count = |text: &str| u32::try_from(text.graphemes(true).count()).unwrap();
    let spans = vec![
        span(moderation::TextField::Title, 0, count(&format!("修理{SCRIPT}"))),
        span(moderation::TextField::Body, 0, count(BODY)),
        span(moderation::TextField::Place, 0, count(SCRIPT)),
    ];
    let declined = Decision::Decline(moderation::Decline { ground, explanation, spans });
    assert_eq!(decided[1].decision, Some(declined));
}

#[tokio::test]
async fn an_accused_office_is_found_by_words_and_stays_chosen() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, review(&mine()));
    portal.fake.on("DirectoryService/ListOffices", |ask: routing::ListOfficesRequest| {
        assert!(ask.include_below && ask.division_code.is_empty());
        let offices = vec![routing::Office {
            office_id: "330106-g".to_owned(),
            division_code: "330106".to_owned(),
            title: "西湖区区长".to_owned(),
            open: true,
            ..routing::Office::default()
        }];
        Ok(routing::ListOfficesResponse { offices, next_page_token: String::new() })
    });
    let page = browser.get(&path()).await;
    let fields = [("q", "西湖"), ("accused", "330100-g"), ("action", "find"), ("words", "修理")];
    let page = send(&mut browser, &page, &fields).await;
    page.shows(&[
        "name=\"accused\" value=\"330100-g\" checked",
        "name=\"accused\" value=\"330106-g\">",
    ]);
    page.shows(&["浙江省 杭州市 西湖区", ">修理</textarea>"]);
}

#[tokio::test]
async fn what_another_holds_is_read_and_not_decided() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, review("identity/other"));
    let page = browser.get(&path()).await;
    page.shows(&["其他审核员正在审核这条留言", "还有 12 分钟"]).hides(&["name=\"decision\""]);
    gives(&portal, review(""));
    let page = browser.get(&path()).await;
    page.shows(&["还没有人领取这条留言"]).hides(&["name=\"decision\""]);
    portal.fake.on("ReviewService/ClaimReview", |_: moderation::ClaimReviewRequest| {
        Err::<moderation::ClaimReviewResponse, _>(refused(
            Class::Precondition,
            "REVIEW_CLAIMED_BY_ANOTHER",
            &[],
        ))
    });
    gives(&portal, review("identity/other"));
    let page = browser.submit(&page, &format!("{}/claim", path()), &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["其他审核员正在审核这条留言", "role=\"alert\""]);
}

#[tokio::test]
async fn a_lease_that_ended_while_writing_loses_nothing() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, review(&mine()));
    let page = browser.get(&path()).await;
    portal.fake.on("ReviewService/DecideReview", |_: moderation::DecideReviewRequest| {
        Err::<moderation::DecideReviewResponse, _>(refused(
            Class::Precondition,
            "REVIEW_NOT_CLAIMED",
            &[],
        ))
    });
    gives(&portal, review(""));
    let fields = [
        ("decision", "decline"),
        ("ground", "unreadable"),
        ("explanation", "写了很久的说明"),
        ("words", "修理"),
        ("action", "decide"),
    ];
    let page = send(&mut browser, &page, &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["写了很久的说明", ">修理</textarea>", "重新领取", "value=\"decline\" checked"]);
    portal.fake.on("ReviewService/ClaimReview", |ask: moderation::ClaimReviewRequest| {
        assert_eq!(ask.message_id, ID);
        Ok(moderation::ClaimReviewResponse { review: Some(review(&mine())) })
    });
    gives(&portal, review(&mine()));
    let fields = [("explanation", "写了很久的说明"), ("action", "claim")];
    let page = send(&mut browser, &page, &fields).await;
    page.shows(&["写了很久的说明", "还有 12 分钟"]).hides(&["重新领取"]);
    assert_ne!(page.hidden("request_id"), REQUEST);
}

#[tokio::test]
async fn a_text_that_changed_is_shown_anew_with_what_was_typed() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, review(&mine()));
    let page = browser.get(&path()).await;
    portal.fake.on("ReviewService/DecideReview", |_: moderation::DecideReviewRequest| {
        Err::<moderation::DecideReviewResponse, _>(refused(Class::Aborted, "ETAG_MISMATCH", &[]))
    });
    let fields =
        [("decision", "publish"), ("words", ""), ("explanation", "留着"), ("action", "decide")];
    let page = send(&mut browser, &page, &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.shows(&["您打开之后这条留言有了变化", ">留着</textarea>"]);
    // A button that only looks tells it, too.
    gives(&portal, moderation::Review { etag: "2-4".to_owned(), ..review(&mine()) });
    let page = send(&mut browser, &page, &[("action", "preview")]).await;
    page.shows(&["您打开之后这条留言有了变化"]);
    assert_eq!(page.hidden("etag"), "2-4");
}

#[tokio::test]
async fn a_lease_is_lengthened_and_given_back() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, review(&mine()));
    portal.fake.on("ReviewService/RenewClaim", |_: moderation::RenewClaimRequest| {
        Ok(moderation::RenewClaimResponse { claim_expires_at: after(900) })
    });
    let page = browser.get(&path()).await;
    let fields = [("explanation", "留着"), ("action", "renew")];
    send(&mut browser, &page, &fields).await.shows(&[">留着</textarea>"]);
    assert_eq!(portal.fake.count("ReviewService/RenewClaim"), 1);
    portal.fake.on("ReviewService/ReleaseReview", |_: moderation::ReleaseReviewRequest| {
        Err::<moderation::ReleaseReviewResponse, _>(refused(
            Class::Precondition,
            "REVIEW_NOT_CLAIMED",
            &[],
        ))
    });
    let done = browser.submit(&page, &format!("{}/release", path()), &[]).await;
    assert_eq!(done.location(), "/review", "what is not held need not be given back");
}

#[tokio::test]
async fn words_are_taken_out_of_what_was_published() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    let approved = moderation::Review {
        state: moderation::ReviewState::Approved.into(),
        redactions: vec![span(moderation::TextField::Body, 5, 16)],
        decided_by: "rules".to_owned(),
        ..review("")
    };
    gives(&portal, approved);
    portal.fake.on("ReviewService/RedactMessage", |ask: moderation::RedactMessageRequest| {
        assert_eq!(ask.redactions, [span(moderation::TextField::Body, 17, 20)]);
        Ok(moderation::RedactMessageResponse::default())
    });
    let page = browser.get(&path()).await;
    page.shows(&["已公开", "由规则自动通过", "■■■■■■■■■■■", "隐去更多文字"]);
    page.hides(&["name=\"decision\""]);
    let redact = format!("{}/redact", path());
    let page = browser.submit(&page, &redact, &[("words", "太差劲"), ("action", "preview")]).await;
    page.shows(&["，■■■"]);
    let done = browser.submit(&page, &redact, &[("words", "太差劲"), ("action", "send")]).await;
    assert_eq!(done.location(), path());
}
