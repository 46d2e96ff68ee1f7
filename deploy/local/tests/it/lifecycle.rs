//! Starting and stopping, as it should go.

use std::net::TcpListener;

use liuyan_local::{Error, Options, Progress, Source, start};

use crate::helper::{Told, ask, is_alive, nats_request, options, silent, tell};

#[tokio::test]
async fn servers_start_answer_and_stop() {
    let folder = tempfile::tempdir().unwrap();
    let postgres_settings = vec!["shared_buffers=64MB".to_owned()];
    let options = Options { durable: true, postgres_settings, ..options(folder.path()) };
    let servers = start(options, &silent).await.unwrap();
    let url = servers.postgres_url();
    assert!(ask(url, "select current_setting('server_version_num')").await.as_str() >= "150000");
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("max_connections", "200"),
        ("shared_buffers", "64MB"),
        ("listen_addresses", "127.0.0.1"),
    ] {
        assert_eq!(ask(url, &format!("show {setting}")).await, value, "{setting}");
    }
    assert_ne!(
        ask(url, "select datctype::text from pg_database where datname = 'postgres'").await,
        "C"
    );
    assert_eq!(
        ask(url, "select rolsuper::text from pg_roles where rolname = current_user").await,
        "true"
    );
    let limits = nats_request(servers.nats_url(), "$JS.API.INFO", "").unwrap();
    assert!(limits.contains("account_info_response"), "{limits}");

    let pids = [servers.postgres_pid(), servers.nats_pid()];
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    servers.stop().await.unwrap();
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
}

#[tokio::test]
async fn strangers_are_not_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let servers = start(options(folder.path()), &silent).await.unwrap();
    let port = servers.postgres_port();
    use sqlx::Connection;
    let wrong = format!("postgres://postgres:guess@127.0.0.1:{port}/postgres");
    assert!(sqlx::PgConnection::connect(&wrong).await.is_err());
    let wrong = format!("nats://liuyan:guess@127.0.0.1:{}", servers.nats_port());
    let refused = std::panic::catch_unwind(|| nats_request(&wrong, "$JS.API.INFO", ""));
    assert!(!matches!(refused, Ok(Ok(_))));
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_restart_finds_the_data_again() {
    let folder = tempfile::tempdir().unwrap();
    let servers = start(options(folder.path()), &silent).await.unwrap();
    tell(servers.postgres_url(), "create table t as select 'kept' as word").await;
    let stream = r#"{"name":"S","subjects":["s"],"storage":"file"}"#;
    nats_request(servers.nats_url(), "$JS.API.STREAM.CREATE.S", stream).unwrap();
    servers.stop().await.unwrap();

    let servers = start(options(folder.path()), &silent).await.unwrap();
    assert_eq!(ask(servers.postgres_url(), "select word from t").await, "kept");
    assert!(
        nats_request(servers.nats_url(), "$JS.API.STREAM.NAMES", "").unwrap().contains(r#"["S"]"#)
    );
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_killed_is_started_again_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut servers = start(options(folder.path()), &silent).await.unwrap();
    tell(servers.postgres_url(), "create table t as select 'kept' as word").await;
    let stream = r#"{"name":"S","subjects":["s"],"storage":"file"}"#;
    nats_request(servers.nats_url(), "$JS.API.STREAM.CREATE.S", stream).unwrap();
    let addresses = [servers.postgres_url().to_owned(), servers.nats_url().to_owned()];
    for pid in [servers.postgres_pid(), servers.nats_pid()] {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        assert!(matches!(servers.ended().await, Error::Ended { .. }));
        servers.revive(&silent).await.unwrap();
    }
    assert_eq!(addresses, [servers.postgres_url().to_owned(), servers.nats_url().to_owned()]);
    assert_eq!(ask(servers.postgres_url(), "select word from t").await, "kept");
    assert!(
        nats_request(servers.nats_url(), "$JS.API.STREAM.NAMES", "").unwrap().contains(r#"["S"]"#)
    );
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_busy_port_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let busy =
        [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
    let [postgres_port, nats_port] =
        busy.each_ref().map(|listener| listener.local_addr().unwrap().port());
    let told = Told::default();
    let options = Options { postgres_port, nats_port, ..options(folder.path()) };
    let servers = start(options, &|progress| told.hear(progress)).await.unwrap();
    assert_ne!(servers.postgres_port(), postgres_port);
    assert_ne!(servers.nats_port(), nats_port);
    for taken in [postgres_port, nats_port] {
        assert!(told.any(
            |progress| matches!(progress, Progress::PortBusy { wanted, .. } if *wanted == taken)
        ));
    }
    assert_eq!(ask(servers.postgres_url(), "select 'here'").await, "here");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_free_port_that_was_asked_for_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let servers =
        start(Options { postgres_port: port, ..options(folder.path()) }, &silent).await.unwrap();
    assert_eq!(servers.postgres_port(), port);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let servers = start(options(folder.path()), &silent).await.unwrap();
    let error = start(options(folder.path()), &silent).await.unwrap_err();
    assert!(matches!(error, Error::FolderInUse { .. }), "{error}");
    assert_eq!(ask(servers.postgres_url(), "select 'unharmed'").await, "unharmed");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn stopping_waits_for_no_client() {
    use sqlx::Connection;
    let folder = tempfile::tempdir().unwrap();
    let servers = start(options(folder.path()), &silent).await.unwrap();
    let mut client = sqlx::PgConnection::connect(servers.postgres_url()).await.unwrap();
    sqlx::raw_sql("begin; select 1").execute(&mut client).await.unwrap();
    let begin = std::time::Instant::now();
    servers.stop().await.unwrap();
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_server_that_ends_by_itself_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut servers = start(options(folder.path()), &silent).await.unwrap();
    crate::helper::signal("KILL", servers.nats_pid());
    let sentence = servers.ended().await.to_string();
    assert!(sentence.starts_with("nats-server has ended by itself"), "{sentence}");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn fetched_servers_start() {
    let folder = tempfile::tempdir().unwrap();
    let told = Told::default();
    let options = Options { source: Source::Fetched, ..options(folder.path()) };
    let servers = start(options, &|progress| told.hear(progress)).await.unwrap();
    assert!(!told.any(|progress| matches!(progress, Progress::Found { .. })));
    // The contrib modules came along.
    tell(servers.postgres_url(), "create extension pg_trgm").await;
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn servers_of_this_machine_start_or_are_missed_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { source: Source::System, ..options(folder.path()) };
    match start(options, &silent).await {
        Ok(servers) => {
            assert_eq!(ask(servers.postgres_url(), "select 'here'").await, "here");
            servers.stop().await.unwrap();
        }
        Err(Error::NotFound { program, .. }) => {
            assert!(["Postgres", "nats-server"].contains(&program))
        }
        Err(Error::TooOld { path, .. }) => assert!(path.is_file()),
        Err(other) => panic!("{other}"),
    }
}
