//! Erased means erased.

use liuyan_kit::testing::said;
use liuyan_proto::liuyan::identity::v1::{
    self as proto, AccountErased, identity_service_server::IdentityService as _,
};

use crate::helpers::{Bench, PASSWORD, an_account, bench, by, reason};

async fn erase(bench: &Bench, token: &str, password: &str) -> Result<(), tonic::Status> {
    let request = proto::EraseAccountRequest { password: password.into() };
    bench.grpc.erase_account(bench.with_token(token, request)).await.map(drop)
}

#[tokio::test]
async fn nothing_is_left_of_somebody_who_has_gone() {
    let bench = bench().await;
    let request = an_account("canary.name");
    let account = bench.put(request.clone()).await.unwrap();
    let session = bench.session("canary.name").await;
    let refused = erase(&bench, &session.access_token, "a wrong long password").await.unwrap_err();
    assert_eq!(reason(&refused), "PASSWORD_WRONG");
    assert!(said::<AccountErased>(&bench.db).await.is_empty());
    erase(&bench, &session.access_token, PASSWORD).await.unwrap();

    let told = said::<AccountErased>(&bench.db).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].event.account_id, account.account_id);
    assert_eq!(told[0].subject_id.to_string(), account.account_id);
    assert!(!bench.dump().await.contains("canary"));
    let left = "select count(*) from accounts where wrapped_key is null and display_name is null";
    assert_eq!(bench.count(left).await, 1);

    // Neither session, name, token nor the answer that was kept tells of them.
    assert_eq!(
        reason(&bench.refresh(&session.refresh_token).await.unwrap_err()),
        "SESSION_REFUSED"
    );
    assert_eq!(
        reason(&bench.sign_in("canary.name", PASSWORD).await.unwrap_err()),
        "SIGN_IN_REFUSED"
    );
    let gone = erase(&bench, &session.access_token, PASSWORD).await.unwrap_err();
    assert_eq!(reason(&gone), "ACCOUNT_NOT_FOUND");
    assert_eq!(reason(&bench.put(request).await.unwrap_err()), "ACCOUNT_NOT_FOUND");
    let contact = proto::BatchGetContactRequest {
        account_ids: vec![account.account_id.clone()],
        purpose: "a try".into(),
    };
    let found = bench.grpc.batch_get_contact(by("notification", contact)).await.unwrap();
    assert!(found.into_inner().contacts.is_empty());
    let list = proto::ListAccountsRequest::default();
    let listed = bench.grpc.list_accounts(by("boss", list)).await.unwrap().into_inner();
    assert!(listed.accounts.is_empty());
    bench.whole().await;

    // Somebody else may take the name, and is somebody else.
    let next = bench.citizen("canary.name").await;
    assert_ne!(next.account_id, account.account_id);
    bench.whole().await;
}
