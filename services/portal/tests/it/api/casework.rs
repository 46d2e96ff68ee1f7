//! The rarer acts of officials and authors, and what is told of them.

use http::{Method, header};
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::{Pause, Promise, PromiseState, PublicCase},
    routing::v1 as routing,
};
use serde_json::{Value, json};

use super::client::{call, get, post};
use crate::{
    portal::Running,
    samples::{ago, answered, case, refused},
    staff::REQUEST,
};

const PART: &str = "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f82";

/// Everything that may be done to a case has happened to this one.
fn rich() -> routing::Case {
    let mut view = answered();
    view.replies[0].corrected_at = ago(1);
    view.replies[0].gate_overridden = true;
    view.replies[0].promises = vec![Promise {
        promise_id: PART.to_owned(),
        what: "修好".to_owned(),
        due_at: ago(-9),
        state: PromiseState::Kept.into(),
        settled_at: ago(0),
    }];
    let view = PublicCase {
        pauses: vec![Pause { from: ago(6), until: None }],
        extended_at: ago(5),
        helper_office_ids: vec!["M04".to_owned()],
        ..view
    };
    routing::Case {
        etag: "e2".to_owned(),
        question: "哪一段？".to_owned(),
        referred: true,
        supervised_at: ago(2),
        ..case(view)
    }
}

/// Every act: where it goes, a good body, the service's method.
fn acts() -> [(String, Value, &'static str); 10] {
    let reason = || json!({"reason": "因为", "etag": "e1"});
    [
        ("return".into(), json!({"office_id": "M04", "rule": "条例", "etag": "e1"}), "ReturnCase"),
        ("pause".into(), json!({"question": "哪一段？", "etag": "e1"}), "PauseCase"),
        ("resume".into(), json!({"etag": "e1"}), "ResumeCase"),
        ("extend".into(), json!({"days": 5, "reason": "因为", "etag": "e1"}), "ExtendDeadline"),
        (
            "helpers".into(),
            json!({"office_id": "M04", "reason": "因为", "etag": "e1"}),
            "InviteHelper",
        ),
        (
            format!("replies/{PART}/correction"),
            json!({"body": "更正", "reason": "因为", "etag": "e1"}),
            "CorrectReply",
        ),
        ("reopen".into(), reason(), "ReopenCase"),
        ("supervise".into(), reason(), "SuperviseCase"),
        (format!("promises/{PART}/kept"), reason(), "KeepPromise"),
        (
            format!("replies/{PART}/follow-up"),
            json!({"ground": "not_done", "etag": "e1"}),
            "AskFollowUp",
        ),
    ]
}

/// What every request begins with.
#[derive(Clone, PartialEq, prost::Message)]
struct Begin {
    #[prost(string, tag = "1")]
    case_id: String,
    #[prost(string, tag = "2")]
    etag: String,
    #[prost(string, tag = "3")]
    request_id: String,
}

/// All of them are answered alike: each answer is a case, each request begins with its id, etag and
/// request id.
fn answers(portal: &Running) {
    for (_, _, method) in acts() {
        let method: &'static str = Box::leak(format!("CaseService/{method}").into_boxed_str());
        portal.fake.on_with(method, |headers, ask: Begin| {
            assert_eq!(headers[header::AUTHORIZATION], "Bearer t");
            assert_eq!((ask.case_id, ask.request_id.as_str()), (answered().case_id, REQUEST));
            if ask.etag != "e1" {
                return Err(refused(Class::Aborted, "ETAG_MISMATCH", &[]));
            }
            Ok(routing::AcceptCaseResponse { case: Some(rich()) })
        });
    }
}

fn path(act: &str) -> String {
    format!("/api/v1/cases/{}/{act}", answered().case_id)
}

#[tokio::test]
async fn every_act_is_done_by_its_route_once_for_a_key() {
    let portal = Running::start().await;
    answers(&portal);
    for (act, body, _) in acts() {
        let send = |body: &Value| {
            post(&portal, &path(&act)).bearer("t").header("idempotency-key", REQUEST).json(body)
        };
        let told = send(&body).send().await.ok();
        assert_eq!(told["etag"], "e2", "{act}");
        let mut old = body.clone();
        old["etag"] = json!("old");
        send(&old).send().await.problem(409, "ETAG_MISMATCH");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_act_is_a_problem() {
    let portal = Running::start().await;
    answers(&portal);
    for (act, body, method) in acts() {
        let send = |body: &Value| post(&portal, &path(&act)).bearer("t").json(body);
        let told = send(&body).send().await.problem(400, "REQUEST_INVALID");
        assert_eq!(told["violations"][0]["field"], "Idempotency-Key", "{act}");
        let mut unknown = body.clone();
        unknown["more"] = json!(1);
        let unknown = send(&unknown).header("idempotency-key", REQUEST);
        let told = unknown.send().await.problem(400, "REQUEST_INVALID");
        assert_eq!(told["violations"][0]["reason"], "FIELD_UNKNOWN", "{act}");
        let nobody = post(&portal, &path(&act)).header("idempotency-key", REQUEST).json(&body);
        nobody.send().await.problem(401, "TOKEN_MISSING");
        let method = format!("CaseService/{method}");
        assert_eq!(portal.fake.count(&method), 0, "{act}");
        let wrong = call(&portal, Method::GET, &path(&act)).bearer("t");
        assert_eq!(wrong.send().await.status.as_u16(), 405, "{act}");
    }
    for (act, body, field) in [
        ("extend", json!({"days": "many"}), "days"),
        ("extend", json!({"days": -1}), "days"),
        ("replies/x/follow-up", json!({}), "ground"),
        ("replies/x/follow-up", json!({"ground": "angry"}), "ground"),
        ("reply", json!({"body": "好的", "promises": [["2026-07-01", "x"]]}), "promises[]"),
        ("reply", json!({"body": "好的", "promises": [{"day": "x"}]}), "promises[0].day"),
    ] {
        let call = post(&portal, &path(act)).bearer("t").json(&body);
        let answer = call.header("idempotency-key", REQUEST).send().await;
        let told = answer.problem(400, "REQUEST_INVALID");
        assert_eq!(told["violations"][0]["field"], field, "{body}");
    }
}

#[tokio::test]
async fn an_act_says_what_its_body_says() {
    let portal = Running::start().await;
    portal.fake.on("CaseService/ReturnCase", |ask: routing::ReturnCaseRequest| {
        assert_eq!((ask.office_id.as_str(), ask.rule.as_str()), ("M04", "条例"));
        Ok(routing::ReturnCaseResponse { case: Some(rich()) })
    });
    portal.fake.on("CaseService/ExtendDeadline", |ask: routing::ExtendDeadlineRequest| {
        if ask.days > 30 {
            return Err(refused(Class::Invalid, "REQUEST_INVALID", &["days"]));
        }
        assert_eq!((ask.days, ask.reason.as_str()), (5, "因为"));
        Ok(routing::ExtendDeadlineResponse::default())
    });
    portal.fake.on("CaseService/CorrectReply", |ask: routing::CorrectReplyRequest| {
        assert_eq!((ask.reply_id.as_str(), ask.body.as_str()), (PART, "更正"));
        Ok(routing::CorrectReplyResponse::default())
    });
    portal.fake.on("CaseService/KeepPromise", |ask: routing::KeepPromiseRequest| {
        assert_eq!((ask.promise_id.as_str(), ask.reason.as_str()), (PART, "因为"));
        Ok(routing::KeepPromiseResponse::default())
    });
    portal.fake.on("CaseService/AskFollowUp", |ask: routing::AskFollowUpRequest| {
        assert_eq!((ask.reply_id.as_str(), ask.ground.as_str()), (PART, "not_done"));
        Ok(routing::AskFollowUpResponse::default())
    });
    portal.fake.on("CaseService/ReplyToCase", |ask: routing::ReplyToCaseRequest| {
        assert_eq!(ask.override_reason, "同一件事");
        let promise = routing::PromiseDraft { due_on: "2026-07-01".into(), what: "修好".into() };
        assert_eq!(ask.promises, [promise]);
        Ok(routing::ReplyToCaseResponse { case: Some(rich()), reply_id: PART.to_owned() })
    });
    portal.fake.on("CaseService/CheckReply", |ask: routing::CheckReplyRequest| {
        let stopped = ask.body == "套话";
        let verdict = if stopped { "alike" } else { "pass" }.to_owned();
        Ok(routing::CheckReplyResponse { verdict, stopped, ..Default::default() })
    });
    let send = |act: &str, body: &Value| {
        post(&portal, &path(act)).bearer("t").header("idempotency-key", REQUEST).json(body)
    };
    for (act, body, method) in acts() {
        if portal_answers(method) {
            send(&act, &body).send().await.ok();
        }
    }
    let told = send("extend", &json!({"days": 31, "reason": "因为"})).send().await;
    assert_eq!(told.problem(400, "REQUEST_INVALID")["violations"][0]["field"], "days");
    let promises = json!([{"due_on": "2026-07-01", "what": "修好"}]);
    let reply = json!({"body": "修了", "override_reason": "同一件事", "promises": promises});
    let told = send("reply", &reply).send().await.ok();
    assert_eq!(told["case"]["replies"][0]["promises"][0]["state"], "kept");
    let told = send("reply/check", &json!({"body": "套话"})).send().await.ok();
    assert_eq!(told, json!({"verdict": "alike", "stopped": true}));
    let nobody = post(&portal, &path("reply/check")).json(&json!({"body": "套话"}));
    nobody.send().await.problem(401, "TOKEN_MISSING");
}

/// Those whose body is looked at.
fn portal_answers(method: &str) -> bool {
    ["ReturnCase", "ExtendDeadline", "CorrectReply", "KeepPromise", "AskFollowUp"].contains(&method)
}

#[tokio::test]
async fn a_case_tells_its_waits_promises_and_helpers_and_the_rest_to_its_own_alone() {
    let portal = Running::start().await;
    portal.fake.on("CaseService/GetCase", |_: routing::GetCaseRequest| {
        Ok(routing::GetCaseResponse { case: Some(rich()) })
    });
    let address = format!("/api/v1/cases/{}", answered().case_id);
    let told = get(&portal, &address).send().await.ok();
    assert_eq!(told["helper_office_ids"], json!(["M04"]));
    assert!(told["pauses"][0]["from"].is_string() && told["pauses"][0].get("until").is_none());
    assert!(told["extended_at"].is_string() && told["replies"][0]["corrected_at"].is_string());
    assert_eq!(told["replies"][0]["gate_overridden"], true);
    assert_eq!(told["replies"][0]["promises"][0]["promise_id"], PART);
    for own in ["question", "referred", "supervised_at", "etag"] {
        assert!(told.get(own).is_none(), "{own}");
    }
    let told = get(&portal, &address).bearer("t").send().await.ok();
    assert_eq!((&told["question"], &told["referred"]), (&json!("哪一段？"), &json!(true)));
    assert!(told["supervised_at"].is_string());
    let watched = get(&portal, "/api/v1/cases?supervised=true");
    watched.send().await.problem(401, "TOKEN_MISSING");
    portal.fake.on("CaseService/ListCases", |ask: routing::ListCasesRequest| {
        assert!(ask.supervised && ask.own);
        Ok(routing::ListCasesResponse { cases: vec![rich()], ..Default::default() })
    });
    let told = get(&portal, "/api/v1/cases?supervised=true").bearer("t").send().await.ok();
    assert!(told["items"][0]["supervised_at"].is_string());
}

#[tokio::test]
async fn the_log_and_the_figures_are_read_as_they_are() {
    let portal = Running::start().await;
    portal.fake.on("CaseService/ListActs", |ask: routing::ListActsRequest| {
        assert_eq!((ask.page_size, ask.page_token.as_str()), (2, "next"));
        let act = routing::Act {
            position: 3,
            at: ago(1),
            actor: "routing".to_owned(),
            action: "deadline-missed".to_owned(),
            office_id: "M04".to_owned(),
            hash: "ab".to_owned(),
            ..routing::Act::default()
        };
        Ok(routing::ListActsResponse { acts: vec![act], next_page_token: "more".to_owned() })
    });
    let acts = path("acts?page_size=2&cursor=next");
    get(&portal, &acts).send().await.problem(401, "TOKEN_MISSING");
    let answer = get(&portal, &acts).bearer("t").send().await;
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    let told = answer.ok();
    assert_eq!(told["next_cursor"], "more");
    assert_eq!(
        (&told["items"][0]["action"], &told["items"][0]["position"]),
        (&json!("deadline-missed"), &json!(3))
    );
    assert!(told["items"][0].get("note").is_none());
    let many = get(&portal, &path("acts?page_size=many")).bearer("t").send().await;
    many.problem(400, "REQUEST_INVALID");
    portal.fake.on("CaseService/GetReplyFigures", |ask: routing::GetReplyFiguresRequest| {
        assert_eq!(ask.office_id, "M04");
        let (replies, gate_overridden, promises, kept, broken) = (9, 1, 4, 2, 1);
        Ok(routing::GetReplyFiguresResponse { replies, gate_overridden, promises, kept, broken })
    });
    let answer = get(&portal, "/api/v1/offices/M04/figures").send().await;
    assert!(answer.header(header::CACHE_CONTROL).starts_with("public"));
    let expected =
        json!({"replies": 9, "gate_overridden": 1, "promises": 4, "kept": 2, "broken": 1});
    assert_eq!(answer.ok(), expected);
}
