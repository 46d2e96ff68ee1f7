//! Names and phones are kept for as long as they are needed, and no longer.

use jiff::SignedDuration;
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome},
    moderation::v1::MessageDeclined,
    routing::v1::{CaseClosed, CaseRef, CaseReopened, FollowUpAsked},
};
use uuid::Uuid;

use crate::helpers::{Desk, a_case, a_message_by, a_submission_of, count};

#[tokio::test]
async fn a_contact_goes_when_its_message_ended_long_ago() {
    let desk = Desk::with(|config| config.contact_retention_days = 30).await.told().await;
    let mut ids = Vec::new();
    for phone in ["13800001111", "13800002222", "13800003333"] {
        let answer = desk.submit(a_submission_of(a_message_by("Wang", phone))).await.unwrap();
        ids.push(answer.receipt.unwrap().message_id.parse::<Uuid>().unwrap());
    }
    let declined = MessageDeclined {
        message_id: ids[0].to_string(),
        ground: "abuse".to_owned(),
        declined_at: None,
    };
    desk.hear(ids[0], declined).await.unwrap();
    let case_id = Uuid::from_u128(1);
    let case = CaseRef { state: CaseState::Closed.into(), ..a_case(case_id, ids[1]) };
    let closed = CaseClosed { case: Some(case), outcome: Outcome::Solved.into() };
    desk.hear(case_id, closed).await.unwrap();

    desk.clock.advance(SignedDuration::from_hours(29 * 24));
    assert_eq!(desk.app.forget_contacts().await.unwrap(), (0, false));
    desk.clock.advance(SignedDuration::from_hours(2 * 24));
    assert_eq!(desk.app.forget_contacts().await.unwrap(), (2, false));
    assert_eq!(count(&desk.db, "select count(*) from authors").await, 1, "one is under way");
    assert_eq!(count(&desk.db, "select count(*) from texts where body <> ''").await, 3);
    assert_eq!(desk.app.forget_contacts().await.unwrap(), (0, false));
    let audited = "select count(*) from audit where action = 'contacts-forgotten'";
    assert_eq!(count(&desk.db, audited).await, 1);
}

#[tokio::test]
async fn a_contact_stays_while_a_closed_case_is_worked_on_again() {
    let desk = Desk::with(|config| config.contact_retention_days = 30).await.told().await;
    let mut cases = Vec::new();
    for n in 1..=3 {
        let message = a_message_by("Wang", &format!("1380000111{n}"));
        let answer = desk.submit(a_submission_of(message)).await.unwrap();
        let id = answer.receipt.unwrap().message_id.parse().unwrap();
        let case_id = Uuid::from_u128(n);
        let case = CaseRef { state: CaseState::Closed.into(), ..a_case(case_id, id) };
        let closed = CaseClosed { case: Some(case.clone()), outcome: Outcome::Solved.into() };
        desk.hear(case_id, closed).await.unwrap();
        cases.push((case_id, case));
    }
    let case = |at: usize| Some(cases[at].1.clone());
    let reopened = CaseReopened { case: case(0), cause: "promise_broken".to_owned() };
    desk.hear(cases[0].0, reopened).await.unwrap();
    let asked = FollowUpAsked { case: case(1), ..FollowUpAsked::default() };
    desk.hear(cases[1].0, asked).await.unwrap();
    desk.clock.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(desk.app.forget_contacts().await.unwrap(), (1, false), "the one that is over");
    let closed = CaseClosed { case: case(0), outcome: Outcome::Solved.into() };
    desk.hear(cases[0].0, closed).await.unwrap();
    desk.clock.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(desk.app.forget_contacts().await.unwrap(), (1, false), "from the second end on");
}

#[tokio::test]
async fn nothing_is_forgotten_where_the_board_keeps_contacts_for_ever() {
    let desk = Desk::with(|config| config.contact_retention_days = 0).await.told().await;
    desk.clock.advance(SignedDuration::from_hours(100 * 365 * 24));
    assert_eq!(desk.app.forget_contacts().await.unwrap(), (0, false));
}
