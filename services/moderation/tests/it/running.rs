//! The service as it runs, with its host: guard, worker, relay and all.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    clock::SystemClock,
    id,
    messaging::Envelope,
    testing::{Board, eventually, now, said, token},
};
use liuyan_moderation::{Moderation, of_intake};
use liuyan_proto::{
    Event,
    liuyan::{
        intake::v1::MessageSubmitted,
        moderation::v1::{
            ListGroundsRequest, ListReviewsRequest, MessageApproved,
            review_service_client::ReviewServiceClient,
        },
    },
};
use prost::Message;

use crate::helpers::{CLEAN, Intake, a_message};

#[tokio::test(flavor = "multi_thread")]
async fn the_running_service_guards_screens_and_speaks() {
    let intake = Intake::default();
    let board =
        Board::new().with_stub("intake", intake.serve().await).with::<Moderation>().start().await;

    let mut anyone = ReviewServiceClient::new(board.channel("moderation"));
    let grounds = anyone.list_grounds(ListGroundsRequest {}).await.unwrap().into_inner();
    assert_eq!(grounds.grounds.len(), 17);
    let refused = anyone.list_reviews(ListReviewsRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    let token = token("ann", &["review:work"], &[]);
    let mut moderator = ReviewServiceClient::new(board.channel_as("moderation", &token));
    moderator.list_reviews(ListReviewsRequest::default()).await.unwrap();

    let message = a_message(CLEAN);
    intake.keep(message.text.clone());
    let envelope = Envelope {
        event_id: id::v7(now()),
        subject_id: message.event.message_id.parse().unwrap(),
        version: 1,
        kind: MessageSubmitted::TYPE.into(),
        at: now(),
        traceparent: None,
        payload: message.event.encode_to_vec().into(),
    };
    let db = board.database("moderation");
    let consumer = of_intake(Arc::new(SystemClock), Arc::default());
    consumer.deliver(db, now(), &[envelope]).await.unwrap();
    let approved = || async { said::<MessageApproved>(db).await.pop() };
    let approved = eventually("it is approved", Duration::from_secs(20), approved).await;
    assert_eq!(approved.event.message_id, message.event.message_id);
    board.stop().await;
}
