//! How much waits, who works on it, and what moderators look for.

use jiff::SignedDuration;
use liuyan_kit::clock::{Clock as _, to_proto};
use liuyan_proto::liuyan::moderation::v1::{self as proto, review_service_server::ReviewService};

use crate::helpers::{
    Bench, HELD, a_message, bench, bench_with, body, by, by_senior, config, fields, publish,
    reason, with_scopes,
};

async fn listed(bench: &Bench, request: proto::ListReviewsRequest) -> Vec<String> {
    let answer = bench.grpc.list_reviews(by("ann", request)).await.unwrap().into_inner();
    assert_eq!(answer.total as usize, answer.reviews.len());
    answer.reviews.into_iter().map(|review| review.message_id).collect()
}

fn all() -> proto::ListReviewsRequest {
    proto::ListReviewsRequest::default()
}

#[tokio::test]
async fn the_queue_is_narrowed_by_what_moderators_look_for() {
    let bench = bench().await;
    let mut thanks = a_message(HELD);
    thanks.event.kind = "thanks".into();
    thanks.event.domain = "3".into();
    thanks.event.office_id = "330100-g".into();
    thanks.text.body = "Mail me: lamp@example.org about the lamp.".into();
    thanks.event.submitted_at = Some(to_proto(bench.clock.now() - SignedDuration::from_hours(44)));
    let thanks = bench.submit(&thanks).await.to_string();
    let help = bench.held().await;
    bench.claim("ann", help).await;
    let help = help.to_string();
    assert_eq!(listed(&bench, all()).await, [thanks.clone(), help.clone()], "what is due first");
    let before = Some(to_proto(bench.clock.now() - SignedDuration::from_hours(40)));
    for (request, found) in [
        (proto::ListReviewsRequest { kind: "thanks".into(), ..all() }, &thanks),
        (proto::ListReviewsRequest { domain: "7".into(), ..all() }, &help),
        (proto::ListReviewsRequest { office_ids: vec!["330100-g".into()], ..all() }, &thanks),
        (proto::ListReviewsRequest { rule: "mobile".into(), ..all() }, &help),
        (proto::ListReviewsRequest { rule: "email".into(), ..all() }, &thanks),
        (proto::ListReviewsRequest { due: proto::Due::Near.into(), ..all() }, &thanks),
        (proto::ListReviewsRequest { due: proto::Due::InTime.into(), ..all() }, &help),
        (proto::ListReviewsRequest { holder: proto::Holder::Nobody.into(), ..all() }, &thanks),
        (proto::ListReviewsRequest { holder: proto::Holder::Caller.into(), ..all() }, &help),
        (proto::ListReviewsRequest { submitted_before: before, ..all() }, &thanks),
    ] {
        assert_eq!(
            listed(&bench, request.clone()).await,
            std::slice::from_ref(found),
            "{request:?}"
        );
    }
    let none = proto::ListReviewsRequest { holder: proto::Holder::Another.into(), ..all() };
    assert!(listed(&bench, none).await.is_empty());
    let wrong = proto::ListReviewsRequest { due: 9, holder: 9, ..all() };
    let refused = bench.grpc.list_reviews(by("ann", wrong)).await.unwrap_err();
    assert_eq!(fields(&refused), ["due", "holder"]);
}

#[tokio::test]
async fn everybody_sees_their_own_load_and_seniors_that_of_all() {
    let bench = bench().await;
    for who in ["ann", "ann", "bob"] {
        let id = bench.held().await;
        let review = bench.claim(who, id).await;
        if who == "bob" {
            bench.decide(who, &review, publish(vec![])).await.unwrap();
        }
    }
    bench.held().await;
    let load = |who, moderator: &str, holding, decided_today| {
        assert_eq!(who, format!("identity/{moderator}"));
        proto::ModeratorLoad { moderator: who, holding, decided_today }
    };
    let ask = || proto::GetWorkloadRequest {};
    let told = bench.grpc.get_workload(by_senior("eve", ask())).await.unwrap().into_inner();
    assert_eq!((told.waiting, told.unclaimed, told.appeals, told.overdue), (3, 1, 0, 0));
    let expected =
        [load("identity/ann".into(), "ann", 2, 0), load("identity/bob".into(), "bob", 0, 1)];
    assert_eq!(told.moderators, expected);
    let told = bench.grpc.get_workload(by("bob", ask())).await.unwrap().into_inner();
    assert_eq!(told.moderators, expected[1..]);
    bench.after(SignedDuration::from_hours(24));
    let told = bench.grpc.get_workload(by_senior("eve", ask())).await.unwrap().into_inner();
    assert!(told.moderators.is_empty(), "another day, and the leases are over");
}

#[tokio::test]
async fn everybody_is_told_of_a_backlog_with_the_time_to_wait() {
    let mut config = config();
    config.work.backlog_reviews = 2;
    let bench = bench_with(config).await;
    let ask = async || {
        let request = with_scopes("", &[], proto::GetBacklogRequest {});
        bench.grpc.get_backlog(request).await.unwrap().into_inner()
    };
    for _ in 0..2 {
        bench.held().await;
    }
    assert!(!ask().await.backlog);
    bench.held().await;
    assert!(!ask().await.backlog, "what was told is told for a while");
    bench.after(SignedDuration::from_secs(30));
    let told = ask().await;
    // Nobody has decided anything: it may take as long as the oldest has waited, an hour and more.
    assert_eq!((told.backlog, told.expected_hours), (true, 2));
    bench.after(SignedDuration::from_hours(96));
    assert!(ask().await.expected_hours > 96);
}

#[tokio::test]
async fn a_preview_is_what_readers_will_get_and_is_recorded() {
    let bench = bench().await;
    let id = bench.held().await;
    let ask =
        |spans| proto::PreviewPublicTextRequest { message_id: id.to_string(), redactions: spans };
    let told = bench.grpc.preview_public_text(by("ann", ask(vec![body(12, 23)]))).await.unwrap();
    let preview = told.into_inner().text.unwrap();
    assert_eq!(preview.body, "Please call ■■■■■■■■■■■ about the lamp.");
    assert!(preview.place.is_empty(), "the place is not public");
    let outside = bench.grpc.preview_public_text(by("ann", ask(vec![body(0, 99)]))).await;
    assert_eq!(fields(&outside.unwrap_err()), ["redactions[0]"]);
    let review = bench.claim("ann", id).await;
    bench.decide("ann", &review, publish(vec![body(12, 23)])).await.unwrap();
    assert_eq!(bench.public(&[id]).await, [preview]);
    assert_eq!(bench.count("select count(*) from audit where action = 'preview-read'").await, 2);
    bench.intake.away(true);
    let away = bench.grpc.preview_public_text(by("ann", ask(vec![]))).await.unwrap_err();
    assert_eq!(reason(&away), "TEXTS_UNAVAILABLE");
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}
