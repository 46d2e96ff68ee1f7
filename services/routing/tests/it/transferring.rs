use liuyan_kit::{clock::to_proto, testing};
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Historical},
    routing::v1 as routing,
};
use tonic_types::StatusExt as _;

use crate::helpers::{House, a_message, a_transfer, an_acceptance, reason, view};

#[tokio::test]
async fn a_case_goes_to_another_office_with_its_clock() {
    let house = House::open().await;
    let message = a_message();
    let case = house.a_case(&message).await;
    let case_id = view(&case).case_id.clone();
    let (first, second) = (house.clerk("130102-g"), house.clerk("130104-g"));
    house.advance_minutes(10);
    house.cases(&first).accept_case(an_acceptance(&case_id)).await.unwrap();
    house.advance_minutes(10);
    let request =
        routing::TransferCaseRequest { etag: "c2".to_owned(), ..a_transfer(&case_id, "130104-g") };
    let answer = house.cases(&first).transfer_case(request.clone()).await.unwrap().into_inner();
    let moved = answer.case.clone().unwrap();
    assert_eq!(
        (view(&moved).office_id.as_str(), moved.assigned_by.as_str()),
        ("130104-g", "transferred")
    );
    assert_eq!(view(&moved).division_code, "130104");
    assert_eq!(view(&moved).state(), CaseState::Assigned, "the new office has yet to accept it");
    assert_eq!(view(&moved).deadline_at, view(&case).deadline_at);
    assert!(view(&moved).accepted_at.is_some(), "when the first one did");
    let held = &view(&moved).custody;
    assert_eq!((held.len(), held[0].until, held[1].until), (2, held[1].from, None));
    assert_eq!(house.get_in_public(message.message_id).await.unwrap(), moved);

    // Who asks again is answered the same, also now that the case is no longer theirs.
    assert_eq!(house.cases(&first).transfer_case(request).await.unwrap().into_inner(), answer);
    let again = house.transfer(&first, &case_id, "130102-s").await;
    assert_eq!(reason(again), "CASE_NOT_YOURS");
    let above = house.clerk("130100-g");
    house.transfer(&above, &case_id, "130102-s").await.unwrap();
    house.transfer(&above, &case_id, "130104-g").await.unwrap();

    house.advance_minutes(10);
    house.reply(&second, &case_id, "done").await.unwrap();
    assert_eq!(reason(house.reply(&first, &case_id, "done").await), "CASE_NOT_YOURS");
    assert_eq!(
        house.story(&case_id).await[2..],
        [
            "case-accepted r2 public",
            "case-transferred r3 public",
            "case-transferred r4 public",
            "case-transferred r5 public",
            "case-accepted r6 public",
            "case-replied r7 public",
        ]
    );
    let said = testing::said::<routing::CaseTransferred>(house.db()).await;
    let refer = said[0].event.case.as_ref().unwrap();
    assert_eq!((refer.office_id.as_str(), refer.division_code.as_str()), ("130104-g", "130104"));
    assert_eq!(said[0].event.from_office_id, "130102-g");
    let kept = "select count(*) from transfers where reason = 'They are competent.'";
    assert_eq!(house.count(kept).await, 3);
}

#[tokio::test]
async fn what_is_answered_stays_and_nobody_gets_what_they_may_not_have() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    let clerk = house.clerk("130102-g");
    for (office, expected) in
        [("130102-g", "OFFICE_HAS_IT"), ("nobody", "OFFICE_NOT_FOUND"), ("", "REQUEST_INVALID")]
    {
        assert_eq!(reason(house.transfer(&clerk, &case_id, office).await), expected, "{office}");
    }
    let stale =
        routing::TransferCaseRequest { etag: "c9".to_owned(), ..a_transfer(&case_id, "130104-g") };
    assert_eq!(reason(house.cases(&clerk).transfer_case(stale).await), "ETAG_MISMATCH");
    let beside = house.clerk("130104-g");
    assert_eq!(reason(house.transfer(&beside, &case_id, "130104-g").await), "CASE_NOT_YOURS");
    let author = house.token(&["case:read"], &["130102-g"]);
    assert_eq!(reason(house.transfer(&author, &case_id, "130104-g").await), "SCOPE_MISSING");
    house.reply(&clerk, &case_id, "done").await.unwrap();
    assert_eq!(reason(house.transfer(&clerk, &case_id, "130104-g").await), "TRANSFER_TOO_LATE");
    let story = house.story(&case_id).await;
    assert!(story.iter().all(|event| !event.contains("transferred")), "{story:?}");
}

#[tokio::test]
async fn a_case_never_goes_to_the_accused_or_anybody_under_it() {
    let house = House::open().await;
    let message = a_message().to("130102-g").accusing(&["130100-s"]);
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let owner = house.clerk("130000-g");
    for office in ["130100-s", "130100-g", "130102-s", "130102-g", "130123-g"] {
        assert_eq!(reason(house.transfer(&owner, &case_id, office).await), "OFFICE_ACCUSED");
    }
    let moved = house.transfer(&owner, &case_id, "130200-g").await.unwrap();
    assert_eq!((view(&moved).office_id.as_str(), moved.public), ("130200-g", false));
    let accused = house.clerk("130100-g");
    assert_eq!(reason(house.get(&accused, message.message_id).await), "CASE_NOT_FOUND");
    assert!(house.story(&case_id).await.iter().all(|event| event.ends_with("hidden")));
}

#[tokio::test]
async fn everything_wrong_with_a_transfer_is_told_at_once() {
    let house = House::open().await;
    let clerk = house.clerk("130102-g");
    let wrong = routing::TransferCaseRequest { reason: "x".repeat(201), ..Default::default() };
    let status = house.cases(&clerk).transfer_case(wrong).await.unwrap_err();
    let told = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = told.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["request_id", "reason", "office_id", "case_id"]);
}

#[tokio::test]
async fn an_import_tells_when_a_case_was_transferred() {
    let house = House::open().await;
    let message = a_message().written_at("2019-03-04T09:00:00+08");
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let at = Some(to_proto("2019-03-05T09:00:00+08".parse().unwrap()));
    let request = routing::TransferCaseRequest {
        historical: Some(Historical { occurred_at: at }),
        ..a_transfer(&case_id, "130104-g")
    };
    let clerk = house.clerk("130102-g");
    let refused = house.cases(&clerk).transfer_case(request.clone()).await;
    assert_eq!(reason(refused), "HISTORICAL_NOT_ALLOWED");
    let moved = house.cases(&house.operator()).transfer_case(request).await.unwrap();
    let moved = moved.into_inner().case.unwrap();
    assert_eq!((view(&moved).custody[0].until, view(&moved).custody[1].from), (at, at));
}
