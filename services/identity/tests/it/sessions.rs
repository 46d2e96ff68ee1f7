//! Sessions: refreshed, reused, ended, forgotten.

use futures::future::join_all;
use jiff::SignedDuration;
use liuyan_proto::liuyan::identity::v1::{
    self as proto, Role, identity_service_server::IdentityService as _,
};
use tonic::Code;

use crate::helpers::{Bench, PASSWORD, an_account, anyone, bench, bench_with, reason, second};

async fn next(bench: &Bench, token: &str) -> String {
    bench.refresh(token).await.unwrap().session.unwrap().refresh_token
}

async fn refused(bench: &Bench, token: &str) {
    let refused = bench.refresh(token).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unauthenticated, "SESSION_REFUSED")
    );
}

async fn sign_out(bench: &Bench, token: &str) {
    let request = proto::SignOutRequest { refresh_token: token.into() };
    bench.grpc.sign_out(anyone(request)).await.unwrap();
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_the_next_one() {
    let bench = bench().await;
    let account = bench.citizen("known").await;
    let first = bench.session("known").await;
    bench.after(SignedDuration::from_hours(11));
    let refreshed = bench.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(refreshed.account, Some(account));
    let second_pair = refreshed.session.unwrap();
    assert_ne!(second_pair.refresh_token, first.refresh_token);
    assert_eq!(second_pair.refresh_expires_at.unwrap().seconds, second(&bench) + 12 * 3_600);
    let before = bench.caller(&second_pair.access_token);
    bench.after(SignedDuration::from_hours(11));
    let third = bench.refresh(&second_pair.refresh_token).await.unwrap().session.unwrap();
    let after = bench.caller(&third.access_token);
    assert_eq!((before.subject, before.scopes), (after.subject, after.scopes));
    bench.whole().await;
}

#[tokio::test]
async fn the_database_holds_no_token() {
    let bench = bench().await;
    bench.citizen("known").await;
    let session = bench.session("known").await;
    let later = next(&bench, &session.refresh_token).await;
    let dump = bench.dump().await;
    assert!(!dump.contains(&session.refresh_token) && !dump.contains(&later));
    assert_eq!(bench.count("select count(*) from refresh_tokens").await, 2);
}

#[tokio::test]
async fn a_used_refresh_token_ends_the_session() {
    let bench = bench().await;
    bench.citizen("known").await;
    let first = bench.session("known").await.refresh_token;
    let other_session = bench.session("known").await.refresh_token;
    let stolen = next(&bench, &first).await;
    bench.after(SignedDuration::from_secs(10));
    refused(&bench, &first).await;
    // Neither of the two who had it goes on.
    refused(&bench, &stolen).await;
    refused(&bench, &first).await;
    assert_eq!(bench.audited("session-reused").await, 1);
    next(&bench, &other_session).await;
    bench.whole().await;
}

#[tokio::test]
async fn two_clicks_at_once_do_not_end_the_session() {
    let bench = bench().await;
    bench.citizen("known").await;
    let first = bench.session("known").await.refresh_token;
    let clicks = join_all([next(&bench, &first), next(&bench, &first)]).await;
    assert_ne!(clicks[0], clicks[1]);
    bench.after(SignedDuration::from_secs(9));
    let late = next(&bench, &first).await;
    bench.whole().await;

    // Whichever of the siblings is used, the others are as used as it.
    bench.after(SignedDuration::from_mins(10));
    let third = next(&bench, &clicks[1]).await;
    bench.after(SignedDuration::from_mins(10));
    let fourth = next(&bench, &third).await;
    refused(&bench, &late).await;
    refused(&bench, &fourth).await;
    bench.whole().await;
}

#[tokio::test]
async fn a_hundred_uses_at_once_end_the_session() {
    let bench = bench().await;
    bench.citizen("known").await;
    let first = bench.session("known").await.refresh_token;
    for _ in 0..16 {
        next(&bench, &first).await;
    }
    refused(&bench, &first).await;
    assert_eq!(bench.audited("session-reused").await, 1);
    bench.whole().await;
}

#[tokio::test]
async fn a_session_ends_when_nobody_comes_and_in_any_case_after_thirty_days() {
    let bench = bench().await;
    bench.citizen("known").await;
    let idle = bench.session("known").await.refresh_token;
    bench.after(SignedDuration::from_hours(12));
    refused(&bench, &idle).await;

    let begun = second(&bench);
    let mut token = bench.session("known").await.refresh_token;
    for _ in 0..65 {
        bench.after(SignedDuration::from_hours(11));
        token = next(&bench, &token).await;
    }
    // 715 of 720 hours have passed: the last pair ends with the session.
    bench.after(SignedDuration::from_mins(4 * 60 + 55));
    let last = bench.refresh(&token).await.unwrap().session.unwrap();
    let end = begun + 30 * 86_400;
    assert_eq!(last.refresh_expires_at.unwrap().seconds, end);
    assert_eq!(last.access_expires_at.unwrap().seconds, end);
    bench.after(SignedDuration::from_mins(5));
    refused(&bench, &last.refresh_token).await;
    bench.whole().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_however_often_it_is_done() {
    let bench = bench().await;
    bench.citizen("known").await;
    let first = bench.session("known").await.refresh_token;
    let kept = bench.session("known").await.refresh_token;
    let second = next(&bench, &first).await;
    // A used token says as well as a present one that its holder wants to leave.
    sign_out(&bench, &first).await;
    sign_out(&bench, &second).await;
    sign_out(&bench, "no token at all").await;
    refused(&bench, &second).await;
    next(&bench, &kept).await;
    assert_eq!(bench.audited("signed-out").await, 1);
    bench.whole().await;
}

#[tokio::test]
async fn another_role_is_felt_at_the_next_refresh() {
    let bench = bench().await;
    bench.citizen("known").await;
    let first = bench.session("known").await;
    let request = proto::PutAccountRequest {
        roles: vec![Role::Moderator.into()],
        password: String::new(),
        ..an_account("known")
    };
    bench.put(request).await.unwrap();
    assert!(!bench.caller(&first.access_token).has("review:work"));
    let refreshed = bench.refresh(&first.refresh_token).await.unwrap().session.unwrap();
    assert!(bench.caller(&refreshed.access_token).has("review:work"));
    bench.whole().await;
}

#[tokio::test]
async fn an_account_that_may_not_sign_in_any_more_can_not_refresh_either() {
    let bench = bench().await;
    bench.citizen("known").await;
    let session = bench.session("known").await;
    let request = |inactive| proto::PutAccountRequest {
        inactive,
        password: String::new(),
        ..an_account("known")
    };
    bench.put(request(true)).await.unwrap();
    refused(&bench, &session.refresh_token).await;
    let get = bench.with_token(&session.access_token, proto::GetAccountRequest {});
    let gone = bench.grpc.get_account(get).await.unwrap_err();
    assert_eq!(reason(&gone), "ACCOUNT_NOT_FOUND");
    // Being let in again does not bring the session back.
    bench.put(request(false)).await.unwrap();
    refused(&bench, &session.refresh_token).await;
    bench.session("known").await;
    bench.whole().await;
}

#[tokio::test]
async fn the_oldest_session_ends_when_there_are_too_many() {
    let bench = bench_with(|config| config.sessions_per_account = 2).await;
    bench.citizen("known").await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(bench.session("known").await.refresh_token);
        bench.after(SignedDuration::from_secs(1));
    }
    refused(&bench, &tokens[0]).await;
    next(&bench, &tokens[1]).await;
    next(&bench, &tokens[2]).await;
    bench.whole().await;
}

#[tokio::test]
async fn ended_sessions_are_forgotten_after_a_day_and_counted_still() {
    let bench = bench().await;
    bench.citizen("known").await;
    let ended = bench.session("known").await.refresh_token;
    next(&bench, &ended).await;
    sign_out(&bench, &ended).await;
    let idle = bench.sign_in("known", PASSWORD).await.unwrap().session.unwrap();
    bench.after(SignedDuration::from_hours(24));
    bench.app.prune_some().await.unwrap();
    assert_eq!(bench.count("select count(*) from sessions").await, 2);
    bench.after(SignedDuration::from_secs(1));
    let goes_on = bench.session("known").await.refresh_token;
    bench.app.prune_some().await.unwrap();
    assert_eq!(bench.count("select count(*) from sessions").await, 2);
    assert_eq!(bench.count("select sessions_pruned::bigint from accounts").await, 1);
    bench.whole().await;
    bench.after(SignedDuration::from_hours(12));
    let goes_on = bench.refresh(&goes_on).await;
    assert_eq!(reason(&goes_on.unwrap_err()), "SESSION_REFUSED");
    bench.app.prune_some().await.unwrap();
    assert_eq!(bench.count("select count(*) from refresh_tokens").await, 1);
    refused(&bench, &idle.refresh_token).await;
    bench.whole().await;
}
