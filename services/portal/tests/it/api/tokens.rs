//! Tokens of agencies, and the keys by which they are checked.

use http::{StatusCode, header};
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::identity::v1 as identity;

use super::client::{Answer, get, post};
use crate::{portal::Running, samples::refused};

const FORM: &str = "application/x-www-form-urlencoded";

fn issues(portal: &Running) {
    portal.fake.on("IdentityService/IssueToken", |ask: identity::IssueTokenRequest| {
        if ask.scope == "everything" {
            return Err(refused(Class::Invalid, "FIELDS_INVALID", &["scope"]));
        }
        match (ask.client_id.as_str(), ask.client_secret.as_str()) {
            ("waterworks", "s:e c%") => Ok(identity::IssueTokenResponse {
                access_token: "jwt".to_owned(),
                expires_in_seconds: 900,
                scope: "case:work".to_owned(),
            }),
            ("tired", _) => Err(refused(Class::Exhausted, "TRIES_EXHAUSTED", &[])),
            _ => Err(refused(Class::Unauthenticated, "CLIENT_REFUSED", &[])),
        }
    });
}

async fn ask(portal: &Running, form: &str) -> Answer {
    post(portal, "/oauth2/token").body(FORM, form).send().await
}

#[tokio::test]
async fn an_agency_gets_a_token_by_form_and_by_header() {
    let portal = Running::start().await;
    issues(&portal);
    let form = "grant_type=client_credentials&client_id=waterworks&client_secret=s%3Ae+c%25&scope=";
    let by_form = ask(&portal, form).await;
    // base64 of `waterworks:s%3Ae+c%25`: each half is encoded as in a form.
    let by_header = post(&portal, "/oauth2/token")
        .body(FORM, "grant_type=client_credentials")
        .header("authorization", "Basic d2F0ZXJ3b3JrczpzJTNBZStjJTI1")
        .send()
        .await;
    for answer in [by_form, by_header] {
        let told = answer.ok();
        assert_eq!(told["access_token"], "jwt");
        assert_eq!(told["token_type"], "Bearer");
        assert_eq!(told["expires_in"], 900);
        assert_eq!(told["scope"], "case:work");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        assert_eq!(answer.header(header::PRAGMA), "no-cache");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_words_of_the_standard() {
    let portal = Running::start().await;
    issues(&portal);
    for (form, status, error) in [
        ("", 400, "invalid_request"),
        ("grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials", 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=a&client_secret=b", 401, "invalid_client"),
        ("grant_type=client_credentials&client_secret=b", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=a&client_id=b", 400, "invalid_request"),
        (
            "grant_type=client_credentials&client_id=a&client_secret=b&scope=everything",
            400,
            "invalid_scope",
        ),
        (
            "grant_type=client_credentials&client_id=tired&client_secret=b",
            429,
            "temporarily_unavailable",
        ),
    ] {
        let answer = ask(&portal, form).await;
        assert_eq!(answer.status.as_u16(), status, "{form}: {}", answer.text());
        assert_eq!(answer.json()["error"], error, "{form}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    }
    let form = "grant_type=client_credentials&client_id=tired&client_secret=b";
    assert_eq!(ask(&portal, form).await.header(header::RETRY_AFTER), "7");
    let header = |value: &str, form: &str| {
        post(&portal, "/oauth2/token").body(FORM, form).header("authorization", value)
    };
    let answer = header("Basic eDp5", "grant_type=client_credentials").send().await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.header(header::WWW_AUTHENTICATE).starts_with("Basic"));
    let both = "grant_type=client_credentials&client_id=x&client_secret=y";
    let answer = header("Basic eDp5", both).send().await;
    assert_eq!(answer.json()["error"], "invalid_request");
    let answer = header("Basic ???", "grant_type=client_credentials").send().await;
    assert_eq!(answer.json()["error"], "invalid_client");
    let answer = post(&portal, "/oauth2/token").body("application/json", "{}").send().await;
    assert_eq!(answer.json()["error"], "invalid_request");
    portal.fake.off("IdentityService/IssueToken");
    let answer = ask(&portal, form).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
}

#[tokio::test]
async fn the_keys_are_public() {
    let portal = Running::start().await;
    portal.fake.on("IdentityService/GetJwks", |_: identity::GetJwksRequest| {
        Ok(identity::GetJwksResponse { jwks: r#"{"keys":[{"kty":"OKP"}]}"#.to_owned() })
    });
    let answer = get(&portal, "/.well-known/jwks.json").send().await;
    assert_eq!(answer.ok()["keys"][0]["kty"], "OKP");
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/jwk-set+json");
    assert!(answer.header(header::CACHE_CONTROL).contains("max-age=300"));
}
