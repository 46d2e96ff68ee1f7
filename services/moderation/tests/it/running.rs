//! The service as it runs, with its host: guard, worker, relay and all.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    clock::SystemClock,
    id,
    messaging::Envelope,
    testing::{self, Board, eventually, now, said, token},
};
use liuyan_moderation::{Moderation, of_intake};
use liuyan_proto::{
    Event,
    liuyan::{
        intake::v1::MessageSubmitted,
        moderation::v1::{
            GetDecisionRequest, ListGroundsRequest, ListReviewsRequest, MessageApproved,
            ReviewState, review_service_client::ReviewServiceClient,
        },
    },
};
use prost::Message;

use crate::{
    helpers::{CLEAN, a_message},
    intake::Intake,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_running_service_guards_screens_and_speaks() {
    let intake = Intake::default();
    let keys = tempfile::tempdir().unwrap();
    let keyring = keys.path().join("moderation").join("keyring");
    let mut settings = toml::toml! {
        [service]
        generate_keys = true
        work = { sample_of_ten_thousand = 0 }
    };
    let service = settings["service"].as_table_mut().unwrap();
    service.insert("keyring_file".into(), keyring.display().to_string().into());
    let board = Board::new()
        .with_stub("intake", intake.serve().await)
        .with_settings::<Moderation>(settings)
        .start()
        .await;
    assert!(keyring.exists());

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

    let message_id = message.event.message_id;
    let ask = || GetDecisionRequest { message_id: message_id.clone() };
    let holder = |scope: &str| {
        let token = testing::token("somebody", &[scope], &[]);
        ReviewServiceClient::new(board.channel_as("moderation", &token))
    };
    let mut author = holder(&format!("author:message/{message_id}"));
    let decision = author.get_decision(ask()).await.unwrap().into_inner();
    assert_eq!(decision.state(), ReviewState::Approved);
    for stranger in ["account", "case:work", "author:other/1"] {
        let refused = holder(stranger).get_decision(ask()).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{stranger}");
    }
    assert_eq!(anyone.get_decision(ask()).await.unwrap_err().code(), tonic::Code::Unauthenticated);
    board.stop().await;
}
