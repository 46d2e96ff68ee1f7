//! What the house stands on is away for long, and messages come all the time.
//!
//! `LIUYAN_POSTGRES_OUTAGE_SECONDS` and `LIUYAN_NATS_OUTAGE_SECONDS` make the outages as long as those
//! that are promised to be survived: a minute, and ten. Each test prints what it saw as one line of JSON.

use std::time::Duration;

use liuyan_intake::Intake;
use liuyan_kit::{
    db::{Db, Limits},
    testing::{Board, eventually},
};
use liuyan_proto::liuyan::intake::v1::{
    SubmitMessageRequest, SubmitMessageResponse, intake_service_client::IntakeServiceClient,
    intake_service_server::IntakeService as _,
};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tonic::Code;

use crate::{
    board::{key_files, tell_directory},
    helpers::{Desk, a_submission, anonymous, as_caller, count},
    trouble::Wire,
};

/// How often somebody comes.
const PACE: Duration = Duration::from_millis(50);
/// How long a call may take in the worst case.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long an outage takes.
fn outage(name: &str) -> Duration {
    let seconds = std::env::var(name).ok().and_then(|it| it.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(2.0))
}

#[expect(clippy::print_stdout, reason = "what was seen is for whoever looks")]
fn tell(what: &str, away: Duration, taken: usize, refused: usize, slowest: Duration) {
    println!(
        "{{\"away\":\"{what}\",\"seconds\":{},\"taken\":{taken},\"refused\":{refused},\
         \"slowest_ms\":{}}}",
        away.as_secs(),
        slowest.as_millis()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_long_postgres_is_away_everybody_is_told_and_nobody_is_lost() {
    let away = outage("LIUYAN_POSTGRES_OUTAGE_SECONDS");
    let desk = Desk::open().await;
    let (before, rest) = desk.db.url().split_once('@').unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    let wire = Wire::to(server.parse().unwrap()).await;
    let url = format!("{before}@{}/{database}", wire.address);
    let limits = Limits { acquire: Duration::from_millis(500), ..Limits::default() };
    let grpc = desk.on(Db::connect(&url, "test", &limits).await.unwrap()).await;
    let who = anonymous();
    let submit = |request: SubmitMessageRequest| {
        timeout(PATIENCE, grpc.submit_message(as_caller(&who, request)))
    };
    submit(a_submission()).await.unwrap().unwrap();

    wire.cut.send_replace(true);
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    let mut refused: Vec<SubmitMessageRequest> = Vec::new();
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while began.elapsed() < away {
        ticks.tick().await;
        let (request, asked) = (a_submission(), Instant::now());
        let status = submit(request.clone()).await.expect("no call hangs").unwrap_err();
        assert!(matches!(status.code(), Code::Unavailable | Code::ResourceExhausted), "{status:?}");
        slowest = slowest.max(asked.elapsed());
        refused.push(request);
    }
    wire.cut.send_replace(false);
    let back = Instant::now();
    for request in &refused {
        eventually("the same request is taken", PATIENCE, || async {
            submit(request.clone()).await.unwrap().ok()
        })
        .await;
    }
    tell("postgres", away, refused.len() + 1, refused.len(), slowest);
    assert!(back.elapsed() < PATIENCE + away, "{:?}", back.elapsed());
    let all = i64::try_from(refused.len()).unwrap() + 1;
    assert_eq!(count(&desk.db, "select count(*) from messages").await, all);
    assert_eq!(count(&desk.db, "select count(*) from messaging.outbox").await, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_long_nats_is_away_messages_are_taken_and_each_is_said_once_afterwards() {
    let away = outage("LIUYAN_NATS_OUTAGE_SECONDS");
    let keys = tempfile::tempdir().unwrap();
    let settings = key_files(keys.path());
    let mut board = Board::new().with_settings::<Intake>(settings).start().await;
    tell_directory(board.database("intake")).await;
    let mut anyone = IntakeServiceClient::new(board.channel("intake"));
    anyone.submit_message(a_submission()).await.unwrap();
    board.nats().kill().await;
    let (began, mut slowest, mut taken) = (Instant::now(), Duration::ZERO, 1);
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while began.elapsed() < away {
        ticks.tick().await;
        let asked = Instant::now();
        let answer: SubmitMessageResponse =
            anyone.submit_message(a_submission()).await.unwrap().into_inner();
        assert!(answer.receipt.is_some());
        slowest = slowest.max(asked.elapsed());
        taken += 1;
    }
    let unsaid = "select count(*) from messaging.waiting";
    let waiting = count(board.database("intake"), unsaid).await;
    assert!(waiting >= i64::try_from(taken).unwrap() - 1, "{waiting} of {taken}");
    board.nats().restart().await;
    eventually("everything is said", Duration::from_secs(120), || async {
        (count(board.database("intake"), unsaid).await == 0).then_some(())
    })
    .await;
    tell("nats", away, taken, 0, slowest);
    let said = count(board.database("intake"), "select count(*) from messaging.outbox").await;
    assert_eq!(said, i64::try_from(taken).unwrap());
    board.stop().await;
}
