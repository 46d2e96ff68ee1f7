//! The service as it runs, with its host: guard, relay and all.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use liuyan_identity::Identity;
use liuyan_kit::testing::{Board, token};
use liuyan_proto::liuyan::identity::v1::{
    BatchGetContactRequest, GetAccountRequest, GetJwksRequest, ListAccountsRequest, SignInRequest,
    identity_service_client::IdentityServiceClient,
};
use tonic::Code;

use crate::helpers::{PASSWORD, an_account};

/// Checks a token as a stranger would: by the published key set alone.
fn is_signed_by(jwks: &str, token: &str) -> bool {
    let set: serde_json::Value = serde_json::from_str(jwks).unwrap();
    let key = URL_SAFE_NO_PAD.decode(set["keys"][0]["x"].as_str().unwrap()).unwrap();
    let key = VerifyingKey::from_bytes(&key.try_into().unwrap()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify_strict(signed.as_bytes(), &Signature::from_slice(&signature).unwrap()).is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_running_service_guards_and_signs_without_a_bus() {
    let keys = tempfile::tempdir().unwrap();
    let keyring = keys.path().join("keyring").display().to_string();
    let settings = toml::toml! {
        [service]
        generate_keys = true
        keyring_file = keyring
        [service.password]
        memory_kib = 8
    };
    let board = Board::new().with_settings::<Identity>(settings).without_bus().start().await;
    let mut anyone = IdentityServiceClient::new(board.channel("identity"));
    let boss = token("boss", &["account:write"], &[]);
    let mut boss = IdentityServiceClient::new(board.channel_as("identity", &boss));
    let account = boss.put_account(an_account("known")).await.unwrap().into_inner().account;

    let request = SignInRequest { name: "known".into(), password: PASSWORD.into() };
    let signed = anyone.sign_in(request).await.unwrap().into_inner();
    assert_eq!(signed.account, account);
    let access = signed.session.unwrap().access_token;
    let jwks = anyone.get_jwks(GetJwksRequest {}).await.unwrap().into_inner().jwks;
    assert!(is_signed_by(&jwks, &access));
    assert!(!is_signed_by(&jwks, &token("known", &["account"], &[])));

    let mut citizen = IdentityServiceClient::new(board.channel_as("identity", &access));
    let own = citizen.get_account(GetAccountRequest {}).await.unwrap().into_inner();
    assert_eq!(own.account.unwrap().email, "someone@mail.example");
    let refused = citizen.list_accounts(ListAccountsRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let contact = BatchGetContactRequest::default();
    let refused = citizen.batch_get_contact(contact).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let refused = anyone.get_account(GetAccountRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    board.stop().await;
}
