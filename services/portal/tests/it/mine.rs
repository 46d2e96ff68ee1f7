//! One's own messages.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Pause, Promise, PromiseState, PublicCase},
    intake::v1 as intake,
    moderation::v1 as moderation,
    routing::v1 as routing,
};

use crate::{
    browser::{Browser, Page},
    portal::Running,
    samples::{ANSWERED, ago, answered, case, message, refused},
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
async fn intake_is_told_from_where_codes_are_guessed() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::InReview);
    let mut browser = portal.browser();
    let from = |portal: &Running| {
        let headers = portal.fake.last("IntakeService/LookUpMessage");
        headers.get(liuyan_kit::grpc::CLIENT_ADDRESS).map(|it| it.to_str().unwrap().to_owned())
    };
    look_up(&mut browser, ANSWERED, "WRONG").await;
    assert_eq!(from(&portal).as_deref(), Some("127.0.0.1"));
    look_up(&mut browser, ANSWERED, CODE).await;
    let before = portal.fake.count("IntakeService/LookUpMessage");
    browser.get(&format!("/mine/{ANSWERED}")).await;
    assert_eq!(portal.fake.count("IntakeService/LookUpMessage"), before + 1);
    assert_eq!(from(&portal).as_deref(), Some("127.0.0.1"));
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
    let mut browser = portal.browser();
    look_up(&mut browser, ANSWERED, CODE).await;
    let path = format!("/mine/{ANSWERED}");
    let page = browser.get(&path).await;
    page.shows(&["现已更换电缆", "解决程度", "查看公开页面"]).hides(&["撤回这条留言"]);
    let (case, reply) = (page.hidden("case_id"), page.hidden("reply_id"));
    let fields = [("case_id", case.as_str()), ("reply_id", &reply), ("resolution", "5")];
    let page = browser.submit(&page, &format!("{path}/rate"), &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["请三项都选择分数", "name=\"resolution\" value=\"5\" required checked"]);
    let fields = [fields.as_slice(), &[("attitude", "4"), ("speed", "3")]].concat();
    portal.fake.on("CaseService/RateReply", |_: routing::RateReplyRequest| {
        Err::<routing::RateReplyResponse, _>(refused(Class::Unavailable, "OVERLOADED", &[]))
    });
    let page = browser.submit(&page, &format!("{path}/rate"), &fields).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    for (side, mark) in [("resolution", 5), ("attitude", 4), ("speed", 3)] {
        page.shows(&[&format!("name=\"{side}\" value=\"{mark}\" required checked")]);
    }
    let seen = Arc::clone(&rated);
    portal.fake.on_with("CaseService/RateReply", move |headers, ask: routing::RateReplyRequest| {
        assert_eq!(headers["authorization"], "Bearer author-token");
        *seen.lock().unwrap() = Some(ask);
        Ok(routing::RateReplyResponse::default())
    });
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

/// The case of the message, as its author gets it.
fn gives_case(portal: &Running, case: routing::Case) {
    portal.fake.on("CaseService/GetCase", move |_: routing::GetCaseRequest| {
        Ok(routing::GetCaseResponse { case: Some(case.clone()) })
    });
}

#[tokio::test]
async fn an_author_reads_what_the_office_asks_and_has_told_more() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::Approved);
    let pauses = vec![Pause { from: ago(1), until: None }];
    let state = CaseState::Accepted.into();
    let waiting = PublicCase { replies: Vec::new(), pauses, state, ..answered() };
    let question = "是哪一段路？<b>".to_owned();
    gives_case(&portal, routing::Case { question, ..case(waiting.clone()) });
    portal.fake.on_with("CaseService/ResumeCase", |headers, ask: routing::ResumeCaseRequest| {
        assert_eq!(headers["authorization"], "Bearer author-token");
        assert_eq!(ask.case_id, answered().case_id);
        Ok(routing::ResumeCaseResponse::default())
    });
    let mut browser = portal.browser();
    look_up(&mut browser, ANSWERED, CODE).await;
    let path = format!("/mine/{ANSWERED}");
    let page = browser.get(&path).await;
    page.shows(&[
        "是哪一段路？&#60;b&#62;",
        "/new?office=330106-g",
        "等待留言人补充",
        "期限暂停计算",
    ]);
    let case_id = page.hidden("case_id");
    let fields = [("case_id", case_id.as_str())];
    let done = browser.submit(&page, &format!("{path}/resume"), &fields).await;
    assert_eq!(done.location(), path);
    gives_case(&portal, case(waiting.clone()));
    let public = browser.get(&format!("/m/{ANSWERED}")).await;
    public.shows(&["等待留言人补充", "暂停计算", "其中等待"]).hides(&["是哪一段路"]);
    let mut over = waiting;
    over.pauses[0].until = ago(0);
    over.extended_at = ago(0);
    gives_case(&portal, case(over));
    let page = browser.get(&path).await;
    page.shows(&["恢复办理", "期限已延长", "办理期限延长"])
        .hides(&["我已补充", "class=\"state plain\">等待"]);
}

#[tokio::test]
async fn an_author_asks_on_with_a_reason_after_an_answer_and_not_before() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::Approved);
    portal.fake.on_with("CaseService/AskFollowUp", |headers, ask: routing::AskFollowUpRequest| {
        assert_eq!(headers["authorization"], "Bearer author-token");
        if ask.ground != "not_done" {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["ground"]));
        }
        assert_eq!(ask.reply_id, answered().replies[0].reply_id);
        Ok(routing::AskFollowUpResponse::default())
    });
    let mut browser = portal.browser();
    look_up(&mut browser, ANSWERED, CODE).await;
    let path = format!("/mine/{ANSWERED}");
    let page = browser.get(&path).await;
    page.shows(&["追问", "答复说办了，实际没有办"]);
    let (case_id, reply_id) = (page.hidden("case_id"), page.hidden("reply_id"));
    let fields = [("case_id", case_id.as_str()), ("reply_id", &reply_id)];
    for ground in [("x", "y"), ("ground", "angry")] {
        let fields = [&fields[..], &[ground]].concat();
        let page = browser.submit(&page, &format!("{path}/follow-up"), &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows(&["id=\"follow-up-wrong\"", "href=\"#follow-up\"", "no-print\" open"]);
    }
    let fields = [&fields[..], &[("ground", "not_done")]].concat();
    let done = browser.submit(&page, &format!("{path}/follow-up"), &fields).await;
    assert_eq!(done.location(), path);
    let state = CaseState::Accepted.into();
    gives_case(&portal, case(PublicCase { state, ..answered() }));
    browser.get(&path).await.shows(&["追问已提交"]).hides(&["/follow-up\""]);
}

#[tokio::test]
async fn an_author_objects_to_being_answered_with_others_until_the_days_are_over() {
    let portal = Running::start().await;
    opens(&portal, intake::MessageState::Approved);
    portal
        .fake
        .on("CommonProblemService/ObjectToGrouping", |_: routing::ObjectToGroupingRequest| {
            Ok(routing::ObjectToGroupingResponse::default())
        });
    let gives = |objectable_until| {
        let common_problem_id = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f91".to_owned();
        let in_one = case(PublicCase { common_problem_id, ..answered() });
        gives_case(&portal, routing::Case { objectable_until, ..in_one });
    };
    let (mut browser, mut english) = (portal.browser(), portal.english());
    for browser in [&mut browser, &mut english] {
        look_up(browser, ANSWERED, CODE).await;
    }
    let path = format!("/mine/{ANSWERED}");
    let object = format!("{path}/object");
    // Before the answer, and until routing says.
    for until in [None, ago(-1)] {
        gives(until);
        browser.get(&path).await.shows(&[&object, "要求单独办理"]).hides(&["异议期已过"]);
    }
    let page = browser.get(&path).await;
    let done = browser.submit(&page, &object, &[("case_id", &page.hidden("case_id"))]).await;
    assert_eq!(done.location(), path);
    browser.get(&path).await.shows(&["留言已从共性问题中退出"]);
    gives(ago(1));
    browser.get(&path).await.shows(&["14天的异议期已过"]).hides(&[&object]);
    english.get(&path).await.shows(&["The 14 days in which you could object"]).hides(&[&object]);
    gives_case(&portal, case(answered()));
    browser.get(&path).await.hides(&["异议期已过", &object]);
}

#[tokio::test]
async fn everybody_sees_what_an_answer_promised_and_what_became_of_it() {
    let portal = Running::start().await;
    let promise = |state: PromiseState, what: &str| Promise {
        what: format!("{what}<b>"),
        due_at: ago(1),
        state: state.into(),
        settled_at: if state == PromiseState::Open { None } else { ago(2) },
        ..Promise::default()
    };
    let mut view = answered();
    view.helper_office_ids = vec!["M04".to_owned()];
    view.replies[0].gate_overridden = true;
    view.replies[0].corrected_at = ago(1);
    view.replies[0].promises = vec![
        promise(PromiseState::Open, "甲事"),
        promise(PromiseState::Kept, "乙事"),
        promise(PromiseState::Broken, "丙事"),
    ];
    gives_case(&portal, case(view));
    let page = portal.browser().get(&format!("/m/{ANSWERED}")).await;
    page.shows(&["甲事&#60;b&#62;", "待兑现", "乙事", "兑现于", "丙事", "到期未兑现", "更正于"]);
    page.shows(&["未通过答复检查", "协办单位", "教育部", "一项承诺已兑现", "答复有更正"]);
    page.hides(&["甲事<b>"]);
    let page = portal.english().get(&format!("/m/{ANSWERED}")).await;
    page.shows(&[
        "To be kept",
        "Not kept in time",
        "corrected",
        "Helping",
        "did not pass the check",
    ]);
}

#[tokio::test]
async fn an_office_has_a_page_that_tells_how_it_answers() {
    let portal = Running::start().await;
    portal.fake.on("CaseService/GetReplyFigures", |ask: routing::GetReplyFiguresRequest| {
        assert_eq!(ask.office_id, "330106-g");
        let (replies, gate_overridden, promises, kept, broken) = (1_234, 5, 40, 30, 6);
        Ok(routing::GetReplyFiguresResponse { replies, gate_overridden, promises, kept, broken })
    });
    let mut browser = portal.browser();
    browser.get("/offices/330106").await.shows(&["href=\"/office/330106-g\""]);
    let page = browser.get("/office/330106-g").await;
    page.shows(&[
        "西湖区区长",
        "1,234",
        "未通过检查仍发出",
        ">40<",
        "按期兑现",
        "到期未兑现",
        "文三路",
    ]);
    browser.get("/office/330106-s").await.shows(&["暂不接收留言", "暂时"]);
    assert_eq!(browser.get("/office/nobody").await.status, StatusCode::NOT_FOUND);
}
