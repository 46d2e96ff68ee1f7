//! The transparency log over HTTP.

use http::StatusCode;
use liuyan_kit::class::Class;
use liuyan_proto::liuyan::intake::v1 as intake;

use super::client::{get, post};
use crate::{portal::Running, samples::refused};

const CHECKPOINT: &str = "log\n7\nAAAA\n\n— log BBBB\n";

fn answers(portal: &Running) {
    portal.fake.on("IntakeService/GetTreeHead", |_: intake::GetTreeHeadRequest| {
        Ok(intake::GetTreeHeadResponse {
            checkpoint: CHECKPOINT.to_owned(),
            size: 7,
            root_hash: vec![3; 32].into(),
            signed_at: None,
            verifier_key: "log+00000001+AQ==".to_owned(),
            waiting: 2,
            receipt_keys: vec![intake::ReceiptKey {
                key_id: "k1".to_owned(),
                public_key: vec![4; 32].into(),
            }],
        })
    });
    portal.fake.on("IntakeService/GetInclusionProof", |ask: intake::GetInclusionProofRequest| {
        if ask.leaf_hash.len() != 32 {
            return Err(refused(Class::Invalid, "FIELDS_INVALID", &["leaf_hash"]));
        }
        Ok(intake::GetInclusionProofResponse {
            index: 5,
            tree_size: 7,
            hashes: vec![vec![0; 32].into()],
            checkpoint: CHECKPOINT.to_owned(),
        })
    });
}

#[tokio::test]
async fn heads_and_keys_are_told_to_everybody() {
    let portal = Running::start().await;
    answers(&portal);
    let head = get(&portal, "/api/v1/log/head").send().await.ok();
    assert_eq!(head["size"], 7);
    assert_eq!(head["root_hash"], "03".repeat(32));
    assert_eq!(head["checkpoint"], CHECKPOINT);
    let text = get(&portal, "/api/v1/log/checkpoint").send().await;
    assert_eq!((text.status, text.body.as_ref()), (StatusCode::OK, CHECKPOINT.as_bytes()));
    let keys = get(&portal, "/.well-known/liuyan-keys.json").send().await.ok();
    assert_eq!(keys["receipts"][0]["public_key"], "04".repeat(32));
    assert_eq!(keys["log"], "log+00000001+AQ==");
}

#[tokio::test]
async fn a_proof_is_told_as_json_and_as_a_file_to_keep() {
    let portal = Running::start().await;
    answers(&portal);
    let leaf = "ab".repeat(32);
    let told = get(&portal, &format!("/api/v1/log/inclusion?leaf_hash={leaf}")).send().await.ok();
    assert_eq!((&told["index"], &told["hashes"][0]), (&5.into(), &"00".repeat(32).into()));
    let file = get(&portal, &format!("/api/v1/log/proofs/{leaf}")).send().await;
    let nought = format!("{}=", "A".repeat(43));
    let expected = format!("c2sp.org/tlog-proof@v1\nindex 5\n{nought}\n\n{CHECKPOINT}");
    assert_eq!(String::from_utf8(file.body.to_vec()).unwrap(), expected);
    let wrong = get(&portal, "/api/v1/log/inclusion?leaf_hash=7").send().await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_lost_message_is_brought_back() {
    let portal = Running::start().await;
    portal.fake.on("IntakeService/RestoreMessage", |ask: intake::RestoreMessageRequest| {
        let receipt = ask.receipt.unwrap();
        assert_eq!((receipt.salt.as_ref(), receipt.key_id.as_str()), ([8; 32].as_slice(), "k1"));
        assert_eq!(ask.message.unwrap().title, "A lamp is out");
        Ok(intake::RestoreMessageResponse {
            receipt: Some(receipt),
            known: false,
            access_code: "7K3QM-2XW9T".to_owned(),
        })
    });
    let body = serde_json::json!({
        "receipt": { "salt": "08".repeat(32), "statement": "QQ==", "key_id": "k1", "signature": "QQ==" },
        "message": { "office_id": "330106-g", "kind": "help", "title": "A lamp is out" },
    });
    let sent = post(&portal, "/api/v1/messages/restore")
        .header("idempotency-key", "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f81")
        .json(&body)
        .send()
        .await
        .ok();
    assert_eq!((&sent["known"], &sent["access_code"]), (&false.into(), &"7K3QM-2XW9T".into()));
}
