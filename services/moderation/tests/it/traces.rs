//! What is said later, and of many at once, names the trace of its own cause.

use jiff::SignedDuration;
use liuyan_kit::{messaging::Envelope, telemetry, testing};
use liuyan_proto::{
    Event,
    liuyan::{
        intake::v1::{self as intake, MessageResubmitted, WithdrawalRequested},
        moderation::v1::{AppealOverdue, MessageApproved, MessageReturned, MessageWithdrawn},
    },
};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::helpers::{Bench, CLEAN, HELD, a_message, bench, send_back};

/// A trace that began elsewhere.
fn trace(number: u8) -> Option<String> {
    Some(format!("00-{number:032x}-{number:016x}-01"))
}

fn caused(event: Envelope, number: u8) -> Envelope {
    Envelope { traceparent: trace(number), ..event }
}

/// Of what the events of one type told, by message, the traces.
async fn told<E: Event>(bench: &Bench, id: Uuid) -> Option<String> {
    let said = testing::said::<E>(&bench.db).await;
    said.into_iter().find(|it| it.subject_id == id).unwrap().traceparent
}

#[tokio::test]
async fn an_approval_by_rules_names_the_trace_of_its_submission() {
    testing::telemetry();
    let bench = bench().await;
    let messages: Vec<_> = (0..3).map(|_| a_message(CLEAN)).collect();
    let mut batch = Vec::new();
    for (number, message) in (1..).zip(&messages) {
        bench.intake.keep(message.text.clone());
        let id = message.event.message_id.parse().unwrap();
        batch.push(caused(bench.event(id, &message.event), number));
    }
    bench.hear(batch).await;
    bench.screen().await;
    for (number, message) in (1..).zip(&messages) {
        let id = message.event.message_id.parse().unwrap();
        assert_eq!(told::<MessageApproved>(&bench, id).await, trace(number));
    }
}

#[tokio::test]
async fn a_mended_text_is_approved_in_the_trace_of_its_own_submission() {
    testing::telemetry();
    let bench = bench().await;
    let message = a_message(HELD);
    bench.intake.keep(message.text.clone());
    let id: Uuid = message.event.message_id.parse().unwrap();
    bench.hear(vec![caused(bench.event(id, &message.event), 1)]).await;
    bench.screen().await;
    let review = bench.claim("ann", id).await;

    // A moderator's decision is caused by the moderator.
    let span = tracing::info_span!("decides");
    telemetry::follow(&span, trace(2).as_deref());
    let decided = bench.decide("ann", &review, send_back("own_personal_data"));
    decided.instrument(span).await.unwrap();
    let returned = told::<MessageReturned>(&bench, id).await.unwrap();
    assert!(returned.starts_with(&trace(2).unwrap()[..35]), "{returned}");

    bench.intake.keep(intake::Text { revision: 2, body: CLEAN.into(), ..message.text });
    let mended =
        MessageResubmitted { message_id: id.to_string(), revision: 2, resubmitted_at: None };
    bench.hear(vec![caused(bench.event(id, &mended), 3)]).await;
    bench.screen().await;
    assert_eq!(told::<MessageApproved>(&bench, id).await, trace(3));
}

#[tokio::test]
async fn an_appeal_that_is_overdue_is_said_in_the_trace_of_the_appeal() {
    testing::telemetry();
    let bench = bench().await;
    let id = bench.declined().await;
    let span = tracing::info_span!("appeals");
    telemetry::follow(&span, trace(7).as_deref());
    bench.appeal(id).instrument(span).await.unwrap();
    bench.after(SignedDuration::from_hours(121));
    assert_eq!(bench.app.say_overdue().await.unwrap(), 1);
    let overdue = told::<AppealOverdue>(&bench, id).await.unwrap();
    assert!(overdue.starts_with(&trace(7).unwrap()[..35]), "{overdue}");
}

#[tokio::test]
async fn each_withdrawal_of_a_batch_names_the_trace_of_its_own_wish() {
    testing::telemetry();
    let bench = bench().await;
    let (one, other) = (bench.held().await, bench.held().await);
    let wish = |id: Uuid, number| {
        let wish = WithdrawalRequested { message_id: id.to_string(), requested_at: None };
        caused(bench.event(id, &wish), number)
    };
    bench.hear(vec![wish(one, 1), wish(other, 2)]).await;
    assert_eq!(told::<MessageWithdrawn>(&bench, one).await, trace(1));
    assert_eq!(told::<MessageWithdrawn>(&bench, other).await, trace(2));
}
