//! Authors appeal, and somebody else decides again.

use jiff::SignedDuration;
use liuyan_kit::clock::{Clock as _, to_proto};
use liuyan_proto::liuyan::{
    intake::v1 as intake,
    moderation::v1::{
        self as proto, AppealDecided, AppealOutcome, AppealOverdue, AppealState, DecisionAppealed,
        MessageApproved, MessageDeclined, MessageReturned, ReviewState,
        decide_appeal_request::Outcome, review_service_server::ReviewService,
    },
};
use uuid::Uuid;

use crate::helpers::{
    Bench, CLEAN, HELD, Message, REASON, a_message, as_author, bench, body, by, by_senior, decline,
    fields, publish, reason, request_id, send_back, uphold, with_scopes,
};

async fn told(bench: &Bench, id: Uuid) -> proto::GetDecisionResponse {
    let request = proto::GetDecisionRequest { message_id: id.to_string() };
    bench.grpc.get_decision(as_author(id, request)).await.unwrap().into_inner()
}

async fn take(bench: &Bench, who: &str) -> Option<proto::Review> {
    let request = proto::ClaimReviewRequest { message_id: String::new(), request_id: request_id() };
    bench.grpc.claim_review(by(who, request)).await.unwrap().into_inner().review
}

fn publish_after_all() -> Outcome {
    Outcome::Publish(proto::Publish { redactions: vec![body(12, 23)] })
}

#[tokio::test]
async fn an_appeal_waits_for_somebody_else_with_the_authors_words() {
    let bench = bench().await;
    let id = bench.declined().await;
    let appeal = bench.appeal(id).await.unwrap();
    assert_eq!(appeal.state(), AppealState::Open);
    assert_eq!(bench.state(id).await, "appealed");
    let (of, said) = bench.said::<DecisionAppealed>().await.pop().unwrap();
    assert_eq!((of, said.ground.as_str()), (id, "out_of_remit"));
    assert_eq!(said.due_at, appeal.due_at);

    assert!(take(&bench, "ann").await.is_none(), "it was her decision");
    let named = proto::ClaimReviewRequest { message_id: id.to_string(), request_id: request_id() };
    let refused = bench.grpc.claim_review(by("ann", named)).await.unwrap_err();
    assert_eq!(reason(&refused), "OWN_DECISION");

    let review = take(&bench, "bob").await.unwrap();
    assert_eq!((review.state(), review.ground.as_str()), (ReviewState::Appealed, "out_of_remit"));
    assert_eq!(review.appeal.unwrap().reason, REASON);
    assert!(review.decided_by.is_empty(), "the decision is judged, and not the colleague");
    assert!(!review.text.unwrap().body.is_empty());
    let stored = bench.count(
        "select count(*) from appeals where position('lamp'::bytea in reason) > 0
            or exists (select from requests where position('lamp'::bytea in response) > 0)
            or exists (select from audit where detail like '%lamp%')",
    );
    assert_eq!(stored.await, 0, "the words are sealed");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_decision_that_stands_is_explained_and_cannot_be_appealed_again() {
    let bench = bench().await;
    let id = bench.declined().await;
    bench.appeal(id).await.unwrap();
    let review = bench.claim("bob", id).await;
    let decided = bench.end_appeal("bob", &review, uphold()).await.unwrap();
    assert_eq!(decided.state(), ReviewState::Declined);
    assert!(decided.claimed_by.is_empty());
    let (of, said) = bench.said::<AppealDecided>().await.pop().unwrap();
    assert_eq!((of, said.outcome()), (id, AppealOutcome::Upheld));
    assert_eq!(bench.said::<MessageDeclined>().await.len(), 1, "nothing was declined anew");

    let told = told(&bench, id).await;
    assert_eq!((told.state(), told.ground.as_str()), (ReviewState::Declined, "out_of_remit"));
    let appeal = told.appeal.unwrap();
    assert_eq!(appeal.state(), AppealState::Upheld);
    assert_eq!(
        (appeal.explanation.as_str(), appeal.reason.as_str()),
        ("We have looked again.", REASON)
    );
    assert!(told.appealable_until.is_none());
    assert_eq!(reason(&bench.appeal(id).await.unwrap_err()), "APPEALED_ALREADY");
    let late = bench.end_appeal("bob", &review, uphold()).await.unwrap_err();
    assert_eq!(reason(&late), "REVIEW_NOT_APPEALED");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn an_overturned_decision_is_published_or_returned() {
    let bench = bench().await;
    let published = bench.declined().await;
    let returned = bench.declined().await;
    for id in [published, returned] {
        bench.appeal(id).await.unwrap();
    }
    let review = bench.claim("bob", published).await;
    let decided = bench.end_appeal("bob", &review, publish_after_all()).await.unwrap();
    assert_eq!(decided.state(), ReviewState::Approved);
    assert_eq!(bench.public(&[published]).await[0].body, "Please call ■■■■■■■■■■■ about the lamp.");
    let (of, said) = bench.said::<MessageApproved>().await.pop().unwrap();
    assert!(of == published && !said.by_rules);

    let review = bench.claim("bob", returned).await;
    let back = Outcome::Return(proto::Return {
        ground: "own_personal_data".into(),
        explanation: "Please leave the number out.".into(),
        spans: vec![body(12, 23)],
    });
    bench.end_appeal("bob", &review, back).await.unwrap();
    assert_eq!(bench.said::<MessageReturned>().await.len(), 1);
    let told = told(&bench, returned).await;
    assert_eq!((told.state(), told.ground.as_str()), (ReviewState::Returned, "own_personal_data"));
    assert_eq!(told.appeal.unwrap().state(), AppealState::Overturned);
    for (_, said) in bench.said::<AppealDecided>().await {
        assert_eq!(said.outcome(), AppealOutcome::Overturned);
    }
    // That is a decision of its own, and somebody else decides on an appeal against it.
    bench.appeal(returned).await.unwrap();
    assert!(take(&bench, "ann").await.is_none() && take(&bench, "bob").await.is_none());
    assert_eq!(take(&bench, "eve").await.unwrap().message_id, returned.to_string());
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn only_the_author_appeals_and_only_in_time() {
    let bench = bench().await;
    let id = bench.declined().await;
    let ask = || proto::AppealDecisionRequest {
        message_id: id.to_string(),
        reason: REASON.into(),
        request_id: request_id(),
    };
    for scope in ["review:work", "account", &format!("author:message/{}", Uuid::from_u128(7))] {
        let request = with_scopes("somebody", &[scope], ask());
        let refused = bench.grpc.appeal_decision(request).await.unwrap_err();
        assert_eq!(reason(&refused), "OTHER_MESSAGE", "{scope}");
    }
    let mut long = ask();
    long.reason = "x".repeat(501);
    let mut bare = ask();
    bare.reason = " \n".into();
    for wrong in [long, bare] {
        let refused = bench.grpc.appeal_decision(as_author(id, wrong)).await.unwrap_err();
        assert_eq!(fields(&refused), ["reason"]);
    }
    let until = told(&bench, id).await.appealable_until.unwrap();
    bench.after(SignedDuration::from_hours(30 * 24));
    assert_eq!(until, to_proto(bench.clock.now()));
    assert!(told(&bench, id).await.appealable_until.is_none());
    let refused = bench.grpc.appeal_decision(as_author(id, ask())).await.unwrap_err();
    assert_eq!(reason(&refused), "APPEAL_TOO_LATE");

    let held = bench.held().await;
    assert_eq!(reason(&bench.appeal(held).await.unwrap_err()), "NOTHING_TO_APPEAL");
}

#[tokio::test]
async fn an_appeal_that_is_sent_twice_is_one() {
    let bench = bench().await;
    let id = bench.declined().await;
    let request = proto::AppealDecisionRequest {
        message_id: id.to_string(),
        reason: REASON.into(),
        request_id: request_id(),
    };
    let send = |request| bench.grpc.appeal_decision(as_author(id, request));
    let first = send(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, send(request.clone()).await.unwrap().into_inner());
    let other = proto::AppealDecisionRequest { reason: "Else.".into(), ..request };
    assert_eq!(reason(&send(other).await.unwrap_err()), "REQUEST_ID_REUSED");
    assert_eq!(bench.said::<DecisionAppealed>().await.len(), 1);
    assert_eq!(reason(&bench.appeal(id).await.unwrap_err()), "APPEALED_ALREADY");
}

#[tokio::test]
async fn a_moderator_decides_an_appeal_with_words_for_the_author() {
    let bench = bench().await;
    let id = bench.declined().await;
    bench.appeal(id).await.unwrap();
    let review = bench.claim("bob", id).await;
    let decided = bench.decide("bob", &review, publish(vec![])).await.unwrap_err();
    assert_eq!(reason(&decided), "REVIEW_NOT_HELD", "an appeal is decided as an appeal");
    let bare = proto::DecideAppealRequest {
        message_id: id.to_string(),
        etag: review.etag.clone(),
        request_id: request_id(),
        ..proto::DecideAppealRequest::default()
    };
    let refused = bench.grpc.decide_appeal(by("bob", bare.clone())).await.unwrap_err();
    assert_eq!(fields(&refused), ["outcome"]);
    let bare = proto::DecideAppealRequest { outcome: Some(uphold()), ..bare };
    let refused = bench.grpc.decide_appeal(by("bob", bare)).await.unwrap_err();
    assert_eq!(fields(&refused), ["explanation"]);
    let stale = proto::Review { etag: "1-1".into(), ..review.clone() };
    let refused = bench.end_appeal("bob", &stale, uphold()).await.unwrap_err();
    assert_eq!(reason(&refused), "ETAG_MISMATCH");
    let refused = bench.end_appeal("ann", &review, uphold()).await.unwrap_err();
    assert_eq!(reason(&refused), "REVIEW_NOT_CLAIMED");
}

#[tokio::test]
async fn an_appeal_on_a_senior_ground_is_for_another_senior() {
    let bench = bench().await;
    let id = bench.held().await;
    let review = bench.claim("ann", id).await;
    let request = proto::DecideReviewRequest {
        message_id: review.message_id,
        etag: review.etag,
        request_id: request_id(),
        decision: Some(decline("unlawful")),
        accused_office_ids: Vec::new(),
    };
    bench.grpc.decide_review(by_senior("ann", request)).await.unwrap();
    bench.appeal(id).await.unwrap();
    assert!(take(&bench, "bob").await.is_none());
    let claim = proto::ClaimReviewRequest { message_id: String::new(), request_id: request_id() };
    let taken = bench.grpc.claim_review(by_senior("eve", claim)).await.unwrap().into_inner();
    assert!(taken.review.unwrap().senior_only);
}

#[tokio::test]
async fn an_appeal_lapses_when_the_author_mends_or_erases() {
    let bench = bench().await;
    let message = a_message(HELD);
    let mended = bench.submit(&message).await;
    bench.screen().await;
    let review = bench.claim("ann", mended).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    bench.appeal(mended).await.unwrap();
    bench.claim("bob", mended).await;
    let text = intake::Text { revision: 2, body: format!("{HELD} Or else."), ..message.text };
    bench.resubmit(mended, 2, text).await;
    bench.screen().await;
    assert_eq!(bench.state(mended).await, "held");
    assert_eq!(told(&bench, mended).await.appeal.unwrap().state(), AppealState::Lapsed);

    let erased = bench.declined().await;
    bench.appeal(erased).await.unwrap();
    let event = intake::MessageErased {
        message_id: erased.to_string(),
        erased_at: Some(to_proto(bench.clock.now())),
    };
    bench.hear(vec![bench.event(erased, &event)]).await;
    assert_eq!(bench.state(erased).await, "withdrawn");
    let kept = "select count(*) from appeals where message_id in (select message_id from reviews
                where erased_at is not null) and (reason <> '' or state = 'open')";
    assert_eq!(bench.count(kept).await, 0);
    assert_eq!(bench.said::<AppealDecided>().await.len(), 0);
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

/// A message that went back, with an appeal that bob holds.
async fn returned_and_appealed(bench: &Bench) -> (Message, Uuid, proto::Review) {
    let message = a_message(HELD);
    let id = bench.submit(&message).await;
    bench.screen().await;
    let review = bench.claim("ann", id).await;
    bench.decide("ann", &review, send_back("own_personal_data")).await.unwrap();
    bench.appeal(id).await.unwrap();
    let review = bench.claim("bob", id).await;
    (message, id, review)
}

#[tokio::test]
async fn a_text_that_was_mended_meanwhile_is_judged_instead() {
    let bench = bench().await;
    let (message, id, review) = returned_and_appealed(&bench).await;
    let text = intake::Text { revision: 2, body: CLEAN.into(), ..message.text };
    bench.intake.keep(text.clone());
    let bare = Outcome::Publish(proto::Publish { redactions: Vec::new() });
    for publish in [publish_after_all(), bare] {
        let refused = bench.end_appeal("bob", &review, publish).await.unwrap_err();
        assert_eq!(reason(&refused), "TEXT_MENDED");
    }
    assert_eq!(bench.state(id).await, "appealed");
    bench.resubmit(id, 2, text).await;
    bench.screen().await;
    let (of, said) = bench.said::<MessageApproved>().await.pop().unwrap();
    assert_eq!((of, said.revision), (id, 2));
    assert_eq!(told(&bench, id).await.appeal.unwrap().state(), AppealState::Lapsed);
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_mended_text_that_comes_after_the_approval_takes_nothing_back() {
    let bench = bench().await;
    let (message, id, review) = returned_and_appealed(&bench).await;
    bench.end_appeal("bob", &review, publish_after_all()).await.unwrap();
    let text = intake::Text { revision: 2, body: CLEAN.into(), ..message.text };
    bench.resubmit(id, 2, text).await;
    bench.screen().await;
    assert_eq!(bench.state(id).await, "approved");
    assert_eq!(bench.public(&[id]).await[0].body, "Please call ■■■■■■■■■■■ about the lamp.");
    let redact = proto::RedactMessageRequest {
        message_id: id.to_string(),
        redactions: vec![body(0, 6)],
        request_id: request_id(),
    };
    bench.grpc.redact_message(by("bob", redact)).await.unwrap();
    assert_eq!(bench.public(&[id]).await[0].body, "■■■■■■ call ■■■■■■■■■■■ about the lamp.");
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}

#[tokio::test]
async fn what_nobody_decides_in_time_is_said_once_and_stands_first() {
    let bench = bench().await;
    let id = bench.declined().await;
    let appeal = bench.appeal(id).await.unwrap();
    assert_eq!(bench.app.say_overdue().await.unwrap(), 0);
    bench.after(SignedDuration::from_hours(120));
    bench.held().await;
    assert_eq!(bench.app.open_appeals().await.unwrap(), (1, 1));
    assert_eq!(bench.app.say_overdue().await.unwrap(), 1);
    assert_eq!(bench.app.say_overdue().await.unwrap(), 0);
    let (of, said) = bench.said::<AppealOverdue>().await.pop().unwrap();
    assert_eq!((of, said.due_at), (id, appeal.due_at));
    let list = bench.grpc.list_reviews(by("bob", proto::ListReviewsRequest::default())).await;
    let list = list.unwrap().into_inner().reviews;
    assert_eq!(list.len(), 2, "appeals are in the queue");
    assert!(list.iter().all(|review| review.due() == proto::Due::Overdue));
    assert!(list.iter().all(|review| review.appeal.iter().all(|it| it.reason.is_empty())));
    assert_eq!(bench.breaches().await, [] as [&str; 0]);
}
