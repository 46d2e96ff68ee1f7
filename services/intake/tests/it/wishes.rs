//! What authors ask of messages that they have submitted.

use liuyan_kit::testing::said;
use liuyan_proto::liuyan::{
    intake::v1::{
        BatchGetTextRequest, GetMessageRequest, MessageResubmitted, MessageState,
        ResubmitMessageRequest, ResubmitMessageResponse, WithdrawMessageRequest,
        WithdrawMessageResponse, WithdrawalRequested, intake_service_server::IntakeService as _,
    },
    moderation::v1::{MessageApproved, MessageReturned, MessageWithdrawn},
    routing::v1::WithdrawalRefused,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::helpers::{
    Desk, a_case, anonymous, as_caller, author_of, caller, count, reason, request_id, violations,
};

fn a_withdrawal(message_id: Uuid) -> WithdrawMessageRequest {
    WithdrawMessageRequest { message_id: message_id.to_string(), request_id: request_id() }
}

async fn withdraw(
    desk: &Desk,
    request: WithdrawMessageRequest,
) -> Result<WithdrawMessageResponse, Status> {
    let who = request.message_id.parse().map_or_else(|_| anonymous(), author_of);
    Ok(desk.grpc.withdraw_message(as_caller(&who, request)).await?.into_inner())
}

pub(crate) fn a_mended_text(message_id: Uuid) -> ResubmitMessageRequest {
    ResubmitMessageRequest {
        message_id: message_id.to_string(),
        request_id: request_id(),
        title: "A lamp is still out".to_owned(),
        body: "It has been out for two weeks now.".to_owned(),
        ..ResubmitMessageRequest::default()
    }
}

pub(crate) async fn resubmit(
    desk: &Desk,
    request: ResubmitMessageRequest,
) -> Result<ResubmitMessageResponse, Status> {
    let who = request.message_id.parse().map_or_else(|_| anonymous(), author_of);
    Ok(desk.grpc.resubmit_message(as_caller(&who, request)).await?.into_inner())
}

pub(crate) async fn return_it(desk: &Desk, message_id: Uuid, revision: u32) {
    let event = MessageReturned {
        message_id: message_id.to_string(),
        ground: "abuse".to_owned(),
        revision,
        returned_at: None,
    };
    desk.hear(message_id, event).await.unwrap();
}

#[tokio::test]
async fn a_returned_message_comes_back_as_a_new_revision() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    return_it(&desk, id, 1).await;
    let request = a_mended_text(id);
    let answer = resubmit(&desk, request.clone()).await.unwrap();
    let message = answer.message.clone().unwrap();
    assert_eq!((message.state(), message.ground.as_str()), (MessageState::InReview, ""));
    let text = message.text.unwrap();
    assert_eq!((text.revision, text.title.as_str()), (2, "A lamp is still out"));
    let events = said::<MessageResubmitted>(&desk.db).await;
    assert_eq!((events.len(), events[0].event.revision, events[0].version), (1, 2, 2));

    // The old text is kept, the new one is read, the same request changes nothing.
    assert_eq!(count(&desk.db, "select count(*) from texts").await, 2);
    let reader = caller("moderation", &["text:read"]);
    let ask = BatchGetTextRequest {
        message_ids: vec![id.to_string()],
        purpose: "screening".to_owned(),
        revisions: vec![],
    };
    let read = desk.grpc.batch_get_text(as_caller(&reader, ask)).await.unwrap().into_inner();
    assert_eq!((read.texts.len(), read.texts[0].revision), (1, 2));
    assert_eq!(resubmit(&desk, request).await.unwrap(), answer);
    assert_eq!(said::<MessageResubmitted>(&desk.db).await.len(), 1);
}

#[tokio::test]
async fn a_verdict_on_an_older_text_changes_nothing() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    return_it(&desk, id, 1).await;
    resubmit(&desk, a_mended_text(id)).await.unwrap();
    return_it(&desk, id, 1).await;
    assert_eq!(count(&desk.db, "select count(*) from messages where state = 'in_review'").await, 1);
    desk.hear(id, approved(id, 2)).await.unwrap();
    assert_eq!(
        count(&desk.db, "select count(*) from messages where state = 'approved' and revision = 2")
            .await,
        1
    );
}

fn approved(id: Uuid, revision: u32) -> MessageApproved {
    MessageApproved { message_id: id.to_string(), revision, ..Default::default() }
}

#[tokio::test]
async fn an_approved_text_counts_though_a_newer_one_is_there() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    return_it(&desk, id, 1).await;
    resubmit(&desk, a_mended_text(id)).await.unwrap();
    for unheard_of in [0, 3] {
        desk.hear(id, approved(id, unheard_of)).await.unwrap();
    }
    assert_eq!(count(&desk.db, "select count(*) from messages where state = 'in_review'").await, 1);
    desk.hear(id, approved(id, 1)).await.unwrap();
    let get = GetMessageRequest { message_id: id.to_string() };
    let shown = desk.grpc.get_message(as_caller(&author_of(id), get)).await.unwrap().into_inner();
    let shown = shown.message.unwrap();
    let text = shown.text.clone().unwrap();
    assert_eq!((shown.state(), text.revision), (MessageState::Approved, 1), "what is public");
    assert_eq!(count(&desk.db, "select count(*) from texts").await, 2, "no text is lost");
    let refused = resubmit(&desk, a_mended_text(id)).await.unwrap_err();
    assert_eq!(reason(&refused), "MESSAGE_NOT_RETURNED");
    withdraw(&desk, a_withdrawal(id)).await.unwrap();
    let ended = MessageWithdrawn { message_id: id.to_string(), withdrawn_at: None };
    desk.hear(id, ended).await.unwrap();
    desk.hear(id, approved(id, 1)).await.unwrap();
    assert_eq!(count(&desk.db, "select count(*) from messages where state = 'withdrawn'").await, 1);
    desk.sequence().await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn only_a_returned_message_is_taken_again_and_its_text_keeps_the_rules() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    let refused = resubmit(&desk, a_mended_text(id)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "MESSAGE_NOT_RETURNED")
    );
    return_it(&desk, id, 1).await;
    let request = ResubmitMessageRequest {
        title: "abc".to_owned(),
        body: String::new(),
        ..a_mended_text(id)
    };
    let refused = resubmit(&desk, request.clone()).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [
            ("title".to_owned(), "FIELD_TOO_SHORT".to_owned()),
            ("body".to_owned(), "FIELD_REQUIRED".to_owned()),
        ]
    );
    // A request that failed is not remembered: its id may come again with a better text.
    let better = ResubmitMessageRequest { request_id: request.request_id, ..a_mended_text(id) };
    resubmit(&desk, better).await.unwrap();
}

#[tokio::test]
async fn a_wish_to_withdraw_is_said_once() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    let request = a_withdrawal(id);
    let first = withdraw(&desk, request.clone()).await.unwrap();
    assert_eq!(withdraw(&desk, request.clone()).await.unwrap(), first);
    withdraw(&desk, a_withdrawal(id)).await.unwrap();
    assert_eq!(said::<WithdrawalRequested>(&desk.db).await.len(), 1);
    assert_eq!(count(&desk.db, "select requests::bigint from messages").await, 3);

    desk.hear(id, MessageWithdrawn { message_id: id.to_string(), withdrawn_at: None })
        .await
        .unwrap();
    let refused = withdraw(&desk, a_withdrawal(id)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "MESSAGE_WITHDRAWN")
    );
    // The earlier request still gets its earlier answer.
    assert_eq!(withdraw(&desk, request).await.unwrap(), first);
}

#[tokio::test]
async fn a_refused_withdrawal_is_told() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    withdraw(&desk, a_withdrawal(id)).await.unwrap();
    let case_id = Uuid::from_u128(1);
    desk.hear(case_id, WithdrawalRefused { case: Some(a_case(case_id, id)) }).await.unwrap();
    let refused = withdraw(&desk, a_withdrawal(id)).await.unwrap_err();
    assert_eq!(reason(&refused), "WITHDRAWAL_REFUSED");
}

#[tokio::test]
async fn what_is_being_withdrawn_is_not_taken_again() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    return_it(&desk, id, 1).await;
    withdraw(&desk, a_withdrawal(id)).await.unwrap();
    let refused = resubmit(&desk, a_mended_text(id)).await.unwrap_err();
    assert_eq!(reason(&refused), "WITHDRAWAL_UNDER_WAY");
}

#[tokio::test]
async fn nobody_else_withdraws_or_mends() {
    let desk = Desk::open().await;
    let (mine, theirs) = (desk.submitted().await, desk.submitted().await);
    let request = as_caller(&author_of(mine), a_withdrawal(theirs));
    assert_eq!(reason(&desk.grpc.withdraw_message(request).await.unwrap_err()), "OTHER_MESSAGE");
    let operator = caller("operator", &["message:read"]);
    let request = as_caller(&operator, a_mended_text(theirs));
    assert_eq!(reason(&desk.grpc.resubmit_message(request).await.unwrap_err()), "OTHER_MESSAGE");
}

#[tokio::test]
async fn a_request_id_is_not_shared_between_rpcs() {
    let desk = Desk::open().await;
    let id = desk.submitted().await;
    let request = a_withdrawal(id);
    withdraw(&desk, request.clone()).await.unwrap();
    let mended = ResubmitMessageRequest { request_id: request.request_id, ..a_mended_text(id) };
    assert_eq!(reason(&resubmit(&desk, mended).await.unwrap_err()), "REQUEST_ID_REUSED");
}
