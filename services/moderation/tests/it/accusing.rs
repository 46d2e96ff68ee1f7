//! Accusations are for senior moderators, and nobody works on a message of their own.

use liuyan_proto::liuyan::moderation::v1::{
    self as proto, MessageApproved, review_service_server::ReviewService,
};

use crate::helpers::{
    Bench, HELD, a_message, bench, body, by, by_senior, fields, publish, reason, request_id,
};

fn accuse(review: &proto::Review, offices: &[&str]) -> proto::MarkAccusationRequest {
    proto::MarkAccusationRequest {
        message_id: review.message_id.clone(),
        etag: review.etag.clone(),
        accused_office_ids: offices.iter().map(|&office| office.to_owned()).collect(),
        request_id: request_id(),
    }
}

#[tokio::test]
async fn a_marked_accusation_goes_to_a_senior_and_carries_the_office() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    let bare = bench.grpc.mark_accusation(by("ann", accuse(&review, &[]))).await.unwrap_err();
    assert_eq!(fields(&bare), ["accused_office_ids"]);
    let stale = proto::Review { etag: "1-1".into(), ..review.clone() };
    let stale = bench.grpc.mark_accusation(by("ann", accuse(&stale, &["110101-police"]))).await;
    assert_eq!(reason(&stale.unwrap_err()), "ETAG_MISMATCH");
    let request = accuse(&review, &["110101-police"]);
    let marked = bench.grpc.mark_accusation(by("ann", request.clone())).await.unwrap().into_inner();
    let again = bench.grpc.mark_accusation(by("ann", request)).await.unwrap().into_inner();
    assert_eq!(marked, again);
    let marked = marked.review.unwrap();
    assert!(marked.senior_only && marked.claimed_by.is_empty());

    let claim =
        |message_id: String| proto::ClaimReviewRequest { message_id, request_id: request_id() };
    let refused = bench.grpc.claim_review(by("bob", claim(id.to_string()))).await.unwrap_err();
    assert_eq!(reason(&refused), "SENIOR_MODERATOR_NEEDED");
    let nothing = bench.grpc.claim_review(by("bob", claim(String::new()))).await.unwrap();
    assert!(nothing.into_inner().review.is_none());
    let taken = bench.grpc.claim_review(by_senior("eve", claim(String::new()))).await.unwrap();
    let taken = taken.into_inner().review.unwrap();
    assert_eq!(taken.accused_office_ids, ["110101-police"]);
    let request = proto::DecideReviewRequest {
        message_id: taken.message_id,
        etag: taken.etag,
        request_id: request_id(),
        decision: Some(publish(vec![body(12, 23)])),
        accused_office_ids: taken.accused_office_ids,
    };
    bench.grpc.decide_review(by_senior("eve", request)).await.unwrap();
    let (_, said) = bench.said::<MessageApproved>().await.pop().unwrap();
    assert_eq!(said.accused_office_ids, ["110101-police"]);
    assert_eq!(
        bench.count("select count(*) from audit where action = 'accusation-marked'").await,
        1
    );
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

async fn of_ann(bench: &Bench) -> String {
    let mut message = a_message(HELD);
    message.event.account_id = "ann".into();
    let id = bench.submit(&message).await;
    bench.screen().await;
    id.to_string()
}

#[tokio::test]
async fn nobody_works_on_a_message_of_their_own() {
    let bench = bench().await;
    let message_id = of_ann(&bench).await;
    let claim = |message_id: &str| proto::ClaimReviewRequest {
        message_id: message_id.to_owned(),
        request_id: request_id(),
    };
    let refused = bench.grpc.claim_review(by_senior("ann", claim(&message_id))).await.unwrap_err();
    assert_eq!(reason(&refused), "OWN_MESSAGE");
    let nothing = bench.grpc.claim_review(by("ann", claim(""))).await.unwrap().into_inner();
    assert!(nothing.review.is_none());
    let look = proto::GetReviewRequest { message_id: message_id.clone() };
    let refused = bench.grpc.get_review(by("ann", look)).await.unwrap_err();
    assert_eq!(reason(&refused), "OWN_MESSAGE");
    let list = bench.grpc.list_reviews(by("ann", proto::ListReviewsRequest::default())).await;
    assert_eq!(list.unwrap().into_inner().total, 0);

    let taken = bench.grpc.claim_review(by("bob", claim(""))).await.unwrap().into_inner();
    let review = taken.review.unwrap();
    bench.decide("bob", &review, publish(vec![])).await.unwrap();
    let redact = proto::RedactMessageRequest {
        message_id,
        redactions: vec![body(0, 1)],
        request_id: request_id(),
    };
    let refused = bench.grpc.redact_message(by("ann", redact)).await.unwrap_err();
    assert_eq!(reason(&refused), "OWN_MESSAGE");
}
