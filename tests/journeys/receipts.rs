//! What a citizen keeps is proof, without the board and against it.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use liuyan_intake::domain::receipt::file::Kept;
use liuyan_proto::liuyan::{
    intake::v1::{NewMessage, SubmitMessageRequest, intake_service_client::IntakeServiceClient},
    routing::v1::{ListOfficesRequest, directory_service_client::DirectoryServiceClient},
};
use sqlx::Connection as _;

use crate::board::{Board, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_receipt_is_verified_without_the_board_and_in_its_log() {
    let board = Board::start(&[]);
    let receipt = submitted(&board).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receipt.txt");
    std::fs::write(&file, receipt.to_string()).unwrap();
    let file = file.to_str().unwrap();

    let (code, told) = board.liuyan(&["receipt", "verify", file]);
    assert_eq!(code, 0, "{told}");
    let told = eventually("the log has it", || async {
        let (code, told) = board.liuyan(&["receipt", "verify", file, "--log"]);
        (code == 0).then_some(told)
    })
    .await;
    assert!(told.contains("\"key_known\":true"), "{told}");
    let address = format!("--log=http://{}", board.at.grpc["intake"]);
    assert_eq!(board.liuyan(&["receipt", "verify", file, &address]).0, 0);

    let forged = folder.path().join("forged.txt");
    let mut other = receipt.clone();
    other.signature[0] ^= 1;
    std::fs::write(&forged, other.to_string()).unwrap();
    let (code, told) = board.liuyan(&["receipt", "verify", forged.to_str().unwrap()]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("signature"), "{told}");
    let zeros = "00".repeat(32);
    let (code, told) = board.liuyan(&["receipt", "verify", file, "--key", &zeros]);
    assert_eq!(code, 1, "{told}");
    assert_eq!(board.liuyan(&["receipt", "verify", "/no/such/file"]).0, 2);

    // After the board has changed its key, the earlier one is named beside the new one.
    let keys: serde_json::Value = published(&board).await;
    let own = keys["receipts"][0]["public_key"].as_str().unwrap();
    assert_eq!(board.liuyan(&["receipt", "verify", file, "--key", &zeros, "--key", own]).0, 0);
    let old_too = folder.path().join("keys.json");
    let mut after = keys.clone();
    let newer = serde_json::json!({"key_id": "0000", "public_key": zeros});
    after["receipts"].as_array_mut().unwrap().insert(0, newer);
    std::fs::write(&old_too, after.to_string()).unwrap();
    let old_too = old_too.to_str().unwrap();
    assert_eq!(board.liuyan(&["receipt", "verify", file, "--key", old_too]).0, 0);

    // Who keeps a signed head sees whether the log still continues it.
    let kept = folder.path().join("head.txt");
    std::fs::write(&kept, checkpoint(&board).await).unwrap();
    let kept = kept.to_str().unwrap();
    let with_head = ["receipt", "verify", file, "--log", "--head", kept];
    let (code, told) = board.liuyan(&with_head);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("\"continues\":"), "{told}");
    let (code, told) = board.liuyan(&["receipt", "verify", file, "--head", kept]);
    assert_eq!(code, 2, "{told}");
    std::fs::write(folder.path().join("other.txt"), "not a head").unwrap();
    let other = folder.path().join("other.txt");
    let with_other = ["receipt", "verify", file, "--log", "--head", other.to_str().unwrap()];
    assert_eq!(board.liuyan(&with_other).0, 1);

    // Nothing waits to be wrapped anew where no key was changed.
    let (_, told) = board.liuyan(&["status"]);
    assert!(told.contains("\"to_rewrap\":0"), "{told}");

    // Behind the board's back the message becomes another one.
    let (code, told) = board.liuyan(&["verify"]);
    assert_eq!(code, 0, "{told}");
    let mut database = sqlx::PgConnection::connect(&board.at.postgres["intake"]).await.unwrap();
    sqlx::raw_sql("update texts set body = 'I have never been here.'")
        .execute(&mut database)
        .await
        .unwrap();
    let (code, told) = board.liuyan(&["verify", "--wait", "0"]);
    assert_eq!(code, 1);
    assert!(told.contains("text of message"), "{told}");
}

async fn submitted(board: &Board) -> Kept {
    let mut directory = DirectoryServiceClient::new(board.channel("routing").await);
    let offices = directory
        .list_offices(ListOfficesRequest { page_size: 10, ..ListOfficesRequest::default() })
        .await
        .unwrap()
        .into_inner()
        .offices;
    let message = NewMessage {
        office_id: offices.iter().find(|office| office.open).unwrap().office_id.clone(),
        kind: "enquiry".to_owned(),
        domain: "7".to_owned(),
        title: "A street lamp is out".to_owned(),
        body: "The lamp before number nine has been out for a week.".to_owned(),
        ..NewMessage::default()
    };
    let intake = IntakeServiceClient::new(board.channel("intake").await);
    let request = SubmitMessageRequest {
        request_id: "0192f0c4-7d1e-7a43-9b1c-3f2a5d6e7f81".to_owned(),
        message: Some(message),
        historical: None,
    };
    let receipt = eventually("the office takes messages", || {
        let (mut intake, request) = (intake.clone(), request.clone());
        async move { intake.submit_message(request).await.ok()?.into_inner().receipt }
    })
    .await;
    let kept = Kept {
        statement: receipt.statement.to_vec(),
        salt: receipt.salt.as_ref().try_into().unwrap(),
        key_id: receipt.key_id,
        signature: receipt.signature.as_ref().try_into().unwrap(),
    };
    assert_eq!(kept.leaf_hash().as_slice(), receipt.leaf_hash.as_ref());
    kept
}

/// The keys as the board publishes them.
async fn published(board: &Board) -> serde_json::Value {
    serde_json::from_str(&page(board, "/.well-known/liuyan-keys.json").await).unwrap()
}

/// The newest signed head.
async fn checkpoint(board: &Board) -> String {
    page(board, "/api/v1/log/checkpoint").await
}

async fn page(board: &Board, path: &str) -> String {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let base = board.at.http.trim_end_matches('/');
    let answer = client.get(format!("{base}{path}").parse().unwrap()).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}
