//! Events name the trace of their own cause.

use std::time::Duration;

use futures::future::join_all;
use liuyan_intake::Intake;
use liuyan_kit::{
    telemetry,
    testing::{self, Board, said},
};
use liuyan_proto::liuyan::intake::v1::{
    MessageSubmitted, SubmitMessagesRequest, intake_service_client::IntakeServiceClient,
};
use tracing::Instrument as _;

use crate::{
    board::{key_files, tell_directory},
    helpers::{Desk, a_submission, count},
};

/// What a trace that began elsewhere is called up to its span.
fn trace(number: u8) -> String {
    format!("00-{number:032x}-")
}

#[tokio::test]
async fn each_message_of_a_batch_names_the_trace_of_its_own_call() {
    testing::telemetry();
    let desk = Desk::open().await;
    // The writers are held up until all calls wait: at most the first one sets out alone.
    let mut held = desk.db.read().await.unwrap();
    sqlx::raw_sql("begin; lock table requests").execute(&mut *held).await.unwrap();
    let calls = (1..=9).map(|number| {
        let span = tracing::info_span!("call", number);
        telemetry::follow(&span, Some(&format!("{}{number:016x}-01", trace(number))));
        desk.submit(a_submission()).instrument(span)
    });
    let let_go = async {
        let waits = "select count(*) from pg_locks where not granted";
        testing::eventually("a batch waits", Duration::from_secs(30), || async {
            (count(&desk.db, waits).await > 0).then_some(())
        })
        .await;
        sqlx::raw_sql("commit").execute(&mut *held).await.unwrap();
    };
    let (taken, ()) = tokio::join!(join_all(calls), let_go);
    let transactions = count(&desk.db, "select count(distinct xmin::text) from messages").await;
    assert!(transactions <= 2, "they were committed together");
    let events = said::<MessageSubmitted>(&desk.db).await;
    for (number, taken) in (1..=9).zip(taken) {
        let message_id = taken.unwrap().receipt.unwrap().message_id;
        let event = events.iter().find(|it| it.event.message_id == message_id).unwrap();
        let told = event.traceparent.as_deref().unwrap_or_default();
        assert!(told.starts_with(&trace(number)), "{number}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_stream_name_the_trace_of_the_stream() {
    let keys = tempfile::tempdir().unwrap();
    let settings = key_files(keys.path());
    let board = Board::new().with_settings::<Intake>(settings).without_bus().start().await;
    tell_directory(board.database("intake")).await;
    let token = testing::token("partner", &["message:submit"], &[]);
    let mut partner = IntakeServiceClient::new(board.channel_as("intake", &token));
    let requests = [1, 2, 3]
        .map(|sequence| SubmitMessagesRequest { sequence, submission: Some(a_submission()) });
    let span = tracing::info_span!("import");
    telemetry::follow(&span, Some(&format!("{}{:016x}-01", trace(7), 7)));
    let read_all = async {
        let requests = tokio_stream::iter(requests);
        let mut answers = partner.submit_messages(requests).await.unwrap().into_inner();
        while answers.message().await.unwrap().is_some() {}
    };
    read_all.instrument(span).await;
    let events = said::<MessageSubmitted>(board.database("intake")).await;
    assert_eq!(events.len(), 3);
    for event in events {
        let told = event.traceparent.unwrap_or_default();
        assert!(told.starts_with(&trace(7)), "{told}");
    }
    board.stop().await;
}
