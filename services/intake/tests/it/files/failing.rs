//! Callers who go away, stores that fail, and what is swept up.

use std::{fs, time::Duration};

use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::SignedDuration;
use liuyan_intake::app::Swept;
use liuyan_kit::{objects, testing::eventually};
use liuyan_proto::liuyan::intake::v1::{Attachment, UploadAttachmentRequest};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    Client, PATIENCE, a_message_with, a_message_with_two, download, kept, parts, samples, send,
    upload, uploader,
};
use crate::helpers::{
    Desk, a_submission, a_submission_of, author_of, count, reason, request_id, violations,
};

type Hanging = (JoinHandle<()>, mpsc::Sender<UploadAttachmentRequest>);

/// Begins an upload that does not go on.
async fn hang(client: &Client, token: &str) -> Hanging {
    let (sender, receiver) = mpsc::channel(10);
    for part in parts(&request_id(), token, &samples::mp4()) {
        sender.send(part).await.unwrap();
    }
    let client = client.clone();
    let task = tokio::spawn(async move {
        // It never ends by itself, unless it is refused at once.
        let _ = send(&client, ReceiverStream::new(receiver)).await;
    });
    (task, sender)
}

#[tokio::test]
async fn who_hangs_up_leaves_nothing_and_gives_their_place_back() {
    let desk = Desk::with(|config| config.attachments.concurrent_each = 1).await.told().await;
    let (client, token) = uploader(&desk).await;
    // One that comes while another one is tried is refused, and begins again.
    let hanging = tokio::sync::Mutex::new(hang(&client, &token).await);
    eventually("the place is taken", PATIENCE, || async {
        let refused = upload(&client, &token, &samples::gif()).await.unwrap_err();
        let mut hanging = hanging.lock().await;
        if hanging.0.is_finished() {
            *hanging = hang(&client, &token).await;
        }
        (reason(&refused) == "UPLOADS_BUSY").then_some(())
    })
    .await;
    let (task, sender) = hanging.into_inner();
    task.abort();
    drop(sender);
    eventually("the place is free", PATIENCE, || async {
        upload(&client, &token, &samples::jpeg(9, 9)).await.ok()
    })
    .await;
    assert_eq!(
        kept(&desk).await,
        count(&desk.db, "select count(*) from attachments").await as usize
    );
    let spool = desk.folder.path().join("spool");
    assert_eq!(fs::read_dir(spool).unwrap().count(), 0, "a file on its way has no name");
}

#[tokio::test]
async fn a_silent_upload_is_given_up() {
    let desk = Desk::with(|config| config.attachments.idle_seconds = 1).await.told().await;
    let (client, token) = uploader(&desk).await;
    let (sender, receiver) = mpsc::channel(10);
    sender.send(parts(&request_id(), &token, b"").remove(0)).await.unwrap();
    let refused = send(&client, ReceiverStream::new(receiver)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::DeadlineExceeded, "UPLOAD_TOO_SLOW")
    );
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_messages_are_taken_all_the_same() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    let folder = desk.folder.path().join("objects");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, b"no folder").unwrap();
    let id = request_id();
    let refused = super::upload_as(&client, &id, &token, &samples::jpeg(9, 9)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "STORAGE_UNAVAILABLE")
    );
    assert!(refused.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
    assert_eq!(count(&desk.db, "select count(*) from attachments").await, 0);
    desk.submit(a_submission()).await.unwrap();
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    super::upload_as(&client, &id, &token, &samples::jpeg(9, 9)).await.unwrap();
}

#[tokio::test]
async fn a_disk_without_room_is_told() {
    let desk = Desk::with(|config| {
        config.attachments.spool_folder = "/proc/there-is-no-room".into();
    })
    .await;
    let (client, token) = uploader(&desk).await;
    let refused = upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "STORAGE_UNAVAILABLE")
    );
}

#[tokio::test]
async fn a_file_that_changed_in_its_store_is_never_shown() {
    let desk = Desk::open().await;
    let (id, picture, document) = a_message_with_two(&desk).await;
    let name = |file: &Attachment| format!("attachments/{}", file.attachment_id);
    let parts_kept: Vec<Bytes> =
        desk.objects.get(&name(&picture)).await.unwrap().content.try_collect().await.unwrap();
    let mut bytes = parts_kept.concat();
    *bytes.last_mut().unwrap() ^= 1;
    let changed = futures::stream::iter([Ok::<_, objects::Error>(Bytes::from(bytes))]);
    desk.objects.put(&name(&picture), changed).await.unwrap();
    let refused = download(&desk, &author_of(id), id, &picture).await.unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
    desk.objects.delete(&name(&document)).await.unwrap();
    let refused = download(&desk, &author_of(id), id, &document).await.unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
}

#[tokio::test]
async fn what_no_message_has_named_within_a_day_is_removed_and_the_rest_stays() {
    let desk = Desk::open().await;
    let (used, picture, _) = a_message_with_two(&desk).await;
    let (client, token) = uploader(&desk).await;
    let unused = upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap();
    desk.clock.advance(SignedDuration::from_hours(23));
    assert_eq!(desk.app.sweep_files().await.unwrap(), Swept::default());
    desk.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(desk.app.sweep_files().await.unwrap(), Swept { unused: 1, unknown: 0 });
    assert_eq!(kept(&desk).await, 2);
    assert_eq!(count(&desk.db, "select kept from attachment_count").await, 2);
    download(&desk, &author_of(used), used, &picture).await.unwrap();
    let late = desk.submit(a_submission_of(a_message_with(&token, &[&unused]))).await.unwrap_err();
    assert_eq!(violations(&late), [("message.attachments".to_owned(), "FILE_UNKNOWN".to_owned())]);
}

#[tokio::test]
async fn objects_that_no_row_knows_are_removed_after_a_day() {
    let desk = Desk::open().await;
    let (_, picture, _) = a_message_with_two(&desk).await;
    let folder = desk.folder.path().join("objects/intake/attachments");
    let stray = folder.join(uuid::Uuid::from_u128(9).to_string());
    fs::write(&stray, b"left behind").unwrap();
    // The store goes by the machine's clock and the tests by their own.
    let old = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    let young = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_990_000);
    for entry in fs::read_dir(&folder).unwrap() {
        let file = fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(old).unwrap();
    }
    fs::File::options().write(true).open(&stray).unwrap().set_modified(young).unwrap();
    assert_eq!(desk.app.sweep_files().await.unwrap(), Swept::default(), "it may be on its way");
    fs::File::options().write(true).open(&stray).unwrap().set_modified(old).unwrap();
    assert_eq!(desk.app.sweep_files().await.unwrap(), Swept { unused: 0, unknown: 1 });
    assert!(!stray.exists() && folder.join(&picture.attachment_id).exists());
}
