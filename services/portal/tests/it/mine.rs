//! One's own messages.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    intake::v1 as intake, moderation::v1 as moderation, routing::v1 as routing,
};

use crate::{
    browser::{Browser, Page},
    portal::Running,
    samples::{ANSWERED, ago, message, refused},
};

const CODE: &str = "7K3QM2XW9T";

/// A message in `state` opens by its code.
fn opens(portal: &Running, state: intake::MessageState) {
    portal.fake.on("IntakeService/LookUpMessage", move |ask: intake::LookUpMessageRequest| {
        if ask.access_code != CODE {
            return Err(refused(Class::NotFound, "PROOF_MISSING", &[]));
        }
        Ok(intake::LookUpMessageResponse {
            message: Some(message(state)),
            author_token: "author-token".to_owned(),
            expires_at: ago(-1),
        })
    });
}

async fn look_up(browser: &mut Browser, number: &str, code: &str) -> Page {
    let page = browser.get("/mine").await;
    let token = page.hidden("_token");
    let fields = [("_token", token.as_str()), ("number", number), ("code", code)];
    browser.post("/mine", &fields).await
}

#[tokio::test]
async fn a_wrong_code_is_told_and_a_right_one_opens() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::InReview);
    let mut browser = portal.browser();
    let page = look_up(&mut browser, "abcd", "WRONG").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["value=\"abcd\"", "role=\"alert\""]).hides(&["WRONG"]);
    let page = browser.get(&format!("/mine/{ANSWERED}")).await;
    assert_eq!(page.location(), format!("/mine?number={ANSWERED}"));
    let page = look_up(&mut browser, "abcd efgh jkmn p", CODE).await;
    assert_eq!(page.location(), format!("/mine/{ANSWERED}"));
    let page = browser.get(&format!("/mine/{ANSWERED}")).await;
    page.shows(&["审核中", "文三路北侧人行道路灯不亮", "撤回这条留言"]).hides(&[CODE]);
    let token = page.hidden("_token");
    browser.post(&format!("/mine/{ANSWERED}/forget"), &[("_token", &token)]).await;
    let page = browser.get(&format!("/mine/{ANSWERED}")).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn too_many_guesses_are_told() {
    let portal = Running::start().await;
    portal.fake.on("IntakeService/LookUpMessage", |_: intake::LookUpMessageRequest| {
        let status = refused(Class::Exhausted, "TOO_MANY_FORMS", &[]);
        Err::<intake::LookUpMessageResponse, _>(status)
    });
    let page = look_up(&mut portal.browser(), "A", "B").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    page.shows(&["过于频繁"]);
}

#[tokio::test]
async fn a_returned_message_is_explained_and_mended() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::Returned);
    portal.fake.on_with(
        "ReviewService/GetDecision",
        |headers, _: moderation::GetDecisionRequest| {
            assert_eq!(headers["authorization"], "Bearer author-token");
            Ok(moderation::GetDecisionResponse {
                ground: "unreadable".to_owned(),
                explanation: "请写明是哪一段路。".to_owned(),
                ..moderation::GetDecisionResponse::default()
            })
        },
    );
    let mut browser = portal.browser();
    look_up(&mut browser, ANSWERED, CODE).await;
    let path = format!("/mine/{ANSWERED}");
    let page = browser.get(&path).await;
    page.shows(&["内容不清", "请写明是哪一段路", "重新提交"]);
    portal.fake.on("IntakeService/ResubmitMessage", |_: intake::ResubmitMessageRequest| {
        let status = refused(Class::Invalid, "REQUEST_UNREADABLE", &["body"]);
        Err::<intake::ResubmitMessageResponse, _>(status)
    });
    let fields = [("title", "改过的标题"), ("body", "短")];
    let again = browser.submit(&page, &format!("{path}/resubmit"), &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.shows(&["id=\"body-wrong\"", "value=\"改过的标题\""]);
    portal.fake.on("IntakeService/ResubmitMessage", |ask: intake::ResubmitMessageRequest| {
        assert_eq!(ask.title, "改过的标题");
        Ok(intake::ResubmitMessageResponse::default())
    });
    let done = browser.submit(&again, &format!("{path}/resubmit"), &fields).await;
    assert_eq!(done.location(), path);
    browser.get(&path).await.shows(&["排队位置不变"]);
    browser.get(&path).await.hides(&["排队位置不变"]);
}

#[tokio::test]
async fn a_declined_message_is_explained_and_appealed_against() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::Declined);
    let decision = |appeal: Option<moderation::Appeal>| moderation::GetDecisionResponse {
        state: moderation::ReviewState::Declined.into(),
        ground: "unreadable".to_owned(),
        explanation: "不在受理范围。".to_owned(),
        spans: vec![moderation::Span {
            field: moderation::TextField::Title.into(),
            start: 0,
            end: 3,
        }],
        revision: 0,
        decided_at: ago(5),
        appealable_until: if appeal.is_some() { None } else { ago(-600) },
        appeal,
    };
    portal.fake.on("ReviewService/GetDecision", move |_: moderation::GetDecisionRequest| {
        Ok(decision(None))
    });
    let mut browser = portal.browser();
    look_up(&mut browser, ANSWERED, CODE).await;
    let path = format!("/mine/{ANSWERED}");
    let page = browser.get(&path).await;
    page.shows(&["内容不清", "不在受理范围。", "<mark lang=\"zh-CN\">文三路</mark>", "提出申诉"]);
    portal.fake.on("ReviewService/AppealDecision", |_: moderation::AppealDecisionRequest| {
        let status = refused(Class::Invalid, "FIELDS_INVALID", &["reason"]);
        Err::<moderation::AppealDecisionResponse, _>(status)
    });
    let fields = [("reason", "这就是本单位的事")];
    let again = browser.submit(&page, &format!("{path}/appeal"), &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.shows(&["id=\"appeal-wrong\"", "这就是本单位的事</textarea>"]);
    portal.fake.on_with(
        "ReviewService/AppealDecision",
        |headers, ask: moderation::AppealDecisionRequest| {
            assert_eq!(headers["authorization"], "Bearer author-token");
            assert_eq!(ask.reason, "这就是本单位的事");
            Ok(moderation::AppealDecisionResponse::default())
        },
    );
    let done = browser.submit(&again, &format!("{path}/appeal"), &fields).await;
    assert_eq!(done.location(), path);
    let appeal = |state: moderation::AppealState, explanation: &str| moderation::Appeal {
        state: state.into(),
        reason: "这就是本单位的事".to_owned(),
        explanation: explanation.to_owned(),
        due_at: ago(-60),
        ..moderation::Appeal::default()
    };
    let open = appeal(moderation::AppealState::Open, "");
    portal.fake.on("ReviewService/GetDecision", move |_: moderation::GetDecisionRequest| {
        Ok(decision(Some(open.clone())))
    });
    let page = browser.get(&path).await;
    page.shows(&["申诉已收到", "等待处理", "这就是本单位的事"]).hides(&["提出申诉"]);
    opens(&portal, intake::MessageState::Approved);
    let changed = appeal(moderation::AppealState::Overturned, "确属该单位职责。");
    portal.fake.on("ReviewService/GetDecision", move |_: moderation::GetDecisionRequest| {
        let appeal = Some(changed.clone());
        Ok(moderation::GetDecisionResponse { appeal, ..moderation::GetDecisionResponse::default() })
    });
    let page = browser.get(&path).await;
    page.shows(&["原决定已撤销", "确属该单位职责。"]).hides(&["没有公开的理由"]);
}

#[tokio::test]
async fn an_answer_is_rated_by_its_author() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::Approved);
    let rated: Arc<Mutex<Option<routing::RateReplyRequest>>> = Arc::default();
    let seen = Arc::clone(&rated);
    portal.fake.on_with("CaseService/RateReply", move |headers, ask: routing::RateReplyRequest| {
        assert_eq!(headers["authorization"], "Bearer author-token");
        *seen.lock().unwrap() = Some(ask);
        Ok(routing::RateReplyResponse::default())
    });
    let mut browser = portal.browser();
    look_up(&mut browser, ANSWERED, CODE).await;
    let path = format!("/mine/{ANSWERED}");
    let page = browser.get(&path).await;
    page.shows(&["现已更换电缆", "解决程度", "查看公开页面"]).hides(&["撤回这条留言"]);
    let (case, reply) = (page.hidden("case_id"), page.hidden("reply_id"));
    let fields = [("case_id", case.as_str()), ("reply_id", &reply), ("resolution", "5")];
    let page = browser.submit(&page, &format!("{path}/rate"), &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["请三项都选择分数"]);
    let fields = [fields.as_slice(), &[("attitude", "4"), ("speed", "3")]].concat();
    let done = browser.submit(&page, &format!("{path}/rate"), &fields).await;
    assert_eq!(done.location(), path);
    let rated = rated.lock().unwrap().clone().unwrap();
    assert_eq!((rated.resolution, rated.attitude, rated.speed), (5, 4, 3));
    assert_eq!(rated.reply_id, reply);
}

#[tokio::test]
async fn a_message_is_withdrawn_and_a_refusal_is_told() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::InReview);
    let mut browser = portal.browser();
    look_up(&mut browser, ANSWERED, CODE).await;
    let path = format!("/mine/{ANSWERED}");
    let page = browser.get(&path).await;
    portal.fake.on("IntakeService/WithdrawMessage", |_: intake::WithdrawMessageRequest| {
        let status = refused(Class::Precondition, "WITHDRAWAL_REFUSED", &[]);
        Err::<intake::WithdrawMessageResponse, _>(status)
    });
    let page = browser.submit(&page, &format!("{path}/withdraw"), &[]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    portal.fake.on("IntakeService/WithdrawMessage", |_: intake::WithdrawMessageRequest| {
        Ok(intake::WithdrawMessageResponse::default())
    });
    browser.submit(&page, &format!("{path}/withdraw"), &[]).await;
    browser.get(&path).await.shows(&["撤回申请已收到"]);
}

#[tokio::test]
async fn what_was_typed_waits_until_its_author_has_shown_the_code_again() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::Returned);
    portal.fake.on("IntakeService/ResubmitMessage", |ask: intake::ResubmitMessageRequest| {
        assert_eq!((ask.title.as_str(), ask.body.as_str()), ("改过的标题", "改过的正文 <b>"));
        Ok(intake::ResubmitMessageResponse::default())
    });
    let mut browser = portal.browser();
    let path = format!("/mine/{ANSWERED}/resubmit");
    let page = browser.get("/mine").await;
    let fields = [("title", "改过的标题"), ("body", "改过的正文 <b>")];
    let page = browser.submit(&page, &path, &fields).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    page.shows(&["还没有提交", "改过的正文 &#60;b&#62;</p>", &format!("value=\"{ANSWERED}\"")]);
    let form = page.hidden("form").replace("&#38;", "&");
    let kept = [("again", &*page.hidden("again")), ("form", form.as_str())];
    let wrong = [&kept[..], &[("number", ANSWERED), ("code", "00000-00000")]].concat();
    let page = browser.submit(&page, "/mine", &wrong).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["改过的标题"]);
    let right = [&kept[..], &[("number", ANSWERED), ("code", CODE)]].concat();
    let page = browser.submit(&page, "/mine", &right).await;
    page.shows(&["已确认这是您的留言", "改过的标题", &format!("action=\"{path}\"")]);
    let body = page.hidden("body").replace("&#60;", "<").replace("&#62;", ">");
    let fields = [("title", &*page.hidden("title")), ("body", body.as_str())];
    let done = browser.submit(&page, &path, &fields).await;
    assert_eq!(done.location(), format!("/mine/{ANSWERED}"));
}
