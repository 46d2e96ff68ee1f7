//! What intake says takes effect.

use jiff::SignedDuration;
use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::{
    intake::v1 as intake,
    moderation::v1::{
        ListReviewsRequest, MessageApproved, MessageWithdrawn, review_service_server::ReviewService,
    },
};

use crate::helpers::{CLEAN, HELD, RELEASE, a_message, at, bench, by, publish, send_back};

#[tokio::test]
async fn a_submitted_message_waits_for_the_rules_with_all_its_facts() {
    let bench = bench().await;
    let mut message = a_message(CLEAN);
    message.event.occurred_at = Some(to_proto(at("2019-03-04T05:06:07Z")));
    message.event.visibility = 2;
    let id = bench.submit(&message).await;
    assert_eq!(bench.state(id).await, "screening");
    bench.screen().await;
    let (_, said) = bench.said::<MessageApproved>().await.pop().unwrap();
    let event = message.event;
    assert_eq!(
        (said.number, said.office_id, said.kind, said.domain, said.topic, said.visibility),
        (event.number, event.office_id, event.kind, event.domain, event.topic, event.visibility)
    );
    assert_eq!((said.submitted_at, said.occurred_at), (event.submitted_at, event.occurred_at));
    assert_eq!((said.revision, said.rules_version, said.by_rules), (1, RELEASE, true));
}

#[tokio::test]
async fn a_message_withdrawn_before_approval_is_withdrawn_here() {
    let bench = bench().await;
    let screening = bench.submit(&a_message(CLEAN)).await;
    bench.withdraw(screening).await;
    let held = bench.held().await;
    let claimed = bench.held().await;
    bench.claim("ann", claimed).await;
    let returned = bench.held().await;
    let review = bench.claim("ann", returned).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    for id in [held, claimed, returned] {
        bench.withdraw(id).await;
    }
    bench.screen().await;
    for id in [screening, held, claimed, returned] {
        assert_eq!(bench.state(id).await, "withdrawn");
    }
    let said: Vec<_> =
        bench.said::<MessageWithdrawn>().await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(said, [screening, held, claimed, returned]);
    assert!(bench.said::<MessageApproved>().await.is_empty());
}

#[tokio::test]
async fn a_wish_to_withdraw_after_approval_is_left_to_routing() {
    let bench = bench().await;
    let id = bench.approved(&a_message(CLEAN)).await;
    bench.withdraw(id).await;
    assert_eq!(bench.state(id).await, "approved");
    assert!(bench.said::<MessageWithdrawn>().await.is_empty());
}

#[tokio::test]
async fn a_mended_message_is_read_again_in_its_old_place() {
    let bench = bench().await;
    let first = a_message(HELD);
    let mut later = a_message(HELD);
    later.event.submitted_at = Some(to_proto(at("2026-05-01T07:30:00Z")));
    let first_id = bench.submit(&first).await;
    let later_id = bench.submit(&later).await;
    bench.screen().await;
    let review = bench.claim("ann", first_id).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    assert_eq!(bench.state(first_id).await, "returned");

    let mended =
        intake::Text { revision: 2, body: format!("{HELD} Or 13900139000."), ..first.text };
    bench.after(SignedDuration::from_hours(1));
    bench.resubmit(first_id, 2, mended).await;
    bench.screen().await;
    assert_eq!(bench.state(first_id).await, "held");
    let answer = bench.grpc.list_reviews(by("bob", ListReviewsRequest::default())).await.unwrap();
    let reviews = answer.into_inner().reviews;
    let ids: Vec<_> = reviews.iter().map(|review| review.message_id.clone()).collect();
    assert_eq!(ids, [first_id.to_string(), later_id.to_string()]);
    assert_eq!(reviews[0].revision, 2);
    assert_eq!(reviews[0].hits.len(), 2, "hits of the revision under review only");
    assert_eq!(bench.count("select sum(hit_count) from reviews").await, 4);
    assert_eq!(bench.count("select count(*) from hits").await, 4);

    let review = bench.claim("ann", first_id).await;
    bench.decide("ann", &review, publish(vec![])).await.unwrap();
    let (_, said) = bench.said::<MessageApproved>().await.pop().unwrap();
    assert_eq!((said.revision, said.by_rules), (2, false));
}

#[tokio::test]
async fn submission_and_withdrawal_in_one_batch_take_effect_in_turn() {
    let bench = bench().await;
    let message = a_message(CLEAN);
    let id = message.event.message_id.parse().unwrap();
    let submitted = bench.event(id, &message.event);
    let wish = intake::WithdrawalRequested { message_id: id.to_string(), requested_at: None };
    let withdrawn = bench.event(id, &wish);
    bench.hear(vec![withdrawn, submitted.clone(), submitted]).await;
    assert_eq!(bench.state(id).await, "withdrawn");
    assert_eq!(bench.count("select count(*) from reviews").await, 1);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_refused_and_leaves_nothing() {
    let bench = bench().await;
    let mut message = a_message(CLEAN);
    let id = message.event.message_id.parse().unwrap();
    message.event.submitted_at = None;
    let broken = bench.event(id, &message.event);
    assert!(!bench.try_hear(vec![broken]).await);
    assert_eq!(bench.count("select count(*) from reviews").await, 0);
    assert_eq!(bench.count("select count(*) from messaging.positions").await, 0);
}
