//! Moderators publish, send back, decline.

use liuyan_proto::liuyan::moderation::v1::{
    self as proto, MessageApproved, MessageDeclined, MessageReturned,
    review_service_server::ReviewService,
};

use crate::helpers::{
    bench, body, by, by_senior, decline, fields, publish, reason, request_id, send_back,
    with_scopes,
};

#[tokio::test]
async fn a_message_is_published_without_the_spans_named() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    let request = proto::DecideReviewRequest {
        message_id: review.message_id.clone(),
        etag: review.etag.clone(),
        request_id: request_id(),
        decision: Some(publish(vec![body(12, 23)])),
        accused_office_ids: vec!["110101-police".into(), "110101-police".into()],
    };
    let refused = bench.grpc.decide_review(by("ann", request.clone())).await.unwrap_err();
    assert_eq!(reason(&refused), "SENIOR_MODERATOR_NEEDED", "an accusation is for seniors");
    let decide = || bench.grpc.decide_review(by_senior("ann", request.clone()));
    let answer = decide().await.unwrap().into_inner();
    let again = decide().await.unwrap().into_inner();
    assert_eq!(answer, again, "a repeated request gets the same answer");
    let decided = answer.review.unwrap();
    assert_eq!(decided.state(), proto::ReviewState::Approved);
    assert_eq!(decided.decided_by, "identity/ann");
    assert_eq!(decided.redactions, [body(12, 23)]);
    assert_ne!(decided.etag, review.etag);

    let said = bench.said::<MessageApproved>().await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].1.accused_office_ids, ["110101-police"]);
    assert!(!said[0].1.by_rules);
    let public = bench.public(&[id]).await.pop().unwrap();
    assert_eq!(public.body, "Please call ■■■■■■■■■■■ about the lamp.");

    let reused = proto::DecideReviewRequest { etag: "other".into(), ..request.clone() };
    let refused = bench.grpc.decide_review(by_senior("ann", reused)).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_message_is_sent_back_with_ground_and_explanation() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    let decided = bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    assert_eq!(decided.state(), proto::ReviewState::Returned);
    assert_eq!(decided.ground, "own_personal_data");
    assert!(!decided.explanation.is_empty() && decided.claimed_by.is_empty());
    let (said_of, said) = bench.said::<MessageReturned>().await.pop().unwrap();
    assert_eq!((said_of, said.ground.as_str(), said.revision), (id, "own_personal_data", 1));
    assert_eq!(bench.count("select count(*) from decision_spans").await, 1);
    assert_eq!(bench.count("select span_count::bigint from decisions").await, 1);
    assert!(bench.public(&[id]).await.is_empty());
}

#[tokio::test]
async fn a_message_is_declined_by_a_senior_where_the_ground_asks_for_one() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    let refused = bench.decide("ann", &review, decline("unlawful")).await.unwrap_err();
    assert_eq!(reason(&refused), "SENIOR_MODERATOR_NEEDED");
    let request = proto::DecideReviewRequest {
        message_id: review.message_id,
        etag: review.etag,
        request_id: request_id(),
        decision: Some(decline("unlawful")),
        accused_office_ids: Vec::new(),
    };
    let scopes = ["review:work", "review:senior"];
    bench.grpc.decide_review(with_scopes("ann", &scopes, request)).await.unwrap();
    let (said_of, said) = bench.said::<MessageDeclined>().await.pop().unwrap();
    assert_eq!((said_of, said.ground.as_str()), (id, "unlawful"));
}

#[tokio::test]
async fn a_decision_on_what_has_changed_is_refused() {
    let bench = bench().await;
    let id = bench.held().await;
    let mut review = bench.claim("ann", id).await;
    review.etag = "1-1".into();
    let refused = bench.decide("ann", &review, publish(vec![])).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (tonic::Code::Aborted, "ETAG_MISMATCH")
    );
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    let broken = proto::DecideReviewRequest {
        message_id: "x".into(),
        etag: String::new(),
        request_id: String::new(),
        decision: Some(publish(vec![proto::Span::default(), body(3, 3)])),
        accused_office_ids: vec!["a b".into()],
    };
    let refused = bench.grpc.decide_review(by("ann", broken)).await.unwrap_err();
    let expected = [
        "request_id",
        "message_id",
        "etag",
        "publish.redactions[0]",
        "publish.redactions[1]",
        "accused_office_ids[0]",
    ];
    assert_eq!(fields(&refused), expected);

    let outside = publish(vec![body(0, 5), body(0, 1_000)]);
    let refused = bench.decide("ann", &review, outside).await.unwrap_err();
    assert_eq!(fields(&refused), ["publish.redactions[1]"]);
    let refused = bench.decide("ann", &review, send_back("spam")).await.unwrap_err();
    assert_eq!(fields(&refused), ["return.ground"]);
    let nothing = proto::Decline { ground: "none".into(), ..proto::Decline::default() };
    let nothing = proto::decide_review_request::Decision::Decline(nothing);
    let refused = bench.decide("ann", &review, nothing).await.unwrap_err();
    assert_eq!(fields(&refused), ["decline.ground", "decline.explanation", "decline.spans"]);
    let twice = publish(vec![body(0, 5), body(4, 6)]);
    let refused = bench.decide("ann", &review, twice).await.unwrap_err();
    assert_eq!(fields(&refused), ["publish.redactions[1]"]);
    let long = proto::Decline {
        ground: "out_of_remit".into(),
        explanation: "x".repeat(1_001),
        spans: vec![body(0, 5)],
    };
    let long = proto::decide_review_request::Decision::Decline(long);
    let refused = bench.decide("ann", &review, long).await.unwrap_err();
    assert_eq!(fields(&refused), ["decline.explanation"]);
    assert_eq!(bench.state(id).await, "held");
}

#[tokio::test]
async fn a_decision_after_a_withdrawal_is_refused() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    bench.withdraw(id).await;
    let refused = bench.decide("ann", &review, publish(vec![])).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_HELD");
    assert!(bench.said::<MessageApproved>().await.is_empty());
}
