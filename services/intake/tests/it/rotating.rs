//! The key that wraps authors' keys is changed while messages come in.

use liuyan_intake::app::{Round, vault::Vault};
use liuyan_kit::seal::Keyring;

use crate::helpers::{Desk, a_message_by, a_submission_of, anonymous, as_caller, count};
use liuyan_intake::grpc::Grpc;
use liuyan_proto::liuyan::intake::v1::intake_service_server::IntakeService as _;

async fn submit(grpc: &Grpc, number: u32) {
    let message = a_message_by("Wang", &format!("138{number:08}"));
    grpc.submit_message(as_caller(&anonymous(), a_submission_of(message))).await.unwrap();
}

/// The ring's lines in another order or without some of them.
fn ring(text: &str, keys: &[u32]) -> String {
    let line = |start: String| text.lines().find(|line| line.starts_with(&start)).unwrap();
    let mut lines: Vec<&str> = keys.iter().map(|id| line(format!("key {id} "))).collect();
    lines.push(line("index ".to_owned()));
    lines.join("\n")
}

#[tokio::test]
async fn a_key_is_rotated_while_replicas_with_the_old_and_the_new_order_write() {
    let desk = Desk::open().await;
    submit(&desk.grpc, 1).await;
    let file = desk.config().keyring_file;
    let mut keys = Keyring::open(&file).unwrap();
    keys.rotate();
    let all = keys.to_text();
    let replica = |name: &str, order: &[u32]| {
        let mut config = desk.config();
        config.keyring_file = desk.folder.path().join(name);
        std::fs::write(&config.keyring_file, ring(&all, order)).unwrap();
        desk.another(&config)
    };
    // First every replica knows both keys; then they change, one after the other.
    let (old, new) = (replica("old", &[1, 2]), replica("new", &[2, 1]));
    for app in [&old, &new] {
        app.refresh_directory().await.unwrap();
    }
    let (old_grpc, new_grpc) = (Grpc::new(old.clone()), Grpc::new(new.clone()));
    for number in 10..14 {
        // Each replica finds authors whom the other one made.
        submit(&old_grpc, number).await;
        submit(&new_grpc, number).await;
        submit(&new_grpc, 100 + number).await;
        submit(&old_grpc, 100 + number).await;
        assert!(matches!(new.rewrap_keys().await.unwrap(), Round::Over(_)));
    }
    submit(&old_grpc, 20).await;
    let remaining =
        "select count(*) from authors where substring(wrapped_key from 2 for 4) = '\\x00000001'";
    assert_eq!(count(&desk.db, remaining).await, 1);
    assert_eq!(new.rewrap_keys().await.unwrap(), Round::Over(0));
    assert_eq!(count(&desk.db, remaining).await, 0);
    assert_eq!(count(&desk.db, "select remaining from rewrapping").await, 0);

    // The old key can be thrown away.
    let last = replica("last", &[2]);
    last.refresh_directory().await.unwrap();
    let grpc = Grpc::new(last);
    for number in [1, 10, 113, 20] {
        submit(&grpc, number).await;
    }
    assert_eq!(count(&desk.db, "select count(*) from authors").await, 10);
    let vault = Vault::open(&desk.folder.path().join("last"), false).unwrap();
    assert_eq!(vault.key_id(), 2);
}
