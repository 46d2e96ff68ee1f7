//! What a citizen keeps is proof, without the board and against it.

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
