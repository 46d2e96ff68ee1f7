//! What is left behind by runs that did not end well.

use std::fs;
use std::process::Command;

use liuyan_local::{Error, Options, Progress, Source, start};

use crate::helper::{
    Parent, Told, ask, eventually, guards_of, is_alive, options, parent_folder, signal, silent,
    tell, tell_pids_and_wait,
};

async fn play_parent(folder: &std::path::Path) {
    let servers = start(options(folder), &silent).await.unwrap();
    tell(servers.postgres_url(), "create table t as select 'kept' as word").await;
    tell_pids_and_wait(servers.postgres_pid(), servers.nats_pid(), "").await;
}

#[tokio::test]
async fn servers_do_not_outlive_a_killed_parent() {
    if let Some(folder) = parent_folder() {
        return play_parent(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut parent =
        Parent::start("leftovers::servers_do_not_outlive_a_killed_parent", folder.path());
    assert!(is_alive(parent.postgres) && is_alive(parent.nats));
    parent.kill();
    eventually("Postgres ended", || !is_alive(parent.postgres));
    eventually("nats-server ended", || !is_alive(parent.nats));

    let servers = start(options(folder.path()), &silent).await.unwrap();
    assert_eq!(ask(servers.postgres_url(), "select word from t").await, "kept");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_right_after_the_kill_of_the_parent_succeeds() {
    if let Some(folder) = parent_folder() {
        return play_parent(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut parent = Parent::start(
        "leftovers::a_start_right_after_the_kill_of_the_parent_succeeds",
        folder.path(),
    );
    parent.kill();
    let servers = start(options(folder.path()), &silent).await.unwrap();
    assert_eq!(ask(servers.postgres_url(), "select word from t").await, "kept");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn servers_whose_guard_was_killed_too_are_stopped_by_the_next_start() {
    if let Some(folder) = parent_folder() {
        return play_parent(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = "leftovers::servers_whose_guard_was_killed_too_are_stopped_by_the_next_start";
    let mut parent = Parent::start(name, folder.path());
    let guards = guards_of(parent.process.id());
    assert_eq!(guards.len(), 1);
    signal("KILL", guards[0]);
    parent.kill();
    assert!(is_alive(parent.postgres) && is_alive(parent.nats));

    let told = Told::default();
    let servers = start(options(folder.path()), &|progress| told.hear(progress)).await.unwrap();
    assert!(!is_alive(parent.postgres) && !is_alive(parent.nats));
    for gone in [parent.postgres, parent.nats] {
        assert!(told.any(
            |progress| matches!(progress, Progress::StoppingLeftover { pid, .. } if *pid == gone)
        ));
    }
    assert_eq!(ask(servers.postgres_url(), "select word from t").await, "kept");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_stranger_with_the_number_of_an_old_server_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    start(options(folder.path()), &silent).await.unwrap().stop().await.unwrap();
    let mut stranger = Command::new("sleep").arg("600").spawn().unwrap();
    for file in ["postgres.pid", "nats.pid", "postgres/postmaster.pid"] {
        fs::write(folder.path().join(file), format!("{}\n", stranger.id())).unwrap();
    }
    let servers = start(options(folder.path()), &silent).await.unwrap();
    servers.stop().await.unwrap();
    assert!(is_alive(stranger.id()));
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_start_after_postgres_was_killed_recovers_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let servers = start(options(folder.path()), &silent).await.unwrap();
    tell(servers.postgres_url(), "create table t as select 'kept' as word").await;
    // A backend that is busy outlives its postmaster for a moment, and keeps the shared memory.
    let url = servers.postgres_url().to_owned();
    let busy = tokio::spawn(async move {
        let mut client = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
        sqlx::raw_sql("select count(*) from generate_series(1, 20000000)")
            .execute(&mut client)
            .await
    });
    let question = "select count(*)::text from pg_stat_activity where state = 'active' and query like '%20000000%'";
    while ask(servers.postgres_url(), question).await != "2" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    signal("KILL", servers.postgres_pid());
    drop(servers);
    let servers = start(options(folder.path()), &silent).await.unwrap();
    assert_eq!(ask(servers.postgres_url(), "select word from t").await, "kept");
    servers.stop().await.unwrap();
    assert!(busy.await.unwrap().is_err());
}

#[tokio::test]
async fn a_half_made_data_folder_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    // A start that is given up as soon as `initdb` has begun to write.
    let begun = || {
        fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .any(|entry| entry.path().join("base").exists())
    };
    tokio::select! {
        _ = start(options(folder.path()), &silent) => panic!("the start was too fast for this test"),
        () = async { while !begun() { tokio::time::sleep(std::time::Duration::from_millis(2)).await } } => {}
    }
    assert!(!folder.path().join("postgres").exists());
    let told = Told::default();
    let servers = start(options(folder.path()), &|progress| told.hear(progress)).await.unwrap();
    assert!(told.any(|progress| *progress == Progress::Repairing));
    assert_eq!(ask(servers.postgres_url(), "select 'whole'").await, "whole");
    servers.stop().await.unwrap();
    let left = fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("part")));
}

#[tokio::test]
async fn data_without_their_password_are_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    start(options(folder.path()), &silent).await.unwrap().stop().await.unwrap();
    fs::remove_file(folder.path().join("postgres.password")).unwrap();
    let error = start(options(folder.path()), &silent).await.unwrap_err();
    assert!(matches!(error, Error::PasswordLost { .. }), "{error}");
    assert!(folder.path().join("postgres/PG_VERSION").exists());
}

#[tokio::test]
async fn data_of_another_major_version_are_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("postgres")).unwrap();
    fs::write(folder.path().join("postgres/PG_VERSION"), "11\n").unwrap();
    let error = start(options(folder.path()), &silent).await.unwrap_err();
    assert!(matches!(error, Error::WrongMajor { has: 11, .. }), "{error}");
    assert!(error.to_string().contains("belongs to Postgres 11"), "{error}");
}

#[tokio::test]
async fn data_keep_the_major_version_that_made_them() {
    let folder = tempfile::tempdir().unwrap();
    let fetched = Options { source: Source::Fetched, ..options(folder.path()) };
    let servers = start(fetched, &silent).await.unwrap();
    let made_by = ask(servers.postgres_url(), "show server_version").await;
    servers.stop().await.unwrap();
    // Whatever is installed here, `Auto` goes back to the version of the data.
    let servers =
        start(Options { source: Source::Auto, ..options(folder.path()) }, &silent).await.unwrap();
    let opened_by = ask(servers.postgres_url(), "show server_version").await;
    assert_eq!(made_by.split('.').next(), opened_by.split('.').next());
    servers.stop().await.unwrap();
}
