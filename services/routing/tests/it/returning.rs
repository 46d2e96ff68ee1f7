//! Giving a case back: to the right office, then to the common superior, whose decision routes the
//! next of its kind.

use liuyan_kit::testing;
use liuyan_proto::liuyan::routing::v1 as routing;
use tonic::Status;

use crate::helpers::{House, a_message, a_transfer, asks, reason, view};

fn a_return(case_id: &str, office: &str) -> routing::ReturnCaseRequest {
    let rule = "Heating is theirs by rule 12.".to_owned();
    asks!(ReturnCaseRequest, case_id, office_id: office.to_owned(), rule: rule)
}

async fn give_back(
    house: &House,
    by: &str,
    case_id: &str,
    to: &str,
) -> Result<routing::Case, Status> {
    let mut cases = house.cases(&house.clerk(by));
    Ok(cases.return_case(a_return(case_id, to)).await?.into_inner().case.unwrap())
}

#[tokio::test]
async fn two_returns_reach_the_common_superior_whose_decision_routes_the_next() {
    let house = House::open().await;
    let first = house.a_case(&a_message()).await;
    let case_id = view(&first).case_id.clone();
    let deadline = view(&first).deadline_at;

    let once = give_back(&house, "130102-g", &case_id, "130104-g").await.unwrap();
    assert_eq!(
        (view(&once).office_id.as_str(), once.assigned_by.as_str()),
        ("130104-g", "returned")
    );
    let twice = give_back(&house, "130104-g", &case_id, "130102-g").await.unwrap();
    assert_eq!((view(&twice).office_id.as_str(), twice.referred), ("130100-g", true));
    let refused = give_back(&house, "130100-g", &case_id, "130104-g").await;
    assert_eq!(reason(refused), "CASE_RETURNED_TWICE");

    // The superior decides, also for one that gave it back.
    let superior = house.clerk("130100-g");
    let decided = house.transfer(&superior, &case_id, "130104-g").await.unwrap();
    assert_eq!((decided.assigned_by.as_str(), decided.referred), ("decided", false));
    assert_eq!(view(&decided).deadline_at, deadline, "the citizen's date stays");
    let holder = house.clerk("130104-g");
    assert_eq!(reason(house.transfer(&holder, &case_id, "130102-s").await), "SUPERIOR_DECIDED");
    let refused = give_back(&house, "130104-g", &case_id, "130102-g").await;
    assert_eq!(reason(refused), "CASE_RETURNED_TWICE");
    house.reply(&holder, &case_id, "It is done.").await.unwrap();

    // The next of its kind goes there at once; what differs or accuses somebody does not.
    let next = house.a_case(&a_message()).await;
    assert_eq!(
        (view(&next).office_id.as_str(), next.assigned_by.as_str()),
        ("130104-g", "precedent")
    );
    let other = house.a_case(&a_message().about("enquiry", "7")).await;
    assert_eq!(other.assigned_by, "office_chosen");
    let accusing = house.a_case(&a_message().accusing(&["130104-g"])).await;
    assert_eq!(view(&accusing).office_id, "130102-g");

    let said = testing::said::<routing::CaseReturned>(house.db()).await;
    let referred: Vec<_> = said.iter().map(|said| said.event.referred).collect();
    assert_eq!(referred, [false, true]);
    house.is_whole().await;
}

#[tokio::test]
async fn a_later_decision_takes_the_place_of_the_earlier_one() {
    let house = House::open().await;
    for decided in ["130104-g", "130105-g"] {
        let precedent = house.a_case(&a_message()).await;
        let (case_id, holder) =
            (view(&precedent).case_id.clone(), view(&precedent).office_id.clone());
        give_back(&house, &holder, &case_id, "130123-g").await.unwrap();
        give_back(&house, "130123-g", &case_id, "130102-s").await.unwrap();
        house.transfer(&house.clerk("130100-g"), &case_id, decided).await.unwrap();
        let next = house.a_case(&a_message()).await;
        assert_eq!(view(&next).office_id, decided);
    }
    let in_force = "select count(*) from precedents where superseded_at is null";
    assert_eq!(house.count(in_force).await, 1);
    house.is_whole().await;
}

#[tokio::test]
async fn nobody_returns_to_whom_they_may_not_or_what_is_not_theirs() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    for (by, to, expected) in [
        ("130102-g", "nowhere", "OFFICE_NOT_FOUND"),
        ("130102-g", "130102-g", "OFFICE_HAS_IT"),
        ("130102-g", "", "REQUEST_INVALID"),
        ("130104-g", "130104-g", "CASE_NOT_YOURS"),
    ] {
        assert_eq!(reason(give_back(&house, by, &case_id, to).await), expected, "{by} {to}");
    }
    let clerk = house.clerk("130102-g");
    let unsaid =
        routing::ReturnCaseRequest { rule: String::new(), ..a_return(&case_id, "130104-g") };
    assert_eq!(reason(house.cases(&clerk).return_case(unsaid).await), "REQUEST_INVALID");
    house.reply(&clerk, &case_id, "It is done.").await.unwrap();
    let late = give_back(&house, "130102-g", &case_id, "130104-g").await;
    assert_eq!(reason(late), "TRANSFER_TOO_LATE");
}

#[tokio::test]
async fn a_case_goes_in_no_circle_unless_somebody_above_says_so() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    house.transfer(&house.clerk("130102-g"), &case_id, "130104-g").await.unwrap();
    let second = house.clerk("130104-g");
    assert_eq!(reason(house.transfer(&second, &case_id, "130102-g").await), "OFFICE_HAD_IT");
    let back = give_back(&house, "130104-g", &case_id, "130102-g").await;
    assert_eq!(reason(back), "OFFICE_HAD_IT");
    house.transfer(&house.clerk("130100-g"), &case_id, "130102-g").await.unwrap();
}

#[tokio::test]
async fn after_two_steps_from_office_to_office_only_a_superior_hands_a_case_on() {
    let house = House::open().await;
    let case_id = view(&house.a_case(&a_message()).await).case_id.clone();
    for (from, to) in [("130102-g", "130104-g"), ("130104-g", "130105-g")] {
        house.transfer(&house.clerk(from), &case_id, to).await.unwrap();
    }
    let third = house.clerk("130105-g");
    let refused = house.transfer(&third, &case_id, "130123-g").await;
    assert_eq!(reason(refused), "CASE_HANDED_ON_TWICE");
    // It can be given back with the rule that says why, and a superior can hand it on.
    house.transfer(&house.clerk("130100-g"), &case_id, "130123-g").await.unwrap();
    house.is_whole().await;
}

#[tokio::test]
async fn the_same_return_twice_is_one_and_a_stale_etag_is_refused() {
    let house = House::open().await;
    let case = house.a_case(&a_message()).await;
    let case_id = view(&case).case_id.clone();
    let clerk = house.clerk("130102-g");
    let stale =
        routing::ReturnCaseRequest { etag: "c9".to_owned(), ..a_return(&case_id, "130104-g") };
    assert_eq!(reason(house.cases(&clerk).return_case(stale).await), "ETAG_MISMATCH");
    let request =
        routing::ReturnCaseRequest { etag: case.etag.clone(), ..a_return(&case_id, "130104-g") };
    let answer = house.cases(&clerk).return_case(request.clone()).await.unwrap().into_inner();
    assert_eq!(house.cases(&clerk).return_case(request).await.unwrap().into_inner(), answer);
    let reused = asks!(TransferCaseRequest, case_id);
    let reused = routing::TransferCaseRequest {
        request_id: reused.request_id,
        ..a_transfer(&case_id, "130105-g")
    };
    assert_eq!(reason(house.cases(&clerk).transfer_case(reused).await), "CASE_NOT_YOURS");
    assert_eq!(house.count("select count(*) from acts").await, 1);
}

#[tokio::test]
async fn the_accused_is_given_no_case_by_a_return_or_a_decision() {
    let house = House::open().await;
    let message = a_message().to("130102-g").accusing(&["130104-g"]);
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let back = give_back(&house, "130102-g", &case_id, "130104-g").await;
    assert_eq!(reason(back), "OFFICE_ACCUSED");
    give_back(&house, "130102-g", &case_id, "130105-g").await.unwrap();
    let twice = give_back(&house, "130105-g", &case_id, "130102-g").await.unwrap();
    let superior = house.clerk(&view(&twice).office_id);
    assert_eq!(reason(house.transfer(&superior, &case_id, "130104-g").await), "OFFICE_ACCUSED");
}
