//! Whose clean messages pass, and which of them are read by a person all the same.

use liuyan_proto::liuyan::moderation::v1::{self as proto, review_service_server::ReviewService};
use uuid::Uuid;

use crate::helpers::{
    Bench, CLEAN, HELD, a_message, bench, bench_with, body, by, config, decline, publish,
};

async fn written(bench: &Bench, author: &str, text: &str) -> Uuid {
    let mut message = a_message(text);
    message.event.author_id = author.into();
    let id = bench.submit(&message).await;
    bench.screen().await;
    id
}

#[tokio::test]
async fn an_author_in_good_standing_passes_where_the_office_trusts() {
    let bench = bench().await;
    let office = a_message("").event.office_id;
    bench.choose(&office, proto::Passing::Trusted).await;
    for _ in 0..3 {
        let id = written(&bench, "good", CLEAN).await;
        assert_eq!(bench.state(id).await, "held", "not trusted yet");
        let review = bench.claim("ann", id).await;
        bench.decide("ann", &review, publish(vec![])).await.unwrap();
    }
    assert_eq!(bench.state(written(&bench, "good", CLEAN).await).await, "approved");
    assert_eq!(bench.state(written(&bench, "other", CLEAN).await).await, "held");
    assert_eq!(bench.state(written(&bench, "", CLEAN).await).await, "held", "nobody is nobody");
    let bad = written(&bench, "good", HELD).await;
    assert_eq!(bench.state(bad).await, "held", "the rules read everybody");
    let review = bench.claim("ann", bad).await;
    bench.decide("ann", &review, decline("advertising")).await.unwrap();
    assert_eq!(bench.state(written(&bench, "good", CLEAN).await).await, "held", "declined lately");
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_sample_of_what_would_pass_is_read_and_its_errors_are_told() {
    let mut config = config();
    config.work.sample_of_ten_thousand = 10_000;
    let bench = bench_with(config).await;
    let (right, wrong) = (written(&bench, "a", CLEAN).await, written(&bench, "b", CLEAN).await);
    let held = written(&bench, "c", HELD).await;
    for (id, redactions) in [(right, vec![]), (wrong, vec![body(0, 3)]), (held, vec![])] {
        assert_eq!(bench.state(id).await, "held");
        let review = bench.claim("ann", id).await;
        bench.decide("ann", &review, publish(redactions)).await.unwrap();
    }
    assert_eq!(bench.app.sample().await.unwrap(), (2, 1));
    let told = bench.grpc.get_workload(by("ann", proto::GetWorkloadRequest {})).await.unwrap();
    assert_eq!(told.into_inner().sample_wrong, 1);
}
