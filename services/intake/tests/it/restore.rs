//! Messages that come back from the receipts of their authors.

use futures::future::join_all;
use liuyan_kit::testing::said;
use liuyan_proto::liuyan::intake::v1::{
    Column, LookUpMessageRequest, MessageSubmitted, NewMessage, Place, Receipt,
    RestoreMessageRequest, RestoreMessageResponse, SubmitMessageResponse,
    intake_service_server::IntakeService as _,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    columns,
    helpers::{
        Desk, a_message, a_message_by, a_submission_of, agency, anonymous, as_caller, count,
        reason, request_id, violations,
    },
};

fn written() -> NewMessage {
    NewMessage {
        remark: "Please ring twice".to_owned(),
        place: Some(Place { text: "Number nine".to_owned(), public: true, ..Place::default() }),
        ..a_message_by("Wang", "13800001111")
    }
}

async fn submitted(desk: &Desk) -> SubmitMessageResponse {
    desk.submit(a_submission_of(written())).await.unwrap()
}

async fn restore(
    desk: &Desk,
    request: RestoreMessageRequest,
) -> Result<RestoreMessageResponse, Status> {
    let answer = desk.grpc.restore_message(as_caller(&anonymous(), request)).await;
    answer.map(tonic::Response::into_inner)
}

fn asks(receipt: &Receipt) -> RestoreMessageRequest {
    RestoreMessageRequest {
        request_id: request_id(),
        receipt: Some(receipt.clone()),
        message: Some(written()),
        attachments: Vec::new(),
    }
}

#[tokio::test]
async fn a_lost_message_comes_back_with_its_number_its_receipt_and_its_code() {
    let before = Desk::open().await;
    let answer = submitted(&before).await;
    let receipt = answer.receipt.clone().unwrap();
    let desk = before.robbed().await.told().await;
    desk.clock.advance(jiff::SignedDuration::from_hours(48));
    let request = asks(&receipt);
    let restored = restore(&desk, request.clone()).await.unwrap();
    assert_eq!(restored.receipt.as_ref(), Some(&receipt));
    assert!(!restored.known);
    assert_eq!(restored.access_code, answer.access_code);
    assert_eq!(restore(&desk, request).await.unwrap(), restored, "the same request");
    let told = said::<MessageSubmitted>(&desk.db).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].event.message_id, receipt.message_id);
    assert_eq!(told[0].event.submitted_at, receipt.submitted_at);
    let found = LookUpMessageRequest {
        number: receipt.number.clone(),
        access_code: answer.access_code.clone(),
    };
    let found = desk.grpc.look_up_message(as_caller(&anonymous(), found)).await.unwrap();
    let text = found.into_inner().message.unwrap().text.unwrap();
    assert_eq!((text.body, text.place), (written().body, "Number nine".to_owned()));
    // It is late in the log, which says why.
    desk.submitted().await;
    desk.sequence().await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
    let restorations = "select count(*) from log_leaves where kind = 'restoration'";
    assert_eq!(count(&desk.db, restorations).await, 1);
}

#[tokio::test]
async fn an_old_message_that_comes_back_is_as_new_for_whoever_brings_it() {
    let before = Desk::open().await;
    let answer = submitted(&before).await;
    let receipt = answer.receipt.clone().unwrap();
    // Long ago; and the key of the codes has changed since.
    let keys = before.config().access_key_file;
    let key = std::fs::read_to_string(&keys).unwrap();
    std::fs::write(&keys, format!("{}\n{key}", "7a".repeat(32))).unwrap();
    let desk = before.robbed().await.told().await;
    desk.clock.advance(jiff::SignedDuration::from_hours(60 * 24));
    let request = asks(&receipt);
    let restored = restore(&desk, request.clone()).await.unwrap();
    assert_ne!(restored.access_code, answer.access_code);
    desk.app.prune_requests().await.unwrap();
    assert_eq!(restore(&desk, request).await.unwrap(), restored, "the same request");
    // The code that is printed on the receipt opens it as the new one does, and no other.
    let opens = async |access_code: &str| {
        let number = receipt.number.clone();
        let found = LookUpMessageRequest { number, access_code: access_code.to_owned() };
        desk.grpc.look_up_message(as_caller(&anonymous(), found)).await.is_ok()
    };
    assert!(opens(&answer.access_code).await);
    assert!(opens(&restored.access_code).await);
    assert!(!opens("00000-00000").await);
}

#[tokio::test]
async fn an_entry_that_the_log_still_has_does_not_enter_it_twice() {
    let desk = Desk::open().await;
    let receipt = submitted(&desk).await.receipt.unwrap();
    desk.sequence().await;
    let message_id: Uuid = receipt.message_id.parse().unwrap();
    desk.db
        .write(move |tx| {
            Box::pin(async move {
                for table in ["messages", "texts", "receipts", "remarks", "requests"] {
                    let sql = format!("delete from {table} where message_id = '{message_id}'");
                    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await?;
                }
                sqlx::raw_sql("delete from authors").execute(tx).await
            })
        })
        .await
        .unwrap();
    assert_ne!(desk.audit().await, Vec::<String>::new());
    assert!(!restore(&desk, asks(&receipt)).await.unwrap().known);
    desk.sequence().await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
    assert_eq!(count(&desk.db, "select size from log_head").await, 2);
}

#[tokio::test]
async fn a_message_that_is_here_is_known_and_its_code_is_not_told() {
    let desk = Desk::open().await;
    let receipt = submitted(&desk).await.receipt.unwrap();
    let known = restore(&desk, asks(&receipt)).await.unwrap();
    assert!(known.known);
    assert_eq!((known.access_code.as_str(), known.receipt.as_ref()), ("", Some(&receipt)));
    assert_eq!(said::<MessageSubmitted>(&desk.db).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_that_many_bring_at_once_is_stored_once() {
    // Twenty of one author would otherwise be more than an hour allows.
    let before = Desk::with(|config| config.rates.author_per_hour = 100).await.told().await;
    let receipt = submitted(&before).await.receipt.unwrap();
    let desk = before.robbed().await;
    let answers = join_all((0..20).map(|_| restore(&desk, asks(&receipt)))).await;
    let fresh = answers.into_iter().filter(|it| !it.as_ref().unwrap().known).count();
    assert_eq!(fresh, 1);
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 1);
    assert_eq!(said::<MessageSubmitted>(&desk.db).await.len(), 1);
}

#[tokio::test]
async fn only_what_the_board_signed_and_for_just_this_text_comes_back() {
    let before = Desk::open().await;
    let receipt = submitted(&before).await.receipt.unwrap();
    let desk = before.robbed().await;
    let stranger = submitted(&Desk::open().await).await.receipt.unwrap();
    let refused = async |change: &dyn Fn(&mut RestoreMessageRequest)| {
        let mut request = asks(&receipt);
        change(&mut request);
        let refused = restore(&desk, request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let mut rules: Vec<String> = violations(&refused).into_iter().map(|it| it.1).collect();
        rules.sort();
        rules
    };
    let text = refused(&|it| it.message = Some(a_message())).await;
    assert_eq!(text, ["CONTENT_DIFFERS"]);
    let remark = refused(&|it| it.message.as_mut().unwrap().remark.clear()).await;
    assert_eq!(remark, ["CONTENT_DIFFERS"]);
    let salt = refused(&|it| it.receipt.as_mut().unwrap().salt = vec![0; 32].into()).await;
    assert_eq!(salt, ["CONTENT_DIFFERS"]);
    let other = refused(&|it| it.receipt = Some(stranger.clone())).await;
    assert_eq!(other, ["RECEIPT_KEY_UNKNOWN"]);
    let all = refused(&|it| {
        it.receipt = Some(stranger.clone());
        it.message = Some(a_message());
    })
    .await;
    assert_eq!(all, ["CONTENT_DIFFERS", "RECEIPT_KEY_UNKNOWN"]);
    let backdated = refused(&|it| {
        let receipt = it.receipt.as_mut().unwrap();
        let said = String::from_utf8(receipt.statement.to_vec()).unwrap();
        receipt.statement = said.replace("2025-11-24", "2025-11-14").into();
    })
    .await;
    assert_eq!(backdated, ["SIGNATURE_WRONG"]);
    let empty = refused(&|it| it.receipt = None).await;
    assert_eq!(empty, ["RECEIPT_MALFORMED", "RECEIPT_MALFORMED"]);
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 0);
}

#[tokio::test]
async fn what_a_collated_column_took_as_private_comes_back_as_its_author_wrote_it() {
    let before = Desk::open().await;
    let column = Column { collated: true, ..columns::a_column() };
    columns::create(&before, column).await.unwrap();
    let answer = before.submit_as(&agency("province"), a_submission_of(written())).await.unwrap();
    let receipt = answer.receipt.unwrap();
    let desk = before.robbed().await.told().await;
    assert!(!restore(&desk, asks(&receipt)).await.unwrap().known);
    let private = "select count(*) from messages where visibility = 'private'";
    assert_eq!(count(&desk.db, private).await, 1);
}

#[tokio::test]
async fn another_message_is_never_overwritten() {
    let before = Desk::open().await;
    let receipt = submitted(&before).await.receipt.unwrap();
    let desk = before.robbed().await.told().await;
    let other = desk.submitted().await;
    let number = receipt.number.clone();
    desk.db
        .write(move |tx| {
            Box::pin(async move {
                let sql =
                    format!("update messages set number = '{number}' where message_id = '{other}'");
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(tx).await
            })
        })
        .await
        .unwrap();
    let refused = restore(&desk, asks(&receipt)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::AlreadyExists, "RECEIPT_TAKEN".to_owned())
    );
}
