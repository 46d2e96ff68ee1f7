//! Authors are told what was decided about their own messages, and about no other.

use liuyan_kit::clock::to_proto;
use liuyan_proto::liuyan::{
    intake::v1 as intake,
    moderation::v1::{self as proto, ReviewState, review_service_server::ReviewService},
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::helpers::{
    Bench, CLEAN, HELD, a_message, bench, body, by, decline, fields, publish, reason, send_back,
    with_scopes,
};

async fn told(bench: &Bench, scope: &str, id: Uuid) -> Result<proto::GetDecisionResponse, Status> {
    let request = proto::GetDecisionRequest { message_id: id.to_string() };
    let request = with_scopes("somebody", &[scope], request);
    bench.grpc.get_decision(request).await.map(tonic::Response::into_inner)
}

async fn told_author(bench: &Bench, id: Uuid) -> proto::GetDecisionResponse {
    told(bench, &format!("author:message/{id}"), id).await.unwrap()
}

fn state_alone(state: ReviewState) -> proto::GetDecisionResponse {
    proto::GetDecisionResponse { state: state.into(), ..Default::default() }
}

#[tokio::test]
async fn before_a_decision_there_is_nothing_but_the_state() {
    let bench = bench().await;
    let id = bench.submit(&a_message(HELD)).await;
    assert_eq!(told_author(&bench, id).await, state_alone(ReviewState::Screening));
    bench.screen().await;
    assert_eq!(told_author(&bench, id).await, state_alone(ReviewState::Held));
    bench.claim("ann", id).await;
    assert_eq!(told_author(&bench, id).await, state_alone(ReviewState::Held), "nobody is named");
    bench.withdraw(id).await;
    assert_eq!(told_author(&bench, id).await, state_alone(ReviewState::Withdrawn));
}

#[tokio::test]
async fn a_returned_message_comes_with_ground_explanation_and_spans() {
    let bench = bench().await;
    let message = a_message(HELD);
    let id = bench.submit(&message).await;
    bench.screen().await;
    let review = bench.claim("ann", id).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    let now = liuyan_kit::clock::Clock::now(&*bench.clock);
    let returned = proto::GetDecisionResponse {
        state: ReviewState::Returned.into(),
        ground: "own_personal_data".into(),
        explanation: "Please leave the number out.".into(),
        spans: vec![body(12, 23)],
        revision: 1,
        decided_at: Some(to_proto(now)),
        appeal: None,
        appealable_until: Some(to_proto(now + jiff::SignedDuration::from_hours(30 * 24))),
    };
    assert_eq!(told_author(&bench, id).await, returned);

    // Until the mended text is judged, the judgement on the first one stands.
    bench.after(jiff::SignedDuration::from_hours(1));
    let mended = intake::Text { revision: 2, body: format!("{HELD} Or else."), ..message.text };
    bench.resubmit(id, 2, mended).await;
    for state in [ReviewState::Screening, ReviewState::Held] {
        let state = state.into();
        let expected =
            proto::GetDecisionResponse { state, appealable_until: None, ..returned.clone() };
        assert_eq!(told_author(&bench, id).await, expected);
        bench.screen().await;
    }
    let review = bench.claim("ann", id).await;
    bench.decide("ann", &review, decline("out_of_remit")).await.unwrap();
    let declined = told_author(&bench, id).await;
    assert_eq!((declined.state(), declined.revision), (ReviewState::Declined, 2));
    assert_eq!(declined.explanation, "This is not for the board.");
    assert!(declined.spans == [body(0, 11)] && declined.decided_at != returned.decided_at);
}

#[tokio::test]
async fn an_approval_says_when_and_of_which_text_and_no_ground() {
    let bench = bench().await;
    let by_rules = bench.approved(&a_message(CLEAN)).await;
    let by_ann = bench.held().await;
    let review = bench.claim("ann", by_ann).await;
    bench.decide("ann", &review, publish(vec![body(12, 23)])).await.unwrap();
    let decided_at = Some(to_proto(liuyan_kit::clock::Clock::now(&*bench.clock)));
    for id in [by_rules, by_ann] {
        let approved = proto::GetDecisionResponse {
            revision: 1,
            decided_at,
            ..state_alone(ReviewState::Approved)
        };
        assert_eq!(told_author(&bench, id).await, approved);
    }
}

#[tokio::test]
async fn a_mended_text_that_the_rules_approve_is_approved_and_not_returned() {
    let bench = bench().await;
    let message = a_message(HELD);
    let id = bench.submit(&message).await;
    bench.screen().await;
    let review = bench.claim("ann", id).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    bench.resubmit(id, 2, intake::Text { revision: 2, body: CLEAN.into(), ..message.text }).await;
    bench.screen().await;
    let told = told_author(&bench, id).await;
    assert_eq!((told.state(), told.revision), (ReviewState::Approved, 2));
    assert!(told.ground.is_empty() && told.explanation.is_empty() && told.spans.is_empty());
}

#[tokio::test]
async fn the_author_of_one_message_learns_nothing_of_another() {
    let bench = bench().await;
    let (mine, theirs) = (bench.held().await, bench.held().await);
    let scope = format!("author:message/{mine}");
    let refused = told(&bench, &scope, theirs).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "OTHER_MESSAGE")
    );
    // Whether there is such a message does not show.
    let missing = told(&bench, &scope, Uuid::from_u128(7)).await.unwrap_err();
    assert_eq!((missing.code(), missing.message()), (refused.code(), refused.message()));
    assert_eq!(missing.details(), refused.details());
    for scope in ["account", "message:submit", "case:work"] {
        let refused = told(&bench, scope, mine).await.unwrap_err();
        assert_eq!(reason(&refused), "OTHER_MESSAGE", "{scope}");
    }
    let request = proto::GetDecisionRequest { message_id: "7".into() };
    let refused = bench.grpc.get_decision(by("ann", request)).await.unwrap_err();
    assert_eq!(fields(&refused), ["message_id"]);
}

#[tokio::test]
async fn a_moderator_sees_every_decision_and_which_there_are() {
    let bench = bench().await;
    let id = bench.held().await;
    let held = told(&bench, "review:work", id).await.unwrap();
    assert_eq!(held, state_alone(ReviewState::Held));
    let refused = told(&bench, "review:work", Uuid::from_u128(7)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "REVIEW_NOT_FOUND"));
}
