//! Who guesses at passwords is stopped, and keeps nobody else out.

use jiff::SignedDuration;
use liuyan_kit::grpc::CLIENT_ADDRESS;
use liuyan_proto::liuyan::identity::v1::{
    self as proto, identity_service_server::IdentityService as _,
};

use crate::helpers::{Bench, PASSWORD, anyone, bench, bench_with, reason};

const WRONG: &str = "a wrong long password";
/// Where somebody works, and where others are.
const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.1";

/// What is said to a try from an address.
async fn said(bench: &Bench, address: &str, name: &str, password: &str) -> String {
    match bench.sign_in_from(address, name, password).await {
        Ok(_) => "signed in".to_owned(),
        Err(refused) => reason(&refused),
    }
}

#[tokio::test]
async fn guesses_at_a_name_keep_out_only_who_comes_from_where_they_are_made() {
    let bench = bench().await;
    bench.citizen("known").await;
    for _ in 0..10 {
        assert_eq!(said(&bench, THERE, "known", WRONG).await, "SIGN_IN_REFUSED");
    }
    assert_eq!(said(&bench, THERE, "known", PASSWORD).await, "TRIES_EXHAUSTED");
    // Somebody who has never been here is let in all the same.
    assert_eq!(said(&bench, HERE, "known", PASSWORD).await, "signed in");
    assert_eq!(said(&bench, THERE, "known", PASSWORD).await, "TRIES_EXHAUSTED");
    bench.after(SignedDuration::from_mins(15));
    assert_eq!(said(&bench, THERE, "known", PASSWORD).await, "signed in");
    bench.whole().await;
}

#[tokio::test]
async fn guesses_from_everywhere_are_bounded_and_never_keep_out_who_was_here_of_late() {
    let bench = bench_with(|config| config.tries.per_account_elsewhere = 20).await;
    bench.citizen("known").await;
    assert_eq!(said(&bench, HERE, "known", PASSWORD).await, "signed in");
    for number in 0..20 {
        let address = format!("198.51.100.{number}");
        assert_eq!(said(&bench, &address, "known", WRONG).await, "SIGN_IN_REFUSED");
    }
    for (address, password, expected) in [
        ("203.0.113.1", WRONG, "TRIES_EXHAUSTED"),
        ("203.0.113.1", PASSWORD, "TRIES_EXHAUSTED"),
        (HERE, WRONG, "SIGN_IN_REFUSED"),
        (HERE, PASSWORD, "signed in"),
    ] {
        assert_eq!(said(&bench, address, "known", password).await, expected, "{address}");
    }
    // What is only a name elsewhere does not hinder others there.
    bench.citizen("other").await;
    assert_eq!(said(&bench, "203.0.113.1", "other", PASSWORD).await, "signed in");
    bench.whole().await;
}

#[tokio::test]
async fn a_network_is_known_for_some_days_and_then_forgotten() {
    let bench = bench_with(|config| {
        config.tries.per_account_elsewhere = 1;
        config.tries.known_days = 2;
    })
    .await;
    bench.citizen("known").await;
    assert_eq!(said(&bench, HERE, "known", PASSWORD).await, "signed in");
    bench.after(SignedDuration::from_hours(47));
    assert!(!bench.app.prune_some().await.unwrap());
    assert_eq!(said(&bench, THERE, "known", WRONG).await, "SIGN_IN_REFUSED");
    assert_eq!(said(&bench, HERE, "known", WRONG).await, "SIGN_IN_REFUSED");
    bench.after(SignedDuration::from_hours(2));
    assert_eq!(said(&bench, THERE, "known", WRONG).await, "SIGN_IN_REFUSED");
    assert_eq!(said(&bench, HERE, "known", PASSWORD).await, "TRIES_EXHAUSTED");
    bench.after(SignedDuration::from_hours(1));
    assert!(!bench.app.prune_some().await.unwrap());
    assert_eq!(bench.count("select count(*) from attempts").await, 0);
    bench.whole().await;
}

#[tokio::test]
async fn guesses_at_many_names_from_one_network_are_stopped_before_they_take_a_turn_at_hashing() {
    let bench = bench_with(|config| {
        config.tries.per_network = 3;
        config.tries.per_site = 5;
        config.password.parallel = 1;
        config.password.wait_milliseconds = 20;
    })
    .await;
    bench.citizen("known").await;
    assert_eq!(said(&bench, "2001:db8:1:1::7", "known", PASSWORD).await, "signed in");
    // A household has many addresses.
    for number in 0..3 {
        let (address, name) = (format!("2001:db8:1:1::{number}"), format!("nobody{number}"));
        assert_eq!(said(&bench, &address, &name, WRONG).await, "SIGN_IN_REFUSED");
    }
    let turn = bench.app.hasher.turn().await.unwrap();
    assert_eq!(said(&bench, "2001:db8:1:1::9", "somebody", WRONG).await, "TRIES_EXHAUSTED");
    assert_eq!(said(&bench, THERE, "somebody", WRONG).await, "HASHING_BUSY");
    drop(turn);
    // And a customer has many networks.
    for number in 2..4 {
        let (address, name) = (format!("2001:db8:1:{number}::1"), format!("anybody{number}"));
        assert_eq!(said(&bench, &address, &name, WRONG).await, "SIGN_IN_REFUSED");
    }
    assert_eq!(said(&bench, "2001:db8:1:9::1", "somebody", WRONG).await, "TRIES_EXHAUSTED");
    assert_eq!(said(&bench, "2001:db8:2:1::1", "somebody", WRONG).await, "SIGN_IN_REFUSED");
    // Whoever works there goes on.
    assert_eq!(said(&bench, "2001:db8:1:1::8", "known", PASSWORD).await, "signed in");
    bench.whole().await;
}

#[tokio::test]
async fn what_was_right_counts_for_nobody() {
    let bench = bench_with(|config| config.tries.per_network = 3).await;
    for number in 0..5 {
        let name = format!("known{number}");
        bench.citizen(&name).await;
        assert_eq!(said(&bench, HERE, &name, PASSWORD).await, "signed in");
    }
    let wrong = "select coalesce(sum(wrong), 0)::bigint from attempts";
    assert_eq!(bench.count(wrong).await, 0);
    bench.whole().await;
}

#[tokio::test]
async fn an_address_is_believed_of_services_alone() {
    let bench = bench().await;
    bench.citizen("known").await;
    for number in 0..11 {
        let request = proto::SignInRequest { name: "known".into(), password: WRONG.into() };
        let mut request = anyone(request);
        let address = format!("192.0.2.{number}");
        request.metadata_mut().insert(CLIENT_ADDRESS, address.parse().unwrap());
        let refused = bench.grpc.sign_in(request).await.unwrap_err();
        let expected = if number < 10 { "SIGN_IN_REFUSED" } else { "TRIES_EXHAUSTED" };
        assert_eq!(reason(&refused), expected, "{number}");
    }
}

#[tokio::test]
async fn nothing_is_left_of_who_was_erased_and_no_address_is_readable() {
    let bench = bench().await;
    bench.citizen("known").await;
    let signed = bench.sign_in_from(HERE, "known", PASSWORD).await.unwrap();
    said(&bench, THERE, "known", WRONG).await;
    let dump = bench.dump().await;
    assert!(!dump.contains(HERE) && !dump.contains(THERE), "{dump}");
    let of_name = "select count(*) from attempts where attempts_key like 'name/%'";
    assert_eq!(bench.count(of_name).await, 3);
    let request = proto::EraseAccountRequest { password: PASSWORD.into() };
    let token = signed.session.unwrap().access_token;
    bench.grpc.erase_account(bench.with_token(&token, request)).await.unwrap();
    assert_eq!(bench.count(of_name).await, 0);
    bench.whole().await;
}
