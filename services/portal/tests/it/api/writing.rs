//! What changes something, or is for one person alone.

use std::sync::{Arc, Mutex};

use http::{StatusCode, header};
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::{
    common::v1::{Channel, Outcome, Visibility},
    intake::v1 as intake,
    moderation::v1 as moderation,
    routing::v1 as routing,
};
use serde_json::json;

use super::client::post;
use crate::{
    portal::Running,
    samples::{ANSWERED, SCRIPT, ago, answered, case, message, refused},
    staff::REQUEST,
};

pub(super) const MESSAGES: &str = "/api/v1/messages";

/// intake takes everything and remembers it.
pub(super) fn receives(portal: &Running) -> Arc<Mutex<Vec<intake::SubmitMessageRequest>>> {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (told, submitted_at) = (Arc::clone(&taken), ago(0));
    portal.fake.on("IntakeService/SubmitMessage", move |ask: intake::SubmitMessageRequest| {
        told.lock().unwrap().push(ask);
        let receipt = intake::Receipt {
            number: ANSWERED.to_owned(),
            submitted_at,
            statement: b"liuyan".to_vec().into(),
            content_hash: vec![7; 32].into(),
            ..intake::Receipt::default()
        };
        Ok(intake::SubmitMessageResponse {
            receipt: Some(receipt),
            access_code: "7K3QM-2XW9T".to_owned(),
        })
    });
    taken
}

#[tokio::test]
async fn a_message_is_taken_and_the_same_key_gets_the_same_answer_byte_for_byte() {
    let portal = Running::start().await;
    let taken = receives(&portal);
    let body = json!({
        "office_id": "330106-g", "kind": "help", "title": "路灯不亮", "body": SCRIPT,
        "place": {"text": "文三路", "latitude": 30.27, "longitude": 120.13, "public": true},
        "visibility": "private", "author": {"name": "甲", "phone": "13900000000"},
        "channel": "mini_program",
    });
    let mut answers = Vec::new();
    for key in [REQUEST.to_owned(), format!("\"{REQUEST}\"")] {
        let call = post(&portal, MESSAGES).json(&body).header("idempotency-key", &key);
        let answer = call.send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
        answers.push(answer.body);
    }
    assert_eq!(answers[0], answers[1]);
    let told: serde_json::Value = serde_json::from_slice(&answers[0]).unwrap();
    assert_eq!(told["access_code"], "7K3QM-2XW9T");
    assert_eq!(told["receipt"]["number"], ANSWERED);
    assert_eq!(told["receipt"]["statement"], "bGl1eWFu");
    let taken = taken.lock().unwrap();
    assert_eq!(taken[0], taken[1]);
    assert_eq!(taken[0].request_id, REQUEST);
    let message = taken[0].message.as_ref().unwrap();
    assert_eq!(message.visibility(), Visibility::Private);
    assert_eq!(message.channel(), Channel::MiniProgram);
    assert_eq!((message.body.as_str(), message.locale.as_str()), (SCRIPT, "zh-CN"));
    let place = message.place.as_ref().unwrap();
    assert!(place.public && (place.location.unwrap().latitude - 30.27).abs() < 1e-9);
}

#[tokio::test]
async fn a_body_is_read_strictly() {
    let portal = Running::start().await;
    let taken = receives(&portal);
    let send = |body: &str| {
        post(&portal, MESSAGES).body("application/json", body).header("idempotency-key", REQUEST)
    };
    for (body, field, reason) in [
        (r#"{"title":5}"#, "title", "TYPE_WRONG"),
        (r#"{"place":{"public":"yes"}}"#, "place.public", "TYPE_WRONG"),
        (r#"{"titel":"a"}"#, "titel", "FIELD_UNKNOWN"),
        (r#"{"author":{"mail":"a"}}"#, "author.mail", "FIELD_UNKNOWN"),
        (r#"{"visibility":"secret"}"#, "visibility", "VALUE_UNKNOWN"),
        (r#"{"title":"a""#, "", "JSON_MALFORMED"),
        (r#"{} {}"#, "", "JSON_MALFORMED"),
        ("[]", "", "TYPE_WRONG"),
        (r#"{"place":["here"]}"#, "place", "TYPE_WRONG"),
        (r#"{"title":"a","title":"b"}"#, "title", "FIELD_REPEATED"),
    ] {
        let told = send(body).send().await.problem(400, "REQUEST_INVALID");
        assert_eq!(told["violations"][0]["field"], field, "{body}");
        assert_eq!(told["violations"][0]["reason"], reason, "{body}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let call = post(&portal, MESSAGES).body(kind, "{}").header("idempotency-key", REQUEST);
        call.send().await.problem(415, "CONTENT_TYPE_WRONG");
    }
    let long = format!(r#"{{"body":"{}"}}"#, "x".repeat(300_000));
    send(&long).send().await.problem(413, "FORM_TOO_LONG");
    assert!(taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_write_needs_a_key_that_is_a_uuid() {
    let portal = Running::start().await;
    let taken = receives(&portal);
    for path in [
        MESSAGES,
        "/api/v1/cases/x/accept",
        "/api/v1/cases/x/reply",
        "/api/v1/messages/x/withdraw",
        "/api/v1/cases/x/replies/y/rating",
    ] {
        let told = post(&portal, path).bearer("t").json(&json!({})).send().await;
        let told = told.problem(400, "REQUEST_INVALID");
        assert_eq!(told["violations"][0]["field"], "Idempotency-Key", "{path}");
        assert_eq!(told["violations"][0]["reason"], "FIELD_REQUIRED", "{path}");
    }
    let call = post(&portal, MESSAGES).json(&json!({})).header("idempotency-key", "42");
    let told = call.send().await.problem(400, "REQUEST_INVALID");
    assert_eq!(told["violations"][0]["reason"], "UUID_MALFORMED");
    assert!(taken.lock().unwrap().is_empty());
}

#[tokio::test]
async fn fields_that_intake_refuses_are_called_as_in_the_body() {
    let portal = Running::start().await;
    portal.fake.on("IntakeService/SubmitMessage", |_: intake::SubmitMessageRequest| {
        let fields = ["message.title", "message.place.location.latitude", "request_id"];
        Err::<intake::SubmitMessageResponse, _>(refused(Class::Invalid, "FIELDS_INVALID", &fields))
    });
    let call = post(&portal, MESSAGES).json(&json!({})).header("idempotency-key", REQUEST);
    let told = call.send().await.problem(400, "FIELDS_INVALID");
    let fields: Vec<&str> = told["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["title", "place.latitude", "Idempotency-Key"]);
}

#[tokio::test]
async fn an_author_acts_by_the_token_of_the_look_up() {
    let portal = Running::start().await;
    portal.fake.on("IntakeService/LookUpMessage", |ask: intake::LookUpMessageRequest| {
        assert_eq!((ask.number.as_str(), ask.access_code.as_str()), (ANSWERED, "code"));
        Ok(intake::LookUpMessageResponse {
            message: Some(message(intake::MessageState::InReview)),
            author_token: "author-token".to_owned(),
            expires_at: ago(0),
        })
    });
    let held = json!({"number": ANSWERED, "access_code": "code"});
    let told = post(&portal, "/api/v1/messages/lookup").json(&held).send().await.ok();
    assert_eq!(told["message"]["state"], "in_review");
    let token = told["author_token"].as_str().unwrap();
    portal.fake.on("IntakeService/GetMessage", |_: intake::GetMessageRequest| {
        let message = Some(message(intake::MessageState::Returned));
        Ok(intake::GetMessageResponse { message })
    });
    portal.fake.on("IntakeService/WithdrawMessage", |ask: intake::WithdrawMessageRequest| {
        assert_eq!(ask.request_id, REQUEST);
        Ok(intake::WithdrawMessageResponse { message: None })
    });
    portal.fake.on("ReviewService/GetDecision", |_: moderation::GetDecisionRequest| {
        Ok(moderation::GetDecisionResponse {
            state: moderation::ReviewState::Returned.into(),
            ground: "unreadable".to_owned(),
            spans: vec![moderation::Span {
                field: moderation::TextField::Body.into(),
                start: 1,
                end: 3,
            }],
            ..moderation::GetDecisionResponse::default()
        })
    });
    portal.fake.on("CaseService/RateReply", |ask: routing::RateReplyRequest| {
        assert_eq!((ask.resolution, ask.attitude, ask.speed), (5, 4, 3));
        let label = "satisfied".to_owned();
        Ok(routing::RateReplyResponse { label, changeable_until: ago(-14) })
    });
    let path = format!("/api/v1/messages/{}", answered().message_id);
    let answer = super::client::get(&portal, &path).bearer(token).send().await;
    assert_eq!(answer.ok()["state"], "returned");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(
        portal.fake.last("IntakeService/GetMessage")["authorization"],
        "Bearer author-token"
    );
    super::client::get(&portal, &path).send().await.problem(401, "TOKEN_MISSING");
    let decision = super::client::get(&portal, &format!("{path}/decision")).bearer(token);
    let told = decision.send().await.ok();
    assert_eq!((&told["state"], &told["spans"][0]["field"]), (&json!("returned"), &json!("body")));
    let withdraw = post(&portal, &format!("{path}/withdraw")).bearer(token);
    withdraw.header("idempotency-key", REQUEST).send().await.ok();
    let rating = json!({"resolution": 5, "attitude": 4, "speed": 3});
    let rate = format!("/api/v1/cases/{}/replies/r/rating", answered().case_id);
    let rate = post(&portal, &rate).bearer(token).json(&rating);
    let told = rate.header("idempotency-key", REQUEST).send().await.ok();
    assert_eq!(told["label"], "satisfied");
}

#[tokio::test]
async fn a_clerk_or_an_agency_works_on_cases_by_its_token() {
    let portal = Running::start().await;
    portal.fake.on_with("CaseService/AcceptCase", |headers, ask: routing::AcceptCaseRequest| {
        assert_eq!(headers["authorization"], "Bearer agency");
        assert_eq!((ask.etag.as_str(), ask.request_id.as_str()), ("e1", REQUEST));
        let case = routing::Case { etag: "e2".to_owned(), ..case(answered()) };
        Ok(routing::AcceptCaseResponse { case: Some(case) })
    });
    portal.fake.on("CaseService/ReplyToCase", |ask: routing::ReplyToCaseRequest| {
        if ask.etag == "old" {
            return Err(refused(Class::Aborted, "ETAG_MISMATCH", &[]));
        }
        let reply_id = ask.body;
        Ok(routing::ReplyToCaseResponse { case: Some(case(answered())), reply_id })
    });
    portal.fake.on("CaseService/TransferCase", |ask: routing::TransferCaseRequest| {
        assert_eq!((ask.office_id.as_str(), ask.reason.as_str()), ("330100-g", "属市级事权"));
        Ok(routing::TransferCaseResponse::default())
    });
    portal.fake.on("CaseService/CloseCase", |ask: routing::CloseCaseRequest| {
        assert_eq!(ask.outcome(), Outcome::PartlySolved);
        Ok(routing::CloseCaseResponse::default())
    });
    let work = |act: &str, body: serde_json::Value| {
        post(&portal, &format!("/api/v1/cases/{}/{act}", answered().case_id))
            .bearer("agency")
            .header("idempotency-key", REQUEST)
            .json(&body)
    };
    assert_eq!(work("accept", json!({"etag": "e1"})).send().await.ok()["etag"], "e2");
    let told = work("reply", json!({"body": "已修好"})).send().await.ok();
    assert_eq!(told["reply_id"], "已修好");
    assert_eq!(told["case"]["number"], ANSWERED);
    let answer = work("reply", json!({"body": "已修好", "etag": "old"})).send().await;
    answer.problem(409, "ETAG_MISMATCH");
    work("transfer", json!({"office_id": "330100-g", "reason": "属市级事权"})).send().await.ok();
    work("close", json!({"outcome": "partly_solved"})).send().await.ok();
    let told =
        work("close", json!({"outcome": "done"})).send().await.problem(400, "REQUEST_INVALID");
    assert_eq!(told["violations"][0]["reason"], "VALUE_UNKNOWN");
    let told = work("close", json!({})).send().await.problem(400, "REQUEST_INVALID");
    assert_eq!(told["violations"][0]["field"], "outcome");
    let nobody = post(&portal, "/api/v1/cases/x/accept").header("idempotency-key", REQUEST);
    nobody.json(&json!({})).send().await.problem(401, "TOKEN_MISSING");
}

#[tokio::test]
async fn a_file_is_passed_on_and_goes_with_a_message() {
    let portal = Running::start().await;
    let taken = receives(&portal);
    portal.fake.on("IntakeService/IssueUploadToken", |_: intake::IssueUploadTokenRequest| {
        Ok(intake::IssueUploadTokenResponse {
            upload_token: "a-token".to_owned(),
            ..Default::default()
        })
    });
    let came = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&came);
    portal.fake.on_all(
        "IntakeService/UploadAttachment",
        move |parts: Vec<intake::UploadAttachmentRequest>| {
            *noted.lock().unwrap() = parts;
            let attachment = intake::Attachment {
                attachment_id: REQUEST.to_owned(),
                media_type: "image/jpeg".to_owned(),
                size: 7,
                width: 3,
                ..Default::default()
            };
            Ok(intake::UploadAttachmentResponse { attachment: Some(attachment) })
        },
    );
    let issued = post(&portal, "/api/v1/upload-tokens").send().await;
    assert_eq!(
        (issued.status, &issued.json()["upload_token"]),
        (StatusCode::CREATED, &json!("a-token"))
    );
    let form = "--b\r\ncontent-disposition: form-data; name=\"x\"; filename=\"a.jpg\"\r\n\r\na file!\r\n--b--";
    for (kind, body) in [("image/jpeg", "a file!"), ("multipart/form-data; boundary=b", form)] {
        let call = post(&portal, "/api/v1/attachments").body(kind, body);
        let answer = call.header("idempotency-key", REQUEST).header("upload-token", "a-token");
        let answer = answer.send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let file = answer.json();
        assert_eq!((&file["attachment_id"], &file["width"]), (&json!(REQUEST), &json!(3)));
        assert!(file.get("height").is_none());
        let parts: Vec<_> = came.lock().unwrap().drain(..).filter_map(|it| it.part).collect();
        let header = intake::AttachmentHeader {
            request_id: REQUEST.to_owned(),
            upload_token: "a-token".to_owned(),
            media_type: kind.to_owned(),
        };
        let chunk = intake::upload_attachment_request::Part::Chunk("a file!".into());
        assert_eq!(parts, [intake::upload_attachment_request::Part::Header(header), chunk]);
    }
    let no_key = post(&portal, "/api/v1/attachments").body("image/jpeg", "a").send().await;
    no_key.problem(400, "REQUEST_INVALID");

    let body = json!({
        "office_id": "330106-g", "kind": "help", "title": "路灯不亮", "body": "路灯不亮已有一周了。",
        "attachments": [{"attachment_id": REQUEST, "public": true}, {"attachment_id": "x"}],
        "upload_token": "a-token",
    });
    let call = post(&portal, MESSAGES).json(&body).header("idempotency-key", REQUEST);
    assert_eq!(call.send().await.status, StatusCode::CREATED);
    let message = taken.lock().unwrap().pop().unwrap().message.unwrap();
    let files: Vec<_> =
        message.attachments.iter().map(|it| (it.attachment_id.as_str(), it.public)).collect();
    assert_eq!(files, [(REQUEST, true), ("x", false)]);
    assert_eq!(message.upload_token, "a-token");
    for wrong in [json!([["x", true]]), json!([{"attachment_id": "x", "name": "y"}]), json!("x")] {
        let call = post(&portal, MESSAGES).json(&json!({"attachments": wrong}));
        let answer = call.header("idempotency-key", REQUEST).send().await;
        answer.problem(400, "REQUEST_INVALID");
    }
}
