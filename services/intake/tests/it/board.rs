//! Intake as it is deployed: its own wiring, its own port, the guard before it.

use std::path::Path;

use liuyan_intake::{Intake, consumer};
use liuyan_kit::{
    id,
    messaging::Envelope,
    testing::{self, Board, TestDb, said},
};
use liuyan_proto::{
    Event,
    liuyan::{
        intake::v1::{
            BatchGetTextRequest, GetReceiptRequest, LookUpMessageRequest, MessageSubmitted,
            WithdrawMessageRequest, intake_service_client::IntakeServiceClient,
        },
        routing::v1::{CodeListPublished, OfficePut},
    },
};
use tonic::Code;

use crate::helpers::{OFFICE, a_submission, reason, request_id};

/// Lets intake hear of an office and the code lists, as if routing had said so.
pub(crate) async fn tell_directory(db: &TestDb) {
    async fn tell<E: Event>(db: &TestDb, kind: &str, name: &str, event: E) {
        let now = jiff::Timestamp::from_second(1_764_000_000).unwrap();
        let envelope = Envelope {
            event_id: id::v7(now),
            subject_id: id::of_name(kind, name),
            version: 1,
            kind: E::TYPE.to_owned(),
            at: now,
            traceparent: None,
            payload: event.encode_to_vec().into(),
        };
        consumer::routing().deliver(db, now, &[envelope]).await.unwrap();
    }
    let office = OfficePut { office_id: OFFICE.to_owned(), open: true, ..OfficePut::default() };
    tell(db, "office", OFFICE, office).await;
    for (list, code) in [("kinds", "enquiry"), ("domains", "7")] {
        let event =
            CodeListPublished { list: list.to_owned(), version: 1, codes: vec![code.to_owned()] };
        tell(db, "list", list, event).await;
    }
}

/// Settings with key files in `folder`.
pub(crate) fn key_files(folder: &Path) -> toml::Table {
    let file = |name: &str| folder.join(name).display().to_string();
    let (keyring, receipt, access) = (file("keyring"), file("receipt.pem"), file("access.keys"));
    toml::toml! {
        [service]
        generate_keys = true
        keyring_file = keyring
        receipt_key_file = receipt
        access_key_file = access
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_taken_while_the_bus_and_every_other_service_are_away() {
    let keys = tempfile::tempdir().unwrap();
    let settings = key_files(keys.path());
    let board = Board::new().with_settings::<Intake>(settings).without_bus().start().await;
    let mut anyone = IntakeServiceClient::new(board.channel("intake"));
    let refused = anyone.submit_message(a_submission()).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "DIRECTORY_NOT_LOADED")
    );

    tell_directory(board.database("intake")).await;
    let taken = anyone.submit_message(a_submission()).await.unwrap().into_inner();
    let receipt = taken.receipt.unwrap();
    assert_eq!(said::<MessageSubmitted>(board.database("intake")).await.len(), 1);

    // Number and code give a token that opens this message over the wire, and nothing else.
    let request =
        LookUpMessageRequest { number: receipt.number.clone(), access_code: taken.access_code };
    let found = anyone.look_up_message(request).await.unwrap().into_inner();
    let mut author = IntakeServiceClient::new(board.channel_as("intake", &found.author_token));
    let request = GetReceiptRequest { message_id: receipt.message_id.clone() };
    let again = author.get_receipt(request.clone()).await.unwrap().into_inner();
    assert_eq!(again.receipt.unwrap(), receipt);
    assert_eq!(anyone.get_receipt(request).await.unwrap_err().code(), Code::Unauthenticated);
    let withdrawal =
        WithdrawMessageRequest { message_id: receipt.message_id.clone(), request_id: request_id() };
    author.withdraw_message(withdrawal).await.unwrap();
    let ask = BatchGetTextRequest {
        message_ids: vec![receipt.message_id],
        purpose: "a try".to_owned(),
        revisions: vec![],
    };
    let refused = author.batch_get_text(ask.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let token = testing::token("moderation", &["text:read"], &[]);
    let mut reader = IntakeServiceClient::new(board.channel_as("intake", &token));
    assert_eq!(reader.batch_get_text(ask).await.unwrap().into_inner().texts.len(), 1);
    board.stop().await;
}
