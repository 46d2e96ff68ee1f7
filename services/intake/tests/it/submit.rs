//! Taking messages: rules, receipts, and what is stored.

use std::time::Duration;

use liuyan_intake::domain::receipt;
use liuyan_kit::testing::said;
use liuyan_proto::liuyan::{
    common::v1::{Channel, Historical, Visibility},
    intake::v1::{MessageSubmitted, NewMessage, Place, SubmitMessageRequest},
};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::helpers::{
    CLOSED, Desk, OFFICE, a_message, a_message_by, a_submission, a_submission_of, anonymous,
    caller, count, reason, violations,
};

#[tokio::test]
async fn a_message_is_stored_with_its_event_and_its_receipt() {
    let desk = Desk::open().await;
    let response = desk.submit(a_submission()).await.unwrap();
    let receipt = response.receipt.unwrap();
    let events = said::<MessageSubmitted>(&desk.db).await;
    assert_eq!(events.len(), 1);
    let event = &events[0].event;
    assert_eq!(event.message_id, receipt.message_id);
    assert_eq!(event.number, receipt.number);
    assert_eq!(event.office_id, OFFICE);
    assert_eq!((event.kind.as_str(), event.domain.as_str()), ("enquiry", "7"));
    assert_eq!(event.visibility(), Visibility::Public);
    assert_eq!(event.channel(), Channel::Api);
    assert_eq!(event.author_id, "");
    assert_eq!(event.revision, 1);
    assert_eq!(event.submitted_at, receipt.submitted_at);
    assert_eq!(events[0].subject_id.to_string(), receipt.message_id);
    assert_eq!(
        count(&desk.db, "select count(*) from messages join texts using (message_id)").await,
        1
    );
}

#[tokio::test]
async fn a_receipt_verifies_with_nothing_but_the_board_s_key() {
    let desk = Desk::open().await;
    let receipt = desk.submit(a_submission()).await.unwrap().receipt.unwrap();
    assert!(receipt::verify(&receipt.statement, &receipt.signature, &desk.receipt_key));
    let statement = String::from_utf8(receipt.statement.to_vec()).unwrap();
    for fact in [
        format!("message: {}\n", receipt.message_id),
        format!("number: {}\n", receipt.number),
        format!("office: {OFFICE}\n"),
        "submitted: 2025-11-24T16:00:00.000000Z\n".to_owned(),
        format!("content: sha256:{}\n", hex::encode(&receipt.content_hash)),
    ] {
        assert!(statement.contains(&fact), "{statement} lacks {fact}");
    }
    // The author can make the hash from what they wrote.
    let message = a_message();
    let content = format!(
        "liuyan-content-v1\noffice:8:{OFFICE}\nkind:7:enquiry\ndomain:1:7\ntopic:0:\n\
         visibility:6:public\ntitle:{}:{}\nbody:{}:{}\ndemand:0:\ndetails:0:\nplace:0:\n\
         location:0:\nremark:0:\n",
        message.title.len(),
        message.title,
        message.body.len(),
        message.body,
    );
    let hash = Sha256::new().chain_update(&receipt.salt).chain_update(content).finalize();
    assert_eq!(receipt.content_hash, hash.as_slice());
}

#[tokio::test]
async fn equal_messages_have_nothing_in_common_that_shows() {
    let desk = Desk::open().await;
    let one = desk.submit(a_submission()).await.unwrap();
    let other = desk.submit(a_submission()).await.unwrap();
    assert_ne!(one.access_code, other.access_code);
    let (one, other) = (one.receipt.unwrap(), other.receipt.unwrap());
    assert_ne!(one.number, other.number);
    assert_ne!(one.salt, other.salt);
    assert_ne!(one.content_hash, other.content_hash);
}

#[tokio::test]
async fn every_violation_comes_in_one_answer_and_in_the_caller_s_language() {
    let desk = Desk::open().await;
    let mut request = a_submission_of(NewMessage {
        office_id: CLOSED.to_owned(),
        kind: "gossip".to_owned(),
        domain: "99".to_owned(),
        title: "abc".to_owned(),
        body: "short".to_owned(),
        ..a_message_by("", "12345678901")
    });
    request.request_id = "7".to_owned();
    for (locale, message) in [("en", "at least 5"), ("zh-CN", "至少需要 5")] {
        let mut reader = anonymous();
        reader.locale = locale.to_owned();
        let refused = desk.submit_as(&reader, request.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(reason(&refused), "FIELDS_INVALID");
        let expected = [
            ("request_id", "UUID_MALFORMED"),
            ("message.office_id", "OFFICE_CLOSED"),
            ("message.kind", "KIND_UNKNOWN"),
            ("message.domain", "DOMAIN_UNKNOWN"),
            ("message.title", "FIELD_TOO_SHORT"),
            ("message.body", "FIELD_TOO_SHORT"),
            ("message.author.phone", "PHONE_MALFORMED"),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(f, r)| ((*f).to_owned(), (*r).to_owned())).collect();
        assert_eq!(violations(&refused), expected);
        let title = &refused.get_details_bad_request().unwrap().field_violations[4];
        let told = title.localized_message.as_ref().unwrap();
        assert!(told.message.contains(message), "{told:?}");
    }
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 0);
    assert_eq!(count(&desk.db, "select count(*) from requests").await, 0);
}

#[tokio::test]
async fn a_submission_without_request_id_or_message_is_refused() {
    let desk = Desk::open().await;
    let no_id = SubmitMessageRequest { request_id: String::new(), ..a_submission() };
    let refused = desk.submit(no_id).await.unwrap_err();
    assert_eq!(violations(&refused), [("request_id".to_owned(), "FIELD_REQUIRED".to_owned())]);
    let no_message = SubmitMessageRequest { message: None, ..a_submission() };
    let refused = desk.submit(no_message).await.unwrap_err();
    assert_eq!(violations(&refused), [("message".to_owned(), "FIELD_REQUIRED".to_owned())]);
}

#[tokio::test]
async fn before_the_directory_has_arrived_the_caller_is_told_to_wait() {
    let desk = Desk::empty().await;
    let refused = desk.submit(a_submission()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(reason(&refused), "DIRECTORY_NOT_LOADED");
    let retry = refused.get_details_retry_info().unwrap();
    assert!(retry.retry_delay.unwrap() > Duration::ZERO);
}

#[tokio::test]
async fn an_office_that_was_opened_a_moment_ago_is_not_refused() {
    let desk = Desk::open().await;
    desk.hear_office("130000-s", true).await;
    let message = NewMessage { office_id: "130000-s".to_owned(), ..a_message() };
    desk.submit(a_submission_of(message)).await.unwrap();
}

#[tokio::test]
async fn only_an_importer_says_that_a_message_was_written_earlier() {
    let desk = Desk::open().await;
    let earlier = prost_types::Timestamp { seconds: 1_500_000_000, nanos: 0 };
    let historical = |at| SubmitMessageRequest {
        historical: Some(Historical { occurred_at: Some(at) }),
        ..a_submission()
    };
    let refused = desk.submit(historical(earlier)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "SCOPE_MISSING")
    );

    let importer = caller("importer", &["message:import"]);
    let receipt = desk.submit_as(&importer, historical(earlier)).await.unwrap().receipt.unwrap();
    assert_eq!(receipt.occurred_at, Some(earlier));
    assert_eq!(said::<MessageSubmitted>(&desk.db).await[0].event.occurred_at, Some(earlier));

    let future = prost_types::Timestamp { seconds: 1_764_000_001, nanos: 0 };
    let refused = desk.submit_as(&importer, historical(future)).await.unwrap_err();
    let field = ("historical.occurred_at".to_owned(), "TIME_IN_THE_FUTURE".to_owned());
    assert_eq!(violations(&refused), [field]);
}

#[tokio::test]
async fn an_imported_complaint_may_come_in_one_part() {
    let desk = Desk::open().await;
    let complaint = NewMessage { kind: "complaint".to_owned(), ..a_message() };
    desk.submit(a_submission_of(complaint.clone())).await.unwrap();
    let in_parts = NewMessage {
        body: String::new(),
        demand: "Mend it".to_owned(),
        details: "It is dark".to_owned(),
        ..complaint
    };
    desk.submit(a_submission_of(in_parts)).await.unwrap();
    assert_eq!(count(&desk.db, "select count(*) from texts where body = ''").await, 1);
}

#[tokio::test]
async fn one_phone_is_one_author_and_nothing_of_them_is_readable() {
    let desk = Desk::open().await;
    for (name, phone) in [
        ("Wang Xiaoming", "13800001111"),
        ("Wang", "13800001111"),
        ("Wang Xiaoming", "13900002222"),
        ("Li Hua", ""),
        ("Li Hua", ""),
    ] {
        desk.submit(a_submission_of(a_message_by(name, phone))).await.unwrap();
    }
    let events = said::<MessageSubmitted>(&desk.db).await;
    let authors: Vec<&str> = events.iter().map(|it| it.event.author_id.as_str()).collect();
    assert_eq!(authors[0], authors[1]);
    assert!(!authors.contains(&""));
    assert_eq!(count(&desk.db, "select count(*) from authors").await, 4);
    assert_eq!(count(&desk.db, "select sum(messages) from authors").await, 5);
    for table in [
        "select messages::text from messages",
        "select authors::text from authors",
        "select encode(payload, 'escape') from messaging.outbox",
    ] {
        let mut connection = desk.db.read().await.unwrap();
        let rows: Vec<String> =
            sqlx::query_scalar(table).fetch_all(&mut *connection).await.unwrap();
        for row in rows {
            for secret in
                ["Wang", "Li Hua", "13800001111", "13900002222", &hex::encode("13800001111")]
            {
                assert!(!row.contains(secret), "{row} tells {secret}");
            }
        }
    }
}

#[tokio::test]
async fn the_keyring_opens_what_authors_gave_and_only_in_its_place() {
    let desk = Desk::open().await;
    let given = [("Wang", "13800001111"), ("Wang Xiaoming", "13800001111"), ("Li Hua", "")];
    for (name, phone) in given {
        desk.submit(a_submission_of(a_message_by(name, phone))).await.unwrap();
    }
    let owned = |name: &str, phone: &str| (name.to_owned(), phone.to_owned());
    let mut connection = desk.db.read().await.unwrap();
    let rows: Vec<(Uuid, Uuid, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "select message_id, author_id, wrapped_key, contact
         from messages join authors using (author_id)",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let vault = desk.vault();
    let mut opened = Vec::new();
    for (message_id, author_id, wrapped, sealed) in &rows {
        let key = vault.open_key(*author_id, wrapped).unwrap();
        let contact = vault.open_contact(&key, *message_id, sealed).unwrap();
        opened.push((contact.name, contact.phone));
        assert!(vault.open_contact(&key, Uuid::nil(), sealed).is_err());
        assert!(vault.open_key(Uuid::nil(), wrapped).is_err());
    }
    opened.sort();
    assert_eq!(
        opened,
        [owned("Li Hua", ""), owned("Wang", "13800001111"), owned("Wang Xiaoming", "13800001111")]
    );
}

#[tokio::test]
async fn a_remark_is_kept_apart_from_the_text() {
    let desk = Desk::open().await;
    let place = Place { text: "Gate 9".to_owned(), location: None, public: true };
    let message =
        NewMessage { remark: "Please ring twice".to_owned(), place: Some(place), ..a_message() };
    desk.submit(a_submission_of(message)).await.unwrap();
    desk.submitted().await;
    assert_eq!(count(&desk.db, "select count(*) from remarks").await, 1);
    assert_eq!(
        count(&desk.db, "select count(*) from texts where place = 'Gate 9' and place_public").await,
        1
    );
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_byte_for_byte() {
    let desk = Desk::open().await;
    let request = a_submission_of(a_message_by("Wang", "13800001111"));
    let first = desk.submit(request.clone()).await.unwrap().encode_to_vec();
    assert_eq!(desk.submit(request.clone()).await.unwrap().encode_to_vec(), first);
    desk.clock.advance(jiff::SignedDuration::from_hours(24));
    desk.app.prune_requests().await.unwrap();
    let restarted = desk.restarted().await;
    let again =
        liuyan_proto::liuyan::intake::v1::intake_service_server::IntakeService::submit_message(
            &restarted,
            crate::helpers::as_caller(&anonymous(), request.clone()),
        );
    assert_eq!(again.await.unwrap().into_inner().encode_to_vec(), first);
    // Also after its office was closed: what was taken stays taken.
    desk.hear_office(OFFICE, false).await;
    desk.app.refresh_directory().await.unwrap();
    assert_eq!(desk.submit(request).await.unwrap().encode_to_vec(), first);
    assert_eq!(reason(&desk.submit(a_submission()).await.unwrap_err()), "FIELDS_INVALID");
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 1);
}

#[tokio::test]
async fn another_body_under_the_same_id_is_refused() {
    let desk = Desk::open().await;
    let request = a_submission();
    desk.submit(request.clone()).await.unwrap();
    let mut other = request.clone();
    other.message.as_mut().unwrap().title.push('!');
    let refused = desk.submit(other).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    // Also if the other body would be refused by itself.
    let broken = SubmitMessageRequest { message: Some(NewMessage::default()), ..request };
    assert_eq!(reason(&desk.submit(broken).await.unwrap_err()), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn request_ids_of_different_callers_never_meet() {
    let desk = Desk::open().await;
    let request = a_submission();
    let (one, other) = (caller("one", &[]), caller("other", &[]));
    let first = desk.submit_as(&one, request.clone()).await.unwrap();
    let second = desk.submit_as(&other, request).await.unwrap();
    assert_ne!(first.receipt.unwrap().message_id, second.receipt.unwrap().message_id);
    assert_ne!(first.access_code, second.access_code);
}

#[tokio::test]
async fn old_requests_are_forgotten_but_those_of_imports_are_not() {
    let desk = Desk::open().await;
    desk.submitted().await;
    let importer = caller("importer", &["message:import"]);
    let earlier = prost_types::Timestamp { seconds: 1_500_000_000, nanos: 0 };
    let imported = SubmitMessageRequest {
        historical: Some(Historical { occurred_at: Some(earlier) }),
        ..a_submission()
    };
    desk.submit_as(&importer, imported.clone()).await.unwrap();
    desk.clock.advance(jiff::SignedDuration::from_hours(24 * 30 + 1));
    assert_eq!(desk.app.prune_requests().await.unwrap(), 1);
    assert_eq!(desk.app.prune_requests().await.unwrap(), 0);
    desk.submit_as(&importer, imported).await.unwrap();
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 2);
}
