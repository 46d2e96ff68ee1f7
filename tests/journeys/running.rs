//! How the board and its services run: what they log, and what becomes of a server that dies.

use std::{
    fs,
    net::TcpListener,
    process::{Command, Output},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::board::{Board, PROGRAM, eventually};

/// Serves intake at an address that is taken, so that it ends at once, with `[telemetry]` as given.
fn serve(telemetry: &str) -> Output {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let address = taken.local_addr().unwrap();
    fs::write(&file, format!("[grpc]\naddress = \"{address}\"\n[telemetry]\n{telemetry}\n"))
        .unwrap();
    Command::new(PROGRAM)
        .args(["serve", "intake", "--config"])
        .arg(&file)
        .env_remove("LIUYAN_LOG")
        .env_remove("LIUYAN_OTLP_ENDPOINT")
        .output()
        .unwrap()
}

#[test]
fn a_service_logs_as_its_configuration_says() {
    let told = |telemetry: &str| {
        let done = serve(telemetry);
        let text = String::from_utf8(done.stderr).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (done.status.code(), lines.len(), text)
    };
    // Its key is not set, which is a warning.
    let (code, lines, text) = told("filter = \"warn\"\nformat = \"json\"");
    assert_eq!((code, lines), (Some(1), 1), "{text}");
    let (_, lines, text) = told("filter = \"warn\"\nformat = \"pretty\"");
    assert!(lines == 0 && text.contains("auth.key"), "{text}");
    let (_, lines, text) = told("filter = \"error\"\nformat = \"json\"");
    assert!(lines == 0 && !text.contains("auth.key"), "{text}");
    let (code, _, text) = told("filter = \"no=such=level\"");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("telemetry.filter"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_is_started_again_and_the_board_goes_on() {
    let board = Board::start(&[]);
    let mut servers = board.processes();
    for name in ["nats", "postgres"] {
        let pid = servers[name];
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
        servers = eventually("the server is there again", || async {
            let now = board.processes();
            (now.get(name).is_some_and(|now| *now != pid)).then_some(now)
        })
        .await;
        eventually("every service is ready", || async {
            (board.liuyan(&["status"]).0 == 0).then_some(())
        })
        .await;
    }
    let (code, told) = board.liuyan(&["verify", "--wait", "60"]);
    assert_eq!(code, 0, "{told}");
}
