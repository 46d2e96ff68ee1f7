use liuyan_kit::{id, testing};
use liuyan_proto::liuyan::{common::v1::Outcome, routing::v1 as routing};

use crate::helpers::{House, a_message, a_reply, an_acceptance, reason, view};

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
