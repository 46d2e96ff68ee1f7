//! Hostile files and greedy callers: what is refused, why, and what it cost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use liuyan_intake::config::Config;
use liuyan_kit::{auth::Caller, grpc::CLIENT_ADDRESS};
use liuyan_proto::liuyan::intake::v1::{
    UploadAttachmentRequest, intake_service_server::IntakeService as _,
    upload_attachment_request::Part,
};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{
    IssueUploadTokenRequest, PIECE, header_of, kept, parts, samples, send, upload, upload_as,
    uploader,
};
use crate::{
    helpers::{
        Desk, account, anonymous, as_caller, caller, count, reason, request_id, service, violations,
    },
    stream::client_as,
};

fn chunk(reason: &str) -> Vec<(String, String)> {
    vec![("chunk".to_owned(), reason.to_owned())]
}

#[tokio::test]
async fn hostile_files_are_refused_and_nothing_of_them_is_kept() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    let video = samples::mp4();
    for (bytes, expected) in [
        (samples::bomb(), "PICTURE_TOO_LARGE"),
        (samples::slim_jpeg(true, 7_071, 7_071, &[&[1, 2, 3, 4]]), "PICTURE_TOO_LARGE"),
        (samples::gif(), "FILE_TYPE_UNKNOWN"),
        (samples::SCRIPT.to_vec(), "FILE_TYPE_UNKNOWN"),
        (samples::zip(), "FILE_TYPE_UNKNOWN"),
        (b"ab".to_vec(), "FILE_TYPE_UNKNOWN"),
        (Vec::new(), "FILE_EMPTY"),
        ([b"\xFF\xD8\xFF\xE0".as_slice(), samples::SCRIPT].concat(), "PICTURE_BROKEN"),
        (samples::jpeg(64, 64)[..400].to_vec(), "PICTURE_BROKEN"),
        ([samples::pdf(), samples::SCRIPT.to_vec()].concat(), "PDF_BROKEN"),
        (samples::pdf_with(b"4 0 obj\n<< /S /JavaScript >>\nendobj\n"), "PDF_ACTIVE"),
        (samples::pdf_with(b"<< /Encrypt 4 0 R >>\n"), "PDF_LOCKED"),
        (video[..video.len() - 9].to_vec(), "VIDEO_BROKEN"),
        ([video, samples::zip()].concat(), "VIDEO_BROKEN"),
        (samples::mp4_of(b"camm", &[], &[]), "VIDEO_MEASURES"),
    ] {
        let refused = upload(&client, &token, &bytes).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(violations(&refused), chunk(expected));
    }
    assert_eq!(count(&desk.db, "select count(*) from attachments").await, 0);
    assert_eq!(kept(&desk).await, 0);
}

#[tokio::test]
async fn a_refusal_says_what_to_do_in_the_caller_s_language() {
    let desk = Desk::open().await;
    let (_, token) = uploader(&desk).await;
    for (locale, expected) in [("en", "JPG, PNG, WebP"), ("zh-CN", "请另存为")] {
        let mut reader = anonymous();
        reader.locale = locale.to_owned();
        let client = client_as(&desk, reader).await;
        let refused = upload(&client, &token, &samples::gif()).await.unwrap_err();
        let told = &refused.get_details_bad_request().unwrap().field_violations[0];
        assert!(told.localized_message.as_ref().unwrap().message.contains(expected), "{told:?}");
    }
}

/// An endless file that begins well, and how much of it was asked for.
fn endless(head: Vec<u8>) -> (impl tokio_stream::Stream<Item = Vec<u8>>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let pieces = std::iter::once(head).chain(std::iter::repeat_with(|| vec![0; PIECE]));
    let counting = move |piece: &Vec<u8>| {
        counted.fetch_add(piece.len(), Ordering::Relaxed);
    };
    (tokio_stream::iter(pieces.inspect(counting)), asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_is_read_than_a_file_may_have() {
    let desk = Desk::with(|config| {
        config.attachments.limits.image_bytes = 256 * 1024;
        config.attachments.limits.pdf_bytes = 512 * 1024;
        config.attachments.limits.video_bytes = 1024 * 1024;
    })
    .await
    .told()
    .await;
    let (client, token) = uploader(&desk).await;
    // What lies between the two ends of a connection: windows of HTTP/2 and buffers of sockets.
    let on_the_way = 4 << 20;
    for (head, max) in [
        (samples::jpeg(9, 9), 256 * 1024),
        (samples::pdf(), 512 * 1024),
        (samples::mp4(), 1024 * 1024),
    ] {
        let (bytes, asked) = endless(head);
        let first = header_of(&request_id(), &token);
        let rest = bytes.map(|it| UploadAttachmentRequest { part: Some(Part::Chunk(it.into())) });
        let refused = send(&client, tokio_stream::once(first).chain(rest)).await.unwrap_err();
        assert_eq!(violations(&refused), chunk("FILE_TOO_LARGE"));
        assert!(asked.load(Ordering::Relaxed) < max + on_the_way);
    }
    let refused = upload(&client, &token, &vec![0; 1 << 20]).await.unwrap_err();
    assert_eq!(violations(&refused), chunk("FILE_TYPE_UNKNOWN"));
}

#[tokio::test]
async fn an_upload_begins_with_what_it_is_and_its_parts_are_small() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    let photo = samples::jpeg(9, 9);
    let whole = parts(&request_id(), &token, &photo);
    let twice = [whole[..1].to_vec(), whole.clone()].concat();
    for (sent, expected) in [
        (whole[1..].to_vec(), ("header", "PARTS_OUT_OF_ORDER")),
        (twice, ("header", "PARTS_OUT_OF_ORDER")),
        (Vec::new(), ("header", "PARTS_OUT_OF_ORDER")),
        (parts("", &token, &photo), ("header.request_id", "FIELD_REQUIRED")),
        (parts("7", &token, &photo), ("header.request_id", "UUID_MALFORMED")),
        (parts(&request_id(), "", &photo), ("header.upload_token", "FIELD_REQUIRED")),
        (parts(&request_id(), "0a", &photo), ("header.upload_token", "UPLOAD_TOKEN_INVALID")),
    ] {
        let refused = send(&client, tokio_stream::iter(sent)).await.unwrap_err();
        let (field, rule) = expected;
        assert_eq!(violations(&refused), [(field.to_owned(), rule.to_owned())]);
    }
    let large = UploadAttachmentRequest { part: Some(Part::Chunk(vec![0; (1 << 20) + 1].into())) };
    let sent = [header_of(&request_id(), &token), large];
    let refused = send(&client, tokio_stream::iter(sent)).await.unwrap_err();
    assert_eq!(violations(&refused), chunk("CHUNK_TOO_LARGE"));
}

#[tokio::test]
async fn a_token_of_our_own_is_good_for_its_time() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap();
    let forged = format!("{}0", &token[..token.len() - 1]);
    let forged = if forged == token { format!("{}1", &token[..token.len() - 1]) } else { forged };
    let invalid = [("header.upload_token".to_owned(), "UPLOAD_TOKEN_INVALID".to_owned())];
    let refused = upload(&client, &forged, &samples::jpeg(9, 9)).await.unwrap_err();
    assert_eq!(violations(&refused), invalid);
    desk.clock.advance(jiff::SignedDuration::from_mins(121));
    let refused = upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap_err();
    assert_eq!(violations(&refused), invalid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_token_used_in_parallel_gets_no_more_than_its_quota() {
    let desk = Desk::with(|config| {
        config.attachments.token_files = 4;
        config.attachments.concurrent_each = 100;
        config.attachments.concurrent = 100;
    })
    .await
    .told()
    .await;
    let (client, token) = uploader(&desk).await;
    let photo = samples::jpeg(9, 9);
    let uploads = (0..16).map(|_| upload(&client, &token, &photo));
    let done = futures::future::join_all(uploads).await;
    let taken = done.iter().filter(|it| it.is_ok()).count();
    assert_eq!(taken, 4);
    for refused in done.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(reason(&refused), "UPLOAD_QUOTA_EXHAUSTED");
        let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(wait > Duration::ZERO);
    }
    assert_eq!(count(&desk.db, "select count(*) from attachments").await, 4);
    assert_eq!(kept(&desk).await, 4, "what was refused at last is removed");
}

#[tokio::test]
async fn bytes_are_counted_too_and_come_back_after_a_day() {
    // It is kept as it came.
    let document = samples::pdf();
    let twice = document.len() as u64 * 2 + 10;
    let desk =
        Desk::with(move |config| config.attachments.account_bytes = twice).await.told().await;
    let citizen = client_as(&desk, account(Uuid::from_u128(7))).await;
    let other = client_as(&desk, account(Uuid::from_u128(8))).await;
    upload(&citizen, "", &document).await.unwrap();
    upload(&citizen, "", &document).await.unwrap();
    let refused = upload(&citizen, "", &document).await.unwrap_err();
    assert_eq!(reason(&refused), "UPLOAD_QUOTA_EXHAUSTED");
    upload(&other, "", &document).await.unwrap();
    desk.clock.advance(jiff::SignedDuration::from_hours(25));
    upload(&citizen, "", &document).await.unwrap();
    let agency = client_as(&desk, caller("agency", &["message:submit"])).await;
    upload(&agency, "", &document).await.unwrap();
}

#[tokio::test]
async fn what_is_kept_is_counted_if_it_is_longer_than_what_came() {
    let photo = samples::rough_photo(100, 100);
    let kept = {
        let desk = Desk::open().await;
        let (client, token) = uploader(&desk).await;
        upload(&client, &token, &photo).await.unwrap().size
    };
    let came = photo.len() as u64;
    assert!(kept > came * 3 / 2);
    let with = async |account_bytes| {
        let desk = Desk::with(move |config| config.attachments.account_bytes = account_bytes);
        let desk = desk.await.told().await;
        (client_as(&desk, account(Uuid::from_u128(7))).await, desk)
    };
    let (client, _desk) = with(kept - 1).await;
    let refused = upload(&client, "", &photo).await.unwrap_err();
    assert_eq!(reason(&refused), "UPLOAD_QUOTA_EXHAUSTED");
    let (client, _desk) = with(kept + came - 1).await;
    upload(&client, "", &photo).await.unwrap();
    let refused = upload(&client, "", &photo).await.unwrap_err();
    assert_eq!(reason(&refused), "UPLOAD_QUOTA_EXHAUSTED");
}

#[tokio::test]
async fn only_so_many_tokens_are_given_within_a_minute() {
    let desk = Desk::with(|config| config.attachments.tokens_per_minute = 2).await;
    let ask = || desk.grpc.issue_upload_token(as_caller(&anonymous(), IssueUploadTokenRequest {}));
    ask().await.unwrap();
    ask().await.unwrap();
    assert_eq!(reason(&ask().await.unwrap_err()), "UPLOAD_TOKENS_EXHAUSTED");
    desk.clock.advance(jiff::SignedDuration::from_mins(1));
    ask().await.unwrap();
}

#[tokio::test]
async fn one_address_does_not_use_up_the_tokens_of_all() {
    let change = |config: &mut Config| {
        config.attachments.tokens_per_minute = 4;
        config.rates.address_tokens_per_minute = 2;
    };
    let desk = Desk::with(change).await;
    let portal = service("portal");
    let ask = |who: &Caller, address: &'static str| {
        let mut request = as_caller(who, IssueUploadTokenRequest {});
        request.metadata_mut().insert(CLIENT_ADDRESS, address.parse().unwrap());
        desk.grpc.issue_upload_token(request)
    };
    for n in 0..10 {
        let answer = ask(&portal, "192.0.2.1").await.map_err(|refused| reason(&refused));
        match answer {
            Ok(_) => assert!(n < 2, "token {n} was given"),
            Err(told) => assert_eq!((told.as_str(), n < 2), ("UPLOAD_TOKENS_EXHAUSTED", false)),
        }
    }
    ask(&portal, "192.0.2.2").await.unwrap();
    // What anybody else says of addresses is not believed.
    ask(&anonymous(), "192.0.2.1").await.unwrap();
    let refused = ask(&portal, "192.0.2.3").await.unwrap_err();
    assert_eq!(reason(&refused), "UPLOAD_TOKENS_EXHAUSTED");
}

#[tokio::test]
async fn files_that_are_refused_count_for_their_token() {
    let desk = Desk::with(|config| config.rates.token_uploads_per_hour = 3).await;
    let (client, token) = uploader(&desk).await;
    for _ in 0..3 {
        let refused = upload(&client, &token, &samples::gif()).await.unwrap_err();
        assert_eq!(violations(&refused), chunk("FILE_TYPE_UNKNOWN"));
    }
    for bytes in [samples::gif(), samples::jpeg(9, 9)] {
        let refused = upload(&client, &token, &bytes).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "UPLOAD_QUOTA_EXHAUSTED")
        );
        assert!(refused.get_details_retry_info().is_some());
    }
    let (_, other) = uploader(&desk).await;
    upload(&client, &other, &samples::jpeg(9, 9)).await.unwrap();
    desk.clock.advance(jiff::SignedDuration::from_mins(20));
    upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap();
}

#[tokio::test]
async fn what_nobody_has_used_yet_is_bounded_all_together() {
    let desk = Desk::with(|config| config.attachments.unused_bytes = 1).await;
    let (client, token) = uploader(&desk).await;
    upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap();
    let refused = upload(&client, &token, &samples::jpeg(9, 9)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "UPLOADS_BUSY")
    );
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_another_file_is_refused() {
    let desk = Desk::open().await;
    let (client, token) = uploader(&desk).await;
    let id = request_id();
    let first = upload_as(&client, &id, &token, &samples::png(20, 20)).await.unwrap();
    let again = upload_as(&client, &id, &token, &samples::png(20, 20)).await.unwrap();
    assert_eq!(first, again);
    let refused = upload_as(&client, &id, &token, &samples::png(20, 21)).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    // Others have ids of their own.
    let (_, other) = uploader(&desk).await;
    let theirs = upload_as(&client, &id, &other, &samples::png(20, 20)).await.unwrap();
    assert_ne!(theirs.attachment_id, first.attachment_id);
    assert_eq!(kept(&desk).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_request_at_the_same_time_is_one_file() {
    let desk = Desk::with(|config| config.attachments.concurrent_each = 20).await.told().await;
    let (client, token) = uploader(&desk).await;
    let (id, photo) = (request_id(), samples::jpeg(30, 30));
    let uploads = (0..8).map(|_| upload_as(&client, &id, &token, &photo));
    let done = futures::future::join_all(uploads).await;
    let first = done[0].as_ref().unwrap();
    assert!(done.iter().all(|it| it.as_ref().unwrap() == first));
    assert_eq!(count(&desk.db, "select count(*) from attachments").await, 1);
    assert_eq!(kept(&desk).await, 1);
}
