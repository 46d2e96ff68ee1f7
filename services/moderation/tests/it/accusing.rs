//! Accusations are for senior moderators, and nobody works on a message of their own.

use liuyan_proto::liuyan::{
    intake::v1 as intake,
    moderation::v1::{
        self as proto, MessageApproved, decide_review_request::Decision,
        review_service_server::ReviewService,
    },
};
use uuid::Uuid;

use crate::helpers::{
    Bench, CLEAN, HELD, Message, a_message, bench, body, by, by_senior, fields, publish, reason,
    request_id, send_back,
};

fn accuse(review: &proto::Review, offices: &[&str]) -> proto::MarkAccusationRequest {
    proto::MarkAccusationRequest {
        message_id: review.message_id.clone(),
        etag: review.etag.clone(),
        accused_office_ids: offices.iter().map(|&office| office.to_owned()).collect(),
        request_id: request_id(),
    }
}

#[tokio::test]
async fn a_marked_accusation_goes_to_a_senior_and_carries_the_office() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    let bare = bench.grpc.mark_accusation(by("ann", accuse(&review, &[]))).await.unwrap_err();
    assert_eq!(fields(&bare), ["accused_office_ids"]);
    let stale = proto::Review { etag: "1-1".into(), ..review.clone() };
    let stale = bench.grpc.mark_accusation(by("ann", accuse(&stale, &["110101-police"]))).await;
    assert_eq!(reason(&stale.unwrap_err()), "ETAG_MISMATCH");
    let request = accuse(&review, &["110101-police"]);
    let marked = bench.grpc.mark_accusation(by("ann", request.clone())).await.unwrap().into_inner();
    let again = bench.grpc.mark_accusation(by("ann", request)).await.unwrap().into_inner();
    assert_eq!(marked, again);
    let marked = marked.review.unwrap();
    assert!(marked.senior_only && marked.claimed_by.is_empty());

    let claim =
        |message_id: String| proto::ClaimReviewRequest { message_id, request_id: request_id() };
    let refused = bench.grpc.claim_review(by("bob", claim(id.to_string()))).await.unwrap_err();
    assert_eq!(reason(&refused), "SENIOR_MODERATOR_NEEDED");
    let nothing = bench.grpc.claim_review(by("bob", claim(String::new()))).await.unwrap();
    assert!(nothing.into_inner().review.is_none());
    let taken = bench.grpc.claim_review(by_senior("eve", claim(String::new()))).await.unwrap();
    let taken = taken.into_inner().review.unwrap();
    assert_eq!(taken.accused_office_ids, ["110101-police"]);
    let request = proto::DecideReviewRequest {
        message_id: taken.message_id,
        etag: taken.etag,
        request_id: request_id(),
        decision: Some(publish(vec![body(12, 23)])),
        accused_office_ids: taken.accused_office_ids,
    };
    bench.grpc.decide_review(by_senior("eve", request)).await.unwrap();
    let (_, said) = bench.said::<MessageApproved>().await.pop().unwrap();
    assert_eq!(said.accused_office_ids, ["110101-police"]);
    assert_eq!(
        bench.count("select count(*) from audit where action = 'accusation-marked'").await,
        1
    );
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

async fn take_as_senior(bench: &Bench, id: Uuid) -> proto::Review {
    let claim = proto::ClaimReviewRequest { message_id: id.to_string(), request_id: request_id() };
    let taken = bench.grpc.claim_review(by_senior("eve", claim)).await.unwrap();
    taken.into_inner().review.unwrap()
}

async fn decide_as_senior(bench: &Bench, id: Uuid, decision: Decision, accused: &[&str]) {
    let review = take_as_senior(bench, id).await;
    let request = proto::DecideReviewRequest {
        message_id: review.message_id,
        etag: review.etag,
        request_id: request_id(),
        decision: Some(decision),
        accused_office_ids: accused.iter().map(|&office| office.to_owned()).collect(),
    };
    bench.grpc.decide_review(by_senior("eve", request)).await.unwrap();
}

/// Its author sends a text in which the rules find nothing; they read it.
async fn mend(bench: &Bench, message: &Message, id: Uuid, revision: u32) {
    let text = intake::Text { revision, body: CLEAN.into(), ..message.text.clone() };
    bench.resubmit(id, revision, text).await;
    bench.screen().await;
}

/// It waits for a senior moderator, and accuses this office.
async fn waits_for_a_senior(bench: &Bench, id: Uuid, office: &str) {
    assert_eq!(bench.state(id).await, "held");
    assert_eq!(bench.said::<MessageApproved>().await.len(), 0, "no rule knows whom it accuses");
    let claim =
        |message_id: String| proto::ClaimReviewRequest { message_id, request_id: request_id() };
    let refused = bench.grpc.claim_review(by("bob", claim(id.to_string()))).await.unwrap_err();
    assert_eq!(reason(&refused), "SENIOR_MODERATOR_NEEDED");
    let nothing = bench.grpc.claim_review(by("bob", claim(String::new()))).await.unwrap();
    assert!(nothing.into_inner().review.is_none());
    let review = take_as_senior(bench, id).await;
    assert!(review.senior_only);
    assert_eq!(review.accused_office_ids, [office]);
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

#[tokio::test]
async fn an_accusation_outlives_every_mended_text() {
    let bench = bench().await;
    let message = a_message(HELD);
    let id = bench.submit(&message).await;
    bench.screen().await;
    let review = bench.claim("ann", id).await;
    let mark = accuse(&review, &["110101-police"]);
    bench.grpc.mark_accusation(by("ann", mark)).await.unwrap();
    for revision in [2, 3] {
        decide_as_senior(&bench, id, send_back("own_personal_data"), &[]).await;
        mend(&bench, &message, id, revision).await;
        waits_for_a_senior(&bench, id, "110101-police").await;
    }
    let accused = take_as_senior(&bench, id).await.accused_office_ids;
    let accused: Vec<&str> = accused.iter().map(String::as_str).collect();
    decide_as_senior(&bench, id, publish(vec![]), &accused).await;
    let (_, said) = bench.said::<MessageApproved>().await.pop().unwrap();
    assert_eq!(said.accused_office_ids, ["110101-police"]);
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

#[tokio::test]
async fn an_accusation_named_with_a_return_stays_with_seniors() {
    let bench = bench().await;
    let message = a_message(HELD);
    let id = bench.submit(&message).await;
    bench.screen().await;
    decide_as_senior(&bench, id, send_back("own_personal_data"), &["110101-police"]).await;
    mend(&bench, &message, id, 2).await;
    waits_for_a_senior(&bench, id, "110101-police").await;
}

#[tokio::test]
async fn an_accusation_outlives_an_appeal() {
    let bench = bench().await;
    let message = a_message(HELD);
    let id = bench.submit(&message).await;
    bench.screen().await;
    let review = bench.claim("ann", id).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    bench.appeal(id).await.unwrap();
    let review = bench.claim("bob", id).await;
    let mark = accuse(&review, &["110101-police"]);
    bench.grpc.mark_accusation(by("bob", mark)).await.unwrap();
    let review = take_as_senior(&bench, id).await;
    let again = proto::Return {
        ground: "own_personal_data".into(),
        explanation: "Please leave the number out.".into(),
        spans: vec![body(12, 23)],
    };
    let request = proto::DecideAppealRequest {
        message_id: review.message_id,
        etag: review.etag,
        request_id: request_id(),
        explanation: "We have looked again.".into(),
        outcome: Some(proto::decide_appeal_request::Outcome::Return(again)),
        accused_office_ids: Vec::new(),
    };
    bench.grpc.decide_appeal(by_senior("eve", request)).await.unwrap();
    mend(&bench, &message, id, 2).await;
    waits_for_a_senior(&bench, id, "110101-police").await;
}

#[tokio::test]
async fn rules_that_approved_an_accusation_are_noticed() {
    let bench = bench().await;
    bench.approved(&a_message(CLEAN)).await;
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
    for broken in ["accused_office_ids = '{x}'", "accused_office_ids = '{}', senior_only = true"] {
        let broken = sqlx::AssertSqlSafe(format!("update reviews set {broken}"));
        let write = bench.db.write(move |tx| {
            Box::pin(async move { sqlx::raw_sql(broken).execute(tx).await.map(drop) })
        });
        write.await.unwrap();
        assert_eq!(bench.breaches().await.len(), 1);
    }
}

async fn of_ann(bench: &Bench) -> String {
    let mut message = a_message(HELD);
    message.event.account_id = "ann".into();
    let id = bench.submit(&message).await;
    bench.screen().await;
    id.to_string()
}

#[tokio::test]
async fn nobody_works_on_a_message_of_their_own() {
    let bench = bench().await;
    let message_id = of_ann(&bench).await;
    let claim = |message_id: &str| proto::ClaimReviewRequest {
        message_id: message_id.to_owned(),
        request_id: request_id(),
    };
    let refused = bench.grpc.claim_review(by_senior("ann", claim(&message_id))).await.unwrap_err();
    assert_eq!(reason(&refused), "OWN_MESSAGE");
    let nothing = bench.grpc.claim_review(by("ann", claim(""))).await.unwrap().into_inner();
    assert!(nothing.review.is_none());
    let look = proto::GetReviewRequest { message_id: message_id.clone() };
    let refused = bench.grpc.get_review(by("ann", look)).await.unwrap_err();
    assert_eq!(reason(&refused), "OWN_MESSAGE");
    let list = bench.grpc.list_reviews(by("ann", proto::ListReviewsRequest::default())).await;
    assert_eq!(list.unwrap().into_inner().total, 0);

    let taken = bench.grpc.claim_review(by("bob", claim(""))).await.unwrap().into_inner();
    let review = taken.review.unwrap();
    bench.decide("bob", &review, publish(vec![])).await.unwrap();
    let redact = proto::RedactMessageRequest {
        message_id,
        redactions: vec![body(0, 1)],
        request_id: request_id(),
    };
    let refused = bench.grpc.redact_message(by("ann", redact)).await.unwrap_err();
    assert_eq!(reason(&refused), "OWN_MESSAGE");
}
