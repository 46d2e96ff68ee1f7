//! The servers for tests.

use liuyan_local::testing;

use crate::helper::{
    Parent, ask, eventually, guards_of, is_alive, nats_request, parent_folder, signal,
    tell_pids_and_wait,
};

#[tokio::test]
async fn tests_share_one_pair_of_servers() {
    let (one, two) = tokio::join!(testing::shared(), testing::shared());
    assert_eq!(one.postgres_pid(), two.postgres_pid());
    assert_eq!(ask(one.postgres_url(), "show fsync").await, "off");
    assert_eq!(ask(one.postgres_url(), "show synchronous_commit").await, "on");
    assert!(
        nats_request(one.nats_url(), "$JS.API.INFO", "").unwrap().contains("account_info_response")
    );
}

const STREAM: &str = r#"{"name":"S","subjects":["s"],"storage":"file"}"#;

#[tokio::test]
async fn an_own_nats_comes_back_on_its_port_with_its_streams() {
    let mut nats = testing::nats().await;
    let url = nats.url().to_owned();
    nats_request(&url, "$JS.API.STREAM.CREATE.S", STREAM).unwrap();
    let before = nats.pid();
    nats.kill().await;
    assert!(nats_request(&url, "$JS.API.INFO", "").is_err());
    nats.restart().await;
    assert_ne!(nats.pid(), before);
    assert_eq!(nats.url(), url);
    assert!(nats_request(&url, "$JS.API.STREAM.NAMES", "").unwrap().contains(r#"["S"]"#));
}

#[tokio::test]
async fn a_wiped_nats_has_no_streams() {
    let mut nats = testing::nats().await;
    nats_request(nats.url(), "$JS.API.STREAM.CREATE.S", STREAM).unwrap();
    nats.wipe().await;
    nats.restart().await;
    assert!(nats_request(nats.url(), "$JS.API.STREAM.NAMES", "").unwrap().contains(r#""total":0"#));
}

#[tokio::test]
async fn a_dropped_nats_ends_even_if_it_is_frozen() {
    let mut nats = testing::nats().await;
    let pid = nats.pid();
    nats.freeze();
    let begin = std::time::Instant::now();
    drop(nats);
    eventually("the frozen nats-server ended", || !is_alive(pid));
    // It must not need the guard's patience with servers that keep something.
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn test_servers_and_their_folder_go_with_a_killed_test_process() {
    if parent_folder().is_some() {
        let shared = testing::shared().await;
        let folder = ask(shared.postgres_url(), "show data_directory").await;
        return tell_pids_and_wait(shared.postgres_pid(), shared.nats_pid(), &folder).await;
    }
    let mut parent = Parent::start(
        "shared::test_servers_and_their_folder_go_with_a_killed_test_process",
        "".as_ref(),
    );
    let folder = std::path::Path::new(&parent.folder).parent().unwrap().to_owned();
    assert!(is_alive(parent.postgres) && is_alive(parent.nats) && folder.exists());
    parent.kill();
    eventually("Postgres ended", || !is_alive(parent.postgres));
    eventually("nats-server ended", || !is_alive(parent.nats));
    eventually("the folder was removed", || !folder.exists());
}

#[tokio::test]
async fn what_a_test_process_and_its_guard_left_behind_is_swept_by_the_next() {
    if parent_folder().is_some() {
        let shared = testing::shared().await;
        let folder = ask(shared.postgres_url(), "show data_directory").await;
        return tell_pids_and_wait(shared.postgres_pid(), shared.nats_pid(), &folder).await;
    }
    let name = "shared::what_a_test_process_and_its_guard_left_behind_is_swept_by_the_next";
    let mut parent = Parent::start(name, "".as_ref());
    let folder = std::path::Path::new(&parent.folder).parent().unwrap().to_owned();
    for guard in guards_of(parent.process.id()) {
        signal("KILL", guard);
    }
    parent.kill();
    // Only what has been untouched for a while is swept.
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    std::fs::File::open(&folder).unwrap().set_modified(long_ago).unwrap();
    drop(testing::nats().await);
    eventually("Postgres ended", || !is_alive(parent.postgres));
    eventually("nats-server ended", || !is_alive(parent.nats));
    eventually("the folder was removed", || !folder.exists());
}
