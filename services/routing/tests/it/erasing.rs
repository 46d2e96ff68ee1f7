//! A message that its author had erased leaves its case without a text, and out of sight.

use liuyan_kit::testing;
use liuyan_proto::liuyan::common::v1::{CaseState, Outcome};

use crate::helpers::{House, SOON, a_message, reason, view};

async fn settled(house: &House) {
    testing::eventually("the erasure is settled", SOON, || async {
        let waiting = "select (select count(*) from erasures where state = 'waiting')
                            + (select count(*) from withdrawals where state = 'waiting')";
        (house.count(waiting).await == 0).then_some(())
    })
    .await;
    let left =
        "select (select count(*) from cases where has_text) + (select count(*) from case_words)
                     + (select count(*) from requests where response <> '')";
    assert_eq!(house.count(left).await, 0);
    for (name, check) in liuyan_routing::CHECKS {
        assert_eq!(house.count(check).await, 0, "{name}");
    }
}

#[tokio::test]
async fn an_answered_case_keeps_its_replies_and_is_seen_no_more() {
    let house = House::open().await;
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    house.reply(&house.clerk("130102-g"), &case_id, "done").await.unwrap();
    // As intake says it: the wish to withdraw first, which comes too late here.
    house.wish_to_withdraw(message.message_id).await;
    house.erase(message.message_id).await;
    settled(&house).await;
    assert_eq!(reason(house.get_in_public(message.message_id).await), "CASE_NOT_FOUND");
    assert_eq!(house.count("select count(*) from replies").await, 1);
    let case = house.get(&house.operator(), message.message_id).await.unwrap();
    assert_eq!((view(&case).state(), case.public), (CaseState::Replied, false));
    let story = house.story(&case_id).await;
    assert_eq!(story.last().unwrap(), "case-text-changed r4 hidden");
    // Heard again it changes nothing.
    house.erase(message.message_id).await;
    settled(&house).await;
    assert_eq!(house.story(&case_id).await, story);
}

#[tokio::test]
async fn an_unanswered_case_ends_as_if_it_were_withdrawn() {
    let house = House::open().await;
    let message = a_message();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    house.wish_to_withdraw(message.message_id).await;
    house.erase(message.message_id).await;
    settled(&house).await;
    let case = house.get(&house.author(message.message_id), message.message_id).await.unwrap();
    assert_eq!((view(&case).outcome(), case.public), (Outcome::Withdrawn, false));
    assert_eq!(house.story(&case_id).await.last().unwrap(), "case-closed r2 hidden");
}

#[tokio::test]
async fn an_erasure_before_the_approval_is_a_tombstone() {
    let house = House::open().await;
    let message = a_message();
    house.erase(message.message_id).await;
    house.approve(&message).await;
    let case = house.case_of(message.message_id).await;
    settled(&house).await;
    assert!(!case.public);
    let story = house.story(&view(&case).case_id).await;
    assert_eq!(story, ["case-opened r1 hidden", "case-assigned r1 hidden"]);
}
