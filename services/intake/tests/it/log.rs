//! The transparency log: places, heads, proofs, and one sequencer at a time.

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;
use jiff::SignedDuration;
use liuyan_intake::{
    app::{log, sequencer::Step},
    domain::{
        log::{Entry, Hash, head, tree},
        receipt::file::Kept,
    },
};
use liuyan_kit::{id, testing::eventually};
use liuyan_proto::liuyan::{
    intake::v1::{
        GetConsistencyProofRequest, GetInclusionProofRequest, GetReceiptRequest,
        GetTreeHeadRequest, GetTreeHeadResponse, ListLogEntriesRequest, Receipt,
        intake_service_server::IntakeService as _,
    },
    moderation::v1::MessageApproved,
    routing::v1::{CaseOpened, CaseReplied},
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::helpers::{
    Desk, a_case, a_submission, anonymous, as_caller, author_of, count, reason, violations,
};

async fn a_receipt(desk: &Desk) -> Receipt {
    desk.submit(a_submission()).await.unwrap().receipt.unwrap()
}

fn hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap()
}

async fn tree_head(desk: &Desk) -> Result<GetTreeHeadResponse, Status> {
    let request = as_caller(&anonymous(), GetTreeHeadRequest {});
    desk.grpc.get_tree_head(request).await.map(tonic::Response::into_inner)
}

async fn inclusion(
    desk: &Desk,
    leaf: &[u8],
    tree_size: u64,
) -> Result<liuyan_proto::liuyan::intake::v1::GetInclusionProofResponse, Status> {
    let request = GetInclusionProofRequest { leaf_hash: leaf.to_vec().into(), tree_size };
    let answer = desk.grpc.get_inclusion_proof(as_caller(&anonymous(), request)).await;
    answer.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_clock_that_was_ahead_does_not_stop_the_log() {
    let desk = Desk::open().await;
    desk.clock.advance(SignedDuration::from_hours(1));
    a_receipt(&desk).await;
    desk.sequence().await;
    let heads = "select count(*) from log_heads";
    let before = count(&desk.db, heads).await;
    // Another replica takes over, whose clock is right.
    desk.clock.advance(SignedDuration::from_hours(-1));
    let successor = desk.another(&desk.config());
    let holder = Uuid::nil();
    a_receipt(&desk).await;
    desk.clock.advance(SignedDuration::from_secs(61));
    successor.sequence_once(holder).await.unwrap();
    let told = tree_head(&desk).await.unwrap();
    assert_eq!((told.size, told.waiting), (2, 0));
    assert_eq!(count(&desk.db, heads).await, before + 1);
    // It does not sign at each round for that.
    a_receipt(&desk).await;
    successor.sequence_once(holder).await.unwrap();
    assert_eq!(count(&desk.db, heads).await, before + 1);
    let back =
        "select count(*) from (select signed_at < lag(signed_at) over (order by size) as back
                                      from log_heads) as heads where back";
    assert_eq!(count(&desk.db, back).await, 0);
}

#[tokio::test]
async fn every_receipt_is_proven_to_be_in_the_signed_log() {
    let desk = Desk::open().await;
    let mut receipts = Vec::new();
    for _ in 0..7 {
        receipts.push(a_receipt(&desk).await);
    }
    desk.sequence().await;
    let told = tree_head(&desk).await.unwrap();
    let head = head::open(&told.checkpoint, &told.verifier_key).unwrap();
    assert_eq!((told.size, told.waiting), (7, 0));
    assert_eq!((head.size, head.root_hash.as_slice()), (7, told.root_hash.as_ref()));
    assert_eq!(told.receipt_keys[0].key_id, receipts[0].key_id);
    assert_eq!(told.receipt_keys[0].public_key, desk.receipt_key.as_slice());
    let request = ListLogEntriesRequest { start: 0, page_size: 0 };
    let listed = desk.grpc.list_log_entries(as_caller(&anonymous(), request)).await.unwrap();
    let listed = listed.into_inner();
    assert_eq!(listed.tree_size, 7);
    let leaves: HashSet<_> = listed.entries.iter().map(|it| it.leaf_hash.clone()).collect();
    for receipt in receipts {
        // Whoever holds the receipt makes the leaf from it.
        let kept = Kept {
            statement: receipt.statement.to_vec(),
            salt: hash(&receipt.salt),
            key_id: receipt.key_id,
            signature: receipt.signature.as_ref().try_into().unwrap(),
        };
        assert_eq!(kept.leaf_hash().as_slice(), receipt.leaf_hash.as_ref());
        assert!(leaves.contains(&receipt.leaf_hash));
        let proof = inclusion(&desk, &receipt.leaf_hash, 0).await.unwrap();
        assert_eq!(proof.checkpoint, told.checkpoint);
        let path: Vec<Hash> = proof.hashes.iter().map(|it| hash(it)).collect();
        let leaf = kept.leaf_hash();
        assert!(tree::proves_inclusion(&leaf, proof.index, 7, &path, &head.root_hash));
    }
    assert_eq!(desk.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_waits_and_what_never_was_are_told_apart() {
    let desk = Desk::open().await;
    assert_eq!(reason(&tree_head(&desk).await.unwrap_err()), "LOG_NOT_SIGNED");
    desk.sequence().await;
    assert_eq!(tree_head(&desk).await.unwrap().size, 0);
    let receipt = a_receipt(&desk).await;
    let waiting = inclusion(&desk, &receipt.leaf_hash, 0).await.unwrap_err();
    assert_eq!(reason(&waiting), "ENTRY_WAITING");
    let never = inclusion(&desk, &[7; 32], 0).await.unwrap_err();
    assert_eq!((never.code(), reason(&never)), (Code::NotFound, "ENTRY_NOT_FOUND".to_owned()));
    desk.sequence().await;
    assert_eq!(inclusion(&desk, &receipt.leaf_hash, 1).await.unwrap().index, 0);
    let large = inclusion(&desk, &receipt.leaf_hash, 2).await.unwrap_err();
    assert_eq!(violations(&large), [("tree_size".to_owned(), "TREE_TOO_LARGE".to_owned())]);
    let short = inclusion(&desk, &[7; 31], 0).await.unwrap_err();
    assert_eq!(violations(&short), [("leaf_hash".to_owned(), "HASH_MALFORMED".to_owned())]);
}

#[tokio::test]
async fn every_head_continues_every_earlier_one() {
    let desk = Desk::open().await;
    let mut heads = Vec::new();
    for messages in [1, 2, 4, 1, 3] {
        for _ in 0..messages {
            desk.submitted().await;
        }
        desk.sequence().await;
        let told = tree_head(&desk).await.unwrap();
        heads.push(head::open(&told.checkpoint, &told.verifier_key).unwrap());
    }
    for (n, later) in heads.iter().enumerate() {
        for earlier in &heads[..=n] {
            let request = GetConsistencyProofRequest { first: earlier.size, second: later.size };
            let proof = desk.grpc.get_consistency_proof(as_caller(&anonymous(), request)).await;
            let proof = proof.unwrap().into_inner();
            let path: Vec<Hash> = proof.hashes.iter().map(|it| hash(it)).collect();
            let (first, second) =
                ((earlier.size, &earlier.root_hash), (later.size, &later.root_hash));
            assert!(tree::proves_consistency(first, second, &path));
            assert_eq!(head::open(&proof.checkpoint, &desk.public_keys().log), Ok(*later));
        }
    }
    let swapped = GetConsistencyProofRequest { first: 11, second: 10 };
    let refused = desk.grpc.get_consistency_proof(as_caller(&anonymous(), swapped)).await;
    assert_eq!(violations(&refused.unwrap_err())[0].1, "TREES_SWAPPED");
}

#[tokio::test]
async fn a_head_is_signed_with_news_and_only_then() {
    let desk = Desk::open().await;
    let heads = async || count(&desk.db, "select count(*) from log_heads").await;
    let round = async |seconds| {
        desk.clock.advance(SignedDuration::from_secs(seconds));
        desk.app.sequence_once(Uuid::nil()).await.unwrap();
    };
    round(0).await;
    assert_eq!(heads().await, 1, "the empty tree");
    desk.submitted().await;
    round(60).await;
    assert_eq!(heads().await, 2);
    round(60).await;
    assert_eq!(heads().await, 2, "no news");
    desk.submitted().await;
    round(1).await;
    assert_eq!(heads().await, 3);
    desk.submitted().await;
    round(1).await;
    assert_eq!(heads().await, 3, "the newest head is quite new");
    round(60).await;
    assert_eq!(heads().await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_sequencers_that_race_give_each_entry_one_place() {
    // The lease ends at once, so that it changes hands all the time.
    let desk = Desk::with(|config| {
        config.log.lease_ms = 0;
        config.log.batch = 7;
        config.log.head_seconds = 0;
    })
    .await
    .told()
    .await;
    let submissions = join_all((0..200).map(|_| desk.submit(a_submission())));
    let sequencer = |holder: u128| {
        let app = desk.app.clone();
        async move {
            for _ in 0..150 {
                app.sequence_once(Uuid::from_u128(holder)).await.unwrap();
            }
        }
    };
    let (taken, (), ()) = tokio::join!(submissions, sequencer(1), sequencer(2));
    assert!(taken.iter().all(Result::is_ok));
    eventually("all entries have their places", Duration::from_secs(20), || async {
        desk.app.sequence_once(Uuid::from_u128(3)).await.unwrap();
        (count(&desk.db, "select size from log_head").await == 200).then_some(())
    })
    .await;
    assert!(count(&desk.db, "select epoch from log_head").await > 2, "the lease changed hands");
    desk.sequence().await;
    assert_eq!(count(&desk.db, "select count(distinct leaf_hash) from log_leaves").await, 200);
    assert_eq!(desk.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_sequencer_that_wakes_after_its_lease_was_taken_changes_nothing() {
    let desk = Desk::with(|config| config.log.lease_ms = 0).await.told().await;
    desk.submitted().await;
    let app = &desk.app;
    let old = app.take_log_lease(Uuid::from_u128(1)).await.unwrap().unwrap();
    // It sleeps; another one takes over.
    let new = app.take_log_lease(Uuid::from_u128(2)).await.unwrap().unwrap();
    assert!(new > old);
    assert_eq!(app.place_entries(old).await.unwrap(), Step::LeaseLost);
    assert_eq!(app.sign_head(old).await.unwrap(), Step::LeaseLost);
    assert_eq!(count(&desk.db, "select count(*) from log_waiting").await, 1);
    assert_eq!(count(&desk.db, "select size from log_head").await, 0);
    assert_eq!(count(&desk.db, "select count(*) from log_heads").await, 0);
    assert_eq!(app.place_entries(new).await.unwrap(), Step::Done(1));
    assert_eq!(app.sign_head(new).await.unwrap(), Step::Done(true));
    assert_eq!(app.place_entries(old).await.unwrap(), Step::LeaseLost);
}

#[tokio::test]
async fn a_lease_that_is_held_is_not_taken() {
    let desk = Desk::open().await;
    let first = desk.app.take_log_lease(Uuid::from_u128(1)).await.unwrap();
    assert!(first.is_some());
    assert_eq!(desk.app.take_log_lease(Uuid::from_u128(2)).await.unwrap(), None);
    assert_eq!(desk.app.take_log_lease(Uuid::from_u128(1)).await.unwrap(), first);
}

#[tokio::test]
async fn what_moderation_and_routing_say_is_logged() {
    let desk = Desk::open().await;
    let message_id = desk.submitted().await;
    let approved = MessageApproved {
        message_id: message_id.to_string(),
        revision: 1,
        ..MessageApproved::default()
    };
    desk.hear(message_id, approved).await.unwrap();
    let case_id = id::of_name("case", "1");
    let case = Some(a_case(case_id, message_id));
    desk.hear(case_id, CaseOpened { case: case.clone(), ..CaseOpened::default() }).await.unwrap();
    desk.hear(case_id, CaseReplied { case, ..CaseReplied::default() }).await.unwrap();
    desk.sequence().await;
    let events = "select count(*) from log_leaves where kind = 'event'";
    assert_eq!(count(&desk.db, events).await, 3);
    assert_eq!(desk.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_leaf_that_comes_twice_has_one_place_and_stops_nobody() {
    let desk = Desk::open().await;
    let entry = Entry::receipt(Uuid::nil(), &[1; 32], b"one", desk.now());
    let entries: Vec<Entry> = (0..3).map(|_| entry.clone()).collect();
    desk.db
        .write(move |tx| Box::pin(async move { log::append(tx, &entries).await }))
        .await
        .unwrap();
    desk.sequence().await;
    assert_eq!(count(&desk.db, "select size from log_head").await, 1);
    assert_eq!(count(&desk.db, "select count(*) from log_waiting").await, 0);
}

#[tokio::test]
async fn a_burst_of_a_second_is_caught_up_with() {
    let desk = Desk::open().await;
    let now = desk.now();
    let entries: Vec<Entry> = (0..30_000_u128)
        .map(|n| {
            Entry::redaction(
                Uuid::from_u128(n),
                [n.to_le_bytes()[0]; 32],
                now + Duration::from_micros(n as u64),
            )
        })
        .collect();
    let leaves: HashSet<Hash> = entries.iter().map(|it| it.leaf_hash).collect();
    assert_eq!(leaves.len(), 30_000);
    desk.db
        .write(move |tx| Box::pin(async move { log::append(tx, &entries).await }))
        .await
        .unwrap();
    desk.sequence().await;
    let told = tree_head(&desk).await.unwrap();
    assert_eq!((told.size, told.waiting), (30_000, 0));
    assert_eq!(count(&desk.db, "select count(*) from log_tiles").await, 118 + 1);
    assert_eq!(desk.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_erased_message_leaves_an_entry_that_tells_nothing() {
    let desk = Desk::open().await;
    let message_id = desk.submitted().await;
    desk.sequence().await;
    let now = desk.now();
    let redact = async || {
        let work = desk
            .db
            .write(move |tx| Box::pin(async move { log::redact(tx, message_id, now).await }));
        work.await.unwrap()
    };
    assert!(redact().await);
    assert!(!redact().await, "there is nothing left");
    assert_eq!(desk.audit().await, Vec::<String>::new(), "the redaction waits");
    desk.sequence().await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
    assert_eq!(count(&desk.db, "select count(*) from receipts where salt is not null").await, 0);
    let request = GetReceiptRequest { message_id: message_id.to_string() };
    let receipt = desk.grpc.get_receipt(as_caller(&author_of(message_id), request)).await.unwrap();
    let receipt = receipt.into_inner().receipt.unwrap();
    assert!(receipt.salt.is_empty() && receipt.leaf_hash.is_empty());
}
