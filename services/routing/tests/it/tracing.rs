//! What workers do later goes on in the trace of its cause.

use liuyan_kit::testing;
use liuyan_proto::{
    Event,
    liuyan::{
        intake::v1::WithdrawalRequested,
        moderation::v1::{MessageApproved, MessageRedacted},
        routing::v1 as routing,
    },
};
use uuid::Uuid;

use crate::helpers::{House, SOON, a_message, trace_of, view};

/// The trace in which the event about a case was said, without the place in it.
async fn trace<E: Event>(house: &House, case_id: &str) -> Option<String> {
    let case_id: Uuid = case_id.parse().unwrap();
    let said = testing::said::<E>(house.db()).await;
    let said = said.into_iter().find(|said| said.subject_id == case_id)?;
    said.traceparent.map(|traceparent| traceparent[..35].to_owned())
}

#[tokio::test]
async fn each_case_opens_changes_and_ends_in_the_trace_of_its_own_cause() {
    let house = House::open().await;
    // Several at once, so that they are opened together.
    house.moderation.set_away(true);
    let messages = [a_message(), a_message(), a_message().private()];
    for message in &messages {
        house.approve(message).await;
    }
    house.moderation.set_away(false);
    for message in &messages {
        let case_id = view(&house.case_of(message.message_id).await).case_id.clone();
        let cause = &trace_of::<MessageApproved>(message.message_id)[..35];
        let opened = trace::<routing::CaseOpened>(&house, &case_id).await;
        assert_eq!(opened.as_deref(), Some(cause));
        let assigned = trace::<routing::CaseAssigned>(&house, &case_id).await;
        assert_eq!(assigned.as_deref(), Some(cause));
    }
    let id = messages[0].message_id;
    let case_id = view(&house.case_of(id).await).case_id.clone();
    house.moderation.publish(id, "redacted");
    house.redact(id).await;
    let changed = testing::eventually("the text is changed", SOON, || async {
        trace::<routing::CaseTextChanged>(&house, &case_id).await
    })
    .await;
    assert_eq!(changed, &trace_of::<MessageRedacted>(id)[..35]);
    house.wish_to_withdraw(id).await;
    let closed = testing::eventually("the case ends", SOON, || async {
        trace::<routing::CaseClosed>(&house, &case_id).await
    })
    .await;
    assert_eq!(closed, &trace_of::<WithdrawalRequested>(id)[..35]);
}
