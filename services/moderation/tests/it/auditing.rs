//! Every look and act is in a chain of hashes.

use liuyan_proto::liuyan::moderation::v1::{self as proto, review_service_server::ReviewService};

use crate::helpers::{Bench, CLEAN, a_message, bench, body, by, publish, reason, request_id};

async fn actions(bench: &Bench) -> Vec<String> {
    sqlx::query_scalar("select action from audit where message_id is not null order by sequence")
        .fetch_all(&mut *bench.db.read().await.unwrap())
        .await
        .unwrap()
}

pub(crate) async fn work(bench: &Bench) -> proto::Review {
    let id = bench.held().await;
    let look = proto::GetReviewRequest { message_id: id.to_string() };
    let answer = bench.grpc.get_review(by("ann", look)).await.unwrap().into_inner();
    assert!(answer.review.unwrap().text.is_some());
    let review = bench.claim("ann", id).await;
    let renew = proto::RenewClaimRequest { message_id: id.to_string() };
    bench.grpc.renew_claim(by("ann", renew)).await.unwrap();
    let release = proto::ReleaseReviewRequest { message_id: id.to_string() };
    bench.grpc.release_review(by("ann", release)).await.unwrap();
    bench.claim("ann", id).await;
    let decided = bench.decide("ann", &review, publish(vec![])).await.unwrap();
    let redact = proto::RedactMessageRequest {
        message_id: id.to_string(),
        redactions: vec![body(0, 2)],
        request_id: request_id(),
    };
    bench.grpc.redact_message(by("bob", redact)).await.unwrap();
    decided
}

#[tokio::test]
async fn every_look_and_act_leaves_a_row() {
    let bench = bench().await;
    bench.approved(&a_message(CLEAN)).await;
    work(&bench).await;
    let expected = [
        "review-read",
        "review-claimed",
        "claim-renewed",
        "review-released",
        "review-claimed",
        "review-decided",
        "message-redacted",
    ];
    assert_eq!(actions(&bench).await, expected);
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_changed_lost_added_or_moved_row_is_noticed() {
    for harm in [
        "update audit set actor = 'identity/eve' where sequence = 4",
        "delete from audit where sequence = 4",
        "delete from audit where sequence = (select max(sequence) from audit)",
        "delete from audit where sequence = 1",
        "insert into audit select sequence + 1, at, actor, action, message_id, request_id, detail, hash, hash
         from audit order by sequence desc limit 1",
        "update audit set sequence = case sequence when 4 then -5 else -4 end where sequence in (4, 5)",
        "delete from audit_head",
    ] {
        let bench = bench().await;
        work(&bench).await;
        assert_eq!(bench.breaches().await, [] as [&str; 0]);
        bench
            .db
            .write(move |tx| {
                Box::pin(async move { sqlx::Executor::execute(tx, harm).await.map(|_| ()) })
            })
            .await
            .unwrap();
        assert!(!bench.breaches().await.is_empty(), "{harm}");
    }
}

#[tokio::test]
async fn a_look_while_intake_is_away_is_refused_and_still_logged() {
    let bench = bench().await;
    let id = bench.held().await;
    bench.intake.away(true);
    let look = proto::GetReviewRequest { message_id: id.to_string() };
    let refused = bench.grpc.get_review(by("ann", look)).await.unwrap_err();
    assert_eq!(reason(&refused), "TEXTS_UNAVAILABLE");
    assert_eq!(actions(&bench).await, ["review-read"]);
}

#[tokio::test]
async fn data_that_changed_under_their_version_are_refused() {
    let bench = bench().await;
    let rules = liuyan_moderation::rules::Files::current();
    bench.app.load_data(&rules).await.unwrap();
    assert_eq!(bench.count("select count(*) from audit where action = 'data-loaded'").await, 2);
    let everyday = format!("{}another\n", rules.everyday);
    let other = liuyan_moderation::rules::Files { everyday, ..rules };
    assert!(bench.app.load_data(&other).await.is_err());
}

#[tokio::test]
async fn a_look_at_files_is_logged_before_the_token_is_there() {
    let bench = bench().await;
    let id = bench.held().await;
    let ask = |id: uuid::Uuid| {
        by("ann", proto::IssueAttachmentTokenRequest { message_id: id.to_string() })
    };
    let answer = bench.grpc.issue_attachment_token(ask(id)).await.unwrap().into_inner();
    assert!(!answer.attachment_token.is_empty());
    let logged = "select count(*) from audit where action = 'review-read' and detail = 'files'";
    assert_eq!(bench.count(logged).await, 1);
    let refused =
        bench.grpc.issue_attachment_token(ask(uuid::Uuid::from_u128(9))).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_FOUND");
    assert_eq!(bench.count(logged).await, 1);
    assert!(bench.breaches().await.is_empty());
}
