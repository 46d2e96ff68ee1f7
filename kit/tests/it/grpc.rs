//! What the guard and the channel promise, between two real services.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use liuyan_kit::{
    clock::ManualClock,
    config::Tls,
    grpc::{Channel, Credentials, deadline},
    testing::{self, Board},
};
use liuyan_proto::method::{METHODS, PUBLIC};
use tonic::{Code, metadata::MetadataValue};
use tonic_types::StatusExt as _;
use tracing::Instrument as _;

use crate::helpers::{
    Alpha, Beta, LIMIT, SCOPE, ask, ask_with, assert_refused, call, order, refusing, send, trace_id,
};

async fn board() -> Board {
    Board::new().without_bus().with::<Alpha>().with::<Beta>().start().await
}

fn entitled(board: &Board) -> Channel {
    board.channel_as("alpha", &testing::token("tester", &[SCOPE], &[]))
}

#[tokio::test]
async fn a_call_without_a_token_is_refused() {
    let board = board().await;
    assert_refused(ask(board.channel("alpha"), "").await, Code::Unauthenticated, "TOKEN_MISSING");
    assert!(ask(entitled(&board), "").await.is_ok());
}

#[tokio::test]
async fn a_call_without_the_scope_is_refused() {
    let board = board().await;
    let poor = board.channel_as("alpha", &testing::token("tester", &["messaging:other"], &[]));
    let status = ask(poor, "").await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!((status.code(), info.reason.as_str()), (Code::PermissionDenied, "SCOPE_MISSING"));
    assert_eq!((info.domain.as_str(), info.metadata["scope"].as_str()), ("liuyan", SCOPE));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_language_of_the_caller() {
    let board = board().await;
    for (accepted, begins) in [(None, "请先登录"), (Some("en-GB,zh;q=0.5"), "Sign in")] {
        let mut request = order("");
        if let Some(accepted) = accepted {
            let accepted = MetadataValue::from_static(accepted);
            request.metadata_mut().insert("accept-language", accepted);
        }
        let status = ask_with(board.channel("alpha"), request).await.unwrap_err();
        let told = status.get_details_localized_message().unwrap();
        assert!(told.message.starts_with(begins), "{told:?}");
    }
}

#[tokio::test]
async fn an_expired_token_is_told_apart_from_a_wrong_one() {
    let clock = ManualClock::at(testing::now());
    let board = Board::new().without_bus().with::<Alpha>().with_clock(clock.clone()).start().await;
    let token = testing::token_at(clock.clone(), "tester", &[SCOPE], &[]);
    assert!(ask(board.channel_as("alpha", &token), "").await.is_ok());
    clock.advance(SignedDuration::from_hours(2));
    let answer = ask(board.channel_as("alpha", &token), "").await;
    assert_refused(answer, Code::Unauthenticated, "TOKEN_EXPIRED");
    let answer = ask(board.channel_as("alpha", "nonsense"), "").await;
    assert_refused(answer, Code::Unauthenticated, "TOKEN_INVALID");
}

#[tokio::test]
async fn a_wrong_token_is_refused_even_where_none_is_needed() {
    let board = board().await;
    let public = METHODS.iter().find(|it| it.scopes.contains(&PUBLIC) && it.is_unary()).unwrap();
    // Nobody serves it here: who passes the guard is told that it is not implemented.
    let passed = call(board.channel("alpha"), public.path).await.unwrap_err();
    assert_eq!(passed.code(), Code::Unimplemented);
    let refused = call(board.channel_as("alpha", "nonsense"), public.path).await;
    assert_refused(refused, Code::Unauthenticated, "TOKEN_INVALID");
}

#[tokio::test]
async fn a_method_that_no_contract_names_is_refused() {
    let board = board().await;
    let everything = board.channel_as("alpha", &testing::token("tester", &["*"], &[]));
    let answer = call(everything, "/liuyan.messaging.v1.ConfirmationService/Forget").await;
    assert_refused(answer, Code::Unimplemented, "METHOD_UNKNOWN");
}

#[tokio::test]
async fn a_service_calls_with_a_token_for_this_call_alone() {
    let board = board().await;
    assert!(ask(entitled(&board), "beta/scopes").await.is_ok());
}

#[tokio::test]
async fn the_deadline_of_the_caller_reaches_the_second_service() {
    let board = board().await;
    let mut request = order("beta/remaining");
    request.set_timeout(Duration::from_secs(3));
    let remaining = ask_with(entitled(&board), request).await.unwrap().count;
    assert!((1_000..=2_980).contains(&remaining), "{remaining} ms");
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_the_configured_one() {
    let settings = toml::toml! { grpc.deadline_ms = 700 };
    let board = Board::new().without_bus().with_settings::<Alpha>(settings).start().await;
    let remaining = ask(entitled(&board), "remaining").await.unwrap().count;
    assert!((1..=700).contains(&remaining), "{remaining} ms");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_told_so() {
    let settings = toml::toml! { grpc.deadline_ms = 100 };
    let board = Board::new().without_bus().with_settings::<Alpha>(settings).start().await;
    let started = Instant::now();
    let answer = ask(entitled(&board), "slow/60000").await;
    assert_refused(answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert!(started.elapsed() < LIMIT);
}

#[tokio::test]
async fn a_call_for_which_no_time_is_left_is_not_made() {
    let count = Arc::new(AtomicU32::new(0));
    let address = testing::stub(refusing(Code::Ok, 0, count.clone())).await;
    let end = tokio::time::Instant::now() + Duration::from_millis(15);
    let answer = deadline::within(end, call(testing::channel(address), METHODS[0].path)).await;
    assert_refused(answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_trace_crosses_grpc() {
    let board = board().await;
    let asked = async {
        let answer = ask(entitled(&board), "beta/trace").await.unwrap();
        (trace_id(), answer.hash)
    };
    let (here, there) = asked.instrument(tracing::info_span!("test")).await;
    assert_eq!(here, there);
    let other = async { trace_id() }.instrument(tracing::info_span!("test")).await;
    assert_ne!(here, other);
}

#[tokio::test]
async fn a_panic_in_a_handler_is_internal_and_the_server_goes_on() {
    let board = board().await;
    let status = ask(entitled(&board), "panic").await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!format!("{status:?}").contains("told to panic"), "its text stays here");
    assert!(ask(entitled(&board), "").await.is_ok());
}

#[tokio::test]
async fn a_safe_call_is_tried_once_more() {
    let count = Arc::new(AtomicU32::new(0));
    let address = testing::stub(refusing(Code::Unavailable, 1, count.clone())).await;
    let safe = METHODS.iter().find(|it| it.safe && it.is_unary()).unwrap();
    call(testing::channel(address), safe.path).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 2);

    let address = testing::stub(refusing(Code::Unavailable, 9, count.clone())).await;
    count.store(0, Ordering::SeqCst);
    assert!(call(testing::channel(address), safe.path).await.is_err());
    assert_eq!(count.load(Ordering::SeqCst), 2, "once, not for ever");
}

#[tokio::test]
async fn only_unavailable_is_tried_once_more() {
    let safe = METHODS.iter().find(|it| it.safe && it.is_unary()).unwrap();
    for code in [Code::Internal, Code::Aborted, Code::ResourceExhausted] {
        let count = Arc::new(AtomicU32::new(0));
        let address = testing::stub(refusing(code, 1, count.clone())).await;
        assert!(call(testing::channel(address), safe.path).await.is_err());
        assert_eq!(count.load(Ordering::SeqCst), 1, "{code:?}");
    }
}

#[tokio::test]
async fn an_unsafe_call_is_not_tried_again() {
    let count = Arc::new(AtomicU32::new(0));
    let address = testing::stub(refusing(Code::Unavailable, 1, count.clone())).await;
    let change = METHODS.iter().find(|it| !it.safe && it.is_unary()).unwrap();
    assert!(call(testing::channel(address), change.path).await.is_err());
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_peer_that_is_away_is_unavailable_at_once() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let channel = testing::channel(address);
    let started = Instant::now();
    for _ in 0..20 {
        let answer = call(channel.clone(), METHODS[0].path).await;
        assert_refused(answer, Code::Unavailable, "PEER_UNAVAILABLE");
    }
    assert!(started.elapsed() < LIMIT / 4, "{:?}", started.elapsed());

    // Somebody takes the address: the channel finds out by itself.
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let routes = refusing(Code::Ok, 0, Arc::default());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server = tonic::transport::Server::builder().add_routes(routes);
    tokio::spawn(server.serve_with_incoming(incoming));
    testing::eventually("the peer answers", LIMIT, || async {
        call(channel.clone(), METHODS[0].path).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_not_found_is_unavailable() {
    let settings = testing::settings().grpc;
    let url = "http://nowhere.invalid:7000";
    let channel = Channel::new("nowhere", url, &settings, Credentials::none()).unwrap();
    let answer = call(channel, METHODS[0].path).await;
    assert_refused(answer, Code::Unavailable, "PEER_UNAVAILABLE");
}

#[tokio::test]
async fn more_calls_than_allowed_are_refused_at_once() {
    let settings = toml::toml! { grpc.concurrency = 1 };
    let board = Board::new().without_bus().with_settings::<Alpha>(settings).start().await;
    let slow = tokio::spawn({
        let channel = entitled(&board);
        async move { ask(channel, "slow/60000").await }
    });
    let status = testing::eventually("a call is refused", LIMIT, || async {
        ask(entitled(&board), "").await.err()
    })
    .await;
    assert!(status.get_details_retry_info().is_some(), "it says when to come back");
    assert_refused(Err::<(), _>(status), Code::ResourceExhausted, "OVERLOADED");
    slow.abort();
    testing::eventually("a call that was given up makes room", LIMIT, || async {
        ask(entitled(&board), "").await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let settings = toml::toml! { grpc.max_request_bytes = 1000 };
    let board = Board::new().without_bus().with_settings::<Alpha>(settings).start().await;
    assert!(ask(entitled(&board), &"x".repeat(900)).await.is_ok());
    let status = ask(entitled(&board), &"x".repeat(1_100)).await.unwrap_err();
    assert_eq!(status.get_details_error_info().unwrap().metadata["limit_bytes"], "1000");
    assert!(status.get_details_retry_info().is_none());
    assert_refused(Err::<(), _>(status), Code::ResourceExhausted, "REQUEST_TOO_LARGE");
}

/// It is the caller's fault, and the caller learns where it is, in words of their own language.
#[tokio::test]
async fn what_cannot_be_read_is_the_callers_fault() {
    let board = board().await;
    let wrong: [(&str, &[u8]); 5] = [
        ("text that is no UTF-8", &[0, 0, 0, 0, 4, 0x0a, 2, 0xff, 0xfe]),
        ("an unknown wire type", &[0, 0, 0, 0, 2, 0x0f, 1]),
        ("a flag that is none", &[7, 0, 0, 0, 1, 0]),
        ("half a message", &[0, 0, 0, 0, 9, 0x0a]),
        ("no message", &[]),
    ];
    for (what, bytes) in wrong {
        let status = send(entitled(&board), bytes).await.unwrap_err();
        let told = status.get_details_localized_message().unwrap();
        assert!(told.message.starts_with("请求无法解析"), "{what}: {told:?}");
        assert!(!status.get_details_error_info().unwrap().metadata["cause"].is_empty(), "{what}");
        assert_refused(Err::<(), _>(status), Code::InvalidArgument, "REQUEST_MALFORMED");
    }
}

#[tokio::test]
async fn who_shows_no_certificate_is_turned_away() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls");
    let file = |name: &str| Some(folder.join(name));
    let shown = |path: Option<std::path::PathBuf>| path.unwrap().display().to_string();
    let (ca, cert, key) = (shown(file("ca.crt")), shown(file("tls.crt")), shown(file("tls.key")));
    let settings: toml::Table = format!(
        "[grpc.tls]\nca_file = '{ca}'\ncert_file = '{cert}'\nkey_file = '{key}'\nrequire_client = true"
    )
    .parse()
    .unwrap();
    let board = Board::new().without_bus().with_settings::<Alpha>(settings).start().await;
    let url = format!("https://{}", board.grpc("alpha"));
    let credentials = Credentials::token(&testing::token("tester", &[SCOPE], &[])).unwrap();
    let channel = |tls: Tls| {
        let settings = liuyan_kit::config::Grpc { tls, ..testing::settings().grpc };
        Channel::new("alpha", &url, &settings, credentials.clone()).unwrap()
    };
    let known = Tls { ca_file: file("ca.crt"), ..Tls::default() };
    let shows = Tls { cert_file: file("tls.crt"), key_file: file("tls.key"), ..known.clone() };
    ask(channel(shows), "").await.unwrap();
    for stranger in [known, Tls::default()] {
        let answer = ask(channel(stranger), "").await;
        assert_refused(answer, Code::Unavailable, "PEER_UNAVAILABLE");
    }
    assert!(ask(entitled(&board), "").await.is_err(), "in clear text");
}
