//! More comes than can be taken: nobody hangs, the important goes first, and what is done does not
//! become less.
//!
//! `three_times_the_rated_load_does_not_collapse` prints its figures as one line of JSON.
//! `LIUYAN_OVERLOAD_SECONDS` makes each phase longer, for whoever measures.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use liuyan_proto::liuyan::intake::v1::{
    SubmitMessagesRequest, intake_service_server::IntakeService as _,
    submit_messages_response::Result as Answer,
};
use tokio::time::{Instant, interval, timeout};
use tonic_types::StatusExt as _;

use crate::{
    helpers::{Desk, a_submission, anonymous, as_caller, caller, count, reason},
    stream::client_as,
};

/// How long a phase takes.
fn phase() -> Duration {
    let seconds = std::env::var("LIUYAN_OVERLOAD_SECONDS").ok().and_then(|it| it.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(3.0))
}

/// What is taken a second when so many callers come again as soon as they are answered.
async fn rated(desk: &Arc<Desk>, callers: usize) -> f64 {
    let (end, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (desk, end, taken) = (Arc::clone(desk), Arc::clone(&end), Arc::clone(&taken));
            tokio::spawn(async move {
                while !end.load(Ordering::Relaxed) {
                    if desk.submit(a_submission()).await.is_ok() {
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(phase()).await;
    let (count, seconds) = (taken.load(Ordering::Relaxed), began.elapsed().as_secs_f64());
    end.store(true, Ordering::Relaxed);
    join_all(tasks).await;
    count as f64 / seconds
}

#[expect(clippy::print_stdout, reason = "the figures are for whoever measures")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_times_the_rated_load_does_not_collapse() {
    // Short queues, so that filling them is no large part of the phase.
    let desk = Desk::with(|config| {
        config.writer.batch = 64;
        config.writer.queue = 256;
        config.admission.least = 128;
        config.admission.waiting = 64;
        config.admission.patience_ms = 500;
    });
    let desk = Arc::new(desk.await.told().await);
    rated(&desk, 32).await;
    let rated = rated(&desk, 128).await;

    let each = Duration::from_millis(10);
    let at_once = (rated * 3.0 * each.as_secs_f64()).ceil() as usize;
    let mut tick = interval(each);
    let began = Instant::now();
    let taken = Arc::new(AtomicUsize::new(0));
    let mut calls = Vec::new();
    while began.elapsed() < phase() {
        tick.tick().await;
        for _ in 0..at_once {
            let (desk, taken) = (Arc::clone(&desk), Arc::clone(&taken));
            calls.push(tokio::spawn(async move {
                let asked = Instant::now();
                let answer = desk.submit(a_submission()).await;
                if answer.is_ok() {
                    taken.fetch_add(1, Ordering::Relaxed);
                }
                (answer.err(), asked.elapsed())
            }));
        }
    }
    let goodput = taken.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    let (offered, mut refused, mut longest) = (calls.len(), 0, Duration::ZERO);
    for call in calls {
        let (error, took) = timeout(Duration::from_secs(30), call).await.unwrap().unwrap();
        longest = longest.max(took);
        if let Some(status) = error {
            refused += 1;
            assert_eq!(reason(&status), "QUEUE_FULL");
            let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
            assert!(wait >= Duration::from_millis(100), "{wait:?}");
        }
    }
    let stored = count(&desk.db, "select count(*) from messages").await;
    println!(
        r#"{{"row":"R13","rated":{rated:.0},"goodput":{goodput:.0},"ratio":{:.2},"offered":{offered},"refused":{refused},"longest_ms":{},"stored":{stored}}}"#,
        goodput / rated,
        longest.as_millis(),
    );
    // The figure is the benchmark's to judge, on a machine that does nothing else. Here it is enough
    // that there is no collapse and no hanging.
    assert!(goodput > rated * 0.4, "{goodput} of {rated}");
    assert!(longest < Duration::from_secs(20), "{longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn citizens_are_taken_while_a_partner_brings_more_than_there_is_room_for() {
    let desk = Desk::with(|config| {
        config.writer.tasks = 1;
        config.writer.batch = 2;
        config.writer.queue = 8;
        config.admission.waiting = 8;
        config.stream_in_flight = 64;
    })
    .await
    .told()
    .await;
    let requests: Vec<SubmitMessagesRequest> = (0..300)
        .map(|sequence| SubmitMessagesRequest { sequence, submission: Some(a_submission()) })
        .collect();
    let mut partner = client_as(&desk, caller("partner", &["message:submit"])).await;
    let done = AtomicBool::new(false);
    let bulk = async {
        let mut answers =
            partner.submit_messages(tokio_stream::iter(requests)).await.unwrap().into_inner();
        let mut accepted = 0;
        while let Some(answer) = answers.message().await.unwrap() {
            accepted += usize::from(matches!(answer.result, Some(Answer::Accepted(_))));
        }
        done.store(true, Ordering::Relaxed);
        accepted
    };
    let citizens = async {
        let mut taken = 0;
        while !done.load(Ordering::Relaxed) && taken < 50 {
            desk.submit(a_submission()).await.unwrap();
            taken += 1;
        }
        taken
    };
    let (accepted, taken) =
        timeout(Duration::from_secs(60), async { tokio::join!(bulk, citizens) }).await.unwrap();
    assert_eq!(accepted, 300);
    assert!(taken > 5, "{taken}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_finds_no_room_is_told_at_once_and_when_to_come_back() {
    let desk = Desk::with(|config| {
        config.writer.tasks = 1;
        config.writer.batch = 1;
        config.writer.queue = 1;
        config.admission.waiting = 1;
    })
    .await
    .told()
    .await;
    let who = anonymous();
    let calls = (0..100).map(|_| desk.grpc.submit_message(as_caller(&who, a_submission())));
    let answers = join_all(calls).await;
    let refused: Vec<_> = answers.iter().filter_map(|it| it.as_ref().err()).collect();
    assert!(!refused.is_empty());
    for status in &refused {
        assert_eq!(reason(status), "QUEUE_FULL");
        assert!(status.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
    }
    let taken = i64::try_from(answers.len() - refused.len()).unwrap();
    assert_eq!(count(&desk.db, "select count(*) from messages").await, taken);
}
