use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::{
    common::v1::{CaseState, Outcome},
    routing::v1 as routing,
};
use tonic::Status;

use crate::helpers::{House, Message, SOON, a_message, a_reply, an_acceptance, asks, reason, view};

#[tokio::test]
async fn the_accused_and_those_under_it_never_own_read_list_or_act() {
    let house = House::open().await;
    let message = a_message().to("130102-g").accusing(&["130100-s"]);
    let case = house.a_case(&message).await;
    let case_id = view(&case).case_id.clone();
    assert_eq!(view(&case).office_id, "130000-g");
    assert_eq!(case.assigned_by, "accused_office_passed_over");
    assert!(!case.public);
    assert!(!house.moderation.was_asked_for(message.message_id), "no text of it is kept");

    // All of them are called the same, as far as requests are remembered.
    let other = view(&house.a_case(&a_message().private()).await).case_id.clone();
    let used = an_acceptance(&other);
    house.cases(&house.clerk("130102-g")).accept_case(used.clone()).await.unwrap();
    let used = used.request_id;
    let everything = ["case:work", "case:read", "case:any", "case:view", "message:import"];
    for office in ["130100-s", "130100-g", "130102-s", "130102-g", "130123-g"] {
        // Also with every scope there is, and also for an office that may see it.
        for token in [
            house.clerk(office),
            house.token(&everything, &[office]),
            house.token(&everything, &[office, "130000-g"]),
        ] {
            let mut cases = house.cases(&token);
            assert_eq!(reason(house.get(&token, message.message_id).await), "CASE_NOT_FOUND");
            let all = routing::ListCasesRequest::default();
            let listed = cases.list_cases(all).await.unwrap().into_inner().cases;
            assert!(listed.iter().all(|it| view(it).case_id != case_id), "{office}");
            let of_owner = routing::ListCasesRequest {
                office_id: "130000-g".to_owned(),
                ..Default::default()
            };
            assert_eq!(cases.list_cases(of_owner).await.unwrap().into_inner().cases, []);
            let close = routing::CloseCaseRequest {
                case_id: case_id.clone(),
                request_id: id::v7(testing::now()).to_string(),
                outcome: Outcome::Duplicate.into(),
                ..Default::default()
            };
            assert_eq!(reason(cases.close_case(close).await), "CASE_NOT_FOUND");
            let accept = an_acceptance(&case_id);
            assert_eq!(reason(cases.accept_case(accept).await), "CASE_NOT_FOUND");
            let reply = a_reply(&case_id, "no");
            assert_eq!(reason(cases.reply_to_case(reply).await), "CASE_NOT_FOUND");
            // Nor by way of a request that was made of another case.
            let reused =
                routing::AcceptCaseRequest { request_id: used.clone(), ..an_acceptance(&case_id) };
            assert_eq!(reason(cases.accept_case(reused).await), "CASE_NOT_FOUND");
        }
    }
    let viewer = house.token(&["case:view"], &["130102-g"]);
    let batch = routing::BatchGetPublicCaseRequest { case_ids: vec![case_id.clone()] };
    let views = house.cases(&viewer).batch_get_public_case(batch).await.unwrap().into_inner();
    assert_eq!(views.cases, []);

    let owner = house.clerk("130000-g");
    let mut cases = house.cases(&owner);
    assert_eq!(house.get(&owner, message.message_id).await.unwrap(), case);
    let all = routing::ListCasesRequest::default();
    let listed = cases.list_cases(all).await.unwrap().into_inner().cases;
    assert!(listed.contains(&case) && listed.len() == 2);
    house.reply(&owner, &case_id, "we look into it").await.unwrap();
    let story = house.story(&case_id).await;
    assert!(story.iter().all(|event| event.ends_with("hidden")), "{story:?}");
    let opened = testing::said::<routing::CaseOpened>(house.db()).await;
    assert_eq!(opened[0].event.case.as_ref().unwrap().accused_office_ids, ["130100-s"]);
}

#[tokio::test]
async fn who_accuses_the_top_of_a_province_reaches_the_petition_office() {
    let house = House::open().await;
    let case = house.a_case(&a_message().to("110101-g").accusing(&["110000-g"])).await;
    assert_eq!(
        (view(&case).office_id.as_str(), case.assigned_by.as_str()),
        ("M35", "triage_accused")
    );
    let case = house.a_case(&a_message().to("M35").accusing(&["M35"])).await;
    assert_eq!(view(&case).office_id, "M11");
}

async fn office(house: &House, id: &str) -> routing::Office {
    let asked = routing::GetOfficeRequest { office_id: id.to_owned() };
    house.directory().get_office(asked).await.unwrap().into_inner().office.unwrap()
}

async fn put_office(house: &House, office: routing::Office) {
    let put = routing::PutOfficeRequest { office: Some(office) };
    house.editor().put_office(put).await.unwrap();
}

/// One office comes in the place of another, from tomorrow on.
async fn succeed(house: &House, id: &str, successor: &str) {
    let valid_until = "2026-06-03".to_owned();
    let successor_id = successor.to_owned();
    put_office(house, routing::Office { valid_until, successor_id, ..office(house, id).await })
        .await;
}

/// The division is merged into another, as of today.
async fn merge(house: &House, code: &str, successor: &str) {
    let asked = routing::GetDivisionRequest { code: code.to_owned() };
    let found = house.directory().get_division(asked).await.unwrap().into_inner();
    let division = routing::Division {
        valid_until: "2026-06-02".to_owned(),
        successor_code: successor.to_owned(),
        ..found.division.unwrap()
    };
    let put = routing::PutDivisionRequest { division: Some(division) };
    house.editor().put_division(put).await.unwrap();
}

/// None of these offices, nor who acts for their division, learns of the case.
async fn are_kept_from(house: &House, message: &Message, case_id: &str, of: &[&str]) {
    let everything = ["case:work", "case:read", "case:any"];
    for id in of {
        let division = id.split('-').next().unwrap();
        for token in [
            house.token(&everything, &[id]),
            house.token(&everything, &[id, "130000-g"]),
            house.official(&everything, &[division], &[]),
        ] {
            assert_eq!(
                reason(house.get(&token, message.message_id).await),
                "CASE_NOT_FOUND",
                "{id}"
            );
            for own in [false, true] {
                let all = routing::ListCasesRequest { own, ..Default::default() };
                let listed = house.cases(&token).list_cases(all).await.unwrap().into_inner().cases;
                assert!(listed.iter().all(|it| view(it).case_id != case_id), "{id}");
            }
            let reply = house.reply(&token, case_id, "no").await;
            assert_eq!(reason(reply), "CASE_NOT_FOUND", "{id}");
        }
    }
}

async fn invite(house: &House, token: &str, case_id: &str, office: &str) -> Result<(), Status> {
    let (office_id, reason) = (office.to_owned(), "For a reason.".to_owned());
    let it = asks!(InviteHelperRequest, case_id, office_id: office_id, reason: reason);
    house.cases(token).invite_helper(it).await.map(drop)
}

#[tokio::test]
async fn an_office_beside_the_accused_is_given_the_case_and_asked_to_help_from_above_alone() {
    let house = House::open().await;
    let (beside, why) = ("130104-s", "OFFICE_BESIDE_ACCUSED");
    let new = async || {
        let message = a_message().to("130102-g").accusing(&["130104-g"]);
        view(&house.a_case(&message).await).case_id.clone()
    };
    let back = async |token: &str, case_id: &str, office: &str| {
        let (office_id, rule) = (office.to_owned(), "By the rules.".to_owned());
        let it = asks!(ReturnCaseRequest, case_id, office_id: office_id, rule: rule);
        house.cases(token).return_case(it).await.map(drop)
    };
    let owner = house.clerk("130102-g");
    let case_id = new().await;
    assert_eq!(reason(invite(&house, &owner, &case_id, beside).await), why);
    assert_eq!(reason(house.transfer(&owner, &case_id, beside).await), why);
    assert_eq!(reason(back(&owner, &case_id, beside).await), why);
    // The accused itself is refused as ever, and others are not.
    let accused = invite(&house, &owner, &case_id, "130104-g").await;
    assert_eq!(reason(accused), "OFFICE_ACCUSED");
    invite(&house, &owner, &case_id, "130105-s").await.unwrap();
    // Who stands above both decides; also by the division.
    let above = house.clerk("130100-g");
    invite(&house, &above, &case_id, beside).await.unwrap();
    let of_city = house.official(&["case:work"], &["130100"], &[]);
    house.transfer(&of_city, &new().await, beside).await.unwrap();
    // Nobody is accused: nobody is beside them.
    let message = a_message().to("130102-g");
    let free = view(&house.a_case(&message).await).case_id.clone();
    invite(&house, &owner, &free, beside).await.unwrap();
    house.is_whole().await;
}

#[tokio::test]
async fn who_comes_in_the_place_of_the_accused_afterwards_never_gets_or_sees_the_case() {
    let house = House::open().await;
    let message = a_message().accusing(&["130102-g"]);
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let owner = house.clerk("130100-g");
    succeed(&house, "130102-g", "130104-g").await;
    // Also one that comes in the place of the successor.
    succeed(&house, "130104-g", "130105-g").await;
    for id in ["130104-g", "130105-g"] {
        let given = house.transfer(&owner, &case_id, id).await;
        assert_eq!(reason(given), "OFFICE_ACCUSED", "{id}");
        assert_eq!(reason(invite(&house, &owner, &case_id, id).await), "OFFICE_ACCUSED", "{id}");
    }
    are_kept_from(&house, &message, &case_id, &["130104-g", "130105-g"]).await;
    // What is said from then on names them, too.
    house.cases(&owner).accept_case(an_acceptance(&case_id)).await.unwrap();
    let accepted = testing::said::<routing::CaseAccepted>(house.db()).await;
    let named = &accepted[0].event.case.as_ref().unwrap().accused_office_ids;
    assert_eq!(*named, ["130102-g", "130104-g", "130105-g"]);
    house.is_whole().await;
}

#[tokio::test]
async fn the_merged_division_of_the_accused_never_gets_or_sees_the_case() {
    let house = House::open().await;
    let message = a_message().accusing(&["130102-g"]);
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let owner = house.clerk("130100-g");
    merge(&house, "130102", "130104").await;
    let given = house.transfer(&owner, &case_id, "130104-g").await;
    assert_eq!(reason(given), "OFFICE_ACCUSED");
    let helped = invite(&house, &owner, &case_id, "130104-g").await;
    assert_eq!(reason(helped), "OFFICE_ACCUSED");
    are_kept_from(&house, &message, &case_id, &["130104-g"]).await;
    house.is_whole().await;
}

#[tokio::test]
async fn who_has_a_case_or_helps_loses_it_on_coming_in_the_place_of_the_accused() {
    let house = House::open().await;
    let mut held = Vec::new();
    for how in ["accepted", "paused", "answered", "helping"] {
        let message = a_message().accusing(&["130102-g"]);
        let case_id = view(&house.a_case(&message).await).case_id.clone();
        let (owner, heir) = (house.clerk("130100-g"), house.clerk("130104-g"));
        if how == "helping" {
            invite(&house, &owner, &case_id, "130104-g").await.unwrap();
            invite(&house, &owner, &case_id, "130105-g").await.unwrap();
        } else {
            house.transfer(&owner, &case_id, "130104-g").await.unwrap();
            house.cases(&heir).accept_case(an_acceptance(&case_id)).await.unwrap();
        }
        if how == "paused" {
            let it = asks!(PauseCaseRequest, &case_id, question: "Where?".to_owned());
            house.cases(&heir).pause_case(it).await.unwrap();
        }
        if how == "answered" {
            house.reply(&heir, &case_id, "We are without fault.").await.unwrap();
        }
        held.push((how, message, case_id));
    }
    succeed(&house, "130102-g", "130104-g").await;
    for (how, message, case_id) in &held {
        are_kept_from(&house, message, case_id, &["130104-g"]).await;
        let case = testing::eventually("it is taken from the accused", SOON, || async {
            let case = house.get(&house.operator(), message.message_id).await.unwrap();
            (view(&case).office_id != "130104-g").then_some(case)
        })
        .await;
        assert_eq!(view(&case).office_id, "130100-g", "{how}");
        let state = match *how {
            "answered" => CaseState::Replied,
            _ => CaseState::Assigned,
        };
        assert_eq!(view(&case).state(), state, "{how}");
        if *how == "helping" {
            assert!(house.get(&house.clerk("130105-g"), message.message_id).await.is_ok());
            let helps = "select count(*) from cases where '130104-g' = any(helper_office_ids)";
            assert_eq!(house.count(helps).await, 0);
        } else {
            assert_eq!(case.assigned_by, "accused_office_passed_over");
        }
        // Whoever has it now works on.
        house.reply(&house.clerk("130100-g"), case_id, "We look into it.").await.unwrap();
    }
    let transferred = testing::said::<routing::CaseTransferred>(house.db()).await;
    let last = transferred.last().unwrap().event.clone();
    assert_eq!(last.from_office_id, "130104-g");
    assert_eq!(last.case.unwrap().accused_office_ids, ["130102-g", "130104-g"]);
    house.is_whole().await;
}

#[tokio::test]
async fn an_accusation_of_an_office_that_is_not_there_waits_for_a_person() {
    let house = House::open().await;
    let message = a_message().accusing(&["zzz"]);
    let case = house.a_case(&message).await;
    let of = |case: &routing::Case| (view(case).office_id.clone(), case.assigned_by.clone());
    let waits = ("M35".to_owned(), "triage_accused".to_owned());
    assert_eq!(of(&case), waits);
    let one_of_two = house.a_case(&a_message().to("130104-g").accusing(&["130102-g", "zzz"])).await;
    assert_eq!(of(&one_of_two), waits);
    assert_eq!(
        reason(house.get(&house.clerk("130102-g"), message.message_id).await),
        "CASE_NOT_FOUND"
    );
    // An office of that id comes later: that decides nothing.
    let office_id = "zzz".to_owned();
    put_office(&house, routing::Office { office_id, ..office(&house, "130102-g").await }).await;
    house.advance_hours(24 * 200);
    let still = house.get(&house.operator(), message.message_id).await.unwrap();
    assert_eq!(of(&still), waits);
    house.transfer(&house.clerk("M35"), &view(&case).case_id, "130104-g").await.unwrap();
    house.is_whole().await;
}
