//! Of a message that its author had erased nothing stays that tells of its text.

use liuyan_kit::clock::{Clock as _, to_proto};
use liuyan_proto::liuyan::{intake::v1::MessageErased, moderation::v1::MessageWithdrawn};
use uuid::Uuid;

use crate::helpers::{Bench, CLEAN, HELD, a_message, bench, publish, reason, send_back};

async fn erase(bench: &Bench, id: Uuid) {
    let erased_at = Some(to_proto(bench.clock.now()));
    let event = MessageErased { message_id: id.to_string(), erased_at };
    bench.hear(vec![bench.event(id, &event)]).await;
}

/// Rows that tell of a text.
async fn telling(bench: &Bench) -> i64 {
    bench
        .count(
            "select (select count(*) from hits) + (select count(*) from redactions)
                  + (select count(*) from decision_spans)
                  + (select count(*) from reviews where explanation <> '')
                  + (select count(*) from decisions where explanation <> '')
                  + (select count(*) from requests where response <> '')",
        )
        .await
}

#[tokio::test]
async fn a_review_is_emptied_wherever_it_stands() {
    let bench = bench().await;
    let approved = bench.approved(&a_message(CLEAN)).await;
    let held = bench.held().await;
    let returned = bench.held().await;
    let review = bench.claim("ann", returned).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    let claimed = bench.held().await;
    let review = bench.claim("ann", claimed).await;
    let screening = bench.submit(&a_message(HELD)).await;
    assert!(telling(&bench).await > 0);
    for id in [approved, held, returned, claimed, screening] {
        erase(&bench, id).await;
    }
    assert_eq!(telling(&bench).await, 0);
    assert_eq!(bench.state(approved).await, "approved");
    for id in [held, returned, claimed, screening] {
        assert_eq!(bench.state(id).await, "withdrawn");
    }
    assert_eq!(bench.said::<MessageWithdrawn>().await.len(), 4);
    assert!(bench.public(&[approved]).await.is_empty());
    let refused = bench.decide("ann", &review, publish(vec![])).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_HELD");
    bench.screen().await;
    assert_eq!(bench.state(screening).await, "withdrawn");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn an_erasure_that_is_heard_with_the_submission_or_twice_takes_effect_once() {
    let bench = bench().await;
    let id = bench.submit(&a_message(HELD)).await;
    erase(&bench, id).await;
    erase(&bench, id).await;
    assert_eq!(bench.said::<MessageWithdrawn>().await.len(), 1);
    assert!(bench.breaches().await.is_empty());
}
