//! What a host promises: tasks that go on, an orderly end, and the truth about itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use liuyan_kit::{
    grpc::Channel,
    host::{Host, Readiness, WorkPace, Worked},
    service::Service,
    testing::{self, Board},
};
use sqlx::migrate::Migrator;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Notify,
};
use tokio_stream::StreamExt as _;
use tonic::{Code, service::Routes};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::helpers::{Alpha, FINISHED, LIMIT, Nothing, SCOPE, ask};

const IDLE: Duration = Duration::from_secs(3_600);

/// Works, in ways that fail at first.
struct Gamma;

static PANICS: AtomicU32 = AtomicU32::new(0);
static ROUNDS: AtomicU32 = AtomicU32::new(0);
static CURED: AtomicBool = AtomicBool::new(false);
static WOKEN: AtomicU32 = AtomicU32::new(0);
static WAKE: std::sync::LazyLock<Arc<Notify>> = std::sync::LazyLock::new(Arc::default);

impl Service for Gamma {
    const NAME: &'static str = "gamma";
    const DEFAULTS: &'static str = "[service]";
    type Config = Nothing;

    fn migrator() -> Option<&'static Migrator> {
        None
    }

    async fn start(_: Nothing, host: Host) -> anyhow::Result<()> {
        host.work("panics", WorkPace { idle: IDLE, wake: None }, || async {
            assert!(PANICS.fetch_add(1, Ordering::SeqCst) >= 2, "told to panic");
            Ok::<_, std::io::Error>(Worked::Idle)
        });
        host.work("fails", WorkPace { idle: IDLE, wake: None }, || async {
            if !CURED.load(Ordering::SeqCst) {
                return Err(std::io::Error::other("told to fail"));
            }
            match ROUNDS.fetch_add(1, Ordering::SeqCst) {
                0..5 => Ok(Worked::More),
                _ => Ok(Worked::Idle),
            }
        });
        host.work("waits", WorkPace { idle: IDLE, wake: Some(Arc::clone(&WAKE)) }, || async {
            WOKEN.fetch_add(1, Ordering::SeqCst);
            Ok::<_, std::io::Error>(Worked::Idle)
        });
        host.serve(Routes::default()).await
    }
}

#[tokio::test]
async fn work_goes_on_after_panics_and_failures() {
    let board = Board::new().without_bus().with::<Gamma>().start().await;
    testing::eventually("the panics are over", LIMIT, || async {
        (PANICS.load(Ordering::SeqCst) == 3).then_some(())
    })
    .await;
    let fails = || {
        let conditions = board.running("gamma").readiness().report().conditions;
        conditions.into_iter().find(|it| it.name == "works-fails")
    };
    testing::eventually("the failures are told", LIMIT, || async {
        fails()?.reason.filter(|reason| reason == "told to fail")
    })
    .await;
    assert!(board.running("gamma").readiness().report().ready, "nobody is turned away for it");
    CURED.store(true, Ordering::SeqCst);
    testing::eventually("the failures are over", LIMIT, || async {
        (ROUNDS.load(Ordering::SeqCst) == 6 && fails()?.holds).then_some(())
    })
    .await;
    let before = WOKEN.load(Ordering::SeqCst);
    WAKE.notify_one();
    testing::eventually("work that waited is woken", LIMIT, || async {
        (WOKEN.load(Ordering::SeqCst) > before).then_some(())
    })
    .await;
    board.stop().await;
}

#[tokio::test]
async fn calls_that_run_are_finished_before_the_end() {
    let mut board = Board::new().without_bus().with::<Alpha>().start().await;
    let channel = board.channel_as("alpha", &testing::token("tester", &[SCOPE], &[]));
    ask(channel.clone(), "").await.unwrap();
    let before = FINISHED.load(Ordering::SeqCst);
    let slow = tokio::spawn(ask(channel.clone(), "slow/400"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    board.stop_one("alpha").await;
    assert!(FINISHED.load(Ordering::SeqCst) > before, "the end has waited for it");
    slow.await.unwrap().unwrap();
    assert_eq!(ask(channel, "").await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_call_that_never_ends_does_not_hold_up_the_end() {
    let settings = toml::toml! { host.drain_ms = 200 };
    let mut board = Board::new().without_bus().with_settings::<Alpha>(settings).start().await;
    let channel = board.channel_as("alpha", &testing::token("tester", &[SCOPE], &[]));
    let slow = tokio::spawn(ask(channel, "slow/600000"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::timeout(LIMIT, board.stop_one("alpha")).await.unwrap();
    slow.abort();
}

async fn health(channel: Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    let mut client = HealthClient::new(channel);
    client.check(request).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn health_and_contracts_are_told_without_a_token() {
    let board = Board::new().without_bus().with::<Alpha>().start().await;
    assert_eq!(health(board.channel("alpha"), "").await, ServingStatus::Serving);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(board.channel("alpha"))
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response.unwrap();
    assert!(matches!(answer, MessageResponse::ListServicesResponse(_)), "{answer:?}");

    let settings = toml::toml! { grpc.reflection = false };
    let board = Board::new().without_bus().with_settings::<Alpha>(settings).start().await;
    let refused = ServerReflectionClient::new(board.channel("alpha"))
        .server_reflection_info(tokio_stream::empty())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::Unimplemented);
}

pub(crate) async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn readiness_is_told_with_its_reasons() {
    let board = Board::new().without_bus().with::<Alpha>().start().await;
    let address = board.management("alpha");
    assert_eq!(get(address, "/livez").await.0, 200);
    let readiness = board.running("alpha").readiness();

    readiness.set("bus", Err("not connected".to_owned()));
    let (code, body) = get(address, "/readyz").await;
    let report: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &report["ready"]), (200, &true.into()), "it is of use without the bus");
    assert_eq!(report["conditions"][0]["name"], "bus");
    assert_eq!(report["conditions"][0]["reason"], "not connected");

    readiness.require("vault");
    let (code, body) = get(address, "/readyz").await;
    assert_eq!(code, 503, "{body}");
    readiness.set("vault", Ok(()));
    assert_eq!(get(address, "/readyz").await.0, 200);
}

#[test]
fn a_condition_that_is_required_does_not_hold_until_it_is_said_so() {
    let readiness = Readiness::default();
    assert!(readiness.report().ready);
    readiness.require("database");
    assert!(!readiness.report().ready);
    readiness.set("database", Ok(()));
    assert!(readiness.report().ready);
    readiness.set("database", Err("gone".to_owned()));
    assert!(!readiness.report().ready);
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let board = Board::new().without_bus().with::<Alpha>().start().await;
    let channel = board.channel_as("alpha", &testing::token("tester", &[SCOPE], &[]));
    ask(channel, "").await.unwrap();
    ask(board.channel("alpha"), "").await.unwrap_err();
    let method = "/liuyan.messaging.v1.ConfirmationService/GetDigests";
    // An answer is counted when its end has been sent, which its receiver may see earlier.
    testing::eventually("both calls are counted", LIMIT, || async {
        let (_, metrics) = get(board.management("alpha"), "/metrics").await;
        let counted = |code: &str| {
            metrics.lines().any(|line| {
                line.starts_with("grpc_server_calls_total{")
                    && [r#"service="alpha""#, method, code].iter().all(|part| line.contains(part))
            })
        };
        let timed = metrics.contains("grpc_server_seconds_bucket{");
        (timed && counted(r#"code="Ok""#) && counted(r#"code="Unauthenticated""#)).then_some(())
    })
    .await;
}

/// Needs a peer that nobody has configured.
struct Lonely;

impl Service for Lonely {
    const NAME: &'static str = "lonely";
    const DEFAULTS: &'static str = "[service]";
    type Config = Nothing;

    fn migrator() -> Option<&'static Migrator> {
        None
    }

    async fn start(_: Nothing, host: Host) -> anyhow::Result<()> {
        host.channel("nobody")?;
        Ok(())
    }
}

#[tokio::test]
async fn a_peer_that_is_not_configured_is_named() {
    use liuyan_kit::{
        clock::SystemClock,
        config::{Settings, Sources},
        host::Process,
        service,
    };
    let settings = Settings::load(Lonely::NAME, Lonely::DEFAULTS, &Sources::default()).unwrap();
    let process = Process::quiet(Arc::new(SystemClock));
    let error = service::run::<Lonely>(settings, &process).await.unwrap_err();
    assert!(format!("{error:#}").contains("peers.nobody"), "{error:#}");
}
