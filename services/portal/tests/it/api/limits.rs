//! How much one address may do by the API, whatever token it brings.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::header;
use liuyan_kit::{class::Class, grpc::CLIENT_ADDRESS};
use liuyan_proto::liuyan::intake::v1 as intake;
use serde_json::json;

use super::{
    client::{Call, post},
    writing::{MESSAGES, receives},
};
use crate::{
    portal::Running,
    samples::{ANSWERED, refused},
    staff::REQUEST,
};

/// What a token of this issuer looks like. Nobody has signed it.
fn token(issuer: &str, scope: &str) -> String {
    let claims = json!({"iss": issuer, "sub": "somebody", "scope": scope}).to_string();
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

async fn two_a_minute() -> Running {
    let limits = toml::Table::from_iter([("forms_per_minute".to_owned(), 2.into())]);
    Running::with("http", limits).await
}

/// The first two are let through, and no more.
async fn is_limited(ask: impl Fn() -> Call) {
    for _ in 0..2 {
        let answer = ask().send().await;
        assert_ne!(answer.status.as_u16(), 429, "{}", answer.text());
    }
    let answer = ask().send().await;
    answer.problem(429, "TOO_MANY_FORMS");
    assert_eq!(answer.header(header::RETRY_AFTER), "60");
}

#[tokio::test]
async fn somebody_unknown_sends_only_so_much_within_a_minute() {
    let portal = two_a_minute().await;
    receives(&portal);
    let send = || post(&portal, MESSAGES).json(&json!({})).header("idempotency-key", REQUEST);
    is_limited(send).await;
    // From the address of an agency the messages of many come, and intake counts the agency.
    for _ in 0..5 {
        send().bearer(&token("identity", "message:submit")).send().await.ok();
    }
}

#[tokio::test]
async fn so_does_somebody_who_is_signed_in_and_whoever_brings_what_is_no_token() {
    for bearer in [
        token("identity", "account"),
        token("intake", "author:message/0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f81"),
        "x".to_owned(),
    ] {
        let portal = two_a_minute().await;
        receives(&portal);
        let send = || {
            let call = post(&portal, MESSAGES).json(&json!({})).bearer(&bearer);
            call.header("idempotency-key", REQUEST)
        };
        is_limited(send).await;
        assert_eq!(portal.fake.count("IntakeService/SubmitMessage"), 2, "{bearer}");
    }
}

#[tokio::test]
async fn no_token_makes_upload_tokens_or_guesses_free() {
    for bearer in ["x", &token("identity", "account"), &token("identity", "message:submit")] {
        let portal = two_a_minute().await;
        portal.fake.on("IntakeService/IssueUploadToken", |_: intake::IssueUploadTokenRequest| {
            Ok(intake::IssueUploadTokenResponse::default())
        });
        is_limited(|| post(&portal, "/api/v1/upload-tokens").bearer(bearer)).await;
        assert_eq!(portal.fake.count("IntakeService/IssueUploadToken"), 2, "{bearer}");

        let portal = two_a_minute().await;
        portal.fake.on("IntakeService/LookUpMessage", |_: intake::LookUpMessageRequest| {
            let wrong = refused(Class::NotFound, "NUMBER_OR_CODE_WRONG", &[]);
            Err::<intake::LookUpMessageResponse, _>(wrong)
        });
        let guess = json!({"number": ANSWERED, "access_code": "00000-00000"});
        is_limited(|| post(&portal, "/api/v1/messages/lookup").bearer(bearer).json(&guess)).await;
        assert_eq!(portal.fake.count("IntakeService/LookUpMessage"), 2, "{bearer}");
    }
}

#[tokio::test]
async fn no_token_takes_places_for_files_as_often_as_it_likes() {
    for bearer in ["x", &token("identity", "message:submit"), &token("operator", "message:import")]
    {
        let portal = Running::with_files("per_minute = 2").await;
        portal.fake.on_all(
            "IntakeService/UploadAttachment",
            |_: Vec<intake::UploadAttachmentRequest>| {
                let unknown = refused(Class::Unauthenticated, "TOKEN_INVALID", &[]);
                Err::<intake::UploadAttachmentResponse, _>(unknown)
            },
        );
        let send = || {
            let call = post(&portal, "/api/v1/attachments").bearer(bearer).body("image/jpeg", "a");
            call.header("idempotency-key", REQUEST)
        };
        is_limited(send).await;
        assert_eq!(portal.fake.count("IntakeService/UploadAttachment"), 2, "{bearer}");
    }
}

#[tokio::test]
async fn intake_is_told_the_address_of_what_the_portal_asks_in_its_own_name() {
    let portal = Running::start().await;
    receives(&portal);
    portal.fake.on("IntakeService/IssueUploadToken", |_: intake::IssueUploadTokenRequest| {
        Ok(intake::IssueUploadTokenResponse::default())
    });
    portal.fake.on("IntakeService/LookUpMessage", |_: intake::LookUpMessageRequest| {
        Ok(intake::LookUpMessageResponse::default())
    });
    let bearer = token("identity", "account");
    let held = json!({"number": ANSWERED, "access_code": "code"});
    post(&portal, "/api/v1/upload-tokens").bearer(&bearer).send().await.ok();
    post(&portal, "/api/v1/messages/lookup").bearer(&bearer).json(&held).send().await.ok();
    for method in ["IntakeService/IssueUploadToken", "IntakeService/LookUpMessage"] {
        let told = portal.fake.last(method);
        assert_eq!(told[CLIENT_ADDRESS], "127.0.0.1", "{method}");
        let own = told["authorization"].to_str().unwrap();
        assert!(own.starts_with("Bearer ") && !own.contains(&bearer), "{method}");
    }
    // With somebody's own token it would prove nothing, and goes nowhere.
    let send = post(&portal, MESSAGES).json(&json!({})).header("idempotency-key", REQUEST);
    send.bearer(&bearer).send().await.ok();
    let told = portal.fake.last("IntakeService/SubmitMessage");
    assert_eq!(told["authorization"], format!("Bearer {bearer}"));
    assert!(!told.contains_key(CLIENT_ADDRESS));
}
