//! The desk of moderators: appeals, accusations, and what narrows the queue.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use liuyan_proto::liuyan::{identity::v1::Role, moderation::v1 as moderation};

use crate::{
    portal::Running,
    review::{ETAG, gives, mine, moderator, path, review, send, span},
    samples::{SCRIPT, ago},
    staff::staff,
};

/// A review of a message whose author appealed.
fn appealed() -> moderation::Review {
    moderation::Review {
        state: moderation::ReviewState::Appealed.into(),
        ground: "unreadable".to_owned(),
        explanation: "内容看不明白。".to_owned(),
        decide_by: ago(1),
        due: moderation::Due::Overdue.into(),
        appeal: Some(moderation::Appeal {
            state: moderation::AppealState::Open.into(),
            reason: format!("地点已经写明{SCRIPT}"),
            appealed_at: ago(2),
            due_at: ago(1),
            ..moderation::Appeal::default()
        }),
        ..review(&mine())
    }
}

#[tokio::test]
async fn an_appeal_is_decided_beside_the_decision_and_the_reason() {
    use moderation::decide_appeal_request::Outcome;
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    gives(&portal, appealed());
    let ended = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&ended);
    portal.fake.on("ReviewService/DecideAppeal", move |ask: moderation::DecideAppealRequest| {
        told.lock().unwrap().push(ask);
        Ok(moderation::DecideAppealResponse::default())
    });
    let page = browser.get(&path()).await;
    page.shows(&[
        "申诉针对的决定",
        "内容不清",
        "内容看不明白。",
        "地点已经写明",
        "已超期",
        "维持原决定",
    ]);
    page.hides(&["value=\"decline\"", "<script"]);
    let fields = [("decision", "uphold"), ("action", "decide")];
    let bare = send(&mut browser, &page, &fields).await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    bare.shows(&["explanation-wrong"]);
    for (decision, redact) in [("uphold", ""), ("redacted", "body:5:16")] {
        let fields = [
            ("decision", decision),
            ("redact", redact),
            ("explanation", "已重新核对。"),
            ("action", "decide"),
        ];
        assert_eq!(send(&mut browser, &page, &fields).await.location(), "/review");
    }
    let ended = ended.lock().unwrap();
    assert!(ended.iter().all(|ask| ask.explanation == "已重新核对。" && ask.etag == ETAG));
    assert_eq!(ended[0].outcome, Some(Outcome::Uphold(moderation::Uphold {})));
    let redactions = vec![span(moderation::TextField::Body, 5, 16)];
    assert_eq!(ended[1].outcome, Some(Outcome::Publish(moderation::Publish { redactions })));
}

#[tokio::test]
async fn an_accusation_is_marked_and_left_to_a_senior() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    let accused =
        moderation::Review { accused_office_ids: vec!["330106-g".to_owned()], ..review(&mine()) };
    gives(&portal, accused);
    portal.fake.on("ReviewService/MarkAccusation", |ask: moderation::MarkAccusationRequest| {
        assert_eq!(
            (ask.etag.as_str(), ask.accused_office_ids),
            (ETAG, vec!["330106-g".to_owned()])
        );
        Ok(moderation::MarkAccusationResponse::default())
    });
    let page = browser.get(&path()).await;
    page.shows(&["标记并交高级审核员"]);
    let fields = [("accused", "330106-g"), ("action", "accuse")];
    assert_eq!(send(&mut browser, &page, &fields).await.location(), "/review");
    let mut senior = staff(&portal, Role::SeniorModerator, &[]).await;
    senior.get(&path()).await.hides(&["标记并交高级审核员"]);
}

#[tokio::test]
async fn the_queue_is_narrowed_and_shows_appeals_and_what_is_overdue() {
    let portal = Running::start().await;
    let mut browser = moderator(&portal).await;
    portal.fake.on("ReviewService/ListReviews", |ask: moderation::ListReviewsRequest| {
        if ask.kind == "thanks" {
            return Ok(moderation::ListReviewsResponse::default());
        }
        assert_eq!(ask.state(), moderation::ReviewState::Appealed);
        assert_eq!(
            (ask.due(), ask.holder()),
            (moderation::Due::Overdue, moderation::Holder::Nobody)
        );
        Ok(moderation::ListReviewsResponse {
            reviews: vec![moderation::Review { senior_only: true, ..appealed() }],
            next_page_token: "a+b".to_owned(),
            total: 2,
        })
    });
    let page = browser.get("/review?state=appealed&due=overdue&holder=nobody").await;
    page.shows(&[
        "已超期",
        "限高级审核员",
        "state=appealed&#38;due=overdue&#38;holder=nobody&#38;page=a%2Bb",
    ]);
    page.hides(&["地点已经写明"]);
    browser.get("/review?kind=thanks").await.shows(&["没有符合条件的留言"]);
}
