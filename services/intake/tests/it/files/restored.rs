//! Files of a message that comes back from its receipt.

use liuyan_proto::liuyan::intake::v1::{
    AttachedFile, NewMessage, Receipt, RestoreMessageRequest, RestoreMessageResponse,
    intake_service_server::IntakeService as _,
};
use tonic::Status;
use uuid::Uuid;

use super::{Attachment, a_message_with, download, list, samples, upload, uploader};
use crate::helpers::{
    Desk, a_message, a_submission_of, anonymous, as_caller, author_of, count, reason, request_id,
    violations,
};

/// What was there before the loss, and what its author still has.
struct Before {
    desk: Desk,
    receipt: Receipt,
    picture: Attachment,
    document: Attachment,
}

async fn before() -> Before {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    let picture = upload(&client, &token, &samples::phone_photo(40, 20)).await.unwrap();
    let document = upload(&client, &token, &samples::pdf()).await.unwrap();
    let message = a_message_with(&token, &[&picture, &document]);
    let receipt = desk.submit(a_submission_of(message)).await.unwrap().receipt.unwrap();
    let (picture, document) = (Attachment { public: true, ..picture }, document);
    Before { desk, receipt, picture, document }
}

async fn restore(
    desk: &Desk,
    request: RestoreMessageRequest,
) -> Result<RestoreMessageResponse, Status> {
    let answer = desk.grpc.restore_message(as_caller(&anonymous(), request)).await;
    answer.map(tonic::Response::into_inner)
}

fn asks(receipt: &Receipt, message: NewMessage, files: &[&Attachment]) -> RestoreMessageRequest {
    RestoreMessageRequest {
        request_id: request_id(),
        receipt: Some(receipt.clone()),
        message: Some(message),
        attachments: files.iter().map(|it| (*it).clone()).collect(),
    }
}

/// The message as it was written, with these files uploaded again.
fn with(token: &str, files: &[(&Attachment, bool)]) -> NewMessage {
    let file = |(file, public): &(&Attachment, bool)| AttachedFile {
        attachment_id: file.attachment_id.clone(),
        public: *public,
    };
    NewMessage {
        attachments: files.iter().map(file).collect(),
        upload_token: token.to_owned(),
        ..a_message()
    }
}

async fn is_sound(desk: &Desk) {
    for (name, check) in liuyan_intake::CHECKS {
        assert_eq!(count(&desk.db, check).await, 0, "{name}");
    }
    desk.sequence().await;
    assert_eq!(desk.audit().await, Vec::<String>::new());
}

#[tokio::test]
async fn files_that_nobody_has_any_more_are_kept_as_lost_until_somebody_brings_them() {
    let Before { desk, receipt, picture, document } = before().await;
    let id: Uuid = receipt.message_id.parse().unwrap();
    let desk = desk.robbed().await.told().await;
    let request = asks(&receipt, a_message(), &[&picture, &document]);
    let restored = restore(&desk, request.clone()).await.unwrap();
    assert_eq!((restored.receipt.as_ref(), restored.known), (Some(&receipt), false));
    assert_eq!(restore(&desk, request).await.unwrap(), restored, "the same request");
    let files = list(&desk, &author_of(id), id).await.unwrap();
    let told: Vec<_> = files.iter().map(|it| (&it.sha256, it.public, it.lost)).collect();
    assert_eq!(told, [(&picture.sha256, true, true), (&document.sha256, false, true)]);
    let refused = download(&desk, &author_of(id), id, &files[0]).await.unwrap_err();
    assert_eq!(reason(&refused), "ATTACHMENT_NOT_FOUND");
    is_sound(&desk).await;

    // The original photo is cleaned as it was then, and so has the same bytes; another one has not.
    let (client, token) = uploader(&desk).await;
    let again = upload(&client, &token, &samples::phone_photo(40, 20)).await.unwrap();
    assert_eq!(again.sha256, picture.sha256);
    let other = upload(&client, &token, &samples::jpeg(41, 20)).await.unwrap();
    let message = with(&token, &[(&again, false), (&other, false)]);
    let request = asks(&receipt, message, &[&picture, &document]);
    assert!(restore(&desk, request).await.unwrap().known);
    let files = list(&desk, &author_of(id), id).await.unwrap();
    let told: Vec<_> = files.iter().map(|it| (&it.sha256, it.public, it.lost)).collect();
    assert_eq!(told, [(&picture.sha256, true, false), (&document.sha256, false, true)]);
    download(&desk, &author_of(id), id, &files[0]).await.unwrap();
    is_sound(&desk).await;
}

#[tokio::test]
async fn files_that_are_uploaded_again_come_back_with_their_message() {
    let Before { desk, receipt, picture, document } = before().await;
    let id: Uuid = receipt.message_id.parse().unwrap();
    let desk = desk.robbed().await.told().await;
    let (client, token) = uploader(&desk).await;
    let one = upload(&client, &token, &samples::phone_photo(40, 20)).await.unwrap();
    let two = upload(&client, &token, &samples::pdf()).await.unwrap();
    let request = asks(&receipt, with(&token, &[(&one, true), (&two, false)]), &[]);
    assert!(!restore(&desk, request.clone()).await.unwrap().known);
    restore(&desk, request).await.unwrap();
    let files = list(&desk, &author_of(id), id).await.unwrap();
    let told: Vec<_> = files.iter().map(|it| (&it.sha256, it.public, it.lost)).collect();
    assert_eq!(told, [(&picture.sha256, true, false), (&document.sha256, false, false)]);
    is_sound(&desk).await;
}

#[tokio::test]
async fn only_the_files_that_the_receipt_proves_come_back() {
    let Before { desk, receipt, picture, document } = before().await;
    let desk = desk.robbed().await.told().await;
    let refused = async |files: &[&Attachment]| {
        let refused = restore(&desk, asks(&receipt, a_message(), files)).await.unwrap_err();
        violations(&refused)
    };
    let differs = [("message".to_owned(), "CONTENT_DIFFERS".to_owned())];
    assert_eq!(refused(&[]).await, differs);
    assert_eq!(refused(&[&document, &picture]).await, differs, "in another order");
    let hidden = Attachment { public: false, ..picture.clone() };
    assert_eq!(refused(&[&hidden, &document]).await, differs);
    let other = Attachment { sha256: vec![7; 32].into(), ..picture.clone() };
    assert_eq!(refused(&[&other, &document]).await, differs);
    let odd = Attachment { sha256: vec![7; 31].into(), ..picture.clone() };
    assert_eq!(refused(&[&odd]).await, [("attachments".to_owned(), "HASH_MALFORMED".to_owned())]);
    let (_, token) = uploader(&desk).await;
    let unknown = Attachment { attachment_id: Uuid::nil().to_string(), ..picture.clone() };
    let request = asks(&receipt, with(&token, &[(&unknown, true)]), &[&picture, &document]);
    let told = violations(&restore(&desk, request).await.unwrap_err());
    assert_eq!(told, [("message.attachments".to_owned(), "FILE_UNKNOWN".to_owned())]);
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 0);
}
