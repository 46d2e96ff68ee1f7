//! Many messages over one stream.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;
use jiff::SignedDuration;
use liuyan_kit::auth::Caller;
use liuyan_proto::liuyan::intake::v1::{
    Column, SubmitMessagesRequest, intake_service_client::IntakeServiceClient,
    intake_service_server::IntakeServiceServer, submit_messages_response::Result as Answer,
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{
    Code, Request,
    transport::{Channel, Endpoint, Server},
};

use crate::{
    columns::{a_column, create},
    helpers::{Desk, a_submission, agency, caller, count, reason},
};

/// Serves intake as a partner with the right scope sees it.
async fn client(desk: &Desk) -> IntakeServiceClient<Channel> {
    client_as(desk, caller("partner", &["message:submit"])).await
}

/// Serves intake as a caller sees it whom the guard has let in.
pub(crate) async fn client_as(desk: &Desk, who: Caller) -> IntakeServiceClient<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service =
        IntakeServiceServer::with_interceptor(desk.grpc.clone(), move |mut request: Request<()>| {
            request.extensions_mut().insert(who.clone());
            Ok(request)
        });
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    IntakeServiceClient::new(endpoint.connect().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_message_of_a_stream_is_answered_by_itself() {
    let desk = Desk::with(|config| config.stream_in_flight = 8).await.told().await;
    let requests: Vec<SubmitMessagesRequest> = (0..200)
        .map(|sequence| {
            let mut submission = a_submission();
            match sequence % 10 {
                3 => submission.message.as_mut().unwrap().title.clear(),
                7 => submission.message = None,
                _ => {}
            }
            let submission = (sequence % 10 != 9).then_some(submission);
            SubmitMessagesRequest { sequence, submission }
        })
        .collect();
    let mut answers = client(&desk)
        .await
        .submit_messages(tokio_stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    let mut by_sequence = BTreeMap::new();
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(by_sequence.insert(answer.sequence, answer.result.unwrap()).is_none());
    }
    assert_eq!(by_sequence.len(), 200);
    for (sequence, answer) in &by_sequence {
        match (sequence % 10, answer) {
            (3 | 7 | 9, Answer::Refused(status)) => {
                assert_eq!(status.code, 3, "{status:?}");
                let kinds: Vec<&str> =
                    status.details.iter().map(|detail| detail.type_url.as_str()).collect();
                for kind in ["ErrorInfo", "BadRequest", "LocalizedMessage"] {
                    assert!(kinds.iter().any(|it| it.ends_with(kind)), "{kinds:?}");
                }
            }
            (0..=2 | 4..=6 | 8, Answer::Accepted(accepted)) => {
                assert!(!accepted.access_code.is_empty());
            }
            (_, other) => panic!("{sequence}: {other:?}"),
        }
    }
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 140);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_is_held_back_and_never_refused_when_the_queue_is_full() {
    let desk = Desk::with(|config| {
        config.writer.tasks = 1;
        config.writer.batch = 2;
        config.writer.queue = 1;
    })
    .await
    .told()
    .await;
    let requests: Vec<SubmitMessagesRequest> = (0..100)
        .map(|sequence| SubmitMessagesRequest { sequence, submission: Some(a_submission()) })
        .collect();
    let mut answers = client(&desk)
        .await
        .submit_messages(tokio_stream::iter(requests))
        .await
        .unwrap()
        .into_inner();
    let mut accepted = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(matches!(answer.result, Some(Answer::Accepted(_))), "{answer:?}");
        accepted += 1;
    }
    assert_eq!(accepted, 100);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let desk = Desk::open().await;
    let ends = desk.now() + SignedDuration::from_secs(60);
    let partner = caller("partner", &["message:submit"]);
    let mut client = client_as(&desk, Caller { expires_at: Some(ends), ..partner }).await;
    let (send, requests) = mpsc::channel(1);
    let mut answers =
        client.submit_messages(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let one = |sequence| SubmitMessagesRequest { sequence, submission: Some(a_submission()) };
    send.send(one(1)).await.unwrap();
    assert!(matches!(answers.message().await.unwrap().unwrap().result, Some(Answer::Accepted(_))));
    desk.clock.advance(SignedDuration::from_secs(60));
    send.send(one(2)).await.unwrap();
    let ended = answers.message().await.unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unauthenticated, "TOKEN_EXPIRED"));
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 1);
}

#[tokio::test]
async fn a_stream_goes_on_after_its_column_has_used_its_quota() {
    let desk = Desk::open().await;
    create(&desk, Column { daily_quota: 5, ..a_column() }).await.unwrap();
    let requests: Vec<SubmitMessagesRequest> = (0..12)
        .map(|sequence| SubmitMessagesRequest { sequence, submission: Some(a_submission()) })
        .collect();
    let mut partner = client_as(&desk, agency("province")).await;
    let mut answers =
        partner.submit_messages(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let (mut accepted, mut refused) = (0, 0);
    while let Some(answer) = answers.message().await.unwrap() {
        match answer.result.unwrap() {
            Answer::Accepted(_) => accepted += 1,
            Answer::Refused(status) => {
                assert_eq!(status.code, i32::from(Code::ResourceExhausted));
                let told = |kind: &str| status.details.iter().any(|it| it.type_url.ends_with(kind));
                assert!(told("RetryInfo") && told("ErrorInfo"), "{status:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((accepted, refused), (5, 7));
}

#[tokio::test]
async fn no_more_of_a_stream_is_read_than_is_worked_on() {
    let desk = Desk::with(|config| config.stream_in_flight = 4).await.told().await;
    let mut partner = client_as(&desk, caller("partner", &["message:submit"])).await;
    // Nothing can be stored meanwhile, so that nothing is answered.
    let (hold, held) = tokio::sync::oneshot::channel::<()>();
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let db = desk.db.clone();
    let holder = tokio::spawn(async move {
        db.write(|tx| {
            Box::pin(async move {
                sqlx::raw_sql("lock table requests in exclusive mode").execute(tx).await?;
                let _ = locked.send(());
                let _ = held.await;
                Ok::<_, sqlx::Error>(())
            })
        })
        .await
    });
    is_locked.await.unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&read);
    // All together are many times what a connection takes that nobody reads, which is a megabyte.
    let requests = tokio_stream::iter(0..128).map(move |sequence| {
        counting.fetch_add(1, Ordering::Relaxed);
        let mut submission = a_submission();
        submission.message.as_mut().unwrap().topic = "x".repeat(64 * 1024);
        SubmitMessagesRequest { sequence, submission: Some(submission) }
    });
    let mut valid = Vec::new();
    for sequence in 100..104 {
        valid.push(SubmitMessagesRequest { sequence, submission: Some(a_submission()) });
    }
    let requests = tokio_stream::iter(valid).chain(requests);
    let mut answers = partner.submit_messages(requests).await.unwrap().into_inner();
    let early = timeout(Duration::from_millis(500), answers.message()).await;
    assert!(early.is_err(), "{early:?}");
    assert!(read.load(Ordering::Relaxed) < 48, "{read:?} were read");
    hold.send(()).unwrap();
    holder.await.unwrap().unwrap();
    let mut answered = 0;
    while answers.message().await.unwrap().is_some() {
        answered += 1;
    }
    assert_eq!(answered, 132);
}
