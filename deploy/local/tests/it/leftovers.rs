//! What is left behind by runs that did not end well.



use liuyan_local::{Error, Options, Progress, Source, start};

use crate::helper::{
    Parent, Told, ask, eventually, is_alive, options, parent_folder, signal, silent, tell,
    tell_pids_and_wait,
};

#[tokio::test]
async fn servers_do_not_outlive_a_killed_parent() {
    if let Some(folder) = parent_folder() {
        let servers = start(options(&folder), &silent).await.unwrap();
        tell(servers.postgres_url(), "create table t as select 'kept' as word").await;
        return tell_pids_and_wait(servers.postgres_pid(), servers.nats_pid(), "").await;
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
