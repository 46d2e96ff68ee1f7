//! Changing the own password.

use liuyan_proto::liuyan::identity::v1::{
    self as proto, identity_service_server::IdentityService as _,
};
use tonic::{Code, Status};

use crate::helpers::{Bench, PASSWORD, bench, by, fields, reason};

const NEXT: &str = "quite another password";

async fn change(bench: &Bench, token: &str, from: &str, to: &str) -> Result<(), Status> {
    let request = proto::ChangePasswordRequest { password: from.into(), new_password: to.into() };
    bench.grpc.change_password(bench.with_token(token, request)).await.map(drop)
}

#[tokio::test]
async fn another_password_ends_the_other_sessions_and_spares_the_own() {
    let bench = bench().await;
    bench.citizen("known").await;
    bench.citizen("other").await;
    let mine = bench.session("known").await;
    let elsewhere = bench.session("known").await;
    let others = bench.session("other").await;
    change(&bench, &mine.access_token, PASSWORD, NEXT).await.unwrap();
    assert_eq!(
        reason(&bench.refresh(&elsewhere.refresh_token).await.unwrap_err()),
        "SESSION_REFUSED"
    );
    bench.refresh(&mine.refresh_token).await.unwrap();
    bench.refresh(&others.refresh_token).await.unwrap();
    bench.sign_in("known", PASSWORD).await.unwrap_err();
    bench.sign_in("known", NEXT).await.unwrap();
    bench.whole().await;
}

#[tokio::test]
async fn all_sessions_end_if_the_own_is_not_known() {
    let bench = bench().await;
    bench.citizen("known").await;
    let mine = bench.session("known").await;
    let mut request = bench.with_token(
        &mine.access_token,
        proto::ChangePasswordRequest { password: PASSWORD.into(), new_password: NEXT.into() },
    );
    request.extensions_mut().insert(bench.caller_with(&mine.access_token, &["account"]));
    bench.grpc.change_password(request).await.unwrap();
    bench.refresh(&mine.refresh_token).await.unwrap_err();
}

#[tokio::test]
async fn a_token_alone_changes_no_password_and_guesses_count() {
    let bench = bench().await;
    bench.citizen("known").await;
    let mine = bench.session("known").await;
    for _ in 0..10 {
        let refused = change(&bench, &mine.access_token, "a guess at it", NEXT).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "PASSWORD_WRONG")
        );
    }
    for password in ["a guess at it", PASSWORD] {
        let refused = change(&bench, &mine.access_token, password, NEXT).await.unwrap_err();
        assert_eq!(reason(&refused), "TRIES_EXHAUSTED");
    }
    // The guesses are those at signing in.
    assert_eq!(reason(&bench.sign_in("known", PASSWORD).await.unwrap_err()), "TRIES_EXHAUSTED");
    assert_eq!(bench.audited("password-refused").await, 10);
    bench.whole().await;
}

#[tokio::test]
async fn a_password_keeps_the_rules() {
    let bench = bench().await;
    bench.citizen("Known.Citizen").await;
    let token = bench.session("known.citizen").await.access_token;
    for (next, wrong) in [("short", "PASSWORD_LENGTH"), ("KNOWN.citizen", "PASSWORD_IS_NAME")] {
        let refused = change(&bench, &token, PASSWORD, next).await.unwrap_err();
        assert_eq!(fields(&refused), [("new_password".to_owned(), wrong.to_owned())]);
    }
    let refused = change(&bench, &token, "", "").await.unwrap_err();
    assert_eq!(fields(&refused).len(), 2);
}

#[tokio::test]
async fn only_tokens_of_this_service_stand_for_an_account() {
    let bench = bench().await;
    let account = bench.citizen("known").await;
    let refused = bench
        .grpc
        .get_account(by(&account.account_id, proto::GetAccountRequest {}))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "NOT_AN_ACCOUNT")
    );
}
