//! What a host adds to messaging: two services that need nothing but their names to hear each
//! other.

use std::sync::Mutex;

use liuyan_kit::{
    clock,
    host::Host,
    messaging::{Consumer, Delivered, Fault, Handle, outbox},
    service::Service,
    testing::{self, Board},
};
use liuyan_proto::liuyan::{
    intake::v1::MessageSubmitted,
    messaging::v1::{GetDigestsRequest, confirmation_service_client::ConfirmationServiceClient},
};
use sqlx::{PgConnection, migrate::Migrator};
use tonic::{Code, service::Routes};
use uuid::Uuid;

use crate::helpers::{LIMIT, Nothing, SCOPE, assert_refused};

static NONE: Migrator = Migrator::DEFAULT;
static HEARD: Mutex<Vec<Uuid>> = Mutex::new(Vec::new());

struct Sayer;

impl Service for Sayer {
    const NAME: &'static str = "intake";
    const DEFAULTS: &'static str = "[service]";
    type Config = Nothing;

    fn migrator() -> Option<&'static Migrator> {
        Some(&NONE)
    }

    async fn start(_: Nothing, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        host.relay(&db).await?;
        host.serve(Routes::default()).await
    }
}

struct Hearer;

impl Service for Hearer {
    const NAME: &'static str = "moderation";
    const DEFAULTS: &'static str = "[service]";
    type Config = Nothing;

    fn migrator() -> Option<&'static Migrator> {
        Some(&NONE)
    }

    async fn start(_: Nothing, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        host.consume(&db, Consumer::new("intake").on::<MessageSubmitted, _>(Ear)).await?;
        host.serve(Routes::default()).await
    }
}

struct Ear;

impl Handle<MessageSubmitted> for Ear {
    async fn handle(
        &self,
        _: &mut PgConnection,
        events: &[Delivered<MessageSubmitted>],
    ) -> Result<(), Fault> {
        HEARD.lock().unwrap().extend(events.iter().map(|event| event.subject_id));
        Ok(())
    }
}

async fn say(board: &Board, subject_id: Uuid) {
    let said = board.database("intake").write(move |tx| {
        Box::pin(async move {
            outbox::publish(tx, testing::now(), subject_id, &MessageSubmitted::default()).await
        })
    });
    said.await.unwrap();
}

#[tokio::test]
async fn what_one_service_says_another_hears_and_confirms() {
    let board = Board::new().with::<Sayer>().with::<Hearer>().start().await;
    let subject_id = Uuid::from_u128(7);
    say(&board, subject_id).await;
    testing::eventually("the event is heard", LIMIT, || async {
        HEARD.lock().unwrap().contains(&subject_id).then_some(())
    })
    .await;
    assert_eq!(testing::said::<MessageSubmitted>(board.database("intake")).await.len(), 1);

    let request = || GetDigestsRequest {
        source: "intake".to_owned(),
        from: Some(clock::to_proto(jiff::Timestamp::UNIX_EPOCH)),
        until: Some(clock::to_proto(jiff::Timestamp::MAX)),
    };
    let stranger = board.channel("moderation");
    let answer = ConfirmationServiceClient::new(stranger).get_digests(request()).await;
    assert_refused(answer, Code::Unauthenticated, "TOKEN_MISSING");
    let token = testing::token("tester", &[SCOPE], &[]);
    let digests = testing::eventually("the event is settled", LIMIT, || async {
        let channel = board.channel_as("moderation", &token);
        let answer = ConfirmationServiceClient::new(channel).get_digests(request()).await;
        Some(answer.unwrap().into_inner().digests).filter(|digests| !digests.is_empty())
    })
    .await;
    assert_eq!(digests[0].count, 1);
    board.stop().await;
}

/// How many connections of a service are younger than the newest migration.
async fn young_connections(board: &Board) -> i64 {
    let mut connection = board.database("intake").read().await.unwrap();
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity
         where datname = current_database() and application_name = 'intake'
           and backend_start > (select max(installed_on) from messaging._sqlx_migrations)",
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_service_renews_its_connections_when_a_newer_release_has_migrated() {
    let board = Board::new().without_bus().with::<Sayer>().start().await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let newer = board.database("intake").write(|tx| {
        Box::pin(async move {
            sqlx::raw_sql(
                "insert into messaging._sqlx_migrations
                     (version, description, installed_on, success, checksum, execution_time)
                 values (9999, 'of a newer release', clock_timestamp(), true, '', 0)",
            )
            .execute(tx)
            .await
            .map(|_| ())
        })
    });
    newer.await.unwrap();
    assert_eq!(young_connections(&board).await, 0);
    testing::eventually("connections are new", LIMIT, || async {
        (young_connections(&board).await > 0).then_some(())
    })
    .await;
    board.stop().await;
}

#[tokio::test]
async fn a_service_works_without_the_bus_and_says_that_it_is_away() {
    let board = Board::new().without_bus().with::<Sayer>().start().await;
    say(&board, Uuid::from_u128(8)).await;
    let readiness = board.running("intake").readiness();
    let report = testing::eventually("the absence is told", LIMIT, || {
        let report = readiness.report();
        let told = report.conditions.iter().any(|it| it.name == "nats" && !it.holds);
        std::future::ready(told.then_some(report))
    })
    .await;
    assert!(report.ready, "{report:?}");
    board.stop().await;
}
