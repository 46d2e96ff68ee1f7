//! Agencies, their secrets and their tokens.

use jiff::SignedDuration;
use liuyan_proto::liuyan::identity::v1::{
    self as proto, identity_service_server::IdentityService as _,
};
use tonic::{Code, Status};

use crate::helpers::{
    Bench, an_agency, anyone, bench, bench_with, by, fields, reason, request_id, retry,
};

async fn create(
    bench: &Bench,
    request: proto::CreateAgencyRequest,
) -> Result<proto::CreateAgencyResponse, Status> {
    Ok(bench.grpc.create_agency(by("boss", request)).await?.into_inner())
}

async fn issue(
    bench: &Bench,
    client_id: &str,
    client_secret: &str,
    scope: &str,
) -> Result<proto::IssueTokenResponse, Status> {
    let request = proto::IssueTokenRequest {
        client_id: client_id.into(),
        client_secret: client_secret.into(),
        scope: scope.into(),
    };
    Ok(bench.grpc.issue_token(anyone(request)).await?.into_inner())
}

async fn rotate(bench: &Bench, request_id: &str) -> Result<proto::RotateSecretResponse, Status> {
    let request =
        proto::RotateSecretRequest { client_id: "city-hall".into(), request_id: request_id.into() };
    Ok(bench.grpc.rotate_secret(by("boss", request)).await?.into_inner())
}

#[tokio::test]
async fn a_hotline_brings_messages_and_enters_them_for_others() {
    let bench = bench().await;
    let scopes = vec!["message:submit".to_owned(), "message:on_behalf".to_owned()];
    let request = proto::CreateAgencyRequest {
        scopes: scopes.clone(),
        office_ids: vec!["110000-s".into()],
        ..an_agency("city-hall")
    };
    let created = create(&bench, request).await.unwrap();
    assert_eq!(created.agency.unwrap().scopes.len(), scopes.len());
}

#[tokio::test]
async fn an_agency_gets_a_token_for_what_it_asks_of_what_it_has() {
    let bench = bench().await;
    let request = proto::CreateAgencyRequest {
        scopes: vec!["feed:read".into(), "case:work".into(), "feed:read".into()],
        office_ids: vec!["110000-s".into()],
        division_codes: vec!["110000".into()],
        ..an_agency("city-hall")
    };
    let created = create(&bench, request).await.unwrap();
    let agency = created.agency.unwrap();
    assert_eq!((agency.scopes.len(), agency.active), (2, true));
    assert_eq!(created.client_secret.len(), 43);

    let issued = issue(&bench, "city-hall", &created.client_secret, "").await.unwrap();
    assert_eq!((issued.scope.as_str(), issued.expires_in_seconds), ("feed:read case:work", 900));
    let caller = bench.caller(&issued.access_token);
    assert_eq!((caller.issuer.as_str(), caller.subject.as_str()), ("identity", "city-hall"));
    assert_eq!(caller.scopes, ["feed:read", "case:work"]);
    assert_eq!(
        (caller.offices, caller.divisions),
        (vec!["110000-s".into()], vec!["110000".into()])
    );

    let issued = issue(&bench, "city-hall", &created.client_secret, "case:work").await.unwrap();
    assert_eq!(issued.scope, "case:work");
    let refused =
        issue(&bench, "city-hall", &created.client_secret, "case:work account").await.unwrap_err();
    assert_eq!(fields(&refused), [("scope".to_owned(), "SCOPE_NOT_ALLOWED".to_owned())]);

    // An agency has no account, whatever its token says.
    let get = bench.with_token(&issued.access_token, proto::GetAccountRequest {});
    assert_eq!(reason(&bench.grpc.get_account(get).await.unwrap_err()), "NOT_AN_ACCOUNT");
    assert_eq!(bench.audited("token-issued").await, 2);
    bench.whole().await;
}

#[tokio::test]
async fn a_secret_is_told_once_but_for_the_same_request() {
    let bench = bench().await;
    let request = an_agency("city-hall");
    let created = create(&bench, request.clone()).await.unwrap();
    assert_eq!(create(&bench, request.clone()).await.unwrap(), created);
    let dump = bench.dump().await;
    let hex: String = created.client_secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!dump.contains(&created.client_secret) && !dump.contains(&hex));

    let taken = create(&bench, an_agency("city-hall")).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "CLIENT_ID_TAKEN"));
    let reused = proto::CreateAgencyRequest { title: "Other".into(), ..request };
    assert_eq!(reason(&create(&bench, reused).await.unwrap_err()), "REQUEST_ID_REUSED");
    bench.whole().await;
}

#[tokio::test]
async fn an_old_secret_is_valid_for_a_day_and_only_the_one_before() {
    let bench = bench().await;
    let first = create(&bench, an_agency("city-hall")).await.unwrap().client_secret;
    let id = request_id();
    let rotated = rotate(&bench, &id).await.unwrap();
    assert_eq!(rotate(&bench, &id).await.unwrap(), rotated);
    for secret in [&first, &rotated.client_secret] {
        issue(&bench, "city-hall", secret, "").await.unwrap();
    }
    bench.after(SignedDuration::from_hours(24));
    let refused = issue(&bench, "city-hall", &first, "").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unauthenticated, "CLIENT_REFUSED")
    );
    issue(&bench, "city-hall", &rotated.client_secret, "").await.unwrap();

    let third = rotate(&bench, &request_id()).await.unwrap().client_secret;
    rotate(&bench, &request_id()).await.unwrap();
    issue(&bench, "city-hall", &rotated.client_secret, "").await.unwrap_err();
    issue(&bench, "city-hall", &third, "").await.unwrap();

    let request =
        proto::RotateSecretRequest { client_id: "nobody".into(), request_id: request_id() };
    let unknown = bench.grpc.rotate_secret(by("boss", request)).await.unwrap_err();
    assert_eq!(reason(&unknown), "AGENCY_NOT_FOUND");
    bench.whole().await;
}

#[tokio::test]
async fn wrong_secrets_are_limited_and_never_lock_an_agency_out() {
    let bench = bench_with(|config| config.tries.per_client = 3).await;
    let secret = create(&bench, an_agency("city-hall")).await.unwrap().client_secret;
    for client_id in ["city-hall", "nobody", "No client id"] {
        for _ in 0..3 {
            let refused = issue(&bench, client_id, "wrong", "").await.unwrap_err();
            assert_eq!(reason(&refused), "CLIENT_REFUSED");
        }
        let refused = issue(&bench, client_id, "wrong", "").await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "TRIES_EXHAUSTED")
        );
        assert_eq!(retry(&refused).as_secs(), 15 * 60);
    }
    issue(&bench, "city-hall", &secret, "").await.unwrap();
    assert_eq!(bench.audited("token-refused").await, 9);
    bench.whole().await;
}

#[tokio::test]
async fn an_inactive_agency_gets_no_token() {
    let bench = bench().await;
    let secret = create(&bench, an_agency("city-hall")).await.unwrap().client_secret;
    let mut connection = bench.db.read().await.unwrap();
    let asleep = "update agencies set active = false";
    sqlx::Executor::execute(&mut *connection, asleep).await.unwrap();
    assert_eq!(
        reason(&issue(&bench, "city-hall", &secret, "").await.unwrap_err()),
        "CLIENT_REFUSED"
    );
}

#[tokio::test]
async fn an_agency_has_only_what_agencies_may_have() {
    let bench = bench().await;
    let request = proto::CreateAgencyRequest {
        client_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f80".into(),
        title: String::new(),
        scopes: vec!["account:write".into(), "case:read".into(), "text:read".into()],
        request_id: "x".into(),
        ..an_agency("")
    };
    let told = fields(&create(&bench, request).await.unwrap_err());
    let told: Vec<(&str, &str)> = told.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        told,
        [
            ("request_id", "UUID_MALFORMED"),
            ("client_id", "CLIENT_ID_MALFORMED"),
            ("title", "TITLE_MALFORMED"),
            ("scopes[0]", "SCOPE_NOT_ALLOWED"),
            ("scopes[2]", "SCOPE_NOT_ALLOWED"),
            ("office_ids", "PLACES_MISSING"),
        ]
    );
    let named = |client_id| create(&bench, an_agency(client_id));
    for service in ["identity", "intake", "portal"] {
        let refused = named(service).await.unwrap_err();
        assert_eq!(fields(&refused)[0].1, "CLIENT_ID_MALFORMED", "{service}");
    }
    assert_eq!(bench.count("select count(*) from agencies").await, 0);
}

#[tokio::test]
async fn agencies_are_listed_by_client_id() {
    let bench = bench().await;
    for client_id in ["ccc", "aaa", "bbb"] {
        create(&bench, an_agency(client_id)).await.unwrap();
    }
    let (mut ids, mut token) = (Vec::new(), String::new());
    loop {
        let request = proto::ListAgenciesRequest { page_size: 2, page_token: token };
        let answer = bench.grpc.list_agencies(by("boss", request)).await.unwrap().into_inner();
        ids.extend(answer.agencies.into_iter().map(|agency| agency.client_id));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(ids, ["aaa", "bbb", "ccc"]);
}
