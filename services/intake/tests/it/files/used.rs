//! Files and their message: one message has them, its receipt says which, and nobody else gets them.

use liuyan_proto::liuyan::intake::v1::{
    AttachedFile, AuthorSelector, BatchGetTextRequest, EraseAuthorDataRequest, GetMessageRequest,
    NewMessage, author_selector::By, intake_service_server::IntakeService as _,
};
use sha2::{Digest as _, Sha256};
use tonic::Code;
use uuid::Uuid;

use super::{
    Attachment, a_message_with, a_message_with_two, download, list, samples, upload, uploader,
};
use crate::{
    helpers::{
        Desk, OFFICE, a_message, a_submission_of, account, anonymous, as_caller, author_of, caller,
        count, reason, request_id, violations,
    },
    stream::client_as,
};

fn named(rule: &str) -> Vec<(String, String)> {
    vec![("message.attachments".to_owned(), rule.to_owned())]
}

#[tokio::test]
async fn a_receipt_says_which_files_there_were() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    let picture = upload(&client, &token, &samples::jpeg(40, 20)).await.unwrap();
    let document = upload(&client, &token, &samples::pdf()).await.unwrap();
    let message = a_message_with(&token, &[&picture, &document]);
    let request = a_submission_of(message.clone());
    let receipt = desk.submit(request.clone()).await.unwrap().receipt.unwrap();
    let content = format!(
        "liuyan-content-v2\noffice:8:{OFFICE}\nkind:7:enquiry\ndomain:1:7\ntopic:0:\n\
         visibility:6:public\ntitle:{}:{}\nbody:{}:{}\ndemand:0:\ndetails:0:\nplace:0:\n\
         location:0:\nremark:0:\nattachment:71:{} public\nattachment:72:{} private\n",
        message.title.len(),
        message.title,
        message.body.len(),
        message.body,
        hex::encode(&picture.sha256),
        hex::encode(&document.sha256),
    );
    let hash = Sha256::new().chain_update(&receipt.salt).chain_update(content).finalize();
    assert_eq!(receipt.content_hash, hash.as_slice());
    // The same request gets the same answer, though its files are used by now.
    assert_eq!(desk.submit(request).await.unwrap().receipt.unwrap(), receipt);
}

#[tokio::test]
async fn texts_and_messages_tell_their_files_in_order() {
    let desk = Desk::open().await;
    let (id, picture, document) = a_message_with_two(&desk).await;
    let expected =
        [Attachment { public: true, ..picture }, Attachment { public: false, ..document }];
    let request = BatchGetTextRequest {
        message_ids: vec![id.to_string()],
        purpose: "a test".to_owned(),
        revisions: vec![],
    };
    let reader = caller("moderation", &["text:read"]);
    let texts = desk.grpc.batch_get_text(as_caller(&reader, request)).await.unwrap().into_inner();
    assert_eq!(texts.texts[0].attachments, expected);
    let request = GetMessageRequest { message_id: id.to_string() };
    let message = desk.grpc.get_message(as_caller(&author_of(id), request)).await.unwrap();
    assert_eq!(message.into_inner().message.unwrap().text.unwrap().attachments, expected);
    assert_eq!(count(&desk.db, "select sum(attachments) from messages").await, 2);
}

#[tokio::test]
async fn a_file_is_only_for_whoever_uploaded_it_and_only_once() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    let (_, other) = uploader(&desk).await;
    let file = upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap();
    let submit = |message: NewMessage| desk.submit(a_submission_of(message));
    let refused = submit(a_message_with(&other, &[&file])).await.unwrap_err();
    assert_eq!(violations(&refused), named("FILE_UNKNOWN"));
    let refused = submit(a_message_with("", &[&file])).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("message.upload_token".to_owned(), "FIELD_REQUIRED".to_owned())]
    );
    let refused = submit(a_message_with(&token, &[&file, &file])).await.unwrap_err();
    assert_eq!(violations(&refused), named("FILE_REPEATED"));
    let refused = submit(a_message_with(&token, &[&file; 6])).await.unwrap_err();
    assert_eq!(violations(&refused), named("TOO_MANY_ENTRIES"));
    let no_id = NewMessage {
        attachments: vec![AttachedFile { attachment_id: "7".to_owned(), public: true }],
        upload_token: token.clone(),
        title: "abc".to_owned(),
        ..a_message()
    };
    let refused = submit(no_id).await.unwrap_err();
    let expected = [
        ("message.title".to_owned(), "FIELD_TOO_SHORT".to_owned()),
        ("message.attachments".to_owned(), "UUID_MALFORMED".to_owned()),
    ];
    assert_eq!(violations(&refused), expected, "all that is wrong comes in one answer");
    submit(a_message_with(&token, &[&file])).await.unwrap();
    let refused = submit(a_message_with(&token, &[&file])).await.unwrap_err();
    assert_eq!(violations(&refused), named("FILE_UNKNOWN"));
}

#[tokio::test]
async fn who_is_signed_in_needs_no_token() {
    let desk = Desk::open().await;
    let citizen = account(Uuid::from_u128(7));
    let client = client_as(&desk, citizen.clone()).await;
    let file = upload(&client, "", &samples::jpeg(9, 9)).await.unwrap();
    let message = a_message_with("", &[&file]);
    let refused = desk.submit_as(&anonymous(), a_submission_of(message.clone())).await;
    assert!(refused.is_err());
    let other = account(Uuid::from_u128(8));
    let refused = desk.submit_as(&other, a_submission_of(message.clone())).await.unwrap_err();
    assert_eq!(violations(&refused), named("FILE_UNKNOWN"));
    desk.submit_as(&citizen, a_submission_of(message)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_messages_with_one_file_one_is_taken_and_their_neighbours_are() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    let file = upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap();
    let rivals = (0..12).map(|_| desk.submit(a_submission_of(a_message_with(&token, &[&file]))));
    let plain = (0..12).map(|_| desk.submit(a_submission_of(a_message())));
    let (rivals, plain) =
        tokio::join!(futures::future::join_all(rivals), futures::future::join_all(plain));
    assert!(plain.iter().all(Result::is_ok));
    assert_eq!(rivals.iter().filter(|it| it.is_ok()).count(), 1);
    for refused in rivals.iter().filter_map(|it| it.as_ref().err()) {
        let told = (refused.code(), reason(refused));
        let (aborted, gone) = (Code::Aborted, Code::InvalidArgument);
        assert!(told == (aborted, "CONFLICT".to_owned()) || told.0 == gone, "{told:?}");
    }
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 13);
    assert_eq!(count(&desk.db, "select sum(attachments) from messages").await, 1);
}

#[tokio::test]
async fn the_log_proves_the_files_of_a_message_too() {
    let desk = Desk::open().await;
    let (id, ..) = a_message_with_two(&desk).await;
    desk.sequence().await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
    let harm = format!("update attachments set public = not public where message_id = '{id}'");
    let mut connection = desk.db.read().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(harm)).execute(&mut *connection).await.unwrap();
    assert_ne!(desk.audit().await, Vec::<String>::new(), "a flag that was changed in silence");
}

#[tokio::test]
async fn an_erased_message_has_no_files_any_more() {
    let desk = Desk::open().await;
    let (id, picture, _) = a_message_with_two(&desk).await;
    let (other, ..) = a_message_with_two(&desk).await;
    let erase = EraseAuthorDataRequest {
        author: Some(AuthorSelector { by: Some(By::MessageId(id.to_string())) }),
        request_id: request_id(),
        messages_too: true,
        purpose: String::new(),
    };
    desk.grpc.erase_author_data(as_caller(&author_of(id), erase)).await.unwrap();
    assert!(download(&desk, &author_of(id), id, &picture).await.is_err());
    let left = "select count(*) from attachments";
    assert_eq!(count(&desk.db, left).await, 2);
    assert_eq!(count(&desk.db, "select kept from attachment_count").await, 2);
    assert_eq!(list(&desk, &author_of(other), other).await.unwrap().len(), 2);
    desk.sequence().await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
}
