//! Moderators take reviews under a lease.

use std::{collections::HashSet, sync::Arc};

use jiff::SignedDuration;
use liuyan_proto::liuyan::moderation::v1::{self as proto, review_service_server::ReviewService};

use crate::helpers::{Bench, CLEAN, HELD, a_message, bench, by, publish, reason, request_id};

async fn claim_any(bench: &Bench, who: &str) -> Option<proto::Review> {
    let request = proto::ClaimReviewRequest { message_id: String::new(), request_id: request_id() };
    bench.grpc.claim_review(by(who, request)).await.unwrap().into_inner().review
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_moderators_at_once_get_a_hundred_reviews() {
    let bench = Arc::new(bench().await);
    let messages: Vec<_> = (0..100).map(|_| a_message(HELD)).collect();
    bench.submit_all(&messages).await;
    bench.screen().await;
    let claims = (0..100).map(|who| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            claim_any(&bench, &format!("moderator-{who}")).await.unwrap().message_id
        })
    });
    let mut claimed = HashSet::new();
    for claim in claims.collect::<Vec<_>>() {
        claimed.insert(claim.await.unwrap());
    }
    assert_eq!(claimed.len(), 100);
    assert!(claim_any(&bench, "late").await.is_none());
}

#[tokio::test]
async fn the_oldest_comes_first_with_its_text() {
    let bench = bench().await;
    let newer = bench.held().await;
    let mut old = a_message(HELD);
    old.event.submitted_at.as_mut().unwrap().seconds -= 3600;
    let old = bench.submit(&old).await;
    bench.screen().await;
    let review = claim_any(&bench, "ann").await.unwrap();
    assert_eq!(review.message_id, old.to_string());
    assert_eq!(review.text.unwrap().body, HELD);
    assert_eq!(review.claimed_by, "identity/ann");
    assert_eq!(claim_any(&bench, "ann").await.unwrap().message_id, newer.to_string());
}

#[tokio::test]
async fn a_lease_binds_until_it_ends_or_is_given_back() {
    let bench = bench().await;
    let id = bench.held().await;
    let named = |request_id| proto::ClaimReviewRequest { message_id: id.to_string(), request_id };
    let message = || id.to_string();
    bench.claim("ann", id).await;
    let refused = bench.grpc.claim_review(by("bob", named(request_id()))).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_CLAIMED_BY_ANOTHER");

    bench.after(SignedDuration::from_mins(14));
    bench.claim("ann", id).await;
    bench.after(SignedDuration::from_mins(14));
    let renew = || proto::RenewClaimRequest { message_id: message() };
    bench.grpc.renew_claim(by("ann", renew())).await.unwrap();
    bench.after(SignedDuration::from_mins(14));
    assert!(claim_any(&bench, "bob").await.is_none(), "ann has renewed twice");
    bench.after(SignedDuration::from_mins(1));
    let late = bench.grpc.renew_claim(by("ann", renew())).await.unwrap_err();
    assert_eq!(reason(&late), "REVIEW_NOT_CLAIMED");
    bench.claim("bob", id).await;

    let release = || proto::ReleaseReviewRequest { message_id: message() };
    let refused = bench.grpc.release_review(by("ann", release())).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_CLAIMED");
    bench.grpc.release_review(by("bob", release())).await.unwrap();
    bench.claim("ann", id).await;
}

#[tokio::test]
async fn only_a_held_review_can_be_claimed() {
    let bench = bench().await;
    let id = bench.approved(&a_message(CLEAN)).await;
    let request =
        proto::ClaimReviewRequest { message_id: id.to_string(), request_id: request_id() };
    let refused = bench.grpc.claim_review(by("ann", request)).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_HELD");
    let request = proto::ClaimReviewRequest { message_id: request_id(), request_id: request_id() };
    let refused = bench.grpc.claim_review(by("ann", request)).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_FOUND");
}

#[tokio::test]
async fn a_repeated_claim_gets_the_same_review_again() {
    let bench = bench().await;
    let first = bench.held().await;
    bench.held().await;
    let request = proto::ClaimReviewRequest { message_id: String::new(), request_id: request_id() };
    let answer = bench.grpc.claim_review(by("ann", request.clone())).await.unwrap().into_inner();
    let again = bench.grpc.claim_review(by("ann", request.clone())).await.unwrap().into_inner();
    assert_eq!(answer, again);
    let other = proto::ClaimReviewRequest { message_id: first.to_string(), ..request };
    let refused = bench.grpc.claim_review(by("ann", other.clone())).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    let stored: Vec<u8> = sqlx::query_scalar("select response from requests limit 1")
        .fetch_one(&mut *bench.db.read().await.unwrap())
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains("13800138000"), "no text is kept");
}

#[tokio::test]
async fn who_does_not_hold_a_review_cannot_decide_it() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    let refused = bench.decide("bob", &review, publish(vec![])).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_CLAIMED");
    bench.after(SignedDuration::from_mins(15));
    let refused = bench.decide("ann", &review, publish(vec![])).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_CLAIMED");
    assert_eq!(bench.state(id).await, "held");
}
