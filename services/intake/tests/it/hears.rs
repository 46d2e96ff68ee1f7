//! What moderation and routing say, in whatever order.

use liuyan_kit::messaging::Fault;
use liuyan_proto::liuyan::{
    common::v1::Outcome,
    intake::v1::{
        GetMessageRequest, Message, MessageState, intake_service_server::IntakeService as _,
    },
    moderation::v1::{MessageApproved, MessageDeclined, MessageRedacted},
    routing::v1::{CaseClosed, CaseOpened},
};
use uuid::Uuid;

use crate::helpers::{Desk, a_case, a_submission, as_caller, author_of, count};

fn approved(message_id: Uuid) -> MessageApproved {
    MessageApproved { message_id: message_id.to_string(), revision: 1, ..Default::default() }
}

fn opened(case_id: Uuid, message_id: Uuid) -> CaseOpened {
    let deadline_at = Some(prost_types::Timestamp { seconds: 1_765_000_000, nanos: 0 });
    CaseOpened { case: Some(a_case(case_id, message_id)), deadline_at, ..CaseOpened::default() }
}

fn closed(case_id: Uuid, message_id: Uuid, outcome: Outcome) -> CaseClosed {
    CaseClosed { case: Some(a_case(case_id, message_id)), outcome: outcome.into() }
}

async fn message(desk: &Desk, id: Uuid) -> Message {
    let request = as_caller(&author_of(id), GetMessageRequest { message_id: id.to_string() });
    desk.grpc.get_message(request).await.unwrap().into_inner().message.unwrap()
}

#[tokio::test]
async fn verdicts_move_the_message() {
    let desk = Desk::open().await;
    let (one, other) = (desk.submitted().await, desk.submitted().await);
    desk.hear_all(vec![(one, approved(one)), (other, approved(other))]).await.unwrap();
    assert_eq!(message(&desk, one).await.state(), MessageState::Approved);
    let declined = MessageDeclined {
        message_id: other.to_string(),
        ground: "advertising".to_owned(),
        declined_at: None,
    };
    desk.hear(other, declined).await.unwrap();
    let stands = message(&desk, other).await;
    assert_eq!((stands.state(), stands.ground.as_str()), (MessageState::Declined, "advertising"));
    let redacted = MessageRedacted { message_id: one.to_string(), redacted_at: None };
    desk.hear(one, redacted).await.unwrap();
    assert_eq!(message(&desk, one).await.state(), MessageState::Approved);
    assert_eq!(
        count(&desk.db, "select count(*) from messages where redacted_at is not null").await,
        1
    );
}

#[tokio::test]
async fn a_case_shows_with_its_deadline_whoever_is_heard_first() {
    let desk = Desk::open().await;
    let (id, case_id) = (desk.submitted().await, Uuid::from_u128(1));
    desk.hear(case_id, opened(case_id, id)).await.unwrap();
    assert_eq!(message(&desk, id).await.state(), MessageState::InReview);
    desk.hear(id, approved(id)).await.unwrap();
    let stands = message(&desk, id).await;
    assert_eq!(stands.state(), MessageState::Approved);
    assert_eq!(stands.case_id, case_id.to_string());
    assert_eq!(stands.deadline_at.unwrap().seconds, 1_765_000_000);
}

#[tokio::test]
async fn a_withdrawn_case_is_the_end_whoever_is_heard_first() {
    let desk = Desk::open().await;
    let (id, case_id) = (desk.submitted().await, Uuid::from_u128(1));
    desk.hear(case_id, closed(case_id, id, Outcome::Withdrawn)).await.unwrap();
    desk.hear(id, approved(id)).await.unwrap();
    assert_eq!(message(&desk, id).await.state(), MessageState::Withdrawn);
}

#[tokio::test]
async fn another_outcome_does_not_withdraw() {
    let desk = Desk::open().await;
    let (id, case_id) = (desk.submitted().await, Uuid::from_u128(1));
    desk.hear(id, approved(id)).await.unwrap();
    desk.hear(case_id, closed(case_id, id, Outcome::Solved)).await.unwrap();
    assert_eq!(message(&desk, id).await.state(), MessageState::Approved);
}

#[tokio::test]
async fn an_event_about_a_message_that_is_not_here_is_not_passed_over() {
    let desk = Desk::open().await;
    let stranger = Uuid::from_u128(9);
    let fault = desk.hear(stranger, approved(stranger)).await.unwrap_err();
    assert!(matches!(fault, Fault::Reject(_)));
}

#[tokio::test]
async fn an_older_code_list_does_not_replace_a_newer_one() {
    let desk = Desk::open().await;
    desk.hear_list("kinds", 3, &["enquiry"]).await;
    desk.hear_list("kinds", 2, &["thanks"]).await;
    desk.hear_list("labels", 1, &["good"]).await;
    desk.app.refresh_directory().await.unwrap();
    desk.submit(a_submission()).await.unwrap();
    assert_eq!(count(&desk.db, "select count(*) from code_lists").await, 2);
}
