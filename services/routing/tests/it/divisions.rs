//! Those who act for whole divisions.

use liuyan_proto::liuyan::routing::v1 as routing;

use crate::helpers::{House, a_message, an_acceptance, reason, view};

#[tokio::test]
async fn who_works_for_a_division_works_on_what_lies_in_it_and_below() {
    let house = House::open().await;
    let message = a_message().private();
    let case_id = view(&house.a_case(&message).await).case_id.clone();
    let work = ["case:work"];
    for division in ["130104", "110000"] {
        let beside = house.official(&work, &[division], &[]);
        assert_eq!(reason(house.get(&beside, message.message_id).await), "CASE_NOT_FOUND");
        let accept = house.cases(&beside).accept_case(an_acceptance(&case_id)).await;
        assert_eq!(reason(accept), "CASE_NOT_FOUND");
    }
    for division in ["130102", "130100", "130000"] {
        let token = house.official(&work, &[division], &[]);
        assert!(house.get(&token, message.message_id).await.is_ok(), "{division}");
    }
    let reader = house.official(&["case:read"], &["130100"], &[]);
    assert!(house.get(&reader, message.message_id).await.is_ok());
    let city = house.official(&work, &["130100"], &[]);
    house.reply(&city, &case_id, "done").await.unwrap();
}

#[tokio::test]
async fn the_division_of_the_accused_and_all_below_never_see_the_case() {
    let house = House::open().await;
    let message = a_message().to("130102-g").accusing(&["130100-g"]);
    let case = house.a_case(&message).await;
    let case_id = view(&case).case_id.clone();
    assert_eq!(view(&case).office_id, "130000-g");
    let everything = ["case:work", "case:read", "case:any", "message:import"];
    for division in ["130100", "130102", "130123"] {
        for (divisions, offices) in [
            (vec![division], vec![]),
            (vec![division, "130000"], vec![]),
            (vec![division], vec!["130000-g"]),
        ] {
            let token = house.official(&everything, &divisions, &offices);
            let mut cases = house.cases(&token);
            assert_eq!(reason(house.get(&token, message.message_id).await), "CASE_NOT_FOUND");
            for own in [false, true] {
                let all = routing::ListCasesRequest { own, ..Default::default() };
                assert_eq!(cases.list_cases(all).await.unwrap().into_inner().cases, []);
            }
            let accept = an_acceptance(&case_id);
            assert_eq!(reason(cases.accept_case(accept).await), "CASE_NOT_FOUND");
            let transfer = house.transfer(&token, &case_id, "130200-g").await;
            assert_eq!(reason(transfer), "CASE_NOT_FOUND");
        }
    }
    let province = house.official(&["case:work"], &["130000"], &[]);
    assert_eq!(house.get(&province, message.message_id).await.unwrap(), case);
    let own = routing::ListCasesRequest { own: true, ..Default::default() };
    assert_eq!(house.cases(&province).list_cases(own).await.unwrap().into_inner().cases, [case]);
}
