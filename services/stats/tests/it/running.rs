//! The service as it runs, with its host: guard, worker, relay and all.

use std::{sync::Arc, time::Duration};

use liuyan_kit::{
    id,
    messaging::Envelope,
    testing::{Board, eventually, now, said, token},
};
use liuyan_proto::{
    Event,
    liuyan::{
        intake::v1::MessageSubmitted,
        stats::v1::{
            GroupBy, IndicatorsPublished, RecountRequest, Slice,
            stats_service_client::StatsServiceClient,
        },
    },
};
use liuyan_stats::{Stats, indicator::VERSION, of_intake};
use prost::Message;

use crate::helpers::{bench, message, query, submitted};

#[tokio::test(flavor = "multi_thread")]
async fn the_running_service_guards_counts_and_speaks() {
    let board = Board::new().with::<Stats>().start().await;
    let db = board.database("stats");
    let published = said::<IndicatorsPublished>(db).await;
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].subject_id, id::of_name("list", "indicators"));
    assert_eq!((published[0].event.version, published[0].event.indicators.len()), (2, 18));

    let envelope = Envelope {
        event_id: id::v7(now()),
        subject_id: message(1),
        version: 1,
        kind: MessageSubmitted::TYPE.into(),
        at: now(),
        traceparent: None,
        payload: submitted(message(1)).encode_to_vec().into(),
    };
    of_intake(Arc::default()).deliver(db, now(), &[envelope]).await.unwrap();
    let anyone = StatsServiceClient::new(board.channel("stats"));
    let received = || async {
        let question = query(&["received"], GroupBy::Unspecified, Slice::default());
        let answer = anyone.clone().query_series(question).await.unwrap().into_inner();
        (answer.rows[0].values[0].numerator == 1).then_some(answer.counted_until)
    };
    let until = eventually("it is counted", Duration::from_secs(20), received).await;
    assert!(until.is_some());

    let measured = "the figures tell how much waits to be counted, and how long";
    eventually(measured, Duration::from_secs(20), || async {
        let metrics = liuyan_kit::telemetry::render().unwrap();
        let figures = ["events_pending", "events_pending_oldest_age_seconds"];
        let told = |figure| metrics.contains(&format!("{figure}{{service=\"stats\"}} 0"));
        figures.iter().all(told).then_some(())
    })
    .await;

    let refused = anyone.clone().recount(RecountRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    let token = token("operator", &["stats:recount"], &[]);
    let mut operator = StatsServiceClient::new(board.channel_as("stats", &token));
    let recount = operator.recount(RecountRequest {}).await.unwrap().into_inner();
    assert_eq!((recount.facts, recount.differences), (1, Vec::new()));
    board.stop().await;
}

#[tokio::test]
async fn definitions_are_published_once_and_never_change_under_their_version() {
    let bench = bench().await;
    bench.app.publish_definitions(VERSION).await.unwrap();
    assert_eq!(said::<IndicatorsPublished>(&bench.db).await.len(), 1);
    bench.meddle("update definitions set sha256 = 'other'").await;
    assert!(bench.app.publish_definitions(VERSION).await.is_err());
    bench.app.publish_definitions(VERSION + 1).await.unwrap();
    assert_eq!(said::<IndicatorsPublished>(&bench.db).await.len(), 2);
}
