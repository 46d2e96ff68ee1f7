//! What the program of a service promises: a real process, with signals and exit codes.

use std::{
    ffi::OsString,
    io::Read as _,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use liuyan_kit::{service::main_with, testing};
use liuyan_proto::liuyan::messaging::v1::{
    GetDigestsRequest, confirmation_service_client::ConfirmationServiceClient,
};
use tonic::{Code, transport::Endpoint};

use crate::helpers::{Alpha, LIMIT, refusing};

/// The variable by which a test asks its own binary to be the program of alpha.
const ARGUMENTS: &str = "TEST_PROGRAM_ARGUMENTS";

/// Not a test: the program, for the tests below.
#[test]
fn program() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let words = std::iter::once("alpha").chain(arguments.split_whitespace());
    let code = main_with::<Alpha>(words.map(OsString::from));
    let known = (0..=3).find(|known| code == ExitCode::from(*known)).unwrap();
    std::process::exit(known.into());
}

fn start(arguments: &str, variables: &[(&str, String)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "program::program", "--nocapture"])
        .env(ARGUMENTS, arguments)
        .envs(variables.iter().map(|(name, value)| (name, value.as_str())))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs the program to its end; gives its exit code and what it has said.
fn run(arguments: &str, variables: &[(&str, String)]) -> (i32, String, String) {
    let done = start(arguments, variables).wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn configuration_is_checked_and_shown_without_secrets() {
    let (code, said, _) = run("config check", &[]);
    assert_eq!(code, 0, "{said}");
    let secret = [("ALPHA__NATS__PASSWORD", "hunter2".to_owned())];
    let (code, said, _) = run("config print", &secret);
    assert_eq!(code, 0);
    assert!(said.contains("[redacted]") && !said.contains("hunter2"), "{said}");
    let (code, _, told) = run("config check", &[("ALPHA__NATS__PASWORD", "x".to_owned())]);
    assert_eq!(code, 2, "wrong configuration");
    assert!(told.contains("$ALPHA__NATS__PASWORD") && told.contains("nats.pasword"), "{told}");
    assert_eq!(run("dance", &[]).0, 2, "wrong usage");
    assert_eq!(run("--help", &[]).0, 0);
}

#[test]
fn health_says_that_nobody_answers() {
    let address = [("ALPHA__MANAGEMENT__ADDRESS", free_address().to_string())];
    assert_eq!(run("health", &address).0, 3);
}

#[test]
fn a_service_that_cannot_start_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, told) = run("serve", &[("ALPHA__GRPC__ADDRESS", address.clone())]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains(&address), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_program_in_order_and_the_last_traces_are_sent() {
    let exports = Arc::new(AtomicU32::new(0));
    let collector = testing::stub(refusing(Code::Ok, 0, exports.clone())).await;
    let (grpc, management) = (free_address(), free_address());
    let variables = [
        ("ALPHA__GRPC__ADDRESS", grpc.to_string()),
        ("ALPHA__MANAGEMENT__ADDRESS", management.to_string()),
        ("ALPHA__TELEMETRY__OTLP_ENDPOINT", format!("http://{collector}")),
    ];
    let mut child = start("serve", &variables);
    testing::eventually("the program is ready", LIMIT, || {
        let variables = variables.clone();
        async move {
            let health = move || run("health", &variables).0;
            (tokio::task::spawn_blocking(health).await.unwrap() == 0).then_some(())
        }
    })
    .await;
    // Not by kit's channel: it would pass on that this process samples nothing.
    let endpoint = Endpoint::from_shared(format!("http://{grpc}")).unwrap();
    let mut client = ConfirmationServiceClient::new(endpoint.connect().await.unwrap());
    client.get_digests(GetDigestsRequest::default()).await.unwrap_err();
    drop(client);
    assert_eq!(exports.load(Ordering::SeqCst), 0, "traces are sent in batches");

    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let status = testing::eventually("the program has ended", LIMIT, || {
        std::future::ready(child.try_wait().unwrap())
    })
    .await;
    assert_eq!(status.code(), Some(0));
    assert!(exports.load(Ordering::SeqCst) > 0, "the last traces are sent");

    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    let lines: Vec<serde_json::Value> =
        told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for message in ["serving", "SIGTERM", "stopped"] {
        assert!(lines.iter().any(|line| line["message"] == message), "{message}: {told}");
    }
}
