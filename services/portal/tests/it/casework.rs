//! The rarer acts of an office and of a supervisor.

use std::sync::{Arc, Mutex};

use http::{StatusCode, header};
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Pause, Promise, PromiseState, PublicCase, Reply},
    identity::v1::Role,
    routing::v1 as routing,
};

use crate::{
    browser::{Browser, Page},
    desk::{CASE, ETAG, case, gives, path, view},
    portal::Running,
    samples::{SCRIPT, ago, refused},
    staff::{after, clerk, let_in, sign_in, staff},
};

const REPLY: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f82";
const PROMISE: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f83";

/// routing gives this case.
fn gives_case(portal: &Running, case: routing::Case) {
    portal.fake.on("CaseService/GetCase", move |_: routing::GetCaseRequest| {
        Ok(routing::GetCaseResponse { case: Some(case.clone()) })
    });
}

fn in_time(state: CaseState) -> PublicCase {
    PublicCase { deadline_at: after(400_000), ..view(state) }
}

fn promise(state: PromiseState, what: &str) -> Promise {
    Promise {
        promise_id: PROMISE.to_owned(),
        what: format!("{what}{SCRIPT}"),
        due_at: after(400_000),
        state: state.into(),
        settled_at: if state == PromiseState::Open { None } else { ago(0) },
    }
}

/// A case whose answer promises something.
fn promising(state: PromiseState) -> PublicCase {
    let mut view = view(CaseState::Replied);
    let reply = Reply { reply_id: REPLY.to_owned(), ..view.replies[0].clone() };
    let promises = vec![promise(state, "装好六盏路灯")];
    view.replies = vec![Reply { promises, corrected_at: ago(0), ..reply }];
    view
}

async fn post(browser: &mut Browser, page: &Page, act: &str, fields: &[(&str, &str)]) -> Page {
    let fields = [&[("etag", ETAG), ("action", "send")][..], fields].concat();
    browser.submit(page, &path(act), &fields).await
}

#[tokio::test]
async fn what_is_seldom_done_waits_behind_one_word_and_follows_the_case() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let open = ["/transfer\"", "/return\"", "/extend\"", "/help\"", "/pause\""];
    gives_case(&portal, case(in_time(CaseState::Accepted)));
    browser.get(&path("")).await.shows(&["更多办理操作"]).shows(&open).hides(&["/reopen\""]);
    gives_case(&portal, case(view(CaseState::Accepted)));
    browser.get(&path("")).await.shows(&["/return\""]).hides(&["/extend\""]);
    let pauses = vec![Pause { from: ago(1), until: None }];
    let paused = PublicCase { pauses, ..in_time(CaseState::Accepted) };
    let question = format!("是哪一段路？{SCRIPT}");
    gives_case(&portal, routing::Case { question, ..case(paused) });
    let page = browser.get(&path("")).await;
    page.shows(&["等待留言人补充", "是哪一段路？&#60;script&#62;", "/resume\"", "暂停计算"]);
    page.hides(&["/transfer\"", "/return\"", "/extend\"", "/pause\"", "<script>"]);
    gives_case(&portal, routing::Case { referred: true, ..case(in_time(CaseState::Assigned)) });
    browser.get(&path("")).await.shows(&["由本单位裁定", "/transfer\""]).hides(&["/return\""]);
    gives_case(&portal, case(promising(PromiseState::Open)));
    let page = browser.get(&path("")).await;
    page.shows(&["/reopen\"", "待兑现", "装好六盏路灯&#60;script&#62;", "更正于"]);
    page.shows(&[&format!("/promises/{PROMISE}/kept\""), &format!("/replies/{REPLY}/correct\"")]);
    page.hides(&["/pause\"", "/help\""]);
    gives_case(&portal, case(view(CaseState::Closed)));
    browser.get(&path("")).await.shows(&["/reopen\"", "/correct\""]).hides(&["/reply\""]);
}

#[tokio::test]
async fn each_act_sends_what_was_typed_and_shows_what_is_wrong_beside_its_field() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    macro_rules! takes {
        ($method:literal, $ask:ident, $answer:ident, $field:literal, |$it:ident| $said:expr) => {
            let seen = Arc::clone(&told);
            portal.fake.on($method, move |$it: routing::$ask| {
                assert_eq!(($it.case_id.as_str(), $it.etag.as_str()), (CASE, ETAG));
                let said: String = $said;
                if said.contains("短") {
                    return Err(refused(Class::Invalid, "REQUEST_INVALID", &[$field]));
                }
                seen.lock().unwrap().push(said);
                Ok(routing::$answer::default())
            });
        };
    }
    takes!("CaseService/PauseCase", PauseCaseRequest, PauseCaseResponse, "question", |it| it
        .question);
    takes!(
        "CaseService/ExtendDeadline",
        ExtendDeadlineRequest,
        ExtendDeadlineResponse,
        "days",
        |it| { format!("{} {}", it.days, it.reason) }
    );
    takes!("CaseService/ReopenCase", ReopenCaseRequest, ReopenCaseResponse, "reason", |it| it
        .reason);
    takes!("CaseService/CorrectReply", CorrectReplyRequest, CorrectReplyResponse, "body", |it| {
        format!("{} {} {}", it.reply_id, it.body, it.reason)
    });
    takes!("CaseService/KeepPromise", KeepPromiseRequest, KeepPromiseResponse, "reason", |it| {
        format!("{} {}", it.promise_id, it.reason)
    });
    let correct = format!("/replies/{REPLY}/correct");
    let keep = format!("/promises/{PROMISE}/kept");
    let accepted = || case(in_time(CaseState::Accepted));
    let replied = || case(promising(PromiseState::Open));
    let text = format!("哪一段？{SCRIPT}");
    for (given, act, good, bad, wrong, said) in [
        (
            accepted(),
            "/pause",
            vec![("question", text.as_str())],
            ("question", "短"),
            "question-wrong",
            text.clone(),
        ),
        (
            accepted(),
            "/extend",
            vec![("days", "7"), ("reason", "要等材料")],
            ("reason", "短"),
            "days-wrong",
            "7 要等材料".to_owned(),
        ),
        (
            replied(),
            "/reopen",
            vec![("reason", "又坏了")],
            ("reason", "短"),
            "reason-wrong",
            "又坏了".to_owned(),
        ),
        (
            replied(),
            &correct,
            vec![("body", "六盏，不是五盏。"), ("reason", "数错了")],
            ("body", "短"),
            "body-wrong",
            format!("{REPLY} 六盏，不是五盏。 数错了"),
        ),
        (
            replied(),
            &keep,
            vec![("reason", "都装好了")],
            ("reason", "短"),
            "reason-wrong",
            format!("{PROMISE} 都装好了"),
        ),
    ] {
        gives_case(&portal, given);
        let page = browser.get(&path(act)).await;
        assert_eq!(page.status, StatusCode::OK, "{act}");
        page.hides(&["<script>", "disabled>"]);
        let fields = [good.clone(), vec![bad]].concat();
        let again = post(&mut browser, &page, act, &fields).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{act}");
        again.shows(&[wrong, "短</textarea>", "role=\"alert\""]);
        let done = post(&mut browser, &again, act, &good).await;
        assert_eq!(done.location(), path(""), "{act}");
        assert_eq!(told.lock().unwrap().pop(), Some(said), "{act}");
    }
    gives_case(&portal, replied());
    for nothing in [format!("/replies/{PROMISE}/correct"), format!("/promises/{REPLY}/kept")] {
        assert_eq!(browser.get(&path(&nothing)).await.status, StatusCode::NOT_FOUND);
    }
    browser.get(&path("/pause")).await.shows(&["目前不能进行此操作", "disabled>"]);
}

#[tokio::test]
async fn a_case_that_changed_or_is_away_keeps_the_question_that_was_typed() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives_case(&portal, case(in_time(CaseState::Accepted)));
    let page = browser.get(&path("/pause")).await;
    portal.fake.on("CaseService/PauseCase", |_: routing::PauseCaseRequest| {
        Err::<routing::PauseCaseResponse, _>(refused(Class::Aborted, "ETAG_MISMATCH", &[]))
    });
    let again =
        post(&mut browser, &page, "/pause", &[("etag", "old"), ("question", "哪一段？")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    again.shows(&["您打开之后该办件有了变化", "哪一段？</textarea>"]);
    assert_eq!(again.hidden("etag"), ETAG);
    portal.fake.off("CaseService/PauseCase");
    portal.fake.off("CaseService/GetCase");
    let kept = post(&mut browser, &page, "/pause", &[("question", "哪一段？")]).await;
    assert_eq!(kept.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(kept.headers.contains_key(header::RETRY_AFTER));
    kept.shows(&["哪一段？</p>", &format!("action=\"{}\"", path("/pause"))]);
    assert_eq!(kept.hidden("question"), "哪一段？");
    // Whoever is no longer signed in signs in, and sends it then.
    browser.cookies.retain(|name, _| !name.contains("session"));
    let page = post(&mut browser, &page, "/pause", &[("question", "哪一段？")]).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    page.shows(&["哪一段？", "登录已到期"]);
}

#[tokio::test]
async fn a_case_is_given_back_by_office_and_rule_and_others_are_asked_to_help() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    let helper_office_ids = vec!["330000-g".to_owned()];
    gives_case(&portal, case(PublicCase { helper_office_ids, ..in_time(CaseState::Accepted) }));
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    portal.fake.on("CaseService/ReturnCase", move |ask: routing::ReturnCaseRequest| {
        if ask.rule.is_empty() {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["office_id", "rule"]));
        }
        seen.lock().unwrap().push((ask.office_id, ask.rule, ask.etag));
        Ok(routing::ReturnCaseResponse::default())
    });
    let seen = Arc::clone(&told);
    portal.fake.on("CaseService/InviteHelper", move |ask: routing::InviteHelperRequest| {
        seen.lock().unwrap().push((ask.office_id, ask.reason, ask.etag));
        Ok(routing::InviteHelperResponse::default())
    });
    let page = browser.get(&path("/return")).await;
    page.shows(&["第二次退回", "杭州市市长", "退回依据"]);
    let wrong = post(&mut browser, &page, "/return", &[("reason", "")]).await;
    wrong.shows(&["office-wrong", "reason-wrong"]);
    let fields = [("office_id", "330100-g"), ("reason", "条例第五条")];
    let done = post(&mut browser, &page, "/return", &fields).await;
    assert_eq!(done.location(), "/desk");
    let page = browser.get(&path("/help")).await;
    page.shows(&["value=\"330100-g\""]).hides(&["value=\"330000-g\"", "value=\"330106-g\""]);
    let done = post(&mut browser, &page, "/help", &fields).await;
    assert_eq!(done.location(), path(""));
    browser.get(&path("")).await.shows(&["协办单位", "浙江省省长", "已请求协办"]);
    let sent = ("330100-g".to_owned(), "条例第五条".to_owned(), ETAG.to_owned());
    assert_eq!(*told.lock().unwrap(), [sent.clone(), sent]);
}

#[tokio::test]
async fn an_answer_promises_row_by_row_without_a_script() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Accepted);
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sent);
    portal.fake.on("CaseService/ReplyToCase", move |ask: routing::ReplyToCaseRequest| {
        if ask.promises.iter().any(|it| it.due_on.is_empty()) {
            let fields = ["promises.due_on", "promises.what"];
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &fields));
        }
        *seen.lock().unwrap() = ask.promises;
        Ok(routing::ReplyToCaseResponse::default())
    });
    let page = browser.get(&path("")).await;
    page.shows(&["添加一项承诺"]).hides(&["name=\"due\""]);
    let body = ("body", "已安排修理。");
    let more = [("etag", ETAG), body, ("action", "promise")];
    let page = browser.submit(&page, &path("/reply"), &more).await;
    page.shows(&["id=\"due-1\"", "再添加一项", "已安排修理。</textarea>"]).hides(&["id=\"due-2\""]);
    let first = [("due", "2026-07-01"), ("what", "修好六盏")];
    let page = browser.submit(&page, &path("/reply"), &[&more[..], &first].concat()).await;
    page.shows(&["value=\"2026-07-01\"", "value=\"修好六盏\"", "id=\"due-2\""]);
    let rows = [&first[..], &[("due", ""), ("what", "公示结果")]].concat();
    let send = [("etag", ETAG), body, ("action", "send")];
    let page = browser.submit(&page, &path("/reply"), &[&send[..], &rows].concat()).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(&["id=\"promises-wrong\"", "href=\"#promises\"", "value=\"公示结果\""]);
    // Rows that were left empty are none.
    let rows = [&first[..], &[("due", ""), ("what", " ")]].concat();
    let look = [("etag", ETAG), body, ("action", "preview")];
    portal.fake.on("CaseService/CheckReply", |_: routing::CheckReplyRequest| {
        Ok(routing::CheckReplyResponse { verdict: "pass".to_owned(), ..Default::default() })
    });
    let page = browser.submit(&page, &path("/reply"), &[&look[..], &rows].concat()).await;
    page.shows(&["修好六盏", "2026年7月1日", "没有发现问题"]);
    assert_eq!((page.hidden("due"), page.hidden("what")), (first[0].1.into(), first[1].1.into()));
    let done = browser.submit(&page, &path("/reply"), &[&send[..], &first].concat()).await;
    assert_eq!(done.location(), path(""));
    let expected = routing::PromiseDraft { due_on: first[0].1.into(), what: first[1].1.into() };
    assert_eq!(*sent.lock().unwrap(), [expected]);
    // Five rows and no more, however many are sent.
    let many: Vec<_> = std::iter::repeat_n(first, 7).flatten().collect();
    let page = browser.submit(&page, &path("/reply"), &[&more[..], &many].concat()).await;
    page.shows(&["id=\"due-5\""]).hides(&["id=\"due-6\"", "value=\"promise\""]);
}

#[tokio::test]
async fn the_preview_tells_what_the_gate_says_before_anything_is_sent() {
    let portal = Running::start().await;
    let mut browser = clerk(&portal).await;
    gives(&portal, CaseState::Accepted);
    let page = browser.get(&path("")).await;
    let look = [("etag", ETAG), ("body", "感谢您的留言。"), ("action", "preview")];
    browser.submit(&page, &path("/reply"), &look).await.shows(&["暂时无法检查"]);
    for (verdict, stopped, shown) in [
        ("pass", false, "没有发现问题"),
        ("alike", true, "写明仍要发出的理由"),
        ("alike", false, "另一答复几乎相同"),
        ("unrelated", true, "没有关联"),
        ("unrelated", false, "似乎没有回应"),
    ] {
        portal.fake.on("CaseService/CheckReply", move |ask: routing::CheckReplyRequest| {
            assert_eq!((ask.case_id.as_str(), ask.body.as_str()), (CASE, "感谢您的留言。"));
            let verdict = verdict.to_owned();
            Ok(routing::CheckReplyResponse { verdict, stopped, ..Default::default() })
        });
        let page = browser.submit(&page, &path("/reply"), &look).await;
        page.shows(&[shown]);
        assert_eq!(page.text.contains("id=\"override_reason\""), stopped, "{verdict}");
        assert_eq!(page.text.matches("name=\"reason\"").count(), 1, "{verdict}");
    }
    portal.fake.on("CaseService/CheckReply", |_: routing::CheckReplyRequest| {
        let status = refused(Class::Invalid, "REQUEST_INVALID", &["body"]);
        Err::<routing::CheckReplyResponse, _>(status)
    });
    let page = browser.submit(&page, &path("/reply"), &look).await;
    page.shows(&["id=\"body-wrong\"", "感谢您的留言。</textarea>"]);
    assert_eq!(portal.fake.count("CaseService/ReplyToCase"), 0);
}

#[tokio::test]
async fn a_supervisor_watches_reopens_and_reads_the_log() {
    let portal = Running::start().await;
    let mut browser = staff(&portal, Role::Supervisor, &["330106-g"]).await;
    let watched = routing::Case { supervised_at: ago(1), ..case(view(CaseState::Accepted)) };
    let listed = watched.clone();
    portal.fake.on("CaseService/ListCases", move |ask: routing::ListCasesRequest| {
        assert!(ask.supervised && ask.own);
        Ok(routing::ListCasesResponse { cases: vec![listed.clone()], ..Default::default() })
    });
    browser.get("/desk?tab=watched").await.shows(&["路灯不亮", "class=\"state awaiting\">督办"]);
    gives_case(&portal, case(view(CaseState::Replied)));
    let page = browser.get(&path("")).await;
    page.shows(&["/supervise\"", "/reopen\"", "/acts\""]).hides(&["/reply\"", "/close\""]);
    portal.fake.on("CaseService/SuperviseCase", |ask: routing::SuperviseCaseRequest| {
        assert_eq!((ask.reason.as_str(), ask.etag.as_str()), ("多人反映", ETAG));
        Ok(routing::SuperviseCaseResponse::default())
    });
    let page = browser.get(&path("/supervise")).await;
    let done = post(&mut browser, &page, "/supervise", &[("reason", "多人反映")]).await;
    assert_eq!(done.location(), path(""));
    gives_case(&portal, watched);
    browser.get(&path("")).await.shows(&["已列入督办"]).hides(&["/supervise\""]);
    assert_eq!(browser.get(&path("/pause")).await.status, StatusCode::NOT_FOUND);
    let mut clerk = clerk(&portal).await;
    assert_eq!(clerk.get(&path("/supervise")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_log_is_read_in_words_page_by_page() {
    let portal = Running::start().await;
    let_in(&portal, Role::Clerk, &["330106-g"]);
    gives(&portal, CaseState::Accepted);
    portal.fake.on("CaseService/ListActs", |ask: routing::ListActsRequest| {
        assert_eq!(ask.case_id, CASE);
        let act = |position, actor: &str, action: &str, detail: &str| routing::Act {
            position,
            at: ago(1),
            actor: actor.to_owned(),
            action: action.to_owned(),
            office_id: "330106-g".to_owned(),
            detail: detail.to_owned(),
            note: format!("条例第五条{SCRIPT}"),
            hash: "0123456789abcdef".to_owned(),
        };
        let me = format!("identity/{}", crate::staff::ME);
        let acts = vec![
            act(
                1,
                "identity/0192f0c4-7d1e-7a43-9b1c-3f2a5d6ea1b2",
                "case-returned",
                "named=330100-g to=330100-g",
            ),
            act(2, &me, "deadline-extended", "days=5 deadline=2026-06-30T15:59:59.999999Z"),
            act(3, "routing", "deadline-missed", ""),
            act(4, "intake/x", "follow-up-asked", "reply=x ground=not_done"),
            act(5, &me, "case-closed", "outcome=partly_solved"),
            act(6, "routing", "case-folded", ""),
        ];
        let next_page_token = if ask.page_token.is_empty() { "a b" } else { "" }.to_owned();
        Ok(routing::ListActsResponse { acts, next_page_token })
    });
    let mut browser = portal.browser();
    sign_in(&mut browser, "").await;
    let page = browser.get(&path("/acts")).await;
    page.shows(&["退回", "写明应由杭州市市长办理", "尾号 a1b2", "您 ·", "期限至 2026年6月30日"]);
    page.shows(&["系统自动", "期限已过", "留言人追问", "实际没有办", "部分解决", "case-folded"]);
    page.shows(&["条例第五条&#60;script&#62;", "/acts?page=a+b\""]).hides(&["<script>"]);
    browser.get(&path("/acts?page=a+b")).await.hides(&["rel=\"next\""]);
    let mut browser = portal.english();
    sign_in(&mut browser, "").await;
    let page = browser.get(&path("/acts")).await;
    page.shows(&["Given back", "by 5 days", "An official", "The deadline passed"]);
    portal.fake.off("CaseService/ListActs");
    let page = browser.get(&path("/acts")).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_office_that_helps_sees_the_case_and_leaves_it_to_the_other() {
    let portal = Running::start().await;
    let mut browser = staff(&portal, Role::Clerk, &["330000-s"]).await;
    let helper_office_ids = vec!["330000-s".to_owned()];
    gives_case(&portal, case(PublicCase { helper_office_ids, ..in_time(CaseState::Accepted) }));
    let page = browser.get(&path("")).await;
    page.shows(&["您所在单位协办此件", "文三路北侧"]);
    page.hides(&["/reply\"", "/close\"", "/transfer\"", "更多办理操作"]);
}
