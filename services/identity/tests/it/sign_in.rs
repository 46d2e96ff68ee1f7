//! Signing in.

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;
use jiff::SignedDuration;
use liuyan_proto::liuyan::identity::v1::{
    self as proto, Role, identity_service_server::IdentityService as _,
};
use tonic::Code;

use crate::helpers::{
    PASSWORD, an_account, anyone, bench, bench_with, fields, reason, retry, second,
};

#[tokio::test]
async fn a_name_and_its_password_give_tokens_that_every_service_can_check() {
    let bench = bench().await;
    let account = bench
        .put(proto::PutAccountRequest {
            roles: vec![Role::Clerk.into(), Role::Moderator.into()],
            office_ids: vec!["110000-s".into()],
            division_codes: vec!["110000".into()],
            ..an_account("Some.Clerk")
        })
        .await
        .unwrap();

    // Case and width don't matter.
    let signed = bench.sign_in("\u{ff33}ome.CLERK", PASSWORD).await.unwrap();
    assert_eq!(signed.account, Some(account.clone()));
    let session = signed.session.unwrap();
    assert_eq!(session.access_expires_at.unwrap().seconds, second(&bench) + 15 * 60);
    assert_eq!(session.refresh_expires_at.unwrap().seconds, second(&bench) + 12 * 3_600);
    assert_eq!(session.refresh_token.len(), 43);

    let caller = bench.caller(&session.access_token);
    assert_eq!((caller.issuer.as_str(), caller.subject), ("identity", account.account_id));
    let granted = ["account", "case:work", "case:read", "message:on_behalf", "review:work"];
    assert_eq!(caller.scopes[..5], granted);
    assert!(caller.scopes[5].starts_with("session:"));
    assert_eq!(
        (caller.offices, caller.divisions),
        (vec!["110000-s".into()], vec!["110000".into()])
    );
    let elsewhere = bench.caller_with(&session.access_token, &["case:*", "text:read"]);
    assert_eq!(elsewhere.scopes, ["case:work", "case:read"]);
    bench.whole().await;
}

#[tokio::test]
async fn whoever_may_not_sign_in_gets_one_and_the_same_answer() {
    let bench = bench().await;
    bench.citizen("known").await;
    bench.put(proto::PutAccountRequest { inactive: true, ..an_account("asleep") }).await.unwrap();
    let mut answers = HashSet::new();
    for (name, password) in [
        ("known", "a wrong long password"),
        ("nobody", PASSWORD),
        ("asleep", PASSWORD),
        ("no name at all", PASSWORD),
        (&"x".repeat(1_000), PASSWORD),
    ] {
        let refused = bench.sign_in(name, password).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unauthenticated, "SIGN_IN_REFUSED")
        );
        answers.insert((refused.message().to_owned(), refused.details().to_vec()));
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(bench.audited("sign-in-refused").await, 5);
    bench.whole().await;
}

#[tokio::test]
async fn a_name_that_nobody_has_takes_a_turn_at_hashing_too() {
    let bench = bench_with(|config| {
        config.password.parallel = 1;
        config.password.wait_milliseconds = 20;
    })
    .await;
    bench.citizen("known").await;
    let turn = bench.app.hasher.turn().await.unwrap();
    for name in ["known", "nobody"] {
        let refused = bench.sign_in(name, PASSWORD).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(reason(&refused), "HASHING_BUSY");
        assert!(retry(&refused) > Duration::ZERO);
    }
    drop(turn);
    bench.session("known").await;
}

#[tokio::test]
async fn the_eleventh_wrong_password_is_not_even_looked_at() {
    let bench = bench().await;
    bench.citizen("known").await;
    for name in ["known", "nobody"] {
        for _ in 0..10 {
            let refused = bench.sign_in(name, "a wrong long password").await.unwrap_err();
            assert_eq!(reason(&refused), "SIGN_IN_REFUSED");
        }
        bench.after(SignedDuration::from_mins(5));
        // The right one neither, whether there is such a name or not.
        let refused = bench.sign_in(name, PASSWORD).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "TRIES_EXHAUSTED")
        );
        assert_eq!(retry(&refused), Duration::from_secs(10 * 60));
    }
    bench.citizen("other").await;
    bench.session("other").await;
    bench.after(SignedDuration::from_mins(10));
    bench.session("known").await;
    bench.whole().await;
}

#[tokio::test]
async fn a_right_password_begins_the_count_anew() {
    let bench = bench().await;
    bench.citizen("known").await;
    for _ in 0..3 {
        for _ in 0..9 {
            bench.sign_in("known", "a wrong long password").await.unwrap_err();
        }
        bench.session("known").await;
    }
    // What was right does not count for all either: 27 wrong ones are left of 30.
    assert_eq!(
        bench.count("select wrong::bigint from attempts where attempts_key = 'accounts'").await,
        27
    );
    bench.whole().await;
}

#[tokio::test]
async fn many_guesses_at_once_are_counted_one_by_one() {
    let bench = bench().await;
    bench.citizen("known").await;
    let guesses = (0..30).map(|_| bench.sign_in("known", "a wrong long password"));
    let answers: Vec<String> =
        join_all(guesses).await.into_iter().map(|answer| reason(&answer.unwrap_err())).collect();
    let looked_at = answers.iter().filter(|reason| *reason == "SIGN_IN_REFUSED").count();
    assert_eq!(looked_at, 10, "{answers:?}");
    bench.whole().await;
}

#[tokio::test]
async fn guesses_at_many_names_are_written_down_only_so_often_and_keep_nobody_out() {
    let bench = bench_with(|config| config.tries.all_accounts = 5).await;
    bench.citizen("known").await;
    for number in 0..5 {
        bench.sign_in(&format!("nobody{number}"), PASSWORD).await.unwrap_err();
    }
    let refused = bench.sign_in("nobody", PASSWORD).await.unwrap_err();
    assert_eq!(reason(&refused), "TRIES_EXHAUSTED");
    assert_eq!(bench.audited("sign-in-refused").await, 5);
    bench.session("known").await;
    bench.after(SignedDuration::from_mins(15));
    let refused = bench.sign_in("nobody", PASSWORD).await.unwrap_err();
    assert_eq!(reason(&refused), "SIGN_IN_REFUSED");
    bench.session("known").await;
    bench.after(SignedDuration::from_mins(16));
    assert!(!bench.app.prune_some().await.unwrap());
    assert_eq!(bench.count("select count(*) from attempts").await, 0);
    bench.whole().await;
}

#[tokio::test]
async fn a_password_is_hashed_anew_when_the_parameters_have_changed() {
    const PARAMETERS: &str =
        "select count(*) from accounts where password_hash like '$argon2id$v=19$m=16,t=2,p=1$%'";
    let bench = bench().await;
    bench.citizen("known").await;
    let bench = bench.restarted(|config| {
        config.password.memory_kib = 16;
        config.password.passes = 2;
    });
    bench.sign_in("known", "a wrong long password").await.unwrap_err();
    assert_eq!(bench.count(PARAMETERS).await, 0);
    bench.session("known").await;
    assert_eq!(bench.count(PARAMETERS).await, 1);
    bench.session("known").await;
    bench.whole().await;
}

#[tokio::test]
async fn a_sign_in_needs_both_parts() {
    let bench = bench().await;
    let request = proto::SignInRequest::default();
    let refused = bench.grpc.sign_in(anyone(request)).await.unwrap_err();
    let required = |field: &str| (field.to_owned(), "FIELD_REQUIRED".to_owned());
    assert_eq!(fields(&refused), [required("name"), required("password")]);
    assert_eq!(bench.count("select count(*) from audit").await, 0);
}
