//! Public texts, and words taken out of them afterwards.

use liuyan_proto::liuyan::moderation::v1::{
    self as proto, MessageRedacted, review_service_server::ReviewService,
};

use crate::helpers::{CLEAN, a_message, bench, body, by, fields, reason, request_id};

#[tokio::test]
async fn words_are_removed_by_the_cluster() {
    let bench = bench().await;
    // A family of three, a thumb with a skin tone, e with a combining acute.
    let id = bench.approved(&a_message("ab👨‍👩‍👧cd👍🏽e\u{301}fgh")).await;
    let redact = |spans| proto::RedactMessageRequest {
        message_id: id.to_string(),
        redactions: spans,
        request_id: request_id(),
    };
    let first = redact(vec![body(2, 3)]);
    let answer = bench.grpc.redact_message(by("ann", first.clone())).await.unwrap().into_inner();
    let again = bench.grpc.redact_message(by("ann", first)).await.unwrap().into_inner();
    assert_eq!(answer, again);
    assert_eq!(bench.public(&[id]).await[0].body, "ab■cd👍🏽e\u{301}fgh");
    bench.grpc.redact_message(by("bob", redact(vec![body(5, 7), body(7, 8)]))).await.unwrap();
    assert_eq!(bench.public(&[id]).await[0].body, "ab■cd■■■gh");
    assert_eq!(bench.said::<MessageRedacted>().await.len(), 2);
    assert_eq!(bench.count("select redaction_count::bigint from reviews").await, 3);
    assert_eq!(bench.count("select redacted_count::bigint from reviews").await, 2);

    let outside = redact(vec![body(9, 11)]);
    let refused = bench.grpc.redact_message(by("ann", outside)).await.unwrap_err();
    assert_eq!(fields(&refused), ["redactions[0]"]);
    let refused = bench.grpc.redact_message(by("ann", redact(vec![]))).await.unwrap_err();
    assert_eq!(fields(&refused), ["redactions"]);
}

#[tokio::test]
async fn only_an_approved_message_can_be_redacted() {
    let bench = bench().await;
    let id = bench.held().await;
    let request = proto::RedactMessageRequest {
        message_id: id.to_string(),
        redactions: vec![body(0, 1)],
        request_id: request_id(),
    };
    let refused = bench.grpc.redact_message(by("ann", request)).await.unwrap_err();
    assert_eq!(reason(&refused), "MESSAGE_NOT_APPROVED");
}

#[tokio::test]
async fn private_and_unapproved_messages_and_hidden_places_are_left_out() {
    let bench = bench().await;
    let mut open = a_message(CLEAN);
    open.text.place_public = true;
    let closed = a_message(CLEAN);
    let mut private = a_message(CLEAN);
    private.event.visibility = 2;
    let [open, closed, private] = [
        bench.approved(&open).await,
        bench.approved(&closed).await,
        bench.approved(&private).await,
    ];
    let held = bench.held().await;
    let unknown = request_id().parse().unwrap();
    let texts = bench.public(&[held, closed, unknown, open, private]).await;
    let told: Vec<_> =
        texts.iter().map(|text| (text.message_id.clone(), text.place.as_str())).collect();
    assert_eq!(told, [(closed.to_string(), ""), (open.to_string(), "at the gate")]);
}

#[tokio::test]
async fn a_text_of_another_revision_is_not_public() {
    let bench = bench().await;
    let message = a_message(CLEAN);
    let id = bench.approved(&message).await;
    let mut other = message.text;
    other.revision = 2;
    other.body = "Nobody has judged this.".into();
    bench.intake.keep(other);
    assert_eq!(bench.public(&[id]).await[0].body, CLEAN, "that is what was approved");
    bench.intake.grow_old();
    assert!(bench.public(&[id]).await.is_empty());
}

#[tokio::test]
async fn at_most_256_texts_are_given_at_a_time() {
    let bench = bench().await;
    let message_ids = (0..257).map(|_| request_id()).collect();
    let request = proto::BatchGetPublicTextRequest { message_ids };
    let refused = bench.grpc.batch_get_public_text(by("routing", request)).await.unwrap_err();
    assert_eq!(fields(&refused), ["message_ids"]);
}
