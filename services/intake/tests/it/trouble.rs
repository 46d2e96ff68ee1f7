//! Bad input, and trouble below: a clear refusal or a late acceptance, never a false one.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::join_all;
use jiff::SignedDuration;
use liuyan_intake::Intake;
use liuyan_kit::{
    db::{Db, Limits},
    testing::{Board, eventually},
};
use liuyan_proto::liuyan::intake::v1::{
    NewMessage, SubmitMessageRequest, SubmitMessageResponse,
    intake_service_client::IntakeServiceClient, intake_service_server::IntakeService as _,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    board::{key_files, tell_directory},
    helpers::{
        Desk, OFFICE, a_message, a_message_by, a_submission, a_submission_of, anonymous, as_caller,
        count, reason, request_id,
    },
};

/// A submission whose texts are any bytes, as no honest client writes it.
#[derive(Clone, PartialEq, prost::Message)]
struct OddRequest {
    #[prost(bytes = "vec", tag = "1")]
    request_id: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    message: Option<OddMessage>,
    /// Fields that this release does not know, thousands of them.
    #[prost(uint32, repeated, packed = "false", tag = "900")]
    unknown: Vec<u32>,
}

/// A message of any bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct OddMessage {
    #[prost(bytes = "vec", tag = "1")]
    office_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    kind: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    title: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    body: Vec<u8>,
    #[prost(string, repeated, tag = "901")]
    unknown: Vec<String>,
}

fn an_odd_message() -> OddMessage {
    OddMessage {
        office_id: OFFICE.into(),
        kind: "enquiry".into(),
        title: "A street lamp is out".into(),
        body: "The lamp before number nine has been out for a week.".into(),
        unknown: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_no_client_sends_are_refused_clearly_and_harm_nobody() {
    let keys = tempfile::tempdir().unwrap();
    let settings = key_files(keys.path());
    let board = Board::new().with_settings::<Intake>(settings).without_bus().start().await;
    tell_directory(board.database("intake")).await;
    let submit = |request: OddRequest| {
        let mut client = tonic::client::Grpc::new(board.channel("intake"));
        async move {
            client.ready().await.unwrap();
            let path = "/liuyan.intake.v1.IntakeService/SubmitMessage".parse().unwrap();
            let codec = tonic_prost::ProstCodec::<OddRequest, SubmitMessageResponse>::default();
            client.unary(tonic::Request::new(request), path, codec).await
        }
    };
    let odd = |message: OddMessage| OddRequest {
        request_id: request_id().into(),
        message: Some(message),
        unknown: Vec::new(),
    };
    let not_utf8 = OddMessage { title: b"A lamp \xff\xfe is out".to_vec(), ..an_odd_message() };
    let surrogate = OddMessage { body: b"A lamp \xed\xa0\x80 is out".to_vec(), ..an_odd_message() };
    for message in [not_utf8, surrogate] {
        let refused = submit(odd(message)).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, "REQUEST_MALFORMED")
        );
    }
    let huge = OddMessage { body: vec![b'a'; 100 * 1024 * 1024], ..an_odd_message() };
    let refused = submit(odd(huge)).await.unwrap_err();
    // Whoever sends on while the refusal comes may see the connection break off before.
    assert!(
        refused.code() == Code::Unavailable || reason(&refused) == "REQUEST_TOO_LARGE",
        "{refused:?}"
    );
    let long = OddMessage { body: vec![b'a'; 2 * 1024 * 1024], ..an_odd_message() };
    let refused = submit(odd(long)).await.unwrap_err();
    assert_eq!(reason(&refused), "FIELDS_INVALID");
    assert_eq!(count(board.database("intake"), "select count(*) from messages").await, 0);

    // Fields of a later release are passed over, however many.
    let many = OddMessage { unknown: vec!["x".to_owned(); 10_000], ..an_odd_message() };
    submit(OddRequest { unknown: (0..10_000).collect(), ..odd(many) }).await.unwrap();
    let mut honest = IntakeServiceClient::new(board.channel("intake"));
    honest.submit_message(a_submission()).await.unwrap();
    assert_eq!(count(board.database("intake"), "select count(*) from messages").await, 2);
    board.stop().await;
}

#[tokio::test]
async fn a_clock_that_goes_back_or_ahead_loses_nothing_and_repeats_nothing() {
    let desk = Desk::open().await;
    let request = a_submission_of(a_message_by("Wang", "13800001111"));
    let first = desk.submit(request.clone()).await.unwrap();
    for hours in [-48, 24 * 365, -24 * 365] {
        desk.clock.advance(SignedDuration::from_hours(hours));
        assert_eq!(desk.submit(request.clone()).await.unwrap(), first);
        desk.submit(a_submission()).await.unwrap();
    }
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 4);
    assert_eq!(count(&desk.db, "select count(*) from messaging.outbox").await, 4);
}

/// Makes every statement that stores a text fail with this code.
async fn inject(desk: &Desk, sqlstate: &str) {
    let sql = format!(
        "create function fail() returns trigger language plpgsql as
         $$ begin raise exception 'injected' using errcode = '{sqlstate}'; end $$;
         create trigger fail before insert on texts for each statement execute function fail()"
    );
    run(desk, sql).await;
}

async fn heal(desk: &Desk) {
    run(desk, "drop trigger fail on texts; drop function fail".to_owned()).await;
}

async fn run(desk: &Desk, sql: String) {
    desk.db
        .write(|tx| {
            Box::pin(async move { sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(tx).await })
        })
        .await
        .unwrap();
}

fn assert_away(status: &Status) {
    assert_eq!(
        (status.code(), reason(status).as_str()),
        (Code::Unavailable, "DATABASE_UNAVAILABLE")
    );
    assert!(status.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_a_clear_refusal_and_the_same_request_is_taken_later() {
    let desk = Desk::open().await;
    // disk_full, out_of_memory, read_only_sql_transaction, cannot_connect_now
    for sqlstate in ["53100", "53200", "25006", "57P03"] {
        inject(&desk, sqlstate).await;
        let requests: Vec<SubmitMessageRequest> = (0..20).map(|_| a_submission()).collect();
        let before = count(&desk.db, "select count(*) from messages").await;
        for answer in join_all(requests.iter().map(|it| desk.submit(it.clone()))).await {
            assert_away(&answer.unwrap_err());
        }
        assert_eq!(count(&desk.db, "select count(*) from messages").await, before);
        heal(&desk).await;
        for answer in join_all(requests.iter().map(|it| desk.submit(it.clone()))).await {
            answer.unwrap();
        }
        assert_eq!(count(&desk.db, "select count(*) from messages").await, before + 20);
    }
}

/// A wire to Postgres that can be cut.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    pub(crate) cut: watch::Sender<bool>,
}

impl Wire {
    pub(crate) async fn to(postgres: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, is_cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut is_cut = is_cut.clone();
                if *is_cut.borrow() {
                    continue;
                }
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(postgres).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { address, cut }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_postgres_is_away_nothing_is_acknowledged_and_nothing_hangs() {
    let desk = Desk::open().await;
    let (before, rest) = desk.db.url().split_once('@').unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    let wire = Wire::to(server.parse().unwrap()).await;
    let url = format!("{before}@{}/{database}", wire.address);
    let limits = Limits { acquire: Duration::from_millis(500), ..Limits::default() };
    let grpc = desk.on(Db::connect(&url, "test", &limits).await.unwrap()).await;
    let who = anonymous();
    let submit = |request: SubmitMessageRequest| {
        timeout(Duration::from_secs(20), grpc.submit_message(as_caller(&who, request)))
    };
    submit(a_submission()).await.unwrap().unwrap();

    let requests: Vec<SubmitMessageRequest> = (0..60)
        .map(|n| a_submission_of(a_message_by("Wang", &format!("138000011{n:02}"))))
        .collect();
    let acknowledged = Mutex::new(Vec::new());
    // Calls go on all the time; the wire is cut in the midst of them.
    let calls = requests.iter().enumerate().map(|(n, request)| {
        let (submit, wire, acknowledged) = (&submit, &wire, &acknowledged);
        async move {
            tokio::time::sleep(Duration::from_millis(10 * n as u64)).await;
            if n == 20 {
                wire.cut.send_replace(true);
            }
            match submit(request.clone()).await.expect("no call hangs") {
                Ok(answer) => acknowledged.lock().unwrap().push((n, answer.into_inner())),
                Err(status) => assert!(
                    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted),
                    "{status:?}"
                ),
            }
        }
    });
    join_all(calls).await;
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!((1..60).contains(&acknowledged.len()), "{}", acknowledged.len());
    let mut connection = desk.db.read().await.unwrap();
    for (_, answer) in &acknowledged {
        let id: uuid::Uuid = answer.receipt.as_ref().unwrap().message_id.parse().unwrap();
        let there: bool =
            sqlx::query_scalar("select exists (select from messages where message_id = $1)")
                .bind(id)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
        assert!(there, "{id} was acknowledged and is not there");
    }

    wire.cut.send_replace(false);
    for (n, request) in requests.iter().enumerate() {
        let answer = eventually("the same request is taken", Duration::from_secs(20), || async {
            submit(request.clone()).await.unwrap().ok()
        })
        .await
        .into_inner();
        if let Some((_, first)) = acknowledged.iter().find(|(other, _)| *other == n) {
            assert_eq!(answer, *first);
        }
    }
    assert_eq!(count(&desk.db, "select count(*) from messages").await, 61);
    assert_eq!(count(&desk.db, "select count(*) from messaging.outbox").await, 61);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nats_is_away_messages_are_taken_and_said_afterwards() {
    let keys = tempfile::tempdir().unwrap();
    let settings = key_files(keys.path());
    let mut board = Board::new().with_settings::<Intake>(settings).start().await;
    tell_directory(board.database("intake")).await;
    let mut anyone = IntakeServiceClient::new(board.channel("intake"));
    anyone.submit_message(a_submission()).await.unwrap();
    board.nats().kill().await;
    for _ in 0..50 {
        anyone.submit_message(a_submission()).await.unwrap();
    }
    let unsaid = "select count(*) from messaging.waiting";
    assert!(count(board.database("intake"), unsaid).await >= 50);
    board.nats().restart().await;
    eventually("everything is said", Duration::from_secs(60), || async {
        (count(board.database("intake"), unsaid).await == 0).then_some(())
    })
    .await;
    assert_eq!(count(board.database("intake"), "select count(*) from messaging.outbox").await, 51);
    board.stop().await;
}

/// Polls a call so many times, and hangs up. Gives whether it was answered before.
async fn hang_up_after<T>(polls: usize, call: impl Future<Output = T>) -> bool {
    let mut call = Box::pin(call);
    for _ in 0..polls {
        // Woken or not: whatever the call waits for, it is cut off there.
        if timeout(Duration::from_millis(2), call.as_mut()).await.is_ok() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    futures::poll!(call.as_mut()).is_ready()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_hangs_up_at_whatever_moment_leaves_nothing_half_done() {
    // A tight door, so that waiting before it is one of the moments; limits, so that recalling is.
    let desk = Desk::with(|config| {
        config.writer.tasks = 1;
        config.writer.batch = 4;
        config.writer.queue = 2;
        config.rates.author_per_hour = 40;
    })
    .await
    .told()
    .await;
    let desk = Arc::new(desk);
    let mut answered = 0;
    for round in 0..120_usize {
        let message = match round % 3 {
            0 => a_message(),
            1 => a_message_by("Wang", "13800001111"),
            _ => NewMessage { title: String::new(), ..a_message() },
        };
        let beside: Vec<_> = (0..3)
            .map(|_| {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move { desk.submit(a_submission()).await.map(|_| ()) })
            })
            .collect();
        let call = desk.submit(a_submission_of(message));
        answered += usize::from(hang_up_after(round / 12, call).await);
        for other in beside {
            // Nobody beside them is harmed.
            other.await.unwrap().unwrap();
        }
    }
    assert!((1..120).contains(&answered), "{answered}");
    // Every connection still writes what it says it writes, and every place is free again.
    for answer in join_all((0..50).map(|_| desk.submit(a_submission()))).await {
        let id: uuid::Uuid = answer.unwrap().receipt.unwrap().message_id.parse().unwrap();
        let mut connection = desk.db.read().await.unwrap();
        let there: bool =
            sqlx::query_scalar("select exists (select from messages where message_id = $1)")
                .bind(id)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
        assert!(there, "{id}");
    }
    eventually("all messages are whole", Duration::from_secs(10), || async {
        let messages = count(&desk.db, "select count(*) from messages").await;
        let whole = count(
            &desk.db,
            "select count(*) from messages join texts using (message_id)
             join receipts using (message_id) join requests using (message_id)
             join messaging.outbox on subject_id = message_id",
        )
        .await;
        (messages == whole).then_some(())
    })
    .await;
    let open = "select count(*) from pg_stat_activity
                where datname = current_database() and state like 'idle in transaction%'";
    assert_eq!(count(&desk.db, open).await, 0);
}
